import { Inject, Injectable } from '@nestjs/common';
import { type EntityManager, In, IsNull, LessThan } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import { Busy } from '../common/errors.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { afterCommit, UnitOfWork } from '../database/unit-of-work.js';
import { MailDispatcher } from './mail-dispatcher.js';
import { type Letter, type MailContent, type MailKind, RANKS } from './mails.js';
import { OutboxMail } from './outbox-mail.entity.js';
import { Seal } from './seal.js';
import { MAIL_TRANSPORT, type MailTransport } from './transport.js';

/** By kind, how many mails may wait before one more is refused: those that strangers can cause are refused first. */
const ROOM: Record<MailKind, number> = { registration: 10_000, password: 15_000, security: 20_000 };
/** How long a mail that was given up is kept for the operator to see. */
const FORGET_AFTER_MS = 30 * 24 * 3_600_000;
const GIVEN_UP_KEPT = 1_000;

/**
 * The durable outbox: a mail is a row, written in the transaction that causes it, and deleted once the mail server has taken it
 * (`MailDispatcher`). After a crash in between, it is sent again rather than not at all.
 */
@Injectable()
export class Outbox {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly seal: Seal,
    private readonly dispatcher: MailDispatcher,
    @Inject(MAIL_TRANSPORT) private readonly transport: MailTransport,
  ) {}

  /**
   * Puts a mail into the caller's transaction; it is sent soon after the commit. One to nobody (null) is thrown away when its turn
   * comes, so that writing to an unknown address takes as long as writing to a known one. @throws Busy where too many mails wait
   */
  async add(tx: EntityManager, to: string | null, mail: MailContent): Promise<void> {
    if (this.dispatcher.waiting >= ROOM[mail.kind]) throw new Busy();
    const now = this.clock.now();
    const letter: Letter = { to, mail };
    await tx.insert(OutboxMail, {
      sealed: this.seal.encrypt(letter),
      recipient: to === null ? null : this.seal.blindIndex(to),
      domain: to === null ? null : this.seal.blindIndex(to.slice(to.lastIndexOf('@'))),
      priority: RANKS[mail.kind] * 2,
      createdAt: now,
      attempts: 0,
      nextAttemptAt: now,
      lastError: '',
    });
    this.dispatcher.added();
    afterCommit(tx, () => this.wake());
  }

  /** Inside the caller's transaction: deletes mails that wait for this address. Call `forgetDelivered` after the commit. */
  async forget(tx: EntityManager, to: string): Promise<void> {
    await tx.delete(OutboxMail, { recipient: In(this.seal.blindIndexes(to)) });
  }

  /** Deletes mails to this address that were written to outbox/. */
  async forgetDelivered(to: string): Promise<void> {
    if (!this.transport.forget) return;
    // A mail that is being written right now is found after it.
    await this.dispatcher.settled();
    await this.transport.forget(to);
  }

  /** Sends mails that are due, soon. */
  wake(): void {
    this.dispatcher.wake();
  }

  async sweep(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - FORGET_AFTER_MS);
    await deleteInSlices(this.unitOfWork, OutboxMail, { createdAt: LessThan(before) });
    const [oldestKept] = await this.unitOfWork.read.find(OutboxMail, {
      where: { nextAttemptAt: IsNull() },
      order: { id: 'DESC' },
      skip: GIVEN_UP_KEPT - 1,
      take: 1,
    });
    if (!oldestKept) return;
    await deleteInSlices(this.unitOfWork, OutboxMail, { nextAttemptAt: IsNull(), id: LessThan(oldestKept.id) });
  }
}
