import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';

/** Made by migrations, or of processes that run. */
const LEFT_OUT = new Set(['migrations', 'schema_floors', 'leases']);

/** Everything that is stored, by table, as texts that are the same on all databases. Nobody may have it open for writing. */
export async function allRows(env: Record<string, string>): Promise<Record<string, string[]>> {
  const { query, close } = env['DATABASE_URL'] ? await onServer(env['DATABASE_URL']) : inFile(env['DATA_DIR']);
  try {
    const names = (
      await query(env['DATABASE_URL'] ? 'SHOW TABLES' : "SELECT name FROM sqlite_master WHERE type = 'table'")
    )
      .map((row) => String(Object.values(row)[0]))
      .filter((name) => !name.startsWith('sqlite_') && !LEFT_OUT.has(name));
    const rows: Record<string, string[]> = {};
    for (const name of names.sort()) rows[name] = (await query(`SELECT * FROM ${name}`)).map(plain).sort();
    return rows;
  } finally {
    await close();
  }
}

type Query = (sql: string) => Promise<Record<string, unknown>[]>;

const plain = (row: Record<string, unknown>): string =>
  JSON.stringify(Object.entries(row).sort(([one], [other]) => (one < other ? -1 : 1)));

async function onServer(url: string): Promise<{ query: Query; close: () => Promise<void> }> {
  const connection = await createConnection({ uri: url, dateStrings: true });
  return {
    query: async (sql) => (await connection.query(sql))[0] as Record<string, unknown>[],
    close: () => connection.end(),
  };
}

function inFile(folder: string): { query: Query; close: () => Promise<void> } {
  const file = join(folder, 'parley.sqlite');
  if (!existsSync(file)) throw new Error(`There is no ${file}.`);
  const database = new (sqliteDriver())(file, { readonly: true });
  return {
    query: (sql) => Promise.resolve(database.prepare(sql).all() as Record<string, unknown>[]),
    close: () => Promise.resolve(void database.close()),
  };
}
