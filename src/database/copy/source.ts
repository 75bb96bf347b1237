import { StartError } from '../../common/start-error.js';
import { noDatabase, sqliteFile } from '../../config/data-folder.js';
import { mysqlOptions } from '../data-source-options.js';
import { openToRead } from '../open-to-read.js';
import { assertNotTooOld } from '../schema-floors.js';
import { newerTables, schemaState } from '../schema-state.js';
import { ownConnection } from '../take-lock.js';
import { MysqlStore } from './mysql-store.js';
import { SqliteStore } from './sqlite-store.js';
import type { TableSource } from './table-store.js';
import type { Place } from './target.js';

/** What is stored in a database at this moment, also beside a server that goes on writing. @throws StartError */
export async function readFrom(place: Place): Promise<TableSource> {
  await assertCurrent(place);
  if (!place.databaseUrl) return SqliteStore.read(sqliteFile(place));
  return MysqlStore.read(ownConnection(place.databaseUrl, await mysqlOptions(place.databaseUrl, 1)));
}

/** @throws StartError, ConfigError where there is nothing, or tables that are not those of this program */
export async function assertCurrent(place: Place): Promise<void> {
  const source = await openToRead(place);
  if (!source) throw noDatabase(place);
  try {
    await assertNotTooOld(source);
    const { done, pending, unknown } = await schemaState(source);
    if (done.length === 0)
      throw new StartError('The database is empty: there is nothing to copy. Check DATA_DIR and DATABASE_URL.');
    if (unknown.length > 0) throw new StartError(`${newerTables(unknown)} Run the command with the version that does.`);
    if (pending.length > 0)
      throw new StartError(
        'The tables are older than this program. Make a backup with the version that ran until now, or run: parley migrate',
      );
  } finally {
    await source.destroy();
  }
}
