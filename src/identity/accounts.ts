import type { EntityManager } from 'typeorm';
import { inIds } from '../database/dialect.js';
import { type Lock, lockFree, lockRow, RowHeld } from '../database/row-locks.js';
import { sessionRevoked } from './access-tokens.js';
import type { Role } from './roles.js';

export interface UserRow {
  id: number;
  email: string;
  password_hash: string;
  role: Exclude<Role, 'person'> | null;
  suspended_at: unknown;
  erased_at: unknown;
}

const users = (where: string, values: number[]) => ({
  columns: 'id, email, password_hash, role, suspended_at, erased_at',
  table: 'users',
  where,
  values,
});

/** Locks a user's row until the caller's transaction ends; `share`: beside other transactions that only need it to stay. */
export const lockUser = (tx: EntityManager, userId: number, lock: Lock = 'update'): Promise<UserRow | undefined> =>
  lockRow<UserRow>(tx, users('id = ?', [userId]), lock);

/** The id of the account of an address, if it has one. It cannot be erased until the caller's transaction ends. */
export async function accountOf(tx: EntityManager, email: string): Promise<number | undefined> {
  const [found] = await tx.query<{ id: number }[]>('SELECT id FROM users WHERE email = ?', [email]);
  const row = found && (await lockUser(tx, found.id, 'share'));
  return row?.email === email ? row.id : undefined;
}

/** Whether the user has an account. If so, it cannot be erased until the caller's transaction ends. */
export async function hasAccount(tx: EntityManager, userId: number): Promise<boolean> {
  const row = await lockUser(tx, userId, 'share');
  return row?.erased_at === null;
}

/**
 * The same for several users, without waiting. `free` have an account that cannot be erased until the caller's transaction ends; the rows
 * of `held` are held by other transactions. `userIds` must be in order.
 */
export async function holdAccounts(
  tx: EntityManager,
  userIds: readonly number[],
): Promise<{ free: ReadonlySet<number>; held: ReadonlySet<number> }> {
  const { sql, values } = inIds('id', userIds);
  const rows = users(`${sql} AND erased_at IS NULL ORDER BY id`, values);
  const { free, held } = await lockFree<UserRow>(tx, rows, ({ id }) => id, 'share', userIds.length);
  return { free: idsOf(free), held: idsOf(held) };
}

/** Locks those of these users' rows that are free; `held` are those that another transaction holds. `userIds` must be in order. */
export function lockFreeUsers(
  tx: EntityManager,
  userIds: readonly number[],
): Promise<{ free: UserRow[]; held: UserRow[] }> {
  const { sql, values } = inIds('id', userIds);
  return lockFree<UserRow>(tx, users(`${sql} ORDER BY id`, values), ({ id }) => id, 'update', userIds.length);
}

/** Locks the rows of these users. `userIds` must be in order. */
export async function lockUsers(tx: EntityManager, userIds: readonly number[]): Promise<UserRow[]> {
  const { free, held } = await lockFreeUsers(tx, userIds);
  const [first] = held;
  if (first) throw new RowHeld({ ...users('id = ?', [first.id]), lock: 'update' });
  return free;
}

const idsOf = (rows: UserRow[]): ReadonlySet<number> => new Set(rows.map(({ id }) => id));

/** Before the caller creates something: see `hasAccount`. @throws Unauthenticated */
export async function assertHasAccount(tx: EntityManager, userId: number): Promise<void> {
  if (!(await hasAccount(tx, userId))) throw sessionRevoked();
}

/** The same as `hasAccount`, for one transaction at a time: one that counts a quota of the user sees what the one before it has made. */
export async function holdAccount(tx: EntityManager, userId: number): Promise<boolean> {
  const row = await lockUser(tx, userId);
  return row?.erased_at === null;
}
