import type { EntityManager } from 'typeorm';
import { forShare, fromMoment, inIds } from '../database/dialect.js';
import { sessionRevoked, tokenExpired, type Unauthenticated } from './access-tokens.js';

/**
 * Inside the caller's transaction: why a session stores nothing any more, if so. One that lives now will until the commit: whoever
 * ends it waits. `sessionIds` must not be empty, and in order, so that two transactions do not wait for each other.
 */
export async function sessionRefusals(
  tx: EntityManager,
  sessionIds: readonly number[],
  now: Date,
): Promise<(sessionId: number) => Unauthenticated | undefined> {
  const { sql, values } = inIds('id', sessionIds);
  const rows = await tx.query<{ id: number; expires_at: string | Date }[]>(
    `SELECT id, expires_at FROM sessions WHERE ${sql} AND revoked_at IS NULL ORDER BY id ${forShare(tx)}`,
    values,
  );
  const expiry = new Map(rows.map(({ id, expires_at }) => [id, fromMoment(expires_at)]));
  return (sessionId) => {
    const expiresAt = expiry.get(sessionId);
    if (!expiresAt) return sessionRevoked();
    return expiresAt <= now ? tokenExpired() : undefined;
  };
}
