import { LRUCache } from 'lru-cache';
import { DataSource, type QueryRunner } from 'typeorm';

/** What we use of better-sqlite3's statements. */
interface Statement {
  /** It returns rows. */
  reader: boolean;
  raw(): this;
  columns(): { name: string }[];
  all(values: readonly unknown[]): unknown[][];
  run(values: readonly unknown[]): unknown;
}

interface Prepared {
  statement: Statement;
  /** Of its rows; none where it returns none. */
  names: string[];
}

/** Statements of one connection that stay prepared; far more than there are in the code. */
const KEPT = 500;

/**
 * The embedded database's connection that only reads. Statements of our own go straight to the driver: the query runner and the
 * entity manager that TypeORM makes for each take longer than SQLite does for a page of history.
 */
export class SqliteReader extends DataSource {
  private readonly statements = new LRUCache<string, Prepared>({ max: KEPT });

  override async query<T>(sql: string, values: unknown[] = [], runner?: QueryRunner): Promise<T> {
    if (runner) return super.query<T>(sql, values, runner);
    this.logger.logQuery(sql, values);
    const { statement, names } = this.prepared(sql);
    // What returns no rows wants to write: the connection refuses it in its own words.
    return (statement.reader ? statement.all(values).map((row) => toObject(names, row)) : statement.run(values)) as T;
  }

  private prepared(sql: string): Prepared {
    let prepared = this.statements.get(sql);
    if (!prepared) {
      const { databaseConnection } = this.driver as unknown as {
        databaseConnection: { prepare(sql: string): Statement };
      };
      const statement = databaseConnection.prepare(sql);
      prepared = statement.reader
        ? { statement: statement.raw(), names: statement.columns().map(({ name }) => name) }
        : { statement, names: [] };
      this.statements.set(sql, prepared);
    }
    return prepared;
  }
}

/** Two thirds of the time that the driver takes to make the object itself. */
function toObject(names: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) object[names[i]!] = row[i];
  return object;
}
