import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { NodeBus } from '../cluster/node-bus.js';
import { IS_DEAD, Nodes } from '../cluster/nodes.js';
import { PER_STATEMENT } from '../database/chunks.js';
import { forUpdateFree, placeholders } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Presence } from '../sockets/presence.js';
import { LastSeen } from './last-seen.js';
import { endRows, type EndedRows } from './online-rows.js';

interface Buried extends EndedRows {
  /** The last beat of the node. */
  at: Date;
  /** The highest id that was looked at; undefined where there are no more. */
  until: number | undefined;
}

/**
 * Ends the rows that a dead node has left in `online_people`, as if its users had gone one by one: nobody goes offline who has a row of
 * another node. Its row in `server_beats` is locked meanwhile, so that one node does it, and stops once that node beats again.
 */
@Injectable()
export class DeadNodes implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly lastSeen: LastSeen,
    private readonly nodes: Nodes,
    private readonly bus: NodeBus,
  ) {}

  onModuleInit(): void {
    if (this.bus.isShared) this.nodes.onDead((node) => this.bury(node));
  }

  private async bury(node: number): Promise<void> {
    for (let last: number | undefined = 0; last !== undefined;) {
      const after: number = last;
      const buried = await this.unitOfWork.run((tx) => this.endSome(tx, node, after), {
        isDone: async (tx, done) => done === undefined || !(await hasRows(tx, node, done.last)),
      });
      if (!buried) return;
      this.lastSeen.endLater(this.presence.lastRowsDeleted(buried.last), buried.at);
      last = buried.until;
    }
  }

  /** @returns undefined where another node does it, or the node has come back */
  private async endSome(tx: EntityManager, node: number, after: number): Promise<Buried | undefined> {
    const [beat] = await tx.query<{ alive_at: Date }[]>(
      `SELECT alive_at FROM server_beats WHERE id = ? AND ${IS_DEAD} ${forUpdateFree(tx)}`,
      [node],
    );
    if (!beat) return undefined;
    const rows = await tx.query<{ user_id: number }[]>(
      `SELECT user_id FROM online_people WHERE node = ? AND user_id > ? ORDER BY user_id LIMIT ${PER_STATEMENT}`,
      [node, after],
    );
    if (rows.length > 0) {
      const ended = await endRows(
        tx,
        rows.map(({ user_id }) => [user_id, beat.alive_at]),
        node,
      );
      return { ...ended, at: beat.alive_at, until: rows.at(-1)!.user_id };
    }
    // Those whose rows were held are left for the next beat.
    if (!(await hasRows(tx, node))) await tx.query('DELETE FROM server_beats WHERE id = ?', [node]);
    return { held: new Set(), last: [], others: [], at: beat.alive_at, until: undefined };
  }
}

/** Whether the node has rows left; with `userIds`, of these. */
async function hasRows(tx: EntityManager, node: number, userIds?: readonly number[]): Promise<boolean> {
  if (userIds?.length === 0) return false;
  const some = userIds ? ` AND user_id IN (${placeholders(userIds)})` : '';
  const rows = await tx.query<object[]>(`SELECT 1 FROM online_people WHERE node = ?${some} LIMIT 1`, [
    node,
    ...(userIds ?? []),
  ]);
  return rows.length > 0;
}
