import type { EntityManager } from 'typeorm';
import { fromMoment, inIds } from '../database/dialect.js';
import { type HeldRow, type Lock, lockFree, RowHeld } from '../database/row-locks.js';
import { sessionRevoked, tokenExpired, type Unauthenticated } from './access-tokens.js';

/** Why a session must not store anything any more; undefined for one that lives. */
export type RefusalOf = (sessionId: number) => Unauthenticated | undefined;

/**
 * Inside the caller's transaction: why each session must not store anything any more. A session that lives stays so until the commit: a
 * transaction that ends it waits. `sessionIds` must not be empty, and in order, so that two transactions do not wait for each other.
 */
export async function sessionRefusals(tx: EntityManager, sessionIds: readonly number[], now: Date): Promise<RefusalOf> {
  const { free, held } = await liveOnes(tx, sessionIds, 'share');
  const [first] = held;
  if (first) throw new RowHeld(sessionRow(first.id, 'share'));
  return refusals(free, now);
}

/** The same without waiting: `held` are sessions that another transaction holds, to end them, say. Of these nothing is known. */
export async function freeSessionRefusals(
  tx: EntityManager,
  sessionIds: readonly number[],
  now: Date,
): Promise<{ refusalOf: RefusalOf; held: ReadonlySet<number> }> {
  const { free, held } = await liveOnes(tx, sessionIds, 'share');
  return { refusalOf: refusals(free, now), held: new Set(held.map(({ id }) => id)) };
}

/** Locks sessions before they are ended. `sessionIds` must not be empty, and in order. */
export async function lockSessions(tx: EntityManager, sessionIds: readonly number[]): Promise<void> {
  const { held } = await liveOnes(tx, sessionIds, 'update');
  const [first] = held;
  if (first) throw new RowHeld(sessionRow(first.id, 'update'));
}

interface Row {
  id: number;
  expires_at: string | Date;
}

const sessionRow = (id: number, lock: Lock): HeldRow => ({ table: 'sessions', where: 'id = ?', values: [id], lock });

function liveOnes(tx: EntityManager, sessionIds: readonly number[], lock: Lock): Promise<{ free: Row[]; held: Row[] }> {
  const { sql, values } = inIds('id', sessionIds);
  const where = `${sql} AND revoked_at IS NULL ORDER BY id`;
  const rows = { columns: 'id, expires_at', table: 'sessions', where, values };
  return lockFree<Row>(tx, rows, ({ id }) => id, lock, sessionIds.length);
}

function refusals(rows: Row[], now: Date): RefusalOf {
  const expiry = new Map(rows.map(({ id, expires_at }) => [id, fromMoment(expires_at)]));
  return (sessionId) => {
    const expiresAt = expiry.get(sessionId);
    if (!expiresAt) return sessionRevoked();
    return expiresAt <= now ? tokenExpired() : undefined;
  };
}
