import type { EntityManager } from 'typeorm';
import { canSkipLocked, forShare, forShareFree, forUpdate, inIds } from '../database/dialect.js';
import { sessionRevoked } from './access-tokens.js';

/** The account of an address, if it has one. Nobody erases it until the caller's transaction ends. */
export async function accountOf(tx: EntityManager, email: string): Promise<number | undefined> {
  const [row] = await tx.query<{ id: number }[]>(`SELECT id FROM users WHERE email = ? ${forShare(tx)}`, [email]);
  return row?.id;
}

/** Whether somebody still has their account; if so, nobody erases it until the caller's transaction ends. */
export async function hasAccount(tx: EntityManager, userId: number): Promise<boolean> {
  const [row] = await tx.query<{ id: number }[]>(
    `SELECT id FROM users WHERE id = ? AND erased_at IS NULL ${forShare(tx)}`,
    [userId],
  );
  return row !== undefined;
}

/**
 * The same for several people, who must be in order, and without waiting: `free` have an account, that nobody erases until the caller's
 * transaction ends, `held` have one that another transaction holds.
 */
export async function holdAccounts(
  tx: EntityManager,
  userIds: readonly number[],
): Promise<{ free: ReadonlySet<number>; held: ReadonlySet<number> }> {
  const find = async (ids: readonly number[], lock: string): Promise<Set<number>> => {
    const { sql, values } = inIds('id', ids);
    const rows = await tx.query<{ id: number }[]>(
      `SELECT id FROM users WHERE ${sql} AND erased_at IS NULL ORDER BY id ${lock}`,
      values,
    );
    return new Set(rows.map(({ id }) => id));
  };
  const free = await find(userIds, forShareFree(tx));
  const missing = userIds.filter((id) => !free.has(id));
  return { free, held: missing.length > 0 && canSkipLocked(tx) ? await find(missing, '') : new Set() };
}

/** For what somebody makes anew: see `hasAccount`. @throws Unauthenticated */
export async function assertHasAccount(tx: EntityManager, userId: number): Promise<void> {
  if (!(await hasAccount(tx, userId))) throw sessionRevoked();
}

/** The same as `hasAccount`, for one transaction at a time: whoever counts what is the person's counts all of it. */
export async function holdAccount(tx: EntityManager, userId: number): Promise<boolean> {
  const [row] = await tx.query<{ id: number }[]>(
    `SELECT id FROM users WHERE id = ? AND erased_at IS NULL ${forUpdate(tx)}`,
    [userId],
  );
  return row !== undefined;
}
