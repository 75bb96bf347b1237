import type { Connection as CoreConnection, ConnectionOptions } from 'mysql2';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { Deadline } from '../../common/timing/deadline.js';
import { SESSION } from '../mysql/mysql-session.js';
import { type CopiedRow, inBatches, type TableShape, type TableTarget } from './table-store.js';

/** How long the server may say nothing. It sorts nothing: rows come in the order of their table. */
const SILENT_MS = 120_000;
/** How long the server waits while what it has sent is stored elsewhere. */
const PATIENT_S = 600;
/** Rows that are read ahead. */
const AHEAD = 1_000;

const named = (name: string): string => `\`${name}\``;

/** A database on a server, on a connection of its own. */
export class MysqlStore implements TableTarget {
  /** Named as a transaction is: the tables belong to this copy alone, and every batch is one. */
  private constructor(private readonly tx: Connection) {}

  /** What is committed now; later commits are not seen. */
  static async read(options: ConnectionOptions): Promise<MysqlStore> {
    const store = await MysqlStore.connect(options);
    for (const statement of [
      'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY',
      `SET SESSION net_write_timeout = ${PATIENT_S}`,
      'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
    ])
      await store.run(statement);
    return store;
  }

  /** To be filled. */
  static async fill(options: ConnectionOptions): Promise<MysqlStore> {
    const store = await MysqlStore.connect(options);
    // An id of 0 is an id, and tables are filled in any order.
    await store.run("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'");
    await store.run('SET SESSION foreign_key_checks = 0');
    return store;
  }

  private static async connect(options: ConnectionOptions): Promise<MysqlStore> {
    // Moments come as the texts that SQLite stores.
    const connection = await createConnection({ ...options, dateStrings: true, charset: 'utf8mb4_bin' });
    connection.on('error', () => undefined);
    const store = new MysqlStore(connection);
    for (const statement of SESSION.all) await store.run(statement);
    return store;
  }

  async tables(): Promise<TableShape[]> {
    const rows = await this.run<{ t: string; c: string; k: number | null }>(
      `SELECT c.TABLE_NAME AS t, c.COLUMN_NAME AS c, s.SEQ_IN_INDEX AS k FROM information_schema.COLUMNS c
       LEFT JOIN information_schema.STATISTICS s ON s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME
         AND s.COLUMN_NAME = c.COLUMN_NAME AND s.INDEX_NAME = 'PRIMARY'
       WHERE c.TABLE_SCHEMA = DATABASE()`,
    );
    const names = [...new Set(rows.map(({ t }) => t))].sort();
    return names.map((name) => {
      const columns = rows.filter(({ t }) => t === name);
      const key = columns.filter(({ k }) => k !== null).sort((a, b) => Number(a.k) - Number(b.k));
      return { name, columns: columns.map(({ c }) => c).sort(), key: key.map(({ c }) => c) };
    });
  }

  rows({ name, columns, key }: TableShape): AsyncGenerator<CopiedRow[]> {
    const sql = `SELECT ${columns.map(named).join()} FROM ${named(name)} ORDER BY ${key.map(named).join()}`;
    const { connection } = this.tx as Connection & { connection: CoreConnection };
    const stream = connection.query({ sql, rowsAsArray: true }).stream({ highWaterMark: AHEAD, objectMode: true });
    return inBatches(this.noticingSilence(stream as AsyncIterable<CopiedRow>));
  }

  async put({ name, columns }: TableShape, rows: readonly CopiedRow[]): Promise<void> {
    await this.inTime(this.tx.query(`INSERT INTO ${named(name)} (${columns.map(named).join()}) VALUES ?`, [rows]));
  }

  /** What is cached in `information_schema` may be a day old. */
  async counters(): Promise<Map<string, number>> {
    const counters = new Map<string, number>();
    for (const { name } of await this.tables()) {
      const [row] = await this.run<{ 'Create Table': string }>(`SHOW CREATE TABLE ${named(name)}`);
      const [, next] = /\) .*\bAUTO_INCREMENT=(\d+)/.exec(row!['Create Table']) ?? [];
      if (next !== undefined) counters.set(name, Number(next) - 1);
    }
    return counters;
  }

  async setCounter(table: string, highest: number): Promise<void> {
    await this.run(`ALTER TABLE ${named(table)} AUTO_INCREMENT = ${highest + 1}`);
  }

  async run<T>(sql: string): Promise<T[]> {
    const [rows] = await this.inTime(this.tx.query<(T & RowDataPacket)[]>(sql));
    return rows;
  }

  close(): Promise<void> {
    this.tx.destroy();
    return Promise.resolve();
  }

  private async *noticingSilence(rows: AsyncIterable<CopiedRow>): AsyncGenerator<CopiedRow> {
    const iterator = rows[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.inTime(iterator.next());
      if (next.done) return;
      yield next.value;
    }
  }

  private async inTime<T>(work: Promise<T>): Promise<T> {
    const deadline = new Deadline(SILENT_MS, () => this.tx.destroy());
    try {
      return await work;
    } finally {
      deadline.met();
    }
  }
}
