import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { RateLimits } from '../../common/limits/rate-limits.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { accountOf, lockUser } from '../../identity/accounts.js';
import { unknownLink } from '../../identity/link-tokens.js';
import { Passwords } from '../../identity/passwords.js';
import { type EndSessions, Sessions } from '../../identity/sessions.js';
import { User } from '../../identity/user.entity.js';
import { emailLeft, emailReturned } from '../../mail/mails.js';
import { Outbox } from '../../mail/outbox.js';
import { addressNotFree, EmailLinks } from './email-links.js';
import { Invites } from '../invites.js';
import { Links } from '../links.js';
import { PasswordResetService } from '../password-reset.service.js';

/** The way back to a former address: for owners whose account was taken over, with its password and its address. */
@Injectable()
export class EmailReturnService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly emailLinks: EmailLinks,
    private readonly resets: PasswordResetService,
    private readonly passwords: Passwords,
    private readonly sessions: Sessions,
    private readonly invites: Invites,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly security: SecurityLog,
    private readonly links: Links,
  ) {}

  /**
   * The link can be used now. Changes nothing: mail scanners open links, too. @returns the former address
   * @throws RateLimited, NotFound; `expired` (410)
   */
  async assertUsable(token: string, network: string): Promise<string> {
    this.limits.stranger(network);
    return (await this.emailLinks.find(this.unitOfWork.read, token, true)).email;
  }

  /**
   * Makes the former address the account's again. Whoever has changed it knew the password, so that it is not valid any more either: all
   * sessions and invitations end, and the address gets a link to a new one; the address that the account leaves is told. Links that came after this one are of
   * no use any more; older ways back stay. Also for accounts that are suspended, which they stay.
   * @throws RateLimited, Busy; NotFound, also for a link that was used; `expired` (410); `already_registered` (409) where the address is
   *   another account's
   */
  async use(token: string, network: string): Promise<void> {
    this.limits.stranger(network);
    const { userId } = await this.emailLinks.find(this.unitOfWork.read, token, true);
    const nobodysHash = await this.passwords.hash(crypto.randomUUID(), 'owner');
    const returning = async (tx: EntityManager, end: EndSessions): Promise<void> => {
      // The account is locked first: of two links, or of a link and a change, the second sees what the first did.
      const user = await lockUser(tx, userId);
      // A node of an earlier release erases, and knows nothing of these links.
      if (!user || user.erased_at !== null) throw unknownLink();
      const link = await this.emailLinks.find(tx, token, true);
      const taken = await accountOf(tx, link.email);
      if (taken !== undefined && taken !== userId) throw addressNotFree();
      await this.emailLinks.use(tx, link);
      await tx.update(User, { id: userId }, { email: link.email });
      await this.resets.replacePassword(tx, userId, link.email, nobodysHash, emailReturned);
      if (user.email !== link.email) await this.outbox.add(tx, user.email, emailLeft(this.links));
      await end({ userId });
      await this.invites.endOf(tx, userId);
    };
    await this.sessions.endAndClose('email_returned', returning, async (tx) => {
      const row = await lockUser(tx, userId);
      return row?.password_hash === nobodysHash;
    });
    this.security.log('email_returned', { user_id: userId, network });
  }
}
