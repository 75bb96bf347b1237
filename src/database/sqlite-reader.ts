import { LRUCache } from 'lru-cache';
import { DataSource, type QueryRunner } from 'typeorm';

interface Statement {
  /** It returns rows. */
  reader: boolean;
  all(values: readonly unknown[]): unknown;
  run(values: readonly unknown[]): unknown;
}

/** Statements of one connection that stay prepared; far more than there are in the code. */
const KEPT = 500;

/**
 * The embedded database's connection that only reads. Statements of our own go straight to the driver: the query runner and the
 * entity manager that TypeORM makes for each take longer than SQLite does for a page of history.
 */
export class SqliteReader extends DataSource {
  private readonly statements = new LRUCache<string, Statement>({ max: KEPT });

  override async query<T>(sql: string, values: unknown[] = [], runner?: QueryRunner): Promise<T> {
    if (runner) return super.query<T>(sql, values, runner);
    this.logger.logQuery(sql, values);
    let statement = this.statements.get(sql);
    if (!statement) {
      const { databaseConnection } = this.driver as unknown as {
        databaseConnection: { prepare(sql: string): Statement };
      };
      this.statements.set(sql, (statement = databaseConnection.prepare(sql)));
    }
    // What returns no rows wants to write: the connection refuses it in its own words.
    return (statement.reader ? statement.all(values) : statement.run(values)) as T;
  }
}
