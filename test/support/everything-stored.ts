import { existsSync, readFileSync } from 'node:fs';
import { sqliteFile } from '../../src/config/data-folder.js';
import type { TestApp } from './app.js';

/** Everything that the database holds, byte by byte where it is a file, and while the server has it open. */
export async function everythingStored(app: TestApp): Promise<string> {
  if (app.database.options.type === 'better-sqlite3') {
    const file = sqliteFile({ dataDir: app.env['DATA_DIR'] });
    return [file, `${file}-wal`]
      .filter((one) => existsSync(one))
      .map((one) => readFileSync(one, 'latin1'))
      .join();
  }
  const tables = await app.database.query(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  const rows = [];
  for (const { name } of tables) rows.push(await app.database.query(`SELECT * FROM ${name}`));
  return JSON.stringify(rows);
}
