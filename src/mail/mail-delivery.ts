import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, Logger } from '@nestjs/common';
import { growing } from '../common/timing/backoff.js';
import { Clock } from '../common/timing/clock.js';
import { logLine } from '../common/logs/log-line.js';
import { Metrics } from '../common/metrics.js';
import { Claims } from '../cluster/claims.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { renderMail } from './layout.js';
import type { Letter } from './mails.js';
import { OutboxMail } from './outbox-mail.entity.js';
import { Seal } from './seal.js';
import { cureFor, type MailError } from './smtp.js';
import { MAIL_TRANSPORT, type MailTransport } from './transport.js';

const SECOND = 1_000;
/** Pauses between attempts: the first is short, since the usual cause is a restart of the mail server. Then twice as long each time. */
const FIRST_RETRY_MS = 2 * SECOND;
export const LONGEST_RETRY_MS = 15 * 60 * SECOND;
const GIVE_UP_AFTER_MS = 48 * 3_600 * SECOND;
/** Deadline of one mail, from connecting to the server's last answer. */
export const SEND_WITHIN_MS = 60 * SECOND;
const FIRST_PAUSE_MS = SECOND;
const LONGEST_PAUSE_MS = 30 * SECOND;

/** Makes one attempt at one mail, and updates its row. */
@Injectable()
export class MailDelivery implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Mail');
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly seal: Seal,
    @Inject(MAIL_TRANSPORT) private readonly transport: MailTransport,
    private readonly metrics: Metrics,
    private readonly claims: Claims,
  ) {}

  beforeApplicationShutdown(): void {
    this.isStopping = true;
  }

  /**
   * Sends a mail that is claimed, or postpones it, or gives it up. Never throws.
   * @returns whether it still waits
   */
  async deliver(row: OutboxMail, abort: AbortController): Promise<boolean> {
    // The process was suspended, say: another node sends it.
    if (!this.claims.areHeld) return true;
    const failed = await this.send(row, abort);
    // Interrupted by the stop of the server: its row is marked as being sent, and is sent after the next start.
    if (failed && this.isStopping && abort.signal.aborted) return true;
    return this.note(row, () => (failed ? this.postpone(row, failed) : this.remove(row)));
  }

  private async send(row: OutboxMail, abort: AbortController): Promise<MailError | undefined> {
    const deadline = setTimeout(() => abort.abort(), SEND_WITHIN_MS);
    let failed: MailError | undefined;
    try {
      const { to, mail } = this.seal.decrypt(row.sealed) as Letter;
      const { id, createdAt } = row;
      // The same at each attempt, so that a mail which arrives twice can be recognized.
      const name = this.seal.blindIndex(`mail ${id} of ${createdAt.toISOString()}`).slice(0, 32);
      if (to !== null) await this.transport.send({ id, name, to, createdAt, ...renderMail(mail) }, abort.signal);
    } catch (error) {
      failed = error as MailError;
      if (abort.signal.aborted) failed.code = 'ETIMEDOUT';
    } finally {
      clearTimeout(deadline);
    }
    return failed;
  }

  /** Tries until it is stored: a mail that was sent and is still in the outbox would be sent again. */
  private async note(row: OutboxMail, store: () => Promise<boolean>): Promise<boolean> {
    for (let failures = 0; ; failures++) {
      try {
        return await store();
      } catch (error) {
        this.logger.error(
          `The result of sending mail ${row.id} could not be stored, and is tried again: ${logLine(error)}`,
        );
        if (this.isStopping) return true;
        const pause = growing(FIRST_PAUSE_MS, failures, LONGEST_PAUSE_MS);
        await sleep(pause);
      }
    }
  }

  private async remove({ id }: OutboxMail): Promise<boolean> {
    await this.unitOfWork.run((tx) => tx.delete(OutboxMail, { id }));
    this.metrics.mails.inc({ result: 'sent' });
    return false;
  }

  private async postpone(row: OutboxMail, error: MailError): Promise<boolean> {
    const now = this.clock.now().getTime();
    const isOld = now - row.createdAt.getTime() > GIVE_UP_AFTER_MS;
    const delay = growing(FIRST_RETRY_MS, row.attempts, LONGEST_RETRY_MS);
    const nextAttemptAt = isFinal(error) || isOld ? null : new Date(now + delay);
    // Not the server's answer, which repeats the recipient.
    const lastError = (error.code ?? error.name) + (error.responseCode ? ` ${error.responseCode}` : '');
    // Behind the new mails of its kind.
    const priority = row.priority === null ? null : row.priority | 1;
    const noted = { nextAttemptAt, priority, lastError: lastError.slice(0, 300), claimedBy: null };
    // Not where another node has taken it over meanwhile, and tries for the next time.
    await this.unitOfWork.run((tx) => tx.update(OutboxMail, { id: row.id, attempts: row.attempts + 1 }, noted));
    this.metrics.mails.inc({ result: nextAttemptAt ? 'postponed' : 'given_up' });
    const cure = cureFor(error);
    const why = cure ? `${lastError}: ${cure}` : lastError;
    this.logger.warn(
      nextAttemptAt
        ? `Mail ${row.id} could not be sent (${why}). It is tried again in ${Math.ceil(delay / SECOND)} s.`
        : `Mail ${row.id} could not be sent (${why}), and is given up.`,
    );
    return nextAttemptAt !== null;
  }
}

// The server refuses the mailbox for good. All other failures may be mended: a wrong password, a full disk, a sender that is not allowed.
const isFinal = ({ code, command, responseCode = 0 }: MailError): boolean =>
  code === 'EENVELOPE' && command !== 'MAIL FROM' && responseCode >= 500;
