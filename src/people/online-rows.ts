import type { EntityManager } from 'typeorm';
import { greatest, placeholders, toMoment } from '../database/dialect.js';
import { lockFreeUsers } from '../identity/accounts.js';

/** A user who has gone, and when they were last seen. */
export type Ended = readonly [userId: number, at: Date];

export interface EndedRows {
  /** Whose rows in `users` another transaction holds: nothing was done about them. */
  held: ReadonlySet<number>;
  /** Whose last row was deleted: they are offline, and were last seen then. */
  last: number[];
  /** Whom other nodes have. */
  others: number[];
}

/**
 * Deletes a node's rows of these users, under the lock of their rows in `users`: so of several nodes that a user leaves at once, exactly one
 * deletes the last one.
 * @param ended in the order of ids
 * @param node undefined where one node is all there is: its rows are all rows
 */
export async function endRows(
  tx: EntityManager,
  ended: readonly Ended[],
  node: number | undefined,
): Promise<EndedRows> {
  const locked = await lockFreeUsers(
    tx,
    ended.map(([userId]) => userId),
  );
  const held = new Set(locked.held.map(({ id }) => id));
  const some = ended.filter(([userId]) => !held.has(userId));
  if (some.length === 0) return { held, last: [], others: [] };
  const ids = some.map(([userId]) => userId);
  if (node === undefined) {
    await storeLastSeen(tx, some, 'created_at');
    await deleteRows(tx, ids);
    return { held, last: ids, others: [] };
  }
  await deleteRows(tx, ids, node);
  const rows = await tx.query<{ user_id: number }[]>(
    `SELECT user_id FROM online_people WHERE user_id IN (${placeholders(ids)})`,
    ids,
  );
  const elsewhere = new Set(rows.map(({ user_id }) => user_id));
  const last = some.filter(([userId]) => !elsewhere.has(userId));
  // The time of a dead node may be older than the one that is stored.
  if (last.length > 0) await storeLastSeen(tx, last, 'COALESCE(last_seen, created_at)');
  return { held, last: last.map(([userId]) => userId), others: [...elsewhere] };
}

/** @param earliest in SQL: not before the account was made, since the clock may have been set back. Of erased accounts, no time is kept. */
async function storeLastSeen(tx: EntityManager, ended: readonly Ended[], earliest: string): Promise<void> {
  const ids = ended.map(([userId]) => userId);
  const cases = ended.flatMap(([userId, at]) => [userId, toMoment(at)]);
  const at = `CASE id ${'WHEN ? THEN ? '.repeat(ended.length)}END`;
  await tx.query(
    `UPDATE users SET last_seen = ${greatest(tx, earliest, at)} WHERE id IN (${placeholders(ids)}) AND erased_at IS NULL`,
    [...cases, ...ids],
  );
}

/** After a crash, they do not count as online. */
export async function deleteRows(tx: EntityManager, userIds: readonly number[], node?: number): Promise<void> {
  const ofNode = node === undefined ? '' : ' AND node = ?';
  await tx.query(`DELETE FROM online_people WHERE user_id IN (${placeholders(userIds)})${ofNode}`, [
    ...userIds,
    ...(node === undefined ? [] : [node]),
  ]);
}
