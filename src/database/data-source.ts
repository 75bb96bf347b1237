import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import type { ConnectionOptions, Pool, SslOptions } from 'mysql2';
import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import type { MysqlDataSourceOptions } from 'typeorm/driver/mysql/MysqlDataSourceOptions.js';
import type { AfterQueryEvent } from 'typeorm/subscriber/event/QueryEvent.js';
import type { Config } from '../config/config.js';
import type { DatabaseUrl } from '../config/database-url.js';
import { AbandonedConnections } from './mysql/abandoned-connections.js';
import { Messages1763800000000 } from './migrations/1763800000000-messages.js';
import { Groups1763900000000 } from './migrations/1763900000000-groups.js';
import { Bot1764000000000 } from './migrations/1764000000000-bot.js';
import { NoTimeIndex1764050000000 } from './migrations/1764050000000-no-time-index.js';
import { Accounts1764100000000 } from './migrations/1764100000000-accounts.js';
import { GroupDoors1764200000000 } from './migrations/1764200000000-group-doors.js';
import { Changes1764300000000 } from './migrations/1764300000000-changes.js';
import { Blocks1764400000000 } from './migrations/1764400000000-blocks.js';
import { MailTurns1764510000000 } from './migrations/1764510000000-mail-turns.js';
import { OnlinePeople1764540000000 } from './migrations/1764540000000-online-people.js';
import { ReplacedPasswords1764520000000 } from './migrations/1764520000000-replaced-passwords.js';
import { DeletedConversations1764550000000 } from './migrations/1764550000000-deleted-conversations.js';
import { GroupDepartures1764550001000 } from './migrations/1764550001000-group-departures.js';
import { FoldedNames1764560000000 } from './migrations/1764560000000-folded-names.js';
import { Leases1764570000000, makeLeaseTables } from './migrations/1764570000000-leases.js';
import { Nodes1764580000000 } from './migrations/1764580000000-nodes.js';
import { type Locking, locksOf } from './locking.js';
import { onlyRow } from './only-row.js';
import { connectionOptions, reach } from './mysql/mysql-connection.js';
import { assertMysql } from './mysql/mysql-internals.js';
import { belongsToGalera, preparePool } from './mysql/prepare-pool.js';
import { PoolRenewal } from './mysql/pool-renewal.js';
import { reportRefusals } from './mysql/refused-connections.js';
import { assertNoLoneProcess, assertNoNodes, migrateUnderLease, ShownStart } from './neighbours.js';
import { assertNotTooOld, type KnownMigration, nameOf, storeFloors } from './schema-floors.js';
import { DatabaseLock, lockDataDir, type Lock } from './single-process-lock.js';
import { SqliteReader } from './sqlite/sqlite-reader.js';
import { SqliteStatements } from './sqlite/sqlite-statements.js';
import { driverProblem, sqliteDriver } from './sqlite/sqlite-driver.js';
import { StartError } from '../common/start-error.js';
import { mysqlProblem } from './start-problem.js';
import { assertTypeorm, poolOf, sqliteConnectionOf } from './typeorm-internals.js';
import { WalFile } from './sqlite/wal-file.js';
import { CONNECTION_WITHIN_MS, WatchedPool } from './mysql/watched-pool.js';

/** All migrations, oldest first. Appended to, never edited. */
export const migrations = [
  Messages1763800000000,
  Groups1763900000000,
  Bot1764000000000,
  NoTimeIndex1764050000000,
  Accounts1764100000000,
  GroupDoors1764200000000,
  Changes1764300000000,
  Blocks1764400000000,
  MailTurns1764510000000,
  ReplacedPasswords1764520000000,
  OnlinePeople1764540000000,
  DeletedConversations1764550000000,
  GroupDepartures1764550001000,
  FoldedNames1764560000000,
  Leases1764570000000,
  Nodes1764580000000,
];

type Pragmas = { pragma(statement: string): unknown };

export const sqliteFile = (config: Pick<Config, 'dataDir'>): string => join(config.dataDir, 'parley.sqlite');

/**
 * Pages of 4 KiB in SQLite's log before it is folded into the file, which holds up all else for some 10 ms. A page that was written often
 * meanwhile is copied once: with SQLite's own 1,000 pages, this took as long as all other work of the commits.
 */
const CHECKPOINT_PAGES = 8_000;

const common = { migrations, migrationsRun: false, synchronize: false, logging: false } as const;

