import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { AccountErasureService } from '../auth/account-erasure.service.js';
import { ExportRequestService } from '../auth/export/export-request.service.js';
import { Invites } from '../auth/invites.js';
import { OwnSessionsService } from '../auth/own-sessions.service.js';
import { PasswordResetService } from '../auth/password-reset.service.js';
import { endEmailLinks } from '../auth/waiting-links.js';
import { Forbidden, Invalid } from '../common/errors.js';
import type { Page } from '../common/pages.js';
import { Clock } from '../common/timing/clock.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { UserRow } from '../identity/accounts.js';
import { AuditLog } from '../identity/audit/audit-log.js';
import { Passwords } from '../identity/passwords.js';
import { RoleCheck } from '../identity/role-check.js';
import { type Actor, type Role, roleOf } from '../identity/roles.js';
import { Session } from '../identity/session.entity.js';
import { User } from '../identity/user.entity.js';
import { Presence } from '../sockets/presence.js';
import { Acts, because, endedInvites } from './acts.js';
import type {
  AdminSessionView,
  AdminUserDetails,
  AdminUsersQuery,
  AdminUserView,
  ChangeUser,
} from './dto/admin-users.dto.js';
import { isSelf, lockAccount, noAccount, Suspension } from './suspension.js';
import { listUsers } from './user-lists.js';

/** What becomes of a user by `change`. */
interface Standing {
  role: Role;
  is_suspended: boolean;
}

const targetOf = (userId: number): string => `user ${userId}`;

/**
 * What admins do to people. It needs no request: `actor` is an admin with a session, or `'console'`. Nothing here reads chats.
 */
