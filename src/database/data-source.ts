import { Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import type { PoolConnection } from 'mysql2';
import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import type { AfterQueryEvent } from 'typeorm/subscriber/event/QueryEvent.js';
import type { Config } from '../config/config.js';
import type { DatabaseUrl } from '../config/database-url.js';
import { sqliteOptions } from './data-source-options.js';
import { makeLeaseTables } from './migrations/1764570000000-leases.js';
import { AbandonedConnections } from './mysql/abandoned-connections.js';
import { type Locking, locksOf } from './locking.js';
import { BEGIN, COMMIT, GatheredStatements, ROLLBACK } from './mysql/gathered-statements.js';
import { assertMysql } from './mysql/mysql-internals.js';
import { belongsToGalera, preparePool } from './mysql/prepare-pool.js';
import { PoolRenewal } from './mysql/pool-renewal.js';
import { reportRefusals } from './mysql/refused-connections.js';
import { assertNoLoneProcess, assertNoNodes, migrateUnderLease, ShownStart } from './neighbours.js';
import { assertNotTooOld, type KnownMigration, storeFloors } from './schema-floors.js';
import { newerTables, schemaState } from './schema-state.js';
import { type DatabaseLock, type Lock } from './single-process-lock.js';
import { SqliteLog } from './sqlite/sqlite-log.js';
import { SqliteReader } from './sqlite/sqlite-reader.js';
import { SqliteStatements } from './sqlite/sqlite-statements.js';
import { driverProblem } from './sqlite/sqlite-driver.js';
import { driverCode } from '../common/lost-connection.js';
import { StartError } from '../common/start-error.js';
import { mysqlProblem } from './start-problem.js';
import { takeLock } from './take-lock.js';
import { assertTypeorm, markTransaction, poolOf, sqliteConnectionOf } from './typeorm-internals.js';
import { queryOnce } from './mysql/query-once.js';
import { WatchedPool } from './mysql/watched-pool.js';

/** How often a start tries it where a connection is not made within the few seconds that each has. */
const OPEN_TRIES = 3;

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
  /** On SQLite: transactions, and other work that must not meet one, one after another. Without this queue they nest into each other. */
  readonly writers = pLimit(1);
  /** On SQLite, once the start is over. */
  private log?: SqliteLog;
  /** Undefined where many nodes share the database. */
  private lock?: Lock;
  private readonly lastSteps: (() => Promise<void>)[] = [];
  private renewal?: PoolRenewal;
  private watchedPool?: WatchedPool;
  private abandoned?: AbandonedConnections;
  private readonly gathered = new GatheredStatements();
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
    const began = this.measure && performance.now();
    try {
      if (runner) return (await this.gathered.query((await runner.connect()) as PoolConnection, sql, values)) as T;
      return (await queryOnce(poolOf(this), sql, values)) as T;
    } finally {
      if (began !== undefined) this.measure!(sql, performance.now() - began);
    }
  }

  /** TypeORM's own ways to do these three take longer than a small statement. On MySQL, the first statements of a transaction go with its BEGIN. */
  async begin(runner: QueryRunner): Promise<void> {
    markTransaction(runner, true);
    try {
      await this.query(this.options.type === 'better-sqlite3' ? 'BEGIN' : BEGIN, undefined, runner);
    } catch (error) {
      markTransaction(runner, false);
      throw error;
    }
    this.statements?.begun();
  }

  async commit(runner: QueryRunner): Promise<void> {
    await this.query(COMMIT, undefined, runner);
    this.statements?.ended();
    markTransaction(runner, false);
  }

  async rollback(runner: QueryRunner): Promise<void> {
    // Where this fails, it has happened already: with the end of the connection, or by SQLite itself where the disk is full.
    this.statements?.ended();
    markTransaction(runner, false);
    await this.query(ROLLBACK, undefined, runner);
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
    const { databaseUrl: url } = config;
    for (let tries = 1; ; tries++) {
      try {
        return await Database.openOnce(config, options);
      } catch (error) {
        // `reach` has had an answer just now: the machine is busy, with this start perhaps.
        if (driverCode(error) === 'ETIMEDOUT' && tries < OPEN_TRIES) continue;
        throw driverProblem(error) ?? (url && mysqlProblem(error, url)) ?? error;
      }
    }
  }

  private static async openOnce(config: Config, options: DataSourceOptions): Promise<Database> {
    const database = new Database(options);
    const { databaseUrl: url, redisUrl } = config;
    try {
      if (url) assertMysql();
      // Several nodes show by leases that they are there.
      if (!redisUrl) database.lock = await takeLock(config, options);
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
        database.log = await SqliteLog.open(config, database);
        database.statements = new SqliteStatements(() => sqliteConnectionOf(database));
      } else {
        database.locking = await locksOf(database);
        database.watchPool();
      }
      return database;
    } catch (error) {
      if (database.isInitialized) await database.destroy();
      else await database.lock?.release();
      throw error;
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
    const { pending, unknown } = await schemaState(this);
    if (unknown.length > 0)
      new Logger('Database').warn(`${newerTables(unknown)} It may serve them meanwhile. Install the newer one.`);
    if (pending.length > 0 && !migrateAtStart)
      throw new StartError(
        'The tables are older than this program, and MIGRATE_AT_START is off: run `parley migrate` first.',
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
    return (await schemaState(this)).pending;
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

  /** Resolves once all that was committed before the call is on disk. (A MySQL server answers the COMMIT no sooner.) */
  async flushed(): Promise<void> {
    await this.log?.flushed();
  }

  /** SQLite: as `SqliteLog.truncate`. Only between transactions. */
  async truncateWal(): Promise<boolean> {
    return this.log?.truncate() ?? true;
  }

  /** Runs `step` before the connections are closed. It must not throw. */
  beforeClose(step: () => Promise<void>): void {
    this.lastSteps.push(step);
  }

  override async destroy(): Promise<void> {
    this.abandoned?.stop();
    for (const step of this.lastSteps.splice(0)) await step();
    if (this.reader !== this && this.reader.isInitialized) await this.reader.destroy();
    await this.log?.stop();
    await super.destroy();
    await this.log?.close();
    await this.lock?.release();
  }
}
