import { Injectable } from '@nestjs/common';
import { type EntityManager, LessThan } from 'typeorm';
import { Clock } from '../../common/timing/clock.js';
import { insertRows, toMoment } from '../../database/dialect.js';
import { type HeldRow, lockRow } from '../../database/row-locks.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { Actor } from '../roles.js';
import { type AuditVerdict, type Head, hashOf, NOTHING, verifyChain } from './audit-chain.js';
import { AuditEntry } from './audit-entry.entity.js';

/** What was done, in words that stay the same. docs/operations.md describes each. */
export type AuditAction =
  | 'change_user'
  | 'erase_user'
  | 'reset_password'
  | 'end_sessions'
  | 'export_user'
  | 'name_admin'
  | 'change_group'
  | 'delete_group'
  | 'open_report'
  | 'settle_report'
  | 'change_settings'
  | 'create_invite'
  | 'revoke_invite';

/** One act. `detail` holds ids, numbers and what the actor has typed, and never a message. */
export interface Act {
  action: AuditAction;
  target: string;
  detail?: object;
}

const HEAD: HeldRow = { table: 'audit_heads', where: 'id = ?', values: [1], lock: 'update' };
const PAGE = 100;

/**
 * What was done by whom: one row for each act, written in its transaction. Each row's hash covers the row before, so that a row that was changed,
 * taken out or put in later breaks the chain (`audit-chain.ts`, docs/decisions/0039-the-audit-log.md).
 */
@Injectable()
export class AuditLog {
  /** The row that every act locks first: see `RunOptions.first`. */
  readonly head = HEAD;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  /** Inside the caller's transaction: until its commit, nobody else acts, on any node. */
  async hold(tx: EntityManager): Promise<Head> {
    const head = await lockRow<Head>(tx, { columns: 'last_id, hash', ...HEAD });
    if (head) return head;
    // The first act of all. Of two at once, the unit of work repeats the second one, since the row is there by then.
    await insertRows(tx, 'audit_heads', 'id, last_id, hash', [[1, NOTHING.last_id, NOTHING.hash]]);
    return NOTHING;
  }

  /** Adds a row, inside the transaction of the act. @returns its id */
  async record(tx: EntityManager, actor: Actor, { action, target, detail = {} }: Act): Promise<number> {
    const { last_id, hash: before } = await this.hold(tx);
    const row = {
      id: last_id + 1,
      at: toMoment(this.clock.now()),
      actor_id: actor === 'console' ? null : actor.userId,
      action,
      target,
      detail: JSON.stringify(detail),
    };
    const hash = hashOf(before, row);
    const cells = [row.id, row.at, row.actor_id, row.action, row.target, row.detail, hash];
    await insertRows(tx, 'audit_log', 'id, at, actor_id, action, target, detail, hash', [cells]);
    await tx.query('UPDATE audit_heads SET last_id = ?, hash = ? WHERE id = 1', [row.id, hash]);
    return row.id;
  }

  /** Whether an act was committed whose COMMIT was not answered: see `IsDone`. Without an id, it has changed nothing. */
  async hasRow(tx: EntityManager, id: number | undefined): Promise<boolean> {
    // The server may still be committing.
    await this.hold(tx);
    return id === undefined || tx.existsBy(AuditEntry, { id });
  }

  /** At most 100 rows, the newest first, or those before one of them. */
  page(before?: number | null): Promise<AuditEntry[]> {
    return this.unitOfWork.read.find(AuditEntry, {
      ...(before != null && { where: { id: LessThan(before) } }),
      order: { id: 'DESC' },
      take: PAGE,
    });
  }

  /** See `verifyChain`. */
  verify(): Promise<AuditVerdict> {
    const { read } = this.unitOfWork;
    return verifyChain((sql, values) => read.query(sql, values));
  }
}
