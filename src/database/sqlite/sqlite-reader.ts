import { DataSource, type QueryRunner } from 'typeorm';
import { sqliteConnectionOf } from '../typeorm-internals.js';
import { SqliteStatements } from './sqlite-statements.js';

/** The embedded database's connection that only reads. */
export class SqliteReader extends DataSource {
  readonly statements = new SqliteStatements(() => sqliteConnectionOf(this));

  override async query<T>(sql: string, values: unknown[] = [], runner?: QueryRunner): Promise<T> {
    if (runner) return super.query<T>(sql, values, runner);
    this.logger.logQuery(sql, values);
    // A statement that returns no rows writes: the read-only connection refuses it with its own error.
    return this.statements.run(sql, values) as T;
  }
}
