import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { type EntityManager, IsNull, LessThan, LessThanOrEqual, Not } from 'typeorm';
import { Clock } from '../common/clock.js';
import { logLine } from '../common/log-line.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { renderMail } from './layout.js';
import type { MailContent } from './mails.js';
import { OutboxMail } from './outbox-mail.entity.js';
import { Seal } from './seal.js';
import { MAIL_TRANSPORT, type MailTransport } from './transport.js';

interface Letter {
  /** Null: to nobody. */
  to: string | null;
  mail: MailContent;
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** The first repeat comes soon: a restarting mail server is the usual cause. Then twice as long each time. */
const FIRST_RETRY_MS = 2 * SECOND;
const LONGEST_RETRY_MS = 15 * 60 * SECOND;
const GIVE_UP_AFTER_MS = 48 * HOUR;
/** A mail that nobody took stays for the operator to see. */
const FORGET_AFTER_MS = 30 * 24 * HOUR;
/** Another node that died while sending is believed to be done after this. */
const CLAIM_MS = 2 * 60 * SECOND;
const BATCH = 20;
/** Stands in `last_error` while a mail is on its way. */
const SENDING = 'sending';

/**
 * The durable outbox: a mail is a row, written in the transaction of what it tells about, and leaves when the mail server takes
 * it. A crash in between sends it again rather than not at all.
 */
@Injectable()
export class Outbox implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Mail');
  private timer?: NodeJS.Timeout;
  private plannedAt = Infinity;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly seal: Seal,
    @Inject(MAIL_TRANSPORT) private readonly transport: MailTransport,
  ) {}

  /**
   * Puts a mail into the caller's transaction. Call `wake` after the commit. One to nobody (null) is thrown away when its turn
   * comes: it is there so that writing to nobody takes as long as writing to somebody.
   */
  async add(tx: EntityManager, to: string | null, mail: MailContent): Promise<void> {
    const now = this.clock.now();
    const letter: Letter = { to, mail };
    await tx.insert(OutboxMail, {
      sealed: this.seal.close(letter),
      recipient: to === null ? null : this.seal.mark(to),
      createdAt: now,
      attempts: 0,
      nextAttemptAt: now,
      lastError: '',
    });
  }

  /** Inside the caller's transaction: nothing that waits for this address leaves. Call `forgetDelivered` after the commit. */
  async forget(tx: EntityManager, to: string): Promise<void> {
    await tx.delete(OutboxMail, { recipient: this.seal.mark(to) });
  }

  /** Mails that went no further than this machine's disk are deleted there, too. */
  async forgetDelivered(to: string): Promise<void> {
    if (!this.transport.forget) return;
    // What is being written right now is found after it.
    await this.running;
    await this.transport.forget(to);
  }

  /** Sends what is due, soon. */
  wake(): void {
    this.schedule(0);
  }

  async onApplicationBootstrap(): Promise<void> {
    // One process has this database: what it says is being sent was being sent by one that is gone.
    await this.unitOfWork.run((tx) =>
      tx.update(OutboxMail, { lastError: SENDING }, { nextAttemptAt: this.clock.now(), lastError: '' }),
    );
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  async sweep(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - FORGET_AFTER_MS);
    await deleteInSlices(this.unitOfWork, OutboxMail, { createdAt: LessThan(before) });
  }

  /** Looks into the outbox after `delayMs`, or earlier where that was planned already. */
  private schedule(delayMs: number): void {
    const at = Date.now() + delayMs;
    if (this.stopped || at >= this.plannedAt) return;
    this.plannedAt = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.plannedAt = Infinity;
      this.running = this.running
        .then(() => this.sendDue())
        .catch((error: unknown) => {
          this.logger.error(`The outbox cannot be read: ${logLine(error)}`);
          return LONGEST_RETRY_MS / 60;
        })
        .then((nextMs) => this.schedule(nextMs));
    }, delayMs).unref();
  }

  /** Returns the milliseconds until there is more to do. */
  private async sendDue(): Promise<number> {
    for (;;) {
      const now = this.clock.now();
      const due = await this.unitOfWork.read.find(OutboxMail, {
        where: { nextAttemptAt: LessThanOrEqual(now) },
        order: { nextAttemptAt: 'ASC', id: 'ASC' },
        take: BATCH,
      });
      for (const row of due) {
        if (this.stopped) return LONGEST_RETRY_MS;
        if (await this.claim(row)) await this.send(row);
      }
      if (due.length < BATCH) break;
    }
    const [next] = await this.unitOfWork.read.find(OutboxMail, {
      where: { nextAttemptAt: Not(IsNull()) },
      order: { nextAttemptAt: 'ASC' },
      take: 1,
    });
    const inMs = next?.nextAttemptAt ? next.nextAttemptAt.getTime() - this.clock.now().getTime() : LONGEST_RETRY_MS;
    return Math.min(Math.max(inMs, 100), LONGEST_RETRY_MS);
  }

  /** Two nodes may see the same row: the one whose update hits it sends it. */
  private async claim(row: OutboxMail): Promise<boolean> {
    const until = new Date(this.clock.now().getTime() + CLAIM_MS);
    const { affected } = await this.unitOfWork.run((tx) =>
      tx.update(
        OutboxMail,
        { id: row.id, attempts: row.attempts, nextAttemptAt: row.nextAttemptAt! },
        { attempts: row.attempts + 1, nextAttemptAt: until, lastError: SENDING },
      ),
    );
    return affected === 1;
  }

  private async send(row: OutboxMail): Promise<void> {
    try {
      const { to, mail } = this.seal.open(row.sealed) as Letter;
      const rendered = renderMail(mail);
      if (to !== null) await this.transport.send({ id: row.id, to, createdAt: row.createdAt, ...rendered });
    } catch (error) {
      await this.postpone(row, error as Error & { responseCode?: number; code?: string });
      return;
    }
    await this.unitOfWork.run((tx) => tx.delete(OutboxMail, { id: row.id }));
  }

  private async postpone(row: OutboxMail, error: Error & { responseCode?: number; code?: string }): Promise<void> {
    const now = this.clock.now().getTime();
    // The server knows the mailbox and says no for good. Everything else may be mended: a wrong password, a full disk.
    const isFinal = error.code === 'EENVELOPE' && (error.responseCode ?? 0) >= 500;
    const isOld = now - row.createdAt.getTime() > GIVE_UP_AFTER_MS;
    const delay = Math.min(FIRST_RETRY_MS * 2 ** row.attempts, LONGEST_RETRY_MS) * (0.75 + Math.random() / 2);
    const nextAttemptAt = isFinal || isOld ? null : new Date(now + delay);
    // Servers repeat the recipient in their answer; logs do not.
    const lastError = (error.code ?? error.name) + (error.responseCode ? ` ${error.responseCode}` : '');
    await this.unitOfWork.run((tx) =>
      tx.update(OutboxMail, { id: row.id }, { nextAttemptAt, lastError: lastError.slice(0, 300) }),
    );
    this.logger.warn(
      nextAttemptAt
        ? `Mail ${row.id} was not taken (${lastError}): trying again in ${Math.ceil(delay / SECOND)} s.`
        : `Mail ${row.id} was given up (${lastError}).`,
    );
  }
}
