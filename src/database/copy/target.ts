import { open, rm } from 'node:fs/promises';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Config } from '../../config/config.js';
import { StartError } from '../../common/start-error.js';
import { lookAtDatabase, sqliteFile, sqliteFiles } from '../../config/data-folder.js';
import { dataSourceOptions } from '../data-source-options.js';
import { makeLeaseTables } from '../migrations/1764570000000-leases.js';
import { assertNoNodes } from '../neighbours.js';
import { storeFloors, unlessNoTable } from '../schema-floors.js';
import type { Lock } from '../single-process-lock.js';
import { ownConnection, takeLock } from '../take-lock.js';
import { MysqlStore } from './mysql-store.js';
import { SqliteStore } from './sqlite-store.js';
import type { TableTarget } from './table-store.js';
import { markFinished, markUnfinished, UNFINISHED } from './unfinished.js';

export type Place = Pick<Config, 'dataDir' | 'databaseUrl'>;

/**
 * An empty database, with the tables of this program, that a copy fills. Until `finish` no server starts on it: not beside the copy, and not
 * where it broke off. What a copy has left that broke off is deleted by the next one.
 */
export class Target {
  private constructor(
    readonly store: TableTarget,
    private readonly place: Place,
    private readonly source: DataSource,
    private readonly lock: Lock,
  ) {}

  /** @throws StartError where it is in use, or holds anything */
  static async make(place: Place): Promise<Target> {
    const options = await dataSourceOptions({ ...place, databasePool: 2 } as Config);
    const lock = await takeLock(place, options);
    let source: DataSource | undefined;
    try {
      if (!place.databaseUrl && (await stateOf(place, options)) === 'unfinished') await deleteFiles(place);
      source = await new DataSource(options).initialize();
      if (place.databaseUrl) await assertNoNodes(source);
      const state = await tablesOf(source);
      if (state === 'used') throw notEmpty(place);
      if (state === 'unfinished') await dropTables(source);
      await makeTables(source);
      const store = place.databaseUrl
        ? await MysqlStore.fill(ownConnection(place.databaseUrl, options))
        : SqliteStore.fill(sqliteFile(place));
      return new Target(store, place, source, lock);
    } catch (error) {
      if (source?.isInitialized) await source.destroy();
      await lock.release();
      throw error;
    }
  }

  /** All is copied, and on disk: from here on it is a database as any other. */
  async finish(): Promise<void> {
    await this.store.close();
    await markFinished(this.source.manager);
    if (!this.place.databaseUrl) await this.source.query('PRAGMA wal_checkpoint(TRUNCATE)');
    await this.source.destroy();
    if (!this.place.databaseUrl) await flushed(this.place.dataDir);
    await this.lock.release();
  }

  /** Deletes what was made. Never throws: what cannot be deleted, as where the server is gone, stays marked. */
  async abandon(): Promise<void> {
    const steps = [
      () => this.store.close(),
      async () => this.place.databaseUrl && dropTables(this.source),
      () => this.source.destroy(),
      async () => this.place.databaseUrl || deleteFiles(this.place),
      () => this.lock.release(),
    ];
    for (const step of steps) await step().catch(() => undefined);
  }
}

const notEmpty = ({ databaseUrl: url, dataDir }: Place): StartError =>
  new StartError(
    url
      ? `There are tables in the database ${url.database} at ${url.host}:${url.port}. Name an empty one: CREATE DATABASE …`
      : `There is a database in ${dataDir}. Name another folder, or move that database away.`,
  );

/** `used` is everything that no copy of ours has made. */
async function tablesOf(source: DataSource): Promise<'empty' | 'unfinished' | 'used'> {
  const names = await namesOf(source);
  if (names.length === 0) return 'empty';
  const marks = await unlessNoTable(
    source.query<object[]>('SELECT 1 FROM schema_floors WHERE migration = ?', [UNFINISHED.migration]),
  );
  if (marks.length > 0) return 'unfinished';
  // Broke off before it could write the marker.
  if (names.some((name) => name !== 'leases' && name !== 'schema_floors')) return 'used';
  return (await source.query<object[]>('SELECT 1 FROM leases UNION ALL SELECT 1 FROM schema_floors')).length === 0
    ? 'unfinished'
    : 'used';
}

const namesOf = async (source: DataSource): Promise<string[]> => {
  const rows = await source.query<{ name: string }[]>(
    source.options.type === 'better-sqlite3'
      ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
      : 'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()',
  );
  return rows.map(({ name }) => name);
};

/** Of the embedded database, before anything is opened that would make it. */
async function stateOf(place: Place, options: DataSourceOptions): Promise<'empty' | 'unfinished' | 'used'> {
  if (lookAtDatabase(place) !== 'there') return 'empty';
  const source = await new DataSource(options).initialize();
  try {
    return await tablesOf(source);
  } finally {
    await source.destroy();
  }
}

/** The marker first: whatever breaks off afterwards is known by it. */
async function makeTables(source: DataSource): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    await makeLeaseTables(runner);
  } finally {
    await runner.release();
  }
  await markUnfinished(source.manager);
  await storeFloors(source.manager, source.migrations);
  await source.runMigrations({ transaction: 'each' });
}

/** The table with the marker last. */
async function dropTables(source: DataSource): Promise<void> {
  const names = (await namesOf(source)).filter((name) => name !== 'schema_floors');
  const runner = source.createQueryRunner();
  try {
    await runner.query('SET SESSION foreign_key_checks = 0');
    for (const name of [...names, 'schema_floors']) await runner.query(`DROP TABLE IF EXISTS \`${name}\``);
    await runner.query('SET SESSION foreign_key_checks = 1');
  } finally {
    await runner.release();
  }
}

async function deleteFiles(place: Place): Promise<void> {
  // The file with the marker first: a log without it is nothing.
  for (const file of sqliteFiles(place)) await rm(file, { force: true });
}

/** So that the names of new files in it survive a power cut. */
export async function flushed(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
