import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { endExports } from '../auth/export/end-exports.js';
import { Invites } from '../auth/invites.js';
import { BotChats } from '../bot/bot-chats.js';
import { Forbidden, NotFound } from '../common/errors.js';
import { Clock } from '../common/timing/clock.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { lockUser, type UserRow } from '../identity/accounts.js';
import { RoleCheck } from '../identity/role-check.js';
import { type Actor, isAtLeast, type Role, roleOf } from '../identity/roles.js';
import type { EndSessions } from '../identity/sessions.js';
import { User } from '../identity/user.entity.js';

/** Nobody has this id, or not any more. */
export const noAccount = (user: object | null | undefined): NotFound =>
  new NotFound('user', user ? ' The account was erased.' : '');

/** Locks the row of a user who has an account. @throws NotFound */
export async function lockAccount(tx: EntityManager, userId: number): Promise<UserRow> {
  const user = await lockUser(tx, userId);
  if (!user || user.erased_at !== null) throw noAccount(user);
  return user;
}

export const isSelf = (actor: Actor, userId: number): boolean => actor !== 'console' && actor.userId === userId;

/** Shuts users out, and lets them in again: steps of acts. */
@Injectable()
export class Suspension {
  constructor(
    private readonly roles: RoleCheck,
    private readonly chats: BotChats,
    private readonly invites: Invites,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {}

  /**
   * From the commit on, the user's sessions have ended, nothing of theirs is stored, no question of theirs is answered, nobody gets an export of
   * theirs, and no invitation of theirs is good.
   * @returns how many invitations that has ended
   * @throws Forbidden for oneself, and for a moderator who would suspend anybody with a role; `last_admin`
   */
  async suspend(
    tx: EntityManager,
    actor: Actor,
    user: UserRow,
    { end, role }: { end: EndSessions; role: Role },
  ): Promise<number> {
    if (isSelf(actor, user.id)) throw new Forbidden('Nobody suspends themselves. Another admin can.');
    if (!isAtLeast(role, 'admin') && roleOf(user) !== 'person')
      throw new Forbidden('Only admins can suspend a moderator or an admin.');
    if (user.role === 'admin') await this.roles.assertNotLastAdmin(tx, user.id);
    await tx.update(User, { id: user.id }, { suspendedAt: this.clock.now() });
    await end({ userId: user.id }, 'suspension');
    // After the sessions: a question that was being stored is there by now.
    await this.chats.giveUpAll(tx, user.id);
    await endExports(tx, user.id);
    this.events.record(tx, 'userSuspended', { userId: user.id });
    return this.invites.endOf(tx, user.id);
  }

  async resume(tx: EntityManager, { id }: UserRow): Promise<void> {
    await tx.update(User, { id }, { suspendedAt: null });
  }
}
