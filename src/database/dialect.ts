import type { EntityManager } from 'typeorm';

/*
 * The few places where SQLite and MySQL want different words. Only the statements that carry many rows at once are written by
 * hand; everything else goes through TypeORM, which knows both.
 */

type Value = string | number | null;

const isSqlite = (tx: EntityManager): boolean => tx.connection.options.type === 'better-sqlite3';

const tuples = (rows: readonly (readonly Value[])[]): string => {
  const row = `(${rows[0].map(() => '?').join(',')})`;
  return rows.map(() => row).join(',');
};

/** `(a, b) IN ((?, ?), …)`, with the values to bind. `rows` must not be empty. */
export function inTuples(
  tx: EntityManager,
  columns: string,
  rows: readonly (readonly Value[])[],
): { sql: string; values: Value[] } {
  return { sql: `(${columns}) IN (${isSqlite(tx) ? 'VALUES ' : ''}${tuples(rows)})`, values: rows.flat() };
}

/** `?, ?, …` */
export const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(',');

export async function insertRows(
  tx: EntityManager,
  table: string,
  columns: string,
  rows: readonly (readonly Value[])[],
): Promise<void> {
  await tx.query(`INSERT INTO ${table} (${columns}) VALUES ${tuples(rows)}`, rows.flat());
}

/** Inserts rows, or, where `key` exists already, sets `set` (SQL in which `new(column)` is the row's own value). */
export async function upsertRows(
  tx: EntityManager,
  table: string,
  columns: string,
  rows: readonly (readonly Value[])[],
  key: string,
  set: string,
): Promise<void> {
  const onExisting = isSqlite(tx)
    ? `ON CONFLICT (${key}) DO UPDATE SET ${set.replace(/new\((\w+)\)/g, 'excluded.$1')}`
    : // VALUES(), not MySQL's newer `AS new`, which MariaDB does not know.
      `ON DUPLICATE KEY UPDATE ${set.replace(/new\((\w+)\)/g, 'VALUES($1)')}`;
  await tx.query(`INSERT INTO ${table} (${columns}) VALUES ${tuples(rows)} ${onExisting}`, rows.flat());
}

/** Keeps the rows as they are until this transaction ends. SQLite needs no word for it: its one writer is the lock. */
export const forUpdate = (tx: EntityManager): string => (isSqlite(tx) ? '' : 'FOR UPDATE');
export const forShare = (tx: EntityManager): string => (isSqlite(tx) ? '' : 'LOCK IN SHARE MODE');

/** How a moment is written in a statement of our own: the same text that TypeORM stores on SQLite. */
export const toMoment = (date: Date): string => date.toISOString().slice(0, 23).replace('T', ' ');

/** Reads a moment from a statement of our own: text on SQLite, a Date from MySQL. */
export const fromMoment = (stored: string | Date): Date =>
  stored instanceof Date ? stored : new Date(`${stored.replace(' ', 'T')}Z`);

/** The same as a date of the protocol, without the detour of a Date where it is a text. */
export const momentToIso = (stored: string | Date): string =>
  stored instanceof Date ? stored.toISOString() : `${stored.slice(0, 10)}T${stored.slice(11)}Z`;
