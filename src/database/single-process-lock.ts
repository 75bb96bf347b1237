import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import type { Config } from '../config/config.js';
import { driverProblem, sqliteDriver } from './sqlite-driver.js';
import { StartError } from './start-error.js';

export interface Lock {
  release(): Promise<void>;
}

/*
 * Two processes on one database would each deliver only to its own sockets. So a start takes a lock that the operating system,
 * or the database server, gives back by itself when the process dies, however it dies.
 */

/** A second SQLite file holds the lock: the database itself must stay open to our own reading connection. */
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
    throw new StartError(
      `Another Parley process uses ${dataDir}. Stop it first, or give this one its own DATA_DIR (and PORT).`,
    );
  }
  return { release: () => Promise.resolve(void file.close()) };
}

const RETRY_MS = 2_000;

/** A lock's name is of the whole server, has at most 64 characters, and does not tell their case. MySQL 9.6 lost its own MD5. */
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
      throw new StartError(
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
    const connection = await createConnection(this.options);
    const [[{ name }]] = (await connection.query('SELECT DATABASE() AS name')) as unknown as [[{ name: string }]];
    const [[row]] = (await connection.query('SELECT GET_LOCK(?, ?) AS taken', [
      lockName(name),
      seconds,
    ])) as unknown as [[{ taken: number | null }]];
    if (row.taken !== 1) {
      await connection.end();
      return false;
    }
    // A server that is idle for long would hang up on us.
    await connection.query('SET SESSION wait_timeout = 31536000');
    this.connection = connection;
    connection.on('error', () => undefined);
    // mysql2 tells that a connection is gone only by its stream.
    const { stream } = (connection as unknown as { connection: { stream: Duplex } }).connection;
    this.stream = stream;
    stream.once('close', () => void this.takeAgain());
    return true;
  }

  /** The database server went away: the lock went with it. */
  private async takeAgain(): Promise<void> {
    while (!this.released) {
      const taken = await this.tryTake(0).catch(() => undefined);
      if (taken) return;
      if (taken === false)
        this.logger.error('Another Parley process took over the database in DATABASE_URL. Stop one of the two.');
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }
}