/** Options of the embedded database's connection that writes, or of the one that only reads. */
export function sqliteOptions(config: Pick<Config, 'dataDir'>, { readonly = false } = {}): DataSourceOptions {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  return {
    ...common,
    type: 'better-sqlite3',
    driver: sqliteDriver(),
    database: sqliteFile(config),
    enableWAL: !readonly,
    readonly,
    prepareDatabase: (database: Pragmas) => {
      // better-sqlite3 is compiled to NORMAL for WAL, with which a power cut could undo commits. See `flushByOurselves`.
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
    poolSize,
  };
}

export const dataSourceOptions = (config: Config): Promise<DataSourceOptions> =>
  config.databaseUrl ? mysqlOptions(config.databaseUrl, config.databasePool) : Promise.resolve(sqliteOptions(config));

/**
 * The connection, or pool, that writes. On SQLite a second connection reads, and a lock protects both. They close in order: the connection
 * that closes the file last folds the write-ahead log into it, which a read-only one may not.
 */
export class Database extends DataSource {
  /** For all reads outside of transactions: only what is committed is seen. */
  reader: Database | SqliteReader = this;
  /** Undefined on SQLite, which has one writer. */
  locking?: Locking;
  /** On SQLite, once the tables are what they should be. */
  statements?: SqliteStatements;
  /** The server belongs to a Galera cluster: its locks are unknown to the others, and it may apply late what they have committed. */
  isGalera = false;
  private wal?: WalFile;
  /** Undefined where many nodes share the database. */
  private lock?: Lock;
  private readonly lastSteps: (() => Promise<void>)[] = [];
  private renewal?: PoolRenewal;
  private watchedPool?: WatchedPool;
  private abandoned?: AbandonedConnections;
  private measure?: (sql: string, tookMs: number) => void;

  /**
   * Statements in SQL go straight to the driver, in a transaction or not: TypeORM's work around each takes as long as a small statement
   * itself. Errors are the driver's own.
   */
  override async query<T>(sql: string, values?: unknown[], runner?: QueryRunner): Promise<T> {
    if (this.statements) {
      this.logger.logQuery(sql, values);
      return this.statements.run(sql, values) as T;
    }
    if (this.options.type === 'better-sqlite3') return super.query<T>(sql, values, runner);
    this.logger.logQuery(sql, values);
    const connection = runner ? ((await runner.connect()) as Pool) : poolOf(this);
    const began = this.measure && performance.now();
    return new Promise((resolve, reject) => {
      connection.query(sql, values, (error, rows) => {
        if (began !== undefined) this.measure!(sql, performance.now() - began);
        if (error) reject(error);
        else resolve(rows as T);
      });
    });
  }

  /** Calls `measure` with each statement from now on, and with how many milliseconds it took. */
  measureStatements(measure: (sql: string, tookMs: number) => void): void {
    this.measure = measure;
    const subscriber = {
      afterQuery: ({ query, executionTime }: AfterQueryEvent) => measure(query, executionTime ?? 0),
    };
    this.subscribers.push(subscriber);
    for (const { statements } of [this, this.reader]) if (statements) statements.measure = measure;
  }

  /** Connects, locks, and brings the tables up to date. @throws StartError where the operator can mend it */
  static async open(config: Config, options: DataSourceOptions): Promise<Database> {
    const database = new Database(options);
    const { databaseUrl: url, redisUrl } = config;
    try {
      if (url) assertMysql();
      // Several nodes show by leases that they are there.
      if (!redisUrl)
        database.lock = url ? await DatabaseLock.take(lockOptions(url, options)) : await lockDataDir(config);
      await database.initialize();
      assertTypeorm(database);
      if (url) await database.prepareMysql(url);
      await database.prepareTables(config);
      if (!url) {
        const readonly = {
          ...sqliteOptions(config, { readonly: true }),
          entities: options.entities,
        } as DataSourceOptions;
        database.reader = await new SqliteReader(readonly).initialize();
        await database.flushByOurselves(config);
      } else {
        database.locking = await locksOf(database);
        database.watchPool();
      }
      return database;
    } catch (error) {
      if (database.isInitialized) await database.destroy();
      else await database.lock?.release();
      throw driverProblem(error) ?? (url && mysqlProblem(error, url)) ?? error;
    }
  }

  private async prepareMysql(url: DatabaseUrl): Promise<void> {
    const pool = poolOf(this);
    this.renewal = new PoolRenewal(pool);
    this.isGalera = await belongsToGalera(pool);
    await preparePool(this, pool);
    reportRefusals(pool, url);
  }

  /** Brings the tables up to date, once nobody is there beside whom this process must not run. */
  private async prepareTables({ databaseUrl: url, redisUrl, migrateAtStart }: Config): Promise<void> {
    await assertNotTooOld(this);
    const pending = await this.pending();
    if (pending.length > 0 && !migrateAtStart)
      throw new StartError(
        'The tables are older than this program, and MIGRATE_AT_START is off: run `npm run migrate` first.',
      );
    if (pending.length > 0) await this.makeLeaseTables();
    if (redisUrl) {
      const start = new ShownStart(this);
      await start.show();
      this.beforeClose(() => start.end());
      await assertNoLoneProcess(this);
      await migrateUnderLease(this, () => this.pending());
      await start.show();
    } else {
      if (url) await assertNoNodes(this);
      if (pending.length === 0) return;
      await storeFloors(this.manager, pending);
      await this.runMigrations({ transaction: 'each' });
    }
  }

  private async makeLeaseTables(): Promise<void> {
    const runner = this.createQueryRunner();
    try {
      await makeLeaseTables(runner);
    } finally {
      await runner.release();
    }
  }

  /** Migrations that have not run. Changes nothing, not even where there are no tables yet. */
  private async pending(): Promise<KnownMigration[]> {
    const runner = this.createQueryRunner();
    try {
      const rows: { name: string }[] = (await runner.hasTable('migrations'))
        ? await runner.query('SELECT name FROM migrations')
        : [];
      const done = new Set(rows.map(({ name }) => name));
      return this.migrations.filter((migration) => !done.has(nameOf(migration)));
    } finally {
      await runner.release();
    }
  }

  /** The server turned out to be read-only: all connections are made anew, which may lead to the new primary. */
  leaveServer(): void {
    if (!this.renewal?.renew()) return;
    new Logger('Database').warn(
      'The database server is read-only: all connections are made anew, and may find another.',
    );
    (this.lock as DatabaseLock | undefined)?.moveAway();
  }

  /** From here on each statement has a deadline. Migrations, before it, have none. */
  private watchPool(): void {
    this.abandoned = new AbandonedConnections((sql, values) => this.query(sql, values));
    this.watchedPool = new WatchedPool(poolOf(this), (name) => this.abandoned!.add(name));
  }

  /** Gives the runner the next free connection of the pool, before all others that wait for one. */
  async connectAhead(runner: QueryRunner): Promise<void> {
    const connect = (): Promise<unknown> => runner.connect();
    await (this.watchedPool ? this.watchedPool.ahead(connect) : connect());
  }

  /** Runs statements that may take long on a healthy database: each statement of the runner has ten minutes meanwhile. */
  async unhurried<T>(runner: QueryRunner, work: () => Promise<T>): Promise<T> {
    const connection = (await runner.connect()) as object;
    this.watchedPool?.leaveTime(connection);
    try {
      return await work();
    } finally {
      this.watchedPool?.hurry(connection);
    }
  }

  /** From here on a COMMIT on SQLite writes and does not flush: the unit of work waits for `flushed`. */
  private async flushByOurselves(config: Config): Promise<void> {
    this.wal = await WalFile.open(sqliteFile(config), (error) => {
      new Logger('Database').fatal(
        `The disk of ${config.dataDir} failed (${error.message}): nothing more can be stored.`,
      );
      process.exit(1);
    });
    await this.query('PRAGMA synchronous = NORMAL');
    this.statements = new SqliteStatements(() => sqliteConnectionOf(this));
  }

  /** Resolves once all that was committed before the call is on disk. (A MySQL server answers the COMMIT no sooner.) */
  async flushed(): Promise<void> {
    await this.wal?.flush();
  }

  /**
   * SQLite: writes the write-ahead log into the file and truncates it, so that deleted data is not left there. False where a reader, a
   * backup say, is in the way. Only between transactions.
   */
  async truncateWal(): Promise<boolean> {
    if (this.options.type !== 'better-sqlite3') return true;
    const { timeout } = onlyRow(await this.query<{ timeout: number }[]>('PRAGMA busy_timeout'));
    // No waiting: it would block the whole process.
    await this.query('PRAGMA busy_timeout = 0');
    try {
      const { busy } = onlyRow(await this.query<{ busy: number }[]>('PRAGMA wal_checkpoint(TRUNCATE)'));
      return busy === 0;
    } finally {
      await this.query(`PRAGMA busy_timeout = ${timeout}`);
    }
  }

  /** Runs `step` before the connections are closed. It must not throw. */
  beforeClose(step: () => Promise<void>): void {
    this.lastSteps.push(step);
  }

  override async destroy(): Promise<void> {
    this.abandoned?.stop();
    for (const step of this.lastSteps.splice(0)) await step();
    if (this.reader !== this && this.reader.isInitialized) await this.reader.destroy();
    await super.destroy();
    await this.wal?.close();
    await this.lock?.release();
  }
}

/** The connection that holds the lock is encrypted as the others are. */
const lockOptions = (url: DatabaseUrl, options: DataSourceOptions): ConnectionOptions =>
  connectionOptions(url, (options as MysqlDataSourceOptions).ssl as SslOptions | undefined);
