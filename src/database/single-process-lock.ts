import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type Connection, type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Config } from '../config/config.js';
import { Backoff } from '../common/timing/backoff.js';
import { Deadline } from '../common/timing/deadline.js';
import { streamOfPromised } from './mysql/mysql-internals.js';
import { ASK_FOR_GALERA } from './mysql/mysql-session.js';
import { onlyRow } from './only-row.js';
import { driverProblem, sqliteDriver } from './sqlite/sqlite-driver.js';
import { StartError } from '../common/start-error.js';

/** Another process has the database. */
export class InUse extends StartError {}

export interface Lock {
  release(): Promise<void>;
}

/*
 * Two processes on one database would each deliver only to their own sockets. So a start takes a lock that the operating system, or the
 * database server, releases when the process ends, however it ends.
 */

/** A second SQLite file is locked, since the database itself must stay open to our own reading connection. */
export async function lockDataDir({ dataDir }: Pick<Config, 'dataDir'>): Promise<Lock> {
  const Database = sqliteDriver();
  let file: InstanceType<typeof Database>;
  try {
    file = new Database(join(dataDir, 'parley.lock'), { timeout: 0 });
  } catch (error) {
    throw driverProblem(error) ?? error;
  }
  try {
    file.pragma('journal_mode = DELETE');
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new InUse(
      `Another Parley process uses ${dataDir}. Stop it first, or give this one its own DATA_DIR (and PORT).`,
    );
  }
  return { release: () => Promise.resolve(void file.close()) };
}

/** Pauses between tries to take the lock again. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const CONNECT_WITHIN_MS = 3_000;
const ANSWER_WITHIN_MS = 3_000;
/**
 * How often the connection that holds the lock sends a statement, so that a dead network is noticed. A server that does not notice the end of
 * this process releases the lock after `FORGOTTEN_AFTER_S`.
 */
const ALIVE_EVERY_MS = 10_000;
const FORGOTTEN_AFTER_S = 60;

/** Names of locks are shared by all databases of a server, have at most 64 characters, and ignore case. MySQL 9.6 has no MD5 any more. */
export const lockName = (database: string): string => `parley:${createHash('md5').update(database).digest('hex')}`;

/** A named lock of the database server, on a connection of its own. */
export class DatabaseLock implements Lock {
  private readonly logger = new Logger(DatabaseLock.name);
  private connection: Connection | undefined;
  private stream: Duplex | undefined;
  private released = false;

  private constructor(private readonly options: ConnectionOptions) {}

  static async take(options: ConnectionOptions): Promise<DatabaseLock> {
    const lock = new DatabaseLock(options);
    // A process that was just killed may still hold it for a moment.
    if (!(await lock.tryTake(3))) {
      throw new InUse(
        'Another Parley process uses the database in DATABASE_URL. Stop it first, or give this one its own database.',
      );
    }
    return lock;
  }

  async release(): Promise<void> {
    this.released = true;
    await this.connection?.end().catch(() => undefined);
  }

  /** Takes it on a new connection, which may lead to another server. */
  moveAway(): void {
    this.stream?.destroy();
  }

  private async tryTake(seconds: number): Promise<boolean> {
    const connection = await createConnection({ ...this.options, connectTimeout: CONNECT_WITHIN_MS });
    connection.on('error', () => undefined);
    // mysql2 reports the end of a connection only by its stream.
    const stream = streamOfPromised(connection);
    const deadline = new Deadline(seconds * 1000 + ANSWER_WITHIN_MS, () => stream.destroy());
    try {
      const isTaken = await this.lockOn(connection, seconds);
      if (isTaken) this.keep(connection, stream);
      else await connection.end();
      return isTaken;
    } catch (error) {
      stream.destroy();
      throw error;
    } finally {
      deadline.met();
    }
  }

  private async lockOn(connection: Connection, seconds: number): Promise<boolean> {
    const ask = async (sql: string, values: unknown[] = []): Promise<number | null> => {
      const [rows] = await connection.query<({ value: number | string | null } & RowDataPacket)[]>(
        `SELECT ${sql} AS value`,
        values,
      );
      const { value } = onlyRow(rows);
      return value === null ? null : Number(value);
    };
    const [rows] = await connection.query<({ database: string } & RowDataPacket)[]>('SELECT DATABASE() AS `database`');
    const { database } = onlyRow(rows);
    const [[galera]] = await connection.query<({ Value: string } & RowDataPacket)[]>(ASK_FOR_GALERA);
    if (galera?.Value === 'ON')
      throw new StartError(
        'The server in DATABASE_URL belongs to a Galera cluster, where a process without REDIS_URL cannot keep a second one out: locks are unknown to the other servers. Set REDIS_URL.',
      );
    const name = lockName(database);
    await connection.query(`SET SESSION wait_timeout = ${FORGOTTEN_AFTER_S}`);
    if ((await ask('GET_LOCK(?, ?)', [name, seconds])) === 1) return true;
    const holder = await ask('IS_USED_LOCK(?)', [name]);
    // Held by ourselves, on a connection whose end the server has not noticed yet.
    if (holder === null || holder !== this.connection?.threadId) return false;
    await connection.query(`KILL ${holder}`);
    return (await ask('GET_LOCK(?, 1)', [name])) === 1;
  }

  private keep(connection: Connection, stream: Duplex): void {
    this.connection = connection;
    this.stream = stream;
    const alive = setInterval(() => {
      const deadline = new Deadline(ANSWER_WITHIN_MS, () => stream.destroy());
      void connection
        .ping()
        .catch(() => stream.destroy())
        .finally(() => deadline.met());
    }, ALIVE_EVERY_MS).unref();
    stream.once('close', () => {
      clearInterval(alive);
      void this.takeAgain();
    });
  }

  /** The connection to the database server broke, and with it the lock. */
  private async takeAgain(): Promise<void> {
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    while (!this.released) {
      const taken = await this.tryTake(0).catch(() => undefined);
      if (taken) return;
      if (taken === false)
        this.logger.error('Another Parley process took over the database in DATABASE_URL. Stop one of the two.');
      await sleep(backoff.next(), undefined, { ref: false });
    }
  }
}
