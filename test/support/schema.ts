import type { TestApp } from './app.js';

export interface SchemaColumn {
  table: string;
  column: string;
  /** Integers, and what is stored as such. */
  isNumber: boolean;
}

/** Every column of every table, as the database itself lists them. */
export async function schemaColumns(app: TestApp): Promise<SchemaColumn[]> {
  const rows: { t: string; c: string; type: string }[] = await app.database.query(
    app.database.options.type === 'better-sqlite3'
      ? `SELECT m.name AS t, p.name AS c, p.type AS type FROM sqlite_master m JOIN pragma_table_info(m.name) p
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`
      : 'SELECT TABLE_NAME AS t, COLUMN_NAME AS c, DATA_TYPE AS type FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()',
  );
  return rows.map(({ t, c, type }) => ({ table: t, column: c, isNumber: /int|bool/i.test(type) }));
}
