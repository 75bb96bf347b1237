import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, LessThanOrEqual, MoreThan } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import { DomainError } from '../common/errors.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { passwordRestored, passwordReplaced } from '../mail/mails.js';
import { Outbox } from '../mail/outbox.js';
import { lockUser } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { linkTokenHash, linkTokenIn, newLinkToken, unknownLink } from '../identity/link-tokens.js';
import { Invites } from './invites.js';
import { Links } from './links.js';
import { ReplacedPassword } from './replaced-password.entity.js';
import { type EndSessions, Sessions } from '../identity/sessions.js';
import { User } from '../identity/user.entity.js';
import { endWaitingLinks } from './waiting-links.js';

/** How long a password can be taken back that was set with a token alone, and how long the account cannot be erased, nor its address changed, meanwhile. */
export const RESTORE_WITHIN_MS = 72 * 3_600_000;

/** Takes a password back that was set with a token alone: a stolen token must not be worth an account. */
@Injectable()
export class PasswordRestoreService implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly invites: Invites,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly erasure: Erasure,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
    private readonly links: Links,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase((tx, { id }) => this.forget(tx, id));
  }

  /**
   * Inside the transaction that replaces `user.passwordHash`, with their row locked: keeps it, and sends a link to it.
   * @param mayMail whether one more of these mails may go; one that says the same may be on its way already
   */
  async keep(tx: EntityManager, user: User, mayMail: boolean): Promise<void> {
    const now = this.clock.now();
    const oldest = await this.oldest(tx, user.id, now);
    // The password is replaced again and again: the link that was sent first restores the same.
    if (oldest && !mayMail) return;
    const token = newLinkToken();
    await tx.insert(ReplacedPassword, {
      tokenHash: linkTokenHash(token),
      userId: user.id,
      // The oldest, and not the one that is replaced now: that one may be known to a thief who has set it.
      passwordHash: oldest?.passwordHash ?? user.passwordHash,
      expiresAt: new Date(now.getTime() + RESTORE_WITHIN_MS),
    });
    const link = this.links.formerPassword(token);
    await this.outbox.add(tx, user.email, passwordReplaced(this.links, { firstName: user.firstName, link }));
  }

  /** Inside a transaction that has locked the user's row. @throws `password_too_new` (403) while a password can be taken back */
  async assertSettled(tx: EntityManager, userId: number): Promise<void> {
    const now = this.clock.now();
    const [newest] = await tx.find(ReplacedPassword, {
      where: { userId, expiresAt: MoreThan(now) },
      order: { expiresAt: 'DESC' },
      take: 1,
    });
    if (!newest) return;
    const retryAfter = Math.ceil((newest.expiresAt.getTime() - now.getTime()) / 1_000);
    throw new DomainError(
      'forbidden',
      'password_too_new',
      'The password was set a short time ago without the one before it, and its owner can still take it back. Set one with a link from a mail, or wait.',
      { retry_after: retryAfter },
    );
  }

  /** From now on no password can be taken back: the one who reads the account's mail has set another. */
  async forget(tx: EntityManager, userId: number): Promise<void> {
    await tx.delete(ReplacedPassword, { userId });
  }

  /**
   * The link can be used now. Changes nothing: mail scanners open links, too. @returns the account's address
   * @throws RateLimited, NotFound; `expired` (410)
   */
  async assertUsable(token: string, network: string): Promise<string> {
    this.limits.stranger(network);
    const { userId } = await this.find(this.unitOfWork.read, token);
    return (await this.unitOfWork.read.findOneByOrFail(User, { id: userId })).email;
  }

  /**
   * Makes the former password the account's again, ends all its sessions and invitations, and uses up its links.
   * @throws RateLimited; NotFound, also for a link that was used, or after a reset; `expired` (410)
   */
  async restore(token: string, network: string): Promise<void> {
    this.limits.stranger(network);
    const { userId } = await this.find(this.unitOfWork.read, token);
    const { email } = await this.unitOfWork.read.findOneByOrFail(User, { id: userId });
    const mayMail = this.limits.mayMail('notice', email);
    const restoring = async (tx: EntityManager, end: EndSessions): Promise<string> => {
      // The account is locked first: of two links, or of a link and a change, the second sees what the first did.
      await lockUser(tx, userId);
      const { passwordHash } = await this.find(tx, token);
      await tx.update(User, { id: userId }, { passwordHash });
      await this.forget(tx, userId);
      await endWaitingLinks(tx, userId);
      await end({ userId });
      await this.invites.endOf(tx, userId);
      if (mayMail) {
        const user = await tx.findOneByOrFail(User, { id: userId });
        const mail = passwordRestored(this.links, { firstName: user.firstName });
        await this.outbox.add(tx, user.email, mail);
      }
      return passwordHash;
    };
    await this.sessions.endAndClose('password_restored', restoring, async (tx, passwordHash) => {
      const row = await lockUser(tx, userId);
      return row?.password_hash === passwordHash;
    });
    this.security.log('password_restored', { user_id: userId, network });
  }

  async sweep(): Promise<void> {
    await deleteInSlices(this.unitOfWork, ReplacedPassword, { expiresAt: LessThanOrEqual(this.clock.now()) });
  }

  private async oldest(tx: EntityManager, userId: number, now: Date): Promise<ReplacedPassword | undefined> {
    const [oldest] = await tx.find(ReplacedPassword, {
      where: { userId, expiresAt: MoreThan(now) },
      order: { id: 'ASC' },
      take: 1,
    });
    return oldest;
  }

  private async find(tx: EntityManager, token: string): Promise<ReplacedPassword> {
    const replaced = await tx.findOneBy(ReplacedPassword, { tokenHash: linkTokenHash(linkTokenIn(token)) });
    if (!replaced) throw unknownLink();
    if (replaced.expiresAt <= this.clock.now())
      throw new DomainError('gone', 'expired', 'This link has expired. Ask for a link to a new password.');
    return replaced;
  }
}
