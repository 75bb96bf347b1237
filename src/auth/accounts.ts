import type { EntityManager } from 'typeorm';
import { forShare, forUpdate } from '../database/dialect.js';
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
