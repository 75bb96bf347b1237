import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DomainError, Invalid } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { RateLimits } from '../../common/limits/rate-limits.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { suspended } from '../../identity/access-tokens.js';
import { lockUser } from '../../identity/accounts.js';
import { unknownLink } from '../../identity/link-tokens.js';
import { Sessions } from '../../identity/sessions.js';
import { User } from '../../identity/user.entity.js';
import { confirmEmail, emailChanged, emailIsTaken, emailLeft } from '../../mail/mails.js';
import { Outbox } from '../../mail/outbox.js';
import { Admission } from '../admission.js';
import type { ChangeEmail } from './email-change.dto.js';
import { addressNotFree, EmailLinks } from './email-links.js';
import { Links } from '../links.js';
import { OwnPassword, wrongPassword } from '../own-password.js';
import { PasswordRestoreService } from '../password-restore.service.js';
import { endWaitingLinks } from '../waiting-links.js';

/** Gives an account the address that its owner asks for, once a link that was sent there is used. */
@Injectable()
export class EmailChangeService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly ownPassword: OwnPassword,
    private readonly admission: Admission,
    private readonly emailLinks: EmailLinks,
    private readonly replaced: PasswordRestoreService,
    private readonly sessions: Sessions,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly security: SecurityLog,
    private readonly links: Links,
  ) {}

  /**
   * Sends a link to the new address, or, where it is not free, a mail that says so. The caller cannot tell which.
   * @throws Invalid for the address that the account has; `wrong_password`; `password_too_new` where it was set without the one before it;
   *   `domain_not_allowed`; RateLimited, Busy
   */
  async ask(me: Identity, { email, password }: ChangeEmail, network: string): Promise<void> {
    const checked = await this.ownPassword.check(me, password, network);
    this.limits.stranger(network);
    this.admission.assertMayMoveTo(email);
    this.limits.newEmail(me.userId);
    const logged = { user_id: me.userId, session_id: me.sessionId, network };
    const mayMail = this.limits.mayMail('email', email);
    const asking = async (tx: EntityManager): Promise<void> => {
      const user = await lockUser(tx, me.userId);
      if (user?.password_hash !== checked) throw wrongPassword();
      if (user.email === email)
        throw new Invalid('This is the address that you have already.', { email: ['is your address already'] });
      await this.replaced.assertSettled(tx, me.userId);
      if (!mayMail) return;
      const isFree = await this.emailLinks.isFree(tx, email, me.userId);
      // A row and a mail in both cases: they do the same work and take as long.
      const token = await this.emailLinks.add(tx, { userId: isFree ? me.userId : null, email, isReturn: false });
      const link = this.links.newEmail(token);
      await this.outbox.add(tx, email, isFree ? confirmEmail(this.links, { link }) : emailIsTaken(this.links));
    };
    await this.sessions
      // Once more is no harm: the second mail says the same.
      .write(me, asking, { isDone: () => Promise.resolve(false) })
      .catch((error: unknown) => {
        if (error instanceof DomainError && error.code === 'password_too_new')
          this.security.log('email_change_refused', logged);
        throw error;
      });
    this.security.log('email_change_requested', logged);
  }

  /**
   * The link can be used now. Changes nothing: mail scanners open links, too. @returns the new address
   * @throws RateLimited, NotFound; `expired` (410)
   */
  async assertUsable(token: string, network: string): Promise<string> {
    this.limits.stranger(network);
    return (await this.emailLinks.find(this.unitOfWork.read, token, false)).email;
  }

  /**
   * Gives the account its new address, ends its other links, and tells the address that it leaves, with a way back unless it is on one
   * itself (`EmailLinks.addWayBack`). @returns the new address
   * @throws RateLimited, Busy; NotFound, also for a link that was used; `expired` (410); `already_registered` (409) where the address is free no
   *   more; `suspended`; `password_too_new`; `domain_not_allowed`
   */
  async confirm(token: string, network: string): Promise<string> {
    this.limits.stranger(network);
    // Links that are not ours are mostly guesses: they do not wait in the queue of writes.
    const { userId, email } = await this.emailLinks.find(this.unitOfWork.read, token, false);
    const changing = async (tx: EntityManager): Promise<void> => {
      // The account is locked first: of two links, the second sees what the first did.
      const user = await lockUser(tx, userId);
      await this.emailLinks.find(tx, token, false);
      // A node of an earlier release erases, and knows nothing of these links.
      if (!user || user.erased_at !== null) throw unknownLink();
      if (user.suspended_at !== null) throw suspended();
      await this.replaced.assertSettled(tx, userId);
      this.admission.assertMayMoveTo(email);
      if (!(await this.emailLinks.isFree(tx, email, userId))) throw addressNotFree();
      await endWaitingLinks(tx, userId);
      const back = await this.emailLinks.addWayBack(tx, userId, { from: user.email, to: email });
      // Of two accounts at once, the unique key lets one through; the other one tries again, and finds that the address is not free.
      await tx.update(User, { id: userId }, { email });
      const notice =
        back === undefined ? emailLeft(this.links) : emailChanged(this.links, { link: this.links.formerEmail(back) });
      await this.outbox.add(tx, user.email, notice);
    };
    await this.unitOfWork.run(changing, { isDone: async (tx) => (await lockUser(tx, userId))?.email === email });
    this.security.log('email_changed', { user_id: userId, network });
    return email;
  }
}
