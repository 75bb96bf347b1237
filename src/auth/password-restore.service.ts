import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, LessThanOrEqual, MoreThan } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import { DomainError } from '../common/errors.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { CONFIG, type Config } from '../config/config.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { passwordRestored, passwordReplaced } from '../mail/mails.js';
import { Outbox } from '../mail/outbox.js';
import { lockUser } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { linkTokenHash, linkTokenIn, newLinkToken } from '../identity/link-tokens.js';
import { PasswordReset } from './password-reset.entity.js';
import { ReplacedPassword } from './replaced-password.entity.js';
import { Sessions } from '../identity/sessions.js';
import { User } from '../identity/user.entity.js';

/** How long an account cannot be erased after somebody with a token alone has set its password, and how long that can be taken back. */
export const RESTORE_WITHIN_MS = 72 * 3_600_000;

const unknownLink = () =>
  new DomainError(
    'not_found',
    'not_found',
    'This link was used already, or is no longer needed, or was never one of ours.',
  );

/** Takes a password back that was set by whoever had a session, and perhaps nothing else: a stolen token must not be worth an account. */
@Injectable()
export class PasswordRestoreService implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly erasure: Erasure,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase((tx, { id }) => this.forget(tx, id));
  }

  /**
   * Inside the transaction that replaces `user.passwordHash`, with their row locked: keeps it, and sends a link to it. Wake the outbox
   * after the commit.
   * @param mayMail whether one more of these mails may go; one that says the same may be on its way already
   */
  async keep(tx: EntityManager, user: User, mayMail: boolean): Promise<void> {
    const now = this.clock.now();
    const oldest = await this.oldest(tx, user.id, now);
    // Whoever replaces it again and again: the link that was sent first leads to the same.
    if (oldest && !mayMail) return;
    const token = newLinkToken();
    await tx.insert(ReplacedPassword, {
      tokenHash: linkTokenHash(token),
      userId: user.id,
      // Not the one that is replaced now: who has replaced the one before knows it.
      passwordHash: oldest?.passwordHash ?? user.passwordHash,
      expiresAt: new Date(now.getTime() + RESTORE_WITHIN_MS),
    });
    const { publicUrl: appUrl } = this.config;
    const link = `${appUrl}/http/password/restore/${token}`;
    await this.outbox.add(tx, user.email, passwordReplaced({ firstName: user.firstName, link, appUrl }));
  }

  /** Inside a transaction that has locked the person's row. @throws `password_too_new` (403) while a password can be taken back */
  async assertErasable(tx: EntityManager, userId: number): Promise<void> {
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

  /** Passwords that were replaced can no longer be taken back: whoever reads the mail of the account has set another one. */
  async forget(tx: EntityManager, userId: number): Promise<void> {
    await tx.delete(ReplacedPassword, { userId });
  }

  /** The link can be used now. Changes nothing: mail scanners open links, too. @throws RateLimited, NotFound; `expired` (410) */
  async assertUsable(token: string, network: string): Promise<void> {
    this.limits.stranger(network);
    await this.find(this.unitOfWork.read, token);
  }

  /**
   * Makes the former password the account's again, ends all its sessions, and uses up its links.
   * @throws RateLimited; NotFound, also for a link that was used, or after a reset; `expired` (410)
   */
  async restore(token: string, network: string): Promise<void> {
    this.limits.stranger(network);
    const { userId } = await this.find(this.unitOfWork.read, token);
    const { email } = await this.unitOfWork.read.findOneByOrFail(User, { id: userId });
    const mayMail = this.limits.mayMail('notice', email);
    await this.sessions.endAndClose('password_restored', async (tx, end) => {
      // The account first: of two links, or a link and a change, one is first, and the other sees what it did.
      await lockUser(tx, userId);
      const { passwordHash } = await this.find(tx, token);
      await tx.update(User, { id: userId }, { passwordHash });
      await this.forget(tx, userId);
      await tx.delete(PasswordReset, { userId });
      await end({ userId });
      if (!mayMail) return;
      const user = await tx.findOneByOrFail(User, { id: userId });
      const mail = passwordRestored({ firstName: user.firstName, appUrl: this.config.publicUrl });
      await this.outbox.add(tx, user.email, mail);
    });
    this.security.tell('password_restored', { user_id: userId, network });
    if (mayMail) this.outbox.wake();
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