@Injectable()
export class AdminUsersService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly acts: Acts,
    private readonly suspension: Suspension,
    private readonly roles: RoleCheck,
    private readonly audit: AuditLog,
    private readonly erasure: AccountErasureService,
    private readonly resets: PasswordResetService,
    private readonly exports: ExportRequestService,
    private readonly invites: Invites,
    private readonly ownSessions: OwnSessionsService,
    private readonly passwords: Passwords,
    private readonly presence: Presence,
    private readonly clock: Clock,
  ) {}

  /** @throws Invalid where more than one of query, state and role is given */
  async list(query: AdminUsersQuery): Promise<Page<AdminUserView>> {
    const page = await listUsers(this.unitOfWork.read, query);
    return { ...page, rows: page.rows.map((user) => this.toView(user)) };
  }

  /** @throws NotFound */
  async get(userId: number): Promise<AdminUserDetails> {
    const { read } = this.unitOfWork;
    const user = await this.find(userId);
    const [counts] = await read.query<{ n: number | string; owned: number | string | null }[]>(
      `SELECT COUNT(*) AS n, SUM(CASE WHEN g.owner_id = m.user_id THEN 1 ELSE 0 END) AS owned
       FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id WHERE m.user_id = ?`,
      [userId],
    );
    const sessions = await read.countBy(Session, {
      userId,
      revokedAt: IsNull(),
      expiresAt: MoreThan(this.clock.now()),
    });
    return {
      ...this.toView(user),
      sessions,
      groups: Number(counts?.n ?? 0),
      groups_owned: Number(counts?.owned ?? 0),
      invites: await this.invites.liveOf(userId),
    };
  }

  /**
   * Changes a user's role, suspends or resumes them. The invitations of an admin end with their role, and with a suspension. What is so already stays, and leaves no row in the audit log.
   * @throws Invalid; NotFound; Forbidden where somebody suspends themselves; `last_admin`
   */
  async change(actor: Actor, userId: number, change: ChangeUser): Promise<AdminUserDetails> {
    if (change.role == null && change.is_suspended == null) {
      const fields = { role: ['is missing'], is_suspended: ['is missing'] };
      throw new Invalid('Send role, is_suspended, or both.', fields);
    }
    await this.acts.run(actor, 'admin', async (tx, by) => {
      const user = await lockAccount(tx, userId);
      const before: Standing = { role: roleOf(user), is_suspended: user.suspended_at !== null };
      const after: Standing = {
        role: change.role ?? before.role,
        is_suspended: change.is_suspended ?? before.is_suspended,
      };
      let invites = 0;
      if (after.is_suspended && !before.is_suspended) invites += await this.suspension.suspend(tx, actor, user, by);
      if (!after.is_suspended && before.is_suspended) await this.suspension.resume(tx, user);
      if (after.role !== before.role) invites += await this.setRole(tx, user, after.role);
      const detail = { ...changesOf(before, after), ...endedInvites(invites), ...because(change.reason) };
      const isSame = after.role === before.role && after.is_suspended === before.is_suspended;
      return {
        result: undefined,
        act: isSame ? undefined : { action: 'change_user', target: targetOf(userId), detail },
      };
    });
    return this.get(userId);
  }

  /** Erases an account, as its user could. @throws NotFound; Forbidden for oneself; `last_admin` */
  erase(actor: Actor, userId: number, reason?: string | null): Promise<void> {
    return this.erasure.eraseFor(userId, async (tx, user) => {
      await this.acts.begin(tx, actor, 'admin');
      if (isSelf(actor, userId)) throw new Forbidden('To erase your own account, use DELETE /http/users/profile.');
      if (user.role === 'admin') await this.roles.assertNotLastAdmin(tx, userId);
      const detail = { ...endedInvites(await this.invites.endOf(tx, userId)), ...because(reason) };
      await this.audit.record(tx, actor, { action: 'erase_user', target: targetOf(userId), detail });
    });
  }

  /**
   * Makes a user set a new password: the one that they have is not valid any more, their sessions and invitations end, and a mail with a link goes to them.
   * @throws NotFound; Forbidden for oneself; Busy
   */
  async resetPassword(actor: Actor, userId: number, reason?: string | null): Promise<void> {
    const nobodysHash = await this.passwords.hash(crypto.randomUUID(), 'owner');
    await this.acts.run(actor, 'admin', async (tx, { end }) => {
      if (isSelf(actor, userId)) throw new Forbidden('To set your own password, use PUT /http/users/profile.');
      const { email } = await lockAccount(tx, userId);
      await this.resets.replacePassword(tx, userId, email, nobodysHash);
      await end({ userId });
      const detail = { ...endedInvites(await this.invites.endOf(tx, userId)), ...because(reason) };
      return { result: undefined, act: { action: 'reset_password', target: targetOf(userId), detail } };
    });
  }

  /**
   * Has an export made of what is a user's own, as they could themselves. A mail with the link goes to their address: whoever acts is shown
   * nothing of it.
   * @throws NotFound; Forbidden for oneself, for who is suspended, and without a mail server; RateLimited for the second one of a day
   */
  async export(actor: Actor, userId: number, reason?: string | null): Promise<void> {
    await this.acts.run(actor, 'admin', async (tx) => {
      const user = await lockAccount(tx, userId);
      if (isSelf(actor, userId))
        throw new Forbidden('To export what is your own, use POST /http/users/profile/export.');
      if (user.suspended_at !== null)
        throw new Forbidden('They are suspended, which ends every export of theirs. Resume them first.');
      await this.exports.askFor(tx, userId);
      return { result: undefined, act: { action: 'export_user', target: targetOf(userId), detail: because(reason) } };
    });
  }

  /** A user's sessions that live, newest first. @throws NotFound */
  async sessions(userId: number, cursor?: string): Promise<Page<AdminSessionView>> {
    await this.find(userId);
    return this.ownSessions.listOf(userId, cursor);
  }

  /** Ends all sessions of a user. @throws NotFound */
  async endSessions(actor: Actor, userId: number, reason?: string | null): Promise<void> {
    await this.acts.run(actor, 'admin', async (tx, { end }) => {
      await lockAccount(tx, userId);
      const sessions = await end({ userId });
      const detail = { sessions, ...because(reason) };
      return {
        result: undefined,
        act: sessions === 0 ? undefined : { action: 'end_sessions', target: targetOf(userId), detail },
      };
    });
  }

  /** @returns how many invitations that has ended */
  private async setRole(tx: EntityManager, user: UserRow, role: Role): Promise<number> {
    if (user.role === 'admin') await this.roles.assertNotLastAdmin(tx, user.id);
    if (role !== 'person') await endEmailLinks(tx, user.id);
    await tx.update(User, { id: user.id }, { role: role === 'person' ? null : role });
    return role === 'admin' ? 0 : this.invites.endOf(tx, user.id);
  }

  private async find(id: number): Promise<User> {
    const user = await this.unitOfWork.read.findOneBy(User, { id });
    if (!user || user.erasedAt !== null) throw noAccount(user);
    return user;
  }

  private toView(user: User): AdminUserView {
    return {
      id: user.id,
      email: user.email,
      first_name: user.firstName,
      last_name: user.lastName,
      role: roleOf(user),
      is_suspended: user.suspendedAt !== null,
      suspended_at: user.suspendedAt?.toISOString() ?? null,
      created_at: user.createdAt.toISOString(),
      is_online: this.presence.isOnline(user.id),
      last_seen: user.lastSeen?.toISOString() ?? null,
    };
  }
}

/** As the audit log keeps them: each from what to what. */
const changesOf = (before: Standing, after: Standing): Record<string, unknown> =>
  Object.fromEntries(
    (Object.keys(after) as (keyof Standing)[])
      .filter((name) => before[name] !== after[name])
      .map((name) => [name, [before[name], after[name]]]),
  );
