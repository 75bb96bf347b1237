import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Act, AuditLog } from '../identity/audit/audit-log.js';
import { RoleCheck } from '../identity/role-check.js';
import type { Actor, Role } from '../identity/roles.js';
import { type EndSessions, Sessions } from '../identity/sessions.js';

/** What an act ends with. Without `act` it has changed nothing, and leaves no row in the audit log. */
export interface Done<T> {
  result: T;
  act?: Act | undefined;
}

/** Inside the transaction of an act: `end` ends sessions, `role` is the actor's. */
export type ActWork<T> = (tx: EntityManager, by: { end: EndSessions; role: Role }) => Promise<Done<T>>;

/** The part of `detail` that the actor has typed. */
export const because = (reason: string | null | undefined) => (reason == null ? {} : { reason });

/** The part of `detail` that says how many invitations an act has ended. */
export const endedInvites = (invites: number) => (invites === 0 ? {} : { invites });

interface Recorded<T> {
  result: T;
  /** Of the row in the audit log. */
  id?: number | undefined;
}

/**
 * What admins and moderators do, and whoever has the command line. Each act is one transaction with one row in the audit log. Acts run one after
 * another, on all nodes: what one of them reads of roles stays true until it is committed.
 */
@Injectable()
export class Acts {
  constructor(
    private readonly sessions: Sessions,
    private readonly roles: RoleCheck,
    private readonly audit: AuditLog,
  ) {}

  /**
   * Runs one act. Sockets of sessions that it ends are closed, on all nodes, when this resolves, or after two seconds.
   * @param least the role that it takes @throws Forbidden; Unauthenticated; what `work` throws; as UnitOfWork.run
   */
  async run<T>(actor: Actor, least: Role, work: ActWork<T>): Promise<T> {
    const acting = async (tx: EntityManager, end: EndSessions): Promise<Recorded<T>> => {
      const role = await this.begin(tx, actor, least);
      const { result, act } = await work(tx, { end, role });
      return { result, id: act && (await this.audit.record(tx, actor, act)) };
    };
    const isDone = (tx: EntityManager, { id }: Recorded<T>) => this.audit.hasRow(tx, id);
    const { result } = await this.sessions.endAndClose('operator', acting, isDone, this.audit.head);
    return result;
  }

  /** For an act that is a step of another transaction, which also records it (`AuditLog.record`). @returns the actor's role @throws as `run` */
  async begin(tx: EntityManager, actor: Actor, least: Role): Promise<Role> {
    await this.audit.hold(tx);
    return this.roles.assertActs(tx, actor, least);
  }
}
