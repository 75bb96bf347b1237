import type { DataSourceOptions } from 'typeorm';
import type { MysqlDataSourceOptions } from 'typeorm/driver/mysql/MysqlDataSourceOptions.js';
import type { Config } from '../config/config.js';
import { lookAtDatabase, makeDataFolder, sqliteFile } from '../config/data-folder.js';
import type { DatabaseUrl } from '../config/database-url.js';
import { migrations } from './migrations/all.js';
import { connectionOptions, reach } from './mysql/mysql-connection.js';
import { CONNECTION_WITHIN_MS } from './mysql/watched-pool.js';
import { sqliteDriver } from './sqlite/sqlite-driver.js';

type Pragmas = { pragma(statement: string): unknown };

/**
 * Pages of 4 KiB in SQLite's log from which on it is folded inside a COMMIT, which holds up all else for a tenth of a second. It comes to that
 * only before the start is over, or where `WalCheckpoints` cannot keep up.
 */
const CHECKPOINT_PAGES = 32_000;

const common = { migrations, migrationsRun: false, synchronize: false, logging: false } as const;

/**
 * Options of the embedded database's connection that writes, or of the one that only reads, and makes no folder.
 * @throws ConfigError where DATA_DIR, or what is in it, is not for this user
 */
export function sqliteOptions(config: Pick<Config, 'dataDir'>, { readonly = false } = {}): DataSourceOptions {
  if (!readonly) {
    makeDataFolder(config);
    lookAtDatabase(config, true);
  }
  return {
    ...common,
    type: 'better-sqlite3',
    driver: sqliteDriver(),
    database: sqliteFile(config),
    enableWAL: !readonly,
    readonly,
    prepareDatabase: (database: Pragmas) => {
      // better-sqlite3 is compiled to NORMAL for WAL, with which a power cut could undo commits. See `SqliteLog`.
      database.pragma('synchronous = FULL');
      // Deleted or overwritten data is erased from the file as well: a user may have asked for that.
      database.pragma('secure_delete = ON');
      database.pragma('cache_size = -65536');
      database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    },
  };
}

/** Asks the server what it is: TypeORM must know MariaDB from MySQL, or it reports differences in the schema for ever. */
export async function mysqlOptions(url: DatabaseUrl, poolSize: number): Promise<MysqlDataSourceOptions> {
  const { version, ssl } = await reach(url);
  const { user: username, ...connection } = connectionOptions(url, ssl);
  return {
    ...common,
    ...(connection as Pick<
      MysqlDataSourceOptions,
      'host' | 'port' | 'password' | 'database' | 'connectTimeout' | 'ssl'
    >),
    ...(username !== undefined && { username }),
    connectTimeout: CONNECTION_WITHIN_MS,
    type: version.includes('MariaDB') ? 'mariadb' : 'mysql',
    timezone: 'Z',
    // MySQL computes most numbers as BIGINT. None of ours comes near 2^53; one that did would come as a text.
    bigNumberStrings: false,
    charset: 'utf8mb4_bin',
    // For `GatheredStatements`. Every text of SQL is ours, and every value is bound.
    multipleStatements: true,
    poolSize,
  };
}

export const dataSourceOptions = (config: Config): Promise<DataSourceOptions> =>
  config.databaseUrl ? mysqlOptions(config.databaseUrl, config.databasePool) : Promise.resolve(sqliteOptions(config));
