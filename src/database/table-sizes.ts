import type { DataSource } from 'typeorm';
import { onlyRow } from './only-row.js';

export interface TableSizes {
  /** Of all tables and their keys. */
  bytes: number;
  /** By table. Counted on SQLite, an estimate of the server elsewhere: to count there may read all of a large table. */
  rows: Record<string, number>;
}

/** Changes nothing. */
export async function sizesOf(source: DataSource): Promise<TableSizes> {
  if (source.options.type !== 'better-sqlite3') {
    const tables = await source.query<{ name: string; n: number | string | null; bytes: number | string | null }[]>(
      `SELECT TABLE_NAME AS name, TABLE_ROWS AS n, DATA_LENGTH + INDEX_LENGTH AS bytes FROM information_schema.TABLES
       WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME`,
    );
    return {
      bytes: tables.reduce((sum, { bytes }) => sum + Number(bytes ?? 0), 0),
      rows: Object.fromEntries(tables.map(({ name, n }) => [name, Number(n ?? 0)])),
    };
  }
  const names = await source.query<{ name: string }[]>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
  );
  const rows: Record<string, number> = {};
  for (const { name } of names)
    rows[name] = onlyRow(await source.query<{ n: number }[]>(`SELECT COUNT(*) AS n FROM "${name}"`)).n;
  const [pages, page] = [await pragma(source, 'page_count'), await pragma(source, 'page_size')];
  return { bytes: pages * page, rows };
}

const pragma = async (source: DataSource, name: string): Promise<number> =>
  Number(Object.values(onlyRow(await source.query<Record<string, number>[]>(`PRAGMA ${name}`)))[0]);
