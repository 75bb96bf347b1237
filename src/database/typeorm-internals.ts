import { createRequire } from 'node:module';
import type { Database as SqliteConnection } from 'better-sqlite3';
import type { Pool } from 'mysql2';
import type { DataSource } from 'typeorm';
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

/** On SQLite there is one runner for all transactions: the next call makes a new one. */
export function forgetRunner({ driver }: Pick<Source, 'driver'>): void {
  delete (driver as AbstractSqliteDriver).queryRunner;
}

/** What must be true of TypeORM, for a data source that is connected. */
export const typeormInternals = (source: Source): Internals =>
  source.options.type === 'better-sqlite3'
    ? {
        'the driver of SQLite has its `databaseConnection`': () =>
          typeof sqliteConnectionOf(source).prepare === 'function',
        'it keeps its one runner as `queryRunner`': () =>
          source.createQueryRunner() === (source.driver as AbstractSqliteDriver).queryRunner,
      }
    : { 'the driver of MySQL has its `pool`': () => typeof poolOf(source).getConnection === 'function' };

/** @throws StartError */
export const assertTypeorm = (source: Source): void =>
  assertUnchanged('typeorm', createRequire(import.meta.url), typeormInternals(source));
