import type { EntityManager } from 'typeorm';
import type { Locking } from './locking.js';

/*
 * The few places where SQLite and MySQL want different words. Only the statements that carry many rows at once are written by
 * hand; everything else goes through TypeORM, which knows both.
 */

type Value = string | number | null;

const isSqlite = (tx: EntityManager): boolean => tx.connection.options.type === 'better-sqlite3';

const tuples = (rows: readonly (readonly Value[])[]): string => {
  const [first] = rows;
  if (!first) throw new Error('A statement of many rows was given none.');
  const row = `(${first.map(() => '?').join(',')})`;
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

/**
 * `column IN (?, …)` for any number of ids. The last one is repeated up to a power of two: so few texts serve all numbers, and stay
 * prepared on SQLite.
 */
export function inIds(column: string, ids: readonly number[]): { sql: string; values: number[] } {
  const padded = [...ids];
  while (padded.length & (padded.length - 1)) padded.push(ids.at(-1)!);
  return { sql: `${column} IN (${placeholders(padded)})`, values: padded };
}

/** `?, ?, …` */
export const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(',');

/** What we use of better-sqlite3's connection. */
interface SqliteConnection {
  prepare(sql: string): SqliteStatement;
}
interface SqliteStatement {
  run(values: readonly Value[]): void;
}

const prepared = new WeakMap<SqliteConnection, Map<string, SqliteStatement>>();

/**
 * On SQLite, a statement of one row, prepared once and run for each: one that held all rows would be parsed anew for each number of
 * them, which takes as long as storing them. `sql` is one of a few, since each is kept.
 */
async function runForEach(tx: EntityManager, sql: string, rows: readonly (readonly Value[])[]): Promise<void> {
  const runner = tx.queryRunner ?? tx.connection.createQueryRunner();
  const connection = (await runner.connect()) as SqliteConnection;
  let statements = prepared.get(connection);
  if (!statements) prepared.set(connection, (statements = new Map()));
  let statement = statements.get(sql);
  if (!statement) statements.set(sql, (statement = connection.prepare(sql)));
  for (const row of rows) statement.run(row);
}

/** The rows by one statement on MySQL, and by one statement each on SQLite, where that is faster. */
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

/** Keeps the rows as they are until this transaction ends. SQLite needs no word for it: its one writer is the lock. */
export const forUpdate = (tx: EntityManager): string => (isSqlite(tx) ? '' : 'FOR UPDATE');
/** The same, and others may keep them, too; alone where the server has no such lock. */
export const forShare = (tx: EntityManager): string => (locking(tx)?.shares ? 'LOCK IN SHARE MODE' : forUpdate(tx));

/** The later of two moments, or the larger of two numbers. */
export const greatest = (tx: EntityManager, one: string, other: string): string =>
  `${isSqlite(tx) ? 'MAX' : 'GREATEST'}(${one}, ${other})`;

/**
 * Whether rows that somebody else holds can be left out of a locking read instead of being waited for. On SQLite nobody else does; MySQL
 * before 8 and MariaDB before 10.6 cannot.
 */
export const canSkipLocked = (tx: EntityManager): boolean => locking(tx)?.skipsLocked ?? false;

const locking = (tx: EntityManager): Locking | undefined => (tx.connection as unknown as { locking?: Locking }).locking;

/** The same locks on those rows that are free; a row that is missing may be there and held. Waits where `canSkipLocked` says no. */
export const forUpdateFree = (tx: EntityManager): string =>
  canSkipLocked(tx) ? 'FOR UPDATE SKIP LOCKED' : forUpdate(tx);
export function forShareFree(tx: EntityManager): string {
  if (!canSkipLocked(tx)) return forShare(tx);
  if (!locking(tx)?.shares) return forUpdateFree(tx);
  return isMariaDb(tx) ? 'LOCK IN SHARE MODE SKIP LOCKED' : 'FOR SHARE SKIP LOCKED';
}

const isMariaDb = (tx: EntityManager): boolean => tx.connection.options.type === 'mariadb';

/** Before a statement that writes: it fails at once where it would have to wait for a lock. Undefined where the database cannot do that. */
export const refuseToWait = (tx: EntityManager): string | undefined =>
  locking(tx)?.refusesToWait ? 'SET STATEMENT innodb_lock_wait_timeout = 0 FOR ' : undefined;

/** How a moment is written in a statement of our own: the same text that TypeORM stores on SQLite. */
export const toMoment = (date: Date): string => date.toISOString().slice(0, 23).replace('T', ' ');

/** Reads a moment from a statement of our own: text on SQLite, a Date from MySQL. */
export const fromMoment = (stored: string | Date): Date =>
  stored instanceof Date ? stored : new Date(`${stored.replace(' ', 'T')}Z`);

/** The same as a date of the protocol, without the detour of a Date where it is a text. */
export const momentToIso = (stored: string | Date): string =>
  stored instanceof Date ? stored.toISOString() : `${stored.slice(0, 10)}T${stored.slice(11)}Z`;
