import type { Statement } from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { DataSource, type QueryRunner } from 'typeorm';
import { sqliteConnectionOf } from '../typeorm-internals.js';

interface Prepared {
  statement: Statement<[readonly unknown[]], unknown[]>;
  /** The columns of its rows; empty where it returns none. */
  names: string[];
}

/** Most statements of one connection that stay prepared: far more than the code has. */
const KEPT = 500;

/**
 * The embedded database's connection that only reads. Statements in SQL go straight to the driver: the query runner and the entity manager
 * that TypeORM makes for each take longer than SQLite takes for a page of history.
 */
export class SqliteReader extends DataSource {
  private readonly statements = new LRUCache<string, Prepared>({ max: KEPT });

  override async query<T>(sql: string, values: unknown[] = [], runner?: QueryRunner): Promise<T> {
    if (runner) return super.query<T>(sql, values, runner);
    this.logger.logQuery(sql, values);
    const { statement, names } = this.prepared(sql);
    // A statement that returns no rows writes: the read-only connection refuses it with its own error.
    return (statement.reader ? statement.all(values).map((row) => toObject(names, row)) : statement.run(values)) as T;
  }

  private prepared(sql: string): Prepared {
    let prepared = this.statements.get(sql);
    if (!prepared) {
      const statement = sqliteConnectionOf(this).prepare<[readonly unknown[]], unknown[]>(sql);
      prepared = statement.reader
        ? { statement: statement.raw(), names: statement.columns().map(({ name }) => name) }
        : { statement, names: [] };
      this.statements.set(sql, prepared);
    }
    return prepared;
  }
}

/** Takes two thirds of the time that the driver takes to make objects by itself. */
function toObject(names: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) object[names[i]!] = row[i];
  return object;
}
