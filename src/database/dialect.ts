import type { DataSource, EntityManager } from 'typeorm';
import { isoTime } from '../common/timing/iso-time.js';
import type { Locking } from './locking.js';
import { WITHOUT_WAITING } from './mysql/gathered-statements.js';
import type { SqliteStatements } from './sqlite/sqlite-statements.js';

/*
 * The few statements in which SQLite and MySQL differ. Only statements of many rows are in SQL; everything else goes through TypeORM, which
 * knows both.
 */

type Value = string | number | null;

const isSqlite = (tx: EntityManager): boolean => tx.connection.options.type === 'better-sqlite3';

const tuples = (rows: readonly (readonly Value[])[]): string => {
  const [first] = rows;
  if (!first) throw new Error('A statement of many rows was given none.');
  const row = `(${first.map(() => '?').join(',')})`;
  return rows.map(() => row).join(',');
};

/** The last one is repeated up to a power of two: so a statement has few different texts, which stay prepared on SQLite. */
function padded<T>(values: readonly T[]): T[] {
  const all = [...values];
  while (all.length & (all.length - 1)) all.push(values.at(-1)!);
  return all;
}

/** MariaDB takes a DELETE or UPDATE by a list of one tuple for one of the whole table: it would read and lock every row. */
const equalities = (columns: string): string =>
  columns
    .split(', ')
    .map((column) => `${column} = ?`)
    .join(' AND ');

/** `(a, b) IN ((?, ?), …)`, with the values to bind. `rows` must not be empty. */
export function inTuples(
  tx: EntityManager,
  columns: string,
  rows: readonly (readonly Value[])[],
): { sql: string; values: Value[] } {
  if (!isSqlite(tx)) {
    const several = `(${columns}) IN (${tuples(rows)})`;
    return { sql: rows.length === 1 ? `(${equalities(columns)})` : several, values: rows.flat() };
  }
  const all = padded(rows);
  return { sql: `(${columns}) IN (VALUES ${tuples(all)})`, values: all.flat() };
}

/** `column IN (?, …)` for any number of ids, with the values to bind. */
export function inIds(column: string, ids: readonly number[]): { sql: string; values: number[] } {
  const all = padded(ids);
  return { sql: `${column} IN (${placeholders(all)})`, values: all };
}

/** `?, ?, …` */
export const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(',');

/**
 * On SQLite, runs a statement of one row for each of the rows, which stays prepared. A statement of all rows would be parsed anew for each
 * number of rows, which takes as long as storing them. `sql` must be one of a few texts.
 */
async function runForEach(tx: EntityManager, sql: string, rows: readonly (readonly Value[])[]): Promise<void> {
  const { statements } = tx.connection as { statements?: SqliteStatements };
  if (statements) statements.runForEach(sql, rows);
  else for (const row of rows) await tx.query(sql, [...row]);
}

/** Writes the rows by one statement on MySQL, and by one statement each on SQLite, where that is faster. */
async function writeRows(
  tx: EntityManager,
  into: string,
  rows: readonly (readonly Value[])[],
  rest: string,
  prefix = '',
): Promise<void> {
  const sql = (those: readonly (readonly Value[])[]): string =>
    `${prefix}INSERT INTO ${into} VALUES ${tuples(those)} ${rest}`;
  if (isSqlite(tx)) await runForEach(tx, sql(rows.slice(0, 1)), rows);
  else await tx.query(sql(rows), rows.flat());
}

export async function insertRows(
  tx: EntityManager,
  table: string,
  columns: string,
  rows: readonly (readonly Value[])[],
): Promise<void> {
  await writeRows(tx, `${table} (${columns})`, rows, '');
}

/**
 * Inserts rows, or, where `key` exists already, sets `set` (SQL in which `new(column)` is the row's own value).
 * @param prefix `refuseToWait`, say
 */
export async function upsertRows(
  tx: EntityManager,
  table: string,
  columns: string,
  rows: readonly (readonly Value[])[],
  key: string,
  set: string,
  prefix = '',
): Promise<void> {
  const onExisting = isSqlite(tx)
    ? `ON CONFLICT (${key}) DO UPDATE SET ${set.replace(/new\((\w+)\)/g, 'excluded.$1')}`
    : // VALUES(), not MySQL's newer `AS new`, which MariaDB does not know.
      `ON DUPLICATE KEY UPDATE ${set.replace(/new\((\w+)\)/g, 'VALUES($1)')}`;
  await writeRows(tx, `${table} (${columns})`, rows, onExisting, prefix);
}

/** Locks the rows until this transaction ends. Empty on SQLite: its one writer is the lock. */
export const forUpdate = (tx: EntityManager): string => (isSqlite(tx) ? '' : 'FOR UPDATE');
/** The same with a shared lock; exclusive where the server has no shared ones. */
export const forShare = (tx: EntityManager): string => (locking(tx)?.shares ? 'LOCK IN SHARE MODE' : forUpdate(tx));

/** The later of two moments, or the larger of two numbers. */
export const greatest = (tx: EntityManager, one: string, other: string): string =>
  `${isSqlite(tx) ? 'MAX' : 'GREATEST'}(${one}, ${other})`;

/**
 * Whether a locking read can skip rows that another transaction holds, instead of waiting for them. On SQLite there is no other writer; MySQL
 * before 8 and MariaDB before 10.6 cannot.
 */
export const canSkipLocked = (tx: EntityManager): boolean => locking(tx)?.skipsLocked ?? false;

const locking = (tx: EntityManager): Locking | undefined =>
  (tx.connection as DataSource & { locking?: Locking }).locking;

/** The same locks on rows that are free; a row that is missing from the result may exist and be held. Waits where `canSkipLocked` says no. */
export const forUpdateFree = (tx: EntityManager): string =>
  canSkipLocked(tx) ? 'FOR UPDATE SKIP LOCKED' : forUpdate(tx);
export function forShareFree(tx: EntityManager): string {
  if (!canSkipLocked(tx)) return forShare(tx);
  if (!locking(tx)?.shares) return forUpdateFree(tx);
  return isMariaDb(tx) ? 'LOCK IN SHARE MODE SKIP LOCKED' : 'FOR SHARE SKIP LOCKED';
}

const isMariaDb = (tx: EntityManager): boolean => tx.connection.options.type === 'mariadb';

/** Before a statement that writes: makes it fail at once where it would have to wait for a lock. Undefined where the database cannot. */
export const refuseToWait = (tx: EntityManager): string | undefined =>
  locking(tx)?.refusesToWait ? WITHOUT_WAITING : undefined;

/** A moment as a value of an SQL statement: the same text that TypeORM stores on SQLite. */
export const toMoment = (date: Date): string => {
  const iso = isoTime(date);
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
};

/** Reads a moment from the result of an SQL statement: a text on SQLite, a Date from MySQL. */
export const fromMoment = (stored: string | Date): Date =>
  stored instanceof Date ? stored : new Date(`${stored.replace(' ', 'T')}Z`);

/** The same as a date of the protocol, without making a Date of a text. */
export const momentToIso = (stored: string | Date): string =>
  stored instanceof Date ? stored.toISOString() : `${stored.slice(0, 10)}T${stored.slice(11)}Z`;
