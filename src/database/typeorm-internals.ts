import { createRequire } from 'node:module';
import type { Database as SqliteConnection } from 'better-sqlite3';
import type { Pool } from 'mysql2';
import type { DataSource, QueryRunner } from 'typeorm';
import type { MysqlDriver } from 'typeorm/driver/mysql/MysqlDriver.js';
import type { AbstractSqliteDriver } from 'typeorm/driver/sqlite-abstract/AbstractSqliteDriver.js';
import { assertUnchanged, type Internals } from '../common/library-internals.js';

/*
 * Internals of TypeORM's drivers: no other file uses them.
 */

type Source = Pick<DataSource, 'driver' | 'options' | 'createQueryRunner'>;

/** The pool from which TypeORM takes connections to MySQL. */
export const poolOf = ({ driver }: Pick<Source, 'driver'>): Pool => (driver as MysqlDriver).pool as Pool;

/** The one connection of a data source on SQLite. */
export const sqliteConnectionOf = ({ driver }: Pick<Source, 'driver'>): SqliteConnection =>
  (driver as AbstractSqliteDriver).databaseConnection as SqliteConnection;

/** Tells a runner whether a transaction has begun on it, so that what TypeORM stores there begins none of its own. */
export function markTransaction(runner: QueryRunner, isActive: boolean): void {
  const marked = runner as QueryRunner & { isTransactionActive: boolean; transactionDepth: number };
  marked.isTransactionActive = isActive;
  marked.transactionDepth = isActive ? 1 : 0;
}

/** What must be true of TypeORM, for a data source that is connected. */
export const typeormInternals = (source: Source): Internals =>
  source.options.type === 'better-sqlite3'
    ? {
        ...ofRunners(source),
        'the driver of SQLite has its `databaseConnection`': () =>
          typeof sqliteConnectionOf(source).prepare === 'function',
      }
    : {
        ...ofRunners(source),
        'the driver of MySQL has its `pool`': () => typeof poolOf(source).getConnection === 'function',
      };

const ofRunners = (source: Source): Internals => ({
  'a runner has `isTransactionActive` and `transactionDepth`': () => {
    const runner = source.createQueryRunner() as QueryRunner & { transactionDepth?: number };
    return 'isTransactionActive' in runner && runner.transactionDepth === 0;
  },
});

/** @throws StartError */
export const assertTypeorm = (source: Source): void =>
  assertUnchanged('typeorm', createRequire(import.meta.url), typeormInternals(source));
