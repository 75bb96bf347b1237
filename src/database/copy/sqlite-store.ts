import type { Database as Sqlite, Statement } from 'better-sqlite3';
import { sqliteDriver } from '../sqlite/sqlite-driver.js';
import { type CopiedRow, inBatches, type TableShape, type TableTarget } from './table-store.js';

const BUSY_MS = 10_000;
const named = (name: string): string => `"${name}"`;

/** A file of SQLite, on a connection of its own. */
export class SqliteStore implements TableTarget {
  /** Named as a transaction is: the tables belong to this copy alone, and every batch is one. */
  private constructor(private readonly tx: Sqlite) {}

  /** What is committed now; later commits are not seen. */
  static read(file: string): SqliteStore {
    const Database = sqliteDriver();
    const connection = new Database(file, { readonly: true, timeout: BUSY_MS });
    connection.exec('BEGIN');
    connection.prepare('SELECT 1 FROM sqlite_master').all();
    return new SqliteStore(connection);
  }

  /** To be filled: nothing of it counts before the marker is gone, so nothing is flushed until then. */
  static fill(file: string): SqliteStore {
    const Database = sqliteDriver();
    const connection = new Database(file, { timeout: BUSY_MS });
    connection.pragma('synchronous = NORMAL');
    // Tables are filled in any order.
    connection.pragma('foreign_keys = OFF');
    return new SqliteStore(connection);
  }

  tables(): Promise<TableShape[]> {
    const names = this.tx
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
      )
      .pluck()
      .all() as string[];
    return Promise.resolve(
      names.map((name) => {
        const columns = this.tx.pragma(`table_info(${named(name)})`) as { name: string; pk: number }[];
        const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
        return { name, columns: columns.map((one) => one.name).sort(), key: key.map((one) => one.name) };
      }),
    );
  }

  rows({ name, columns, key }: TableShape): AsyncGenerator<CopiedRow[]> {
    const sql = `SELECT ${columns.map(named).join()} FROM ${named(name)} ORDER BY ${key.map(named).join()}`;
    const statement = this.tx.prepare(sql).raw() as Statement<[], CopiedRow>;
    return inBatches(statement.iterate());
  }

  put({ name, columns }: TableShape, rows: readonly CopiedRow[]): Promise<void> {
    const insert = this.tx.prepare(
      `INSERT INTO ${named(name)} (${columns.map(named).join()}) VALUES (${columns.map(() => '?').join()})`,
    );
    this.tx.transaction(() => rows.forEach((row) => insert.run(...row)))();
    return Promise.resolve();
  }

  counters(): Promise<Map<string, number>> {
    const rows = this.tx.prepare('SELECT name, seq FROM sqlite_sequence').all() as { name: string; seq: number }[];
    return Promise.resolve(new Map(rows.map(({ name, seq }) => [name, seq])));
  }

  setCounter(table: string, highest: number): Promise<void> {
    this.tx.transaction(() => {
      this.tx.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table);
      this.tx.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, highest);
    })();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.tx.close();
  }
}
