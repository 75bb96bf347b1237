import { Injectable } from '@nestjs/common';
import { type EntityManager, Not } from 'typeorm';
import { lockUser } from '../identity/accounts.js';
import { assertOwnName } from '../identity/names.js';
import { PasswordRestoreService } from './password-restore.service.js';
import { PasswordRules } from './password-rules.js';
import { Passwords } from '../identity/passwords.js';
import { type EndSessions, Sessions } from '../identity/sessions.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { nameColumns, User } from '../identity/user.entity.js';
import type { Identity } from '../common/identity.js';
import { RateLimits } from '../common/limits/rate-limits.js';
import { SecurityLog } from '../common/logs/security-log.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { passwordChanged } from '../mail/mails.js';
import { Outbox } from '../mail/outbox.js';
import type { ProfileView, UpdateProfile } from './dto/profile.dto.js';
import { Links } from './links.js';
import { OwnPassword, wrongPassword } from './own-password.js';
import { endWaitingLinks } from './waiting-links.js';

/** The part of an account that only its user may see and change. */
@Injectable()
export class ProfileService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly passwords: Passwords,
    private readonly rules: PasswordRules,
    private readonly ownPassword: OwnPassword,
    private readonly replaced: PasswordRestoreService,
    private readonly sessions: Sessions,
    private readonly outbox: Outbox,
    private readonly limits: RateLimits,
    private readonly events: DomainEvents,
    private readonly security: SecurityLog,
    private readonly links: Links,
  ) {}

  async get(me: Identity): Promise<ProfileView> {
    return toView(await this.unitOfWork.read.findOneByOrFail(User, { id: me.userId }));
  }

  /**
   * Changes the fields that are given. A new password ends all other sessions, deletes the links for a forgotten one, and sends a mail; where
   * `current_password` was not given, that mail has a link that takes the new password back.
   * @throws Invalid; `wrong_password` where `current_password` is given and is not it; `reauthentication_required`; RateLimited, Busy
   */
  async update(me: Identity, change: UpdateProfile, network: string): Promise<ProfileView> {
    const { password, current_password: current } = change;
    const checked = current == null ? undefined : await this.ownPassword.check(me, current, network);
    const isProven = checked !== undefined;
    const set = password == null ? undefined : await this.newPassword(me, change, password, { isProven, network });

    const changing = async (tx: EntityManager, end: EndSessions): Promise<User> => {
      await lockUser(tx, me.userId);
      const before = await tx.findOneByOrFail(User, { id: me.userId });
      // Hashing took a while: the session may have ended since, or the password been changed.
      await this.sessions.assertLive(tx, me);
      if (checked !== undefined && before.passwordHash !== checked) throw wrongPassword();
      const names = nameColumns(change.first_name ?? before.firstName, change.last_name ?? before.lastName);
      const isRenamed = names.firstName !== before.firstName || names.lastName !== before.lastName;
      // A name that the user has already may stay.
      if (isRenamed) assertOwnName(names.firstName, names.lastName);
      if (set && checked === undefined) await this.replaced.keep(tx, before, set.mayMail);
      const after = Object.assign(before, { ...names, passwordHash: set?.hash ?? before.passwordHash });
      await tx.update(User, { id: me.userId }, after);
      if (isRenamed) this.events.record(tx, 'userChanged', { userId: me.userId });
      if (!set) return after;
      if (checked !== undefined && set.mayMail) {
        const mail = passwordChanged(this.links, { firstName: after.firstName });
        await this.outbox.add(tx, after.email, mail);
      }
      await endWaitingLinks(tx, me.userId);
      await end({ userId: me.userId, id: Not(me.sessionId) });
      return after;
    };
    const user = await this.sessions.endAndClose('password_set', changing, async (tx, { id, ...after }) => {
      await lockUser(tx, id);
      const { firstName, lastName, passwordHash } = after;
      return tx.existsBy(User, { id, firstName, lastName, passwordHash });
    });
    if (set) {
      const { userId: user_id, sessionId: session_id } = me;
      this.security.log('password_set', { user_id, session_id, proven: isProven, network });
    }
    return toView(user);
  }

  private async newPassword(
    me: Identity,
    change: UpdateProfile,
    password: string,
    { isProven, network }: { isProven: boolean; network: string },
  ) {
    if (!isProven) await this.ownPassword.assertRecentLogin(me, network);
    const { email, firstName, lastName } = await this.unitOfWork.read.findOneByOrFail(User, { id: me.userId });
    this.rules.assertGood(password, {
      email,
      firstName: `${firstName} ${change.first_name ?? ''}`,
      lastName: `${lastName} ${change.last_name ?? ''}`,
    });
    const hash = await this.passwords.hash(password, 'owner');
    return { hash, mayMail: this.limits.mayMail(isProven ? 'notice' : 'restore', email) };
  }
}

const toView = ({ id, email, firstName, lastName, createdAt, role }: User): ProfileView => ({
  id,
  email,
  first_name: firstName,
  last_name: lastName,
  created_at: createdAt.toISOString(),
  ...(role !== null && { role }),
});
