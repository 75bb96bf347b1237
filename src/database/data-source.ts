import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { Pool } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { Config } from '../config/config.js';
import { Messages1763800000000 } from './migrations/1763800000000-messages.js';
import { driverProblem, StartError } from './start-error.js';

/** All of them, oldest first. Appended to, never edited. */
export const migrations = [Messages1763800000000];

type Pragmas = { pragma(statement: string): unknown };

export const sqliteFile = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'parley.sqlite');

const common = { migrations, migrationsRun: false, synchronize: false, logging: false } as const;

/** Options of the embedded database's connection that writes, or of the one that only reads. */
export function sqliteOptions(config: Pick<Config, 'dataDir'>, { readonly = false } = {}): DataSourceOptions {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  return {
    ...common,
    type: 'better-sqlite3',
    database: sqliteFile(config),
    enableWAL: !readonly,
    readonly,
    prepareDatabase: (database: Pragmas) => {
      // better-sqlite3 is compiled to NORMAL for WAL: a power cut could then take back an acknowledged message.
      database.pragma('synchronous = FULL');
      database.pragma('cache_size = -65536');
    },
  };
}

/** Asks the server what it is: TypeORM must know MariaDB from MySQL, or it sees differences in the schema for ever. */
export async function mysqlOptions(databaseUrl: string): Promise<DataSourceOptions> {
  const connection = await createConnection({ uri: databaseUrl, connectTimeout: 10_000 }).catch(
    (error: Error & { code?: string }) => {
      throw new StartError(`The database in DATABASE_URL cannot be used: ${error.message || error.code}`);
    },
  );
  try {
    const [[version]] = (await connection.query('SELECT VERSION() AS version')) as unknown as [[{ version: string }]];
    return {
      ...common,
      type: version.version.includes('MariaDB') ? 'mariadb' : 'mysql',
      url: databaseUrl,
      timezone: 'Z',
      charset: 'utf8mb4_bin',
      poolSize: 10,
    };
  } finally {
    await connection.end();
  }
}

export const dataSourceOptions = (config: Config): Promise<DataSourceOptions> =>
  config.databaseUrl ? mysqlOptions(config.databaseUrl) : Promise.resolve(sqliteOptions(config));

/** Connects and brings the tables up to date. @throws StartError where the operator can mend it */
export async function openDataSource(options: DataSourceOptions): Promise<DataSource> {
  const source = new DataSource(options);
  try {
    await source.initialize();
  } catch (error) {
    throw driverProblem(error) ?? error;
  }
  if (source.options.type !== 'better-sqlite3') await prepareMysql(source);
  await source.runMigrations({ transaction: 'each' });
  return source;
}

const SESSION = [
  // Too long a text is an error, never cut off in silence.
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

async function prepareMysql(source: DataSource): Promise<void> {
  const { pool } = source.driver as unknown as { pool: Pool };
  pool.on('connection', (connection) => SESSION.forEach((statement) => connection.query(statement)));
  // The connection that TypeORM tried the server with is older than the line above: let the pool open new ones.
  await new Promise<void>((done, failed) =>
    pool.getConnection((error, first) => (error ? failed(error) : done(first.destroy()))),
  );
  const [flush] = await source.query<{ Value: string }[]>("SHOW VARIABLES LIKE 'innodb_flush_log_at_trx_commit'");
  if (flush && flush.Value !== '1') {
    new Logger('Database').warn(
      `innodb_flush_log_at_trx_commit is ${flush.Value}: a crash of the database server can lose acknowledged messages. Set it to 1.`,
    );
  }
}
