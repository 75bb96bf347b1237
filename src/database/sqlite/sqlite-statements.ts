import type { Database as SqliteConnection, Statement } from 'better-sqlite3';
import { LRUCache } from 'lru-cache';

interface Prepared {
  statement: Statement<[readonly unknown[]], unknown[]>;
  /** The columns of its rows; undefined where it returns none. */
  names: string[] | undefined;
}

/** Statements of one connection that stay prepared, by the length of their texts: far more than those that are used all the time. */
const KEPT_LENGTH = 500_000;

/**
 * Statements in SQL on one connection to SQLite, which stay prepared, straight on the driver: what TypeORM does around each takes longer than
 * a small statement itself.
 */
export class SqliteStatements {
  private readonly known = new LRUCache<string, Prepared>({
    maxSize: KEPT_LENGTH,
    sizeCalculation: (_, sql) => sql.length,
  });

  /** Told of each statement, and how many milliseconds it took. */
  measure?: (sql: string, tookMs: number) => void;

  private hasBegun = false;

  constructor(private readonly connection: () => SqliteConnection) {}

  /**
   * From here to `ended`, statements are refused once SQLite has rolled the transaction back by itself, where its disk is full, say: it would
   * commit them one by one.
   */
  begun(): void {
    this.hasBegun = true;
  }

  ended(): void {
    this.hasBegun = false;
  }

  /** @returns the rows, or how many were changed. @throws the driver's own errors */
  run(sql: string, values: readonly unknown[] = []): unknown {
    const began = this.measure && performance.now();
    try {
      return this.runNow(sql, values);
    } finally {
      if (began !== undefined) this.measure!(sql, performance.now() - began);
    }
  }

  private runNow(sql: string, values: readonly unknown[]): unknown {
    this.assertNotOver();
    const { statement, names } = this.prepared(sql);
    // The driver binds no booleans.
    const bound = values.some(isBoolean) ? values.map((value) => (isBoolean(value) ? Number(value) : value)) : values;
    if (!names) return statement.run(bound).changes;
    return statement.all(bound).map((row) => toObject(names, row));
  }

  /** Runs a statement that returns nothing once for each of these. */
  runForEach(sql: string, rows: readonly (readonly unknown[])[]): void {
    this.assertNotOver();
    const { statement } = this.prepared(sql);
    for (const row of rows) statement.run(row);
  }

  private assertNotOver(): void {
    if (this.hasBegun && !this.connection().inTransaction)
      throw new Error('SQLite has rolled the transaction back, since an earlier statement failed.');
  }

  private prepared(sql: string): Prepared {
    let prepared = this.known.get(sql);
    if (!prepared) {
      const statement = this.connection().prepare<[readonly unknown[]], unknown[]>(sql);
      prepared = statement.reader
        ? { statement: statement.raw(), names: statement.columns().map(({ name }) => name) }
        : { statement, names: undefined };
      this.known.set(sql, prepared);
    }
    return prepared;
  }
}

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';

/** Takes two thirds of the time that the driver takes to make objects by itself. */
function toObject(names: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) object[names[i]!] = row[i];
  return object;
}
