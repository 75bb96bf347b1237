import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Equal, In, IsNull, LessThan, LessThanOrEqual, MoreThan, Not, Or } from 'typeorm';
import { growing } from '../common/timing/backoff.js';
import { Metrics } from '../common/metrics.js';
import { Clock } from '../common/timing/clock.js';
import { logLine } from '../common/logs/log-line.js';
import { Stopping } from '../common/stopping.js';
import { Claims } from '../cluster/claims.js';
import { placeholders, toMoment } from '../database/dialect.js';
import { CLAIMED_BY_NOBODY } from '../database/lease-rows.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { MailDelivery, LONGEST_RETRY_MS, SEND_WITHIN_MS } from './mail-delivery.js';
import { RANKS } from './mails.js';
import { OutboxMail } from './outbox-mail.entity.js';
import { MAIL_TRANSPORT, type MailTransport } from './transport.js';

const SECOND = 1_000;
/** How long a stop waits for mails that are being sent. After that they are interrupted, and sent after the next start. */
const STOP_WITHIN_MS = 5 * SECOND;
/** When a mail is due again that was claimed, where it is not known what became of that: the answer to the COMMIT was lost, say. */
const CLAIM_MS = 2 * SEND_WITHIN_MS;
/** Mails that are due for longer than this are sent by any node: the one that wrote them may be no more. */
const OVERDUE_MS = 5 * SECOND;
/** Mails that are taken over at a time from nodes that ended. */
const ORPHANS_AT_ONCE = 100;
/** The value of `last_error` while a mail is being sent. */
const SENDING = 'sending';
/** Pauses after an error of the database: twice as long each time. */
const FIRST_PAUSE_MS = SECOND;
const LONGEST_PAUSE_MS = 30 * SECOND;

/*
 * How many of the five mails that are sent at once may be of one kind, so that mails that stall never hold all five places. Most users may
 * have their mailboxes at one domain, and a warning or a new password must not wait for registrations by strangers.
 */
const OF_ONE_DOMAIN = 3;
const RETRIES = 2;
const REGISTRATIONS = 4;
const FIRST_OF_REGISTRATIONS = RANKS.registration * 2;

interface Sending {
  row: OutboxMail;
  abort: AbortController;
  /** Resolves when the attempt is over. Never rejects. */
  done: Promise<void>;
}

/**
 * Sends the mails of the outbox, several at once: warnings and passwords before registrations, and new mails before those that could not be
 * sent at first.
 */
