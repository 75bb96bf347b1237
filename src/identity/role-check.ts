import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DomainError, Forbidden } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { Clock } from '../common/timing/clock.js';
import { fromMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { sessionRevoked } from './access-tokens.js';
import { lockUser } from './accounts.js';
import { type Actor, isAtLeast, type Role, type RoleNeeded, roleOf } from './roles.js';
import { Sessions } from './sessions.js';

const WHOM = { person: 'people', moderator: 'moderators and admins', admin: 'admins' };

const notTheirRole = (role: Role) => new Forbidden(`This is for ${WHOM[role]} alone.`);

const elevationRequired = () =>
  new DomainError(
    'forbidden',
    'elevation_required',
    'Send your password to POST /http/admin/elevate first: that is good for 15 minutes on this session.',
  );

interface Row {
  role: Exclude<Role, 'person'> | null;
  elevated_until: string | Date | null;
}

/** Whether somebody has the role that something takes. It is read at each request: a role that was taken away ends at once. */
@Injectable()
export class RoleCheck {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sessions: Sessions,
    private readonly clock: Clock,
  ) {}

  /** Before a request: the caller has the role, and the session is elevated. @throws Forbidden; `elevation_required` */
  async assertMay({ userId, sessionId }: Identity, needed: RoleNeeded): Promise<void> {
    const [row] = await this.unitOfWork.read.query<Row[]>(
      `SELECT u.role, s.elevated_until FROM sessions s JOIN users u ON u.id = s.user_id
       WHERE s.id = ? AND u.id = ? AND s.revoked_at IS NULL`,
      [sessionId, userId],
    );
    if (!row) throw sessionRevoked();
    if (!isAtLeast(roleOf(row), needed.role)) throw notTheirRole(needed.role);
    if (!needed.isElevated) return;
    if (row.elevated_until === null || fromMoment(row.elevated_until) <= this.clock.now()) throw elevationRequired();
  }

  /**
   * Inside the caller's transaction: the actor has the role, and will until the commit. @returns the actor's role
   * @throws Forbidden; Unauthenticated where the session has ended
   */
  async assertActs(tx: EntityManager, actor: Actor, least: Role): Promise<Role> {
    if (actor === 'console') return 'admin';
    const user = await lockUser(tx, actor.userId, 'share');
    await this.sessions.assertLive(tx, actor);
    const role = user ? roleOf(user) : 'person';
    if (!isAtLeast(role, least)) throw notTheirRole(least);
    return role;
  }

  /**
   * Inside the caller's transaction, before this user ceases to be an admin: another one is left. The caller holds the audit log
   * (`AuditLog.hold`), so that of two who go at once, the second finds the first gone.
   * @throws `last_admin`
   */
  async assertNotLastAdmin(tx: EntityManager, userId: number): Promise<void> {
    const others = await tx.query<object[]>(
      `SELECT id FROM users WHERE role = 'admin' AND suspended_at IS NULL AND erased_at IS NULL AND id <> ? LIMIT 1`,
      [userId],
    );
    if (others.length === 0)
      throw new DomainError(
        'conflict',
        'last_admin',
        'The server would be left without an admin. Name another one first.',
      );
  }
}
