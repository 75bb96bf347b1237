import type { EntityManager } from 'typeorm';
import { canSkipLocked, forShare, forShareFree, forUpdate, forUpdateFree } from './dialect.js';

/** Alone, or beside others who only look. */
export type Lock = 'update' | 'share';

/** Rows of one table, by SQL of our own and the values that it binds. */
export interface Rows {
  columns: string;
  table: string;
  where: string;
  values: readonly (string | number)[];
}

/** One row that somebody else holds. */
export interface HeldRow extends Omit<Rows, 'columns'> {
  lock: Lock;
}

/** The same for everybody who waits for that row. */
export const keyOfRow = ({ table, where, values }: HeldRow): string => `${table} ${where} ${values.join()}`;

/**
 * A transaction needs a row that somebody else holds. It is undone, and begins anew once it has that row: see `UnitOfWork.run`. So
 * whoever waits for a row holds none, nor a connection unless they are next. Nobody but the unit of work catches it.
 */
export class RowHeld extends Error {
  constructor(readonly row: HeldRow) {
    super(`Somebody else holds a row of ${row.table}.`);
  }
}

/** Locks the row, and waits for it: at the beginning of a transaction, which holds nothing yet. */
export async function waitForRow(tx: EntityManager, { table, where, values, lock }: HeldRow): Promise<void> {
  const word = lock === 'share' ? forShare(tx) : forUpdate(tx);
  if (word !== '') await tx.query(`SELECT 1 FROM ${table} WHERE ${where} ${word}`, [...values]);
}

/**
 * Locks those of the rows that are free, until the transaction ends; `held` are there, too, and somebody else's. Where the database
 * cannot leave out what is held, it waits, and all are free.
 * @param count of the rows, as far as it is known: nothing more is asked where so many are free
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

/** Locks the one row of these conditions until the transaction ends; undefined where there is none. */
export async function lockRow<Row extends object>(
  tx: EntityManager,
  rows: Rows,
  lock: Lock = 'update',
): Promise<Row | undefined> {
  const { free, held } = await lockFree<Row>(tx, rows, () => 0, lock, 1);
  if (held.length > 0) throw new RowHeld({ ...rows, lock });
  return free[0];
}
