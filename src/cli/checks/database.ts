import type { DataSource } from 'typeorm';
import { engineName } from '../../database/engine-name.js';
import { onlyRow } from '../../database/only-row.js';
import { openToRead } from '../../database/open-to-read.js';
import { assertNotTooOld } from '../../database/schema-floors.js';
import { schemaState } from '../../database/schema-state.js';
import type { Config } from '../../config/config.js';
import { lookAtDatabase, sqliteFile } from '../../config/data-folder.js';
import { counted } from '../output.js';
import { type Check, fail, type Found, ok, warn } from './check.js';

/** The name and the version of what `source` is connected to: `MariaDB 10.11.6`, `SQLite 3.53.1`. */
export async function engineOf(source: DataSource): Promise<string> {
  const isSqlite = source.options.type === 'better-sqlite3';
  const sql = `SELECT ${isSqlite ? 'sqlite_version' : 'VERSION'}() AS version`;
  const { version } = onlyRow(await source.query<{ version: string }[]>(sql));
  return `${engineName(source)} ${version.replace(/[^\d.].*/, '')}`;
}

/** Where the database is, without user and password. */
export const placeOf = ({ databaseUrl: url, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>): string =>
  url ? `${url.database} at ${url.host.includes(':') ? `[${url.host}]` : url.host}:${url.port}` : dataDir;

export const database: Check = {
  name: 'database',
  async look(config) {
    const source = await openToRead(config);
    if (!source) return [ok(`SQLite in ${config.dataDir}: there is none yet, and the first start makes it.`)];
    const isEmptyFile = !config.databaseUrl && lookAtDatabase(config) === 'empty';
    try {
      return [isEmptyFile ? warn(emptyFile(config)) : await lookAt(source, config)];
    } finally {
      await source.destroy();
    }
  },
};

/** Parley leaves none: what it had may be gone. */
const emptyFile = (config: Config): string =>
  `${sqliteFile(config)} is a file without a byte, and the first start makes the tables. If it held a community, restore a backup.`;

async function lookAt(source: DataSource, config: Config): Promise<Found> {
  const what = `${await engineOf(source)}, ${placeOf(config)}`;
  await assertNotTooOld(source);
  const { done, pending, unknown } = await schemaState(source);
  if (done.length === 0) return ok(`${what}: it is empty, and the first start makes the tables.`);
  if (unknown.length > 0)
    return warn(
      `${what}: a newer Parley has changed the tables (${unknown.join(', ')}). This one may run beside it; use that one.`,
    );
  if (pending.length === 0) return ok(`${what}: the tables are up to date (${counted(done.length, 'migration')}).`);
  const missing = `${what}: ${counted(pending.length, 'migration')} of this version ${pending.length === 1 ? 'has' : 'have'} not run`;
  return config.migrateAtStart
    ? warn(
        `${missing}. The next start runs ${pending.length === 1 ? 'it' : 'them'}; make a backup first, with the version that ran until now.`,
      )
    : fail(
        `${missing}, and MIGRATE_AT_START is off. Make a backup with the version that ran until now, stop the server, and run: parley migrate`,
      );
}