@Injectable()
export class MailDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Mail');
  // Local to a process: each node has its own.
  private readonly underWay = new Map<number, Sending>();
  private isStopped = false;
  private timer?: NodeJS.Timeout;
  private plannedAt = Infinity;
  private looking: Promise<void> = Promise.resolve();
  private failures = 0;
  /** Counted anew whenever no more mails can be started: other nodes add to it, too, and transactions are rolled back. */
  private waits = 0;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly delivery: MailDelivery,
    @Inject(MAIL_TRANSPORT) private readonly transport: MailTransport,
    private readonly stopping: Stopping,
    private readonly claims: Claims,
    metrics: Metrics,
  ) {
    metrics.gauge('parley_mail_outbox_messages', 'About how many mails wait.', () => this.waits);
  }

  /** About how many mails wait. */
  get waiting(): number {
    return this.waits;
  }

  /** One more waits. */
  added(): void {
    this.waits++;
  }

  /** Looks for mails that are due, soon. */
  wake(): void {
    this.schedule(0);
  }

  /** Resolves when all present attempts are over. */
  async settled(): Promise<void> {
    await this.looking;
    await Promise.all([...this.underWay.values()].map(({ done }) => done));
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.claims.claimsAny) return;
    if (this.claims.isShared) this.claims.onOrphans(() => this.takeOver());
    // One process owns the database: mails that are marked as being sent were interrupted by the end of the one before.
    else
      await this.unitOfWork.run((tx) =>
        tx.update(
          OutboxMail,
          { lastError: SENDING },
          { nextAttemptAt: this.clock.now(), lastError: '', claimedBy: null },
        ),
      );
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    const breakOff = setTimeout(() => {
      for (const { abort } of this.underWay.values()) abort.abort();
    }, this.stopping.within(STOP_WITHIN_MS));
    await this.settled();
    clearTimeout(breakOff);
  }

  /** Looks into the outbox after `delayMs`, or earlier where that was planned already. */
  private schedule(delayMs: number): void {
    const at = performance.now() + delayMs;
    if (this.isStopped || !this.claims.claimsAny || at >= this.plannedAt) return;
    this.plannedAt = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.plannedAt = Infinity;
      this.looking = this.looking.then(() => this.sendDue());
    }, delayMs).unref();
  }

  private async sendDue(): Promise<void> {
    try {
      while (this.underWay.size < this.transport.atOnce) {
        // What is claimed now would count as nobody's.
        if (!this.claims.areHeld) {
          this.schedule(SECOND);
          break;
        }
        const now = this.clock.now();
        const row = await this.next(now);
        if (this.isStopped) return;
        if (!row) {
          this.schedule(await this.untilNext(now));
          break;
        }
        if (await this.claim(row)) this.start(row);
      }
      this.failures = 0;
    } catch (error) {
      this.logger.error(`Mails are not sent, since the outbox cannot be read; it is tried again: ${logLine(error)}`);
      this.schedule(growing(FIRST_PAUSE_MS, this.failures++, LONGEST_PAUSE_MS));
    }
  }

  /** The next mail, of those that may be sent beside the ones that are being sent. */
  private async next(now: Date): Promise<OutboxMail | undefined> {
    const rows = [...this.underWay.values()].map(({ row }) => row);
    const count = (those: (row: OutboxMail) => boolean): number => rows.filter(those).length;
    const full = [...new Set(rows.map(({ domain }) => domain))].filter(
      (domain) => domain !== null && count((row) => row.domain === domain) >= OF_ONE_DOMAIN,
    );
    const [row] = await this.unitOfWork.read.find(OutboxMail, {
      where: {
        nextAttemptAt: LessThanOrEqual(now),
        id: Not(In(rows.map(({ id }) => id))),
        // Whatever the clocks of other nodes say: what they have claimed is theirs while they live.
        ...(this.claims.isShared && { claimedBy: Or(IsNull(), Equal(this.claims.claimer)) }),
        ...(full.length > 0 && { domain: Or(IsNull(), Not(In(full))) }),
        ...(count(({ attempts }) => attempts > 0) >= RETRIES && { attempts: 0 }),
        ...(count(isRegistration) >= REGISTRATIONS && { priority: Or(IsNull(), LessThan(FIRST_OF_REGISTRATIONS)) }),
      },
      order: { priority: 'ASC', nextAttemptAt: 'ASC', id: 'ASC' },
      take: 1,
    });
    return row;
  }

  /** Milliseconds until the next mail is due. */
  private async untilNext(now: Date): Promise<number> {
    const { read } = this.unitOfWork;
    this.waits = await read.countBy(OutboxMail, { nextAttemptAt: Not(IsNull()) });
    const [next] = await read.find(OutboxMail, {
      where: { nextAttemptAt: MoreThan(now) },
      order: { nextAttemptAt: 'ASC' },
      take: 1,
    });
    const inMs = next?.nextAttemptAt ? next.nextAttemptAt.getTime() - now.getTime() : LONGEST_RETRY_MS;
    return Math.min(Math.max(inMs, 100), LONGEST_RETRY_MS);
  }

  /** Two nodes may see the same row: the one whose update hits it sends it. */
  private async claim(row: OutboxMail): Promise<boolean> {
    const until = new Date(this.clock.now().getTime() + CLAIM_MS);
    const { affected } = await this.unitOfWork.run((tx) =>
      tx.update(
        OutboxMail,
        { id: row.id, attempts: row.attempts, nextAttemptAt: row.nextAttemptAt! },
        { attempts: row.attempts + 1, nextAttemptAt: until, lastError: SENDING, claimedBy: this.claims.claimer },
      ),
    );
    return affected === 1;
  }

  /** Sends what nodes have left that ended: what they were sending, and what they had not begun with. */
  private async takeOver(): Promise<void> {
    const { read } = this.unitOfWork;
    const orphans = await read.query<{ id: number }[]>(
      `SELECT id FROM mail_outbox WHERE claimed_by IS NOT NULL AND ${CLAIMED_BY_NOBODY} LIMIT ${ORPHANS_AT_ONCE}`,
    );
    const now = this.clock.now();
    if (orphans.length > 0) {
      const ids = orphans.map(({ id }) => id);
      await this.unitOfWork.run((tx) =>
        tx.query(
          `UPDATE mail_outbox SET next_attempt_at = ?, last_error = '', claimed_by = NULL
           WHERE id IN (${placeholders(ids)}) AND claimed_by IS NOT NULL AND ${CLAIMED_BY_NOBODY}`,
          [toMoment(now), ...ids],
        ),
      );
    }
    const overdue = LessThan(new Date(now.getTime() - OVERDUE_MS));
    if (orphans.length > 0 || (await read.existsBy(OutboxMail, { nextAttemptAt: overdue, claimedBy: IsNull() })))
      this.wake();
  }

  private start(row: OutboxMail): void {
    const abort = new AbortController();
    const done = this.delivery.deliver(row, abort).then((stillWaits) => {
      if (!stillWaits) this.waits--;
      this.underWay.delete(row.id);
      this.wake();
    });
    this.underWay.set(row.id, { row, abort, done });
  }
}

const isRegistration = ({ priority }: OutboxMail): boolean => priority !== null && priority >= FIRST_OF_REGISTRATIONS;
