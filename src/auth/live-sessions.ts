import type { EntityManager } from 'typeorm';
import { canSkipLocked, forShare, forShareFree, fromMoment, inIds } from '../database/dialect.js';
import { sessionRevoked, tokenExpired, type Unauthenticated } from './access-tokens.js';

/** Why a session stores nothing any more, if so. */
type RefusalOf = (sessionId: number) => Unauthenticated | undefined;

/**
 * Inside the caller's transaction: why a session stores nothing any more, if so. One that lives now will until the commit: whoever
 * ends it waits. `sessionIds` must not be empty, and in order, so that two transactions do not wait for each other.
 */
export async function sessionRefusals(tx: EntityManager, sessionIds: readonly number[], now: Date): Promise<RefusalOf> {
  return refusals(await liveOnes(tx, sessionIds, forShare(tx)), now);
}

/** The same without waiting: sessions that somebody else holds, to end them say, are `held`, and not spoken of. */
export async function freeSessionRefusals(
  tx: EntityManager,
  sessionIds: readonly number[],
  now: Date,
): Promise<{ refusalOf: RefusalOf; held: ReadonlySet<number> }> {
  const rows = await liveOnes(tx, sessionIds, forShareFree(tx));
  const found = new Set(rows.map(({ id }) => id));
  const missing = sessionIds.filter((id) => !found.has(id));
  const held = missing.length > 0 && canSkipLocked(tx) ? await liveOnes(tx, missing, '') : [];
  return { refusalOf: refusals(rows, now), held: new Set(held.map(({ id }) => id)) };
}

interface Row {
  id: number;
  expires_at: string | Date;
}

function liveOnes(tx: EntityManager, sessionIds: readonly number[], lock: string): Promise<Row[]> {
  const { sql, values } = inIds('id', sessionIds);
  return tx.query<Row[]>(
    `SELECT id, expires_at FROM sessions WHERE ${sql} AND revoked_at IS NULL ORDER BY id ${lock}`,
    values,
  );
}

function refusals(rows: Row[], now: Date): RefusalOf {
  const expiry = new Map(rows.map(({ id, expires_at }) => [id, fromMoment(expires_at)]));
  return (sessionId) => {
    const expiresAt = expiry.get(sessionId);
    if (!expiresAt) return sessionRevoked();
    return expiresAt <= now ? tokenExpired() : undefined;
  };
}
