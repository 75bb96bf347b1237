import type { EntityManager } from 'typeorm';
import { canSkipLocked, forShare, forShareFree, forUpdate, forUpdateFree } from './dialect.js';

/** Exclusive, or shared with other transactions that only read the row. */
export type Lock = 'update' | 'share';

/** Rows of one table, by a condition in SQL and the values that it binds. */
export interface Rows {
  columns: string;
  table: string;
  where: string;
  values: readonly (string | number | null)[];
}

/** One row that another transaction holds. */
export interface HeldRow extends Omit<Rows, 'columns'> {
  lock: Lock;
}

/** The same for all transactions that wait for this row. */
export const keyOfRow = ({ table, where, values }: HeldRow): string => `${table} ${where} ${values.join()}`;

/**
 * A transaction needs a row that another one holds. It is rolled back, and begins anew once it has that row: see `UnitOfWork.run`. So a
 * transaction that waits for a row holds none, and no connection either unless it is next. Only the unit of work catches it.
 */
export class RowHeld extends Error {
  constructor(readonly row: HeldRow) {
    super(`Another transaction holds a row of ${row.table}.`);
  }
}

/** Waits for the row and locks it, at the beginning of a transaction that holds nothing yet. */
export async function waitForRow(tx: EntityManager, { table, where, values, lock }: HeldRow): Promise<void> {
  const word = lock === 'share' ? forShare(tx) : forUpdate(tx);
  if (word !== '') await tx.query(`SELECT 1 FROM ${table} WHERE ${where} ${word}`, [...values]);
}

/**
 * Locks those of the rows that are free, until the transaction ends; `held` are those that another transaction holds. Where the database
 * cannot skip held rows, it waits for them, and all are free.
 * @param count of the rows, where it is known: where so many are free, it is not asked which are held
 */
export async function lockFree<Row extends object>(
  tx: EntityManager,
  { columns, table, where, values }: Rows,
  keyOf: (row: Row) => string | number,
  lock: Lock = 'update',
  count = Infinity,
): Promise<{ free: Row[]; held: Row[] }> {
  const find = (word: string): Promise<Row[]> =>
    tx.query<Row[]>(`SELECT ${columns} FROM ${table} WHERE ${where} ${word}`, [...values]);
  const free = await find(lock === 'share' ? forShareFree(tx) : forUpdateFree(tx));
  if (free.length >= count || !canSkipLocked(tx)) return { free, held: [] };
  const keys = new Set(free.map(keyOf));
  return { free, held: (await find('')).filter((row) => !keys.has(keyOf(row))) };
}

/** Locks the one row of this condition until the transaction ends; undefined where there is none. */
export async function lockRow<Row extends object>(
  tx: EntityManager,
  rows: Rows,
  lock: Lock = 'update',
): Promise<Row | undefined> {
  const { free, held } = await lockFree<Row>(tx, rows, () => 0, lock, 1);
  if (held.length > 0) throw new RowHeld({ ...rows, lock });
  return free[0];
}
