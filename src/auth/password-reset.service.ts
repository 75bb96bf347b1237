import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import { DomainError } from '../common/errors.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { deleteInSlices } from '../database/delete-in-slices.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import {
  becomeAdmin,
  type MailContent,
  passwordReplacedByOperator,
  passwordWasReset,
  type Places,
  resetPassword,
} from '../mail/mails.js';
import { Outbox } from '../mail/outbox.js';
import { accountOf, lockUser } from '../identity/accounts.js';
import { AdminsByEmail } from './admins-by-email.js';
import type { ResetPasswordRequest } from './dto/recovery.dto.js';
import { Erasure } from '../identity/erasure.js';
import { linkTokenHash, linkTokenIn, newLinkToken } from '../identity/link-tokens.js';
import { Links } from './links.js';
import { PasswordReset } from './password-reset.entity.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { PasswordRules } from './password-rules.js';
import { Passwords } from '../identity/passwords.js';
import { type EndSessions, Sessions } from '../identity/sessions.js';
import { User } from '../identity/user.entity.js';
import { endWaitingLinks } from './waiting-links.js';

const HOUR = 3_600_000;
const LINK_LIVES_MS = HOUR;
/** Its row stays for longer, so that an old link says "expired". */
const FORGET_AFTER_MS = 7 * 24 * HOUR;

type MailWithLink = (places: Places, given: { link: string }) => MailContent;

const unknownLink = () =>
  new DomainError('not_found', 'not_found', 'This link was used already, or was never one of ours. Ask for a new one.');

/** For users who have forgotten their password: sends a link by mail, and sets a new password for the one who opens it. */
@Injectable()
export class PasswordResetService implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly rules: PasswordRules,
    private readonly replaced: PasswordRestoreService,
    private readonly sessions: Sessions,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly erasure: Erasure,
    private readonly clock: Clock,
    private readonly security: SecurityLog,
    private readonly links: Links,
    private readonly adminsByEmail: AdminsByEmail,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id }) => void (await tx.delete(PasswordReset, { userId: id })));
  }

  /** Sends a link to an address that has an account. The caller cannot tell whether it has. @throws RateLimited for the network */
  async forgot(email: string, network: string): Promise<void> {
    this.limits.stranger(network);
    this.security.log('reset_requested', { network });
    if (!this.limits.mayMail('forgot', email)) return;
    const token = newLinkToken();
    const expiresAt = new Date(this.clock.now().getTime() + LINK_LIVES_MS);
    const link = this.links.newPassword(token);
    await this.unitOfWork.run(async (tx) => {
      const userId = await accountOf(tx, email);
      // Also without an account, to no recipient: both cases do the same work and take as long.
      await tx.insert(PasswordReset, { tokenHash: linkTokenHash(token), userId: userId ?? null, expiresAt });
      const mail = resetPassword(this.links, { link });
      await this.outbox.add(tx, userId === undefined ? null : email, mail);
    });
  }

  /**
   * For an account that must not be used as it is any more, inside the caller's transaction, which holds the user's row: replaces the password,
   * and sends the mail with a link to a new one. Links and passwords from before are of no use any more. The caller ends the sessions.
   * @param passwordHash of what nobody knows
   * @param mailOf says why @throws Busy where too many mails wait
   */
  async replacePassword(
    tx: EntityManager,
    userId: number,
    email: string,
    passwordHash: string,
    mailOf: MailWithLink = passwordReplacedByOperator,
  ): Promise<void> {
    await endWaitingLinks(tx, userId);
    await this.replaced.forget(tx, userId);
    await tx.update(User, { id: userId }, { passwordHash });
    await this.sendLink(tx, userId, email, mailOf);
  }

  /** Inside the caller's transaction: sends a link to a new password, by which an address of ADMIN_EMAILS becomes an admin. */
  async inviteAdmin(tx: EntityManager, userId: number, email: string): Promise<void> {
    await this.sendLink(tx, userId, email, becomeAdmin);
  }

  private async sendLink(tx: EntityManager, userId: number, email: string, mailOf: MailWithLink): Promise<void> {
    const token = newLinkToken();
    const expiresAt = new Date(this.clock.now().getTime() + LINK_LIVES_MS);
    await tx.insert(PasswordReset, { tokenHash: linkTokenHash(token), userId, expiresAt });
    await this.outbox.add(tx, email, mailOf(this.links, { link: this.links.newPassword(token) }));
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
   * Sets a new password, ends all sessions of the account, and uses up all of its links.
   * @throws Invalid, after which the link is as good as before; RateLimited, Busy; NotFound, also for a link that was used; `expired` (410)
   */
  async reset({ token, password }: ResetPasswordRequest, network: string): Promise<void> {
    this.limits.stranger(network);
    // Links that are not ours are mostly guesses: they cost no hash, and do not wait in the queue of writes.
    const account = await this.find(this.unitOfWork.read, token);
    const person = await this.unitOfWork.read.findOneByOrFail(User, { id: account.userId });
    this.rules.assertGood(password, person);
    const { email } = person;
    const passwordHash = await this.passwords.hash(password, 'owner');
    const mayMail = this.limits.mayMail('notice', email);
    const resetting = async (tx: EntityManager, end: EndSessions): Promise<void> => {
      // The account is locked first, so that two links of one account are used one after the other; then its links are read as they are by now.
      await lockUser(tx, account.userId);
      const { userId } = await this.find(tx, token);
      await endWaitingLinks(tx, userId);
      await this.replaced.forget(tx, userId);
      await tx.update(User, { id: userId }, { passwordHash });
      if (mayMail) {
        const user = await tx.findOneByOrFail(User, { id: userId });
        const mail = passwordWasReset(this.links, { firstName: user.firstName });
        await this.outbox.add(tx, user.email, mail);
      }
      await end({ userId });
      if (this.adminsByEmail.has(email)) await this.adminsByEmail.name(tx, userId);
    };
    await this.sessions.endAndClose('password_reset', resetting, async (tx) => {
      const row = await lockUser(tx, account.userId);
      return row?.password_hash === passwordHash;
    });
    this.limits.forgetAttempts(email, network);
    this.security.log('password_reset', { user_id: account.userId, network });
  }

  async sweep(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - FORGET_AFTER_MS);
    await deleteInSlices(this.unitOfWork, PasswordReset, { expiresAt: LessThan(before) });
  }

  private async find(tx: EntityManager, token: string): Promise<{ userId: number }> {
    const reset = await tx.findOneBy(PasswordReset, { tokenHash: linkTokenHash(linkTokenIn(token)) });
    if (!reset || reset.userId === null) throw unknownLink();
    if (reset.expiresAt <= this.clock.now())
      throw new DomainError('gone', 'expired', 'This link has expired. Ask for a new one.');
    return { userId: reset.userId };
  }
}
