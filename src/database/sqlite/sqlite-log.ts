import { Logger } from '@nestjs/common';
import type { LimitFunction } from 'p-limit';
import type { Config } from '../../config/config.js';
import { sqliteFile } from '../../config/data-folder.js';
import { onlyRow } from '../only-row.js';
import { WalCheckpoints } from './wal-checkpoints.js';
import { WalFile } from './wal-file.js';

/** A log of up to so many bytes is folded in a few milliseconds: no thread is begun for it. */
const SHORT_LOG_BYTES = 4 * 1024 * 1024;

/** The connection that writes. */
export interface SqliteWriter {
  query<T>(sql: string): Promise<T>;
  /** All that must not meet a transaction, one after another. */
  readonly writers: LimitFunction;
}

/**
 * SQLite's write-ahead log, while a server runs: it is flushed and folded off the main thread. A COMMIT writes and does not flush; the unit of
 * work waits for `flushed`.
 */
export class SqliteLog {
  private constructor(
    private readonly writer: SqliteWriter,
    private readonly file: WalFile,
    private readonly checkpoints: WalCheckpoints,
  ) {}

  /** From here on COMMITs do not flush. Where the disk fails, the process ends. */
  static async open(config: Pick<Config, 'dataDir'>, writer: SqliteWriter): Promise<SqliteLog> {
    const logger = new Logger('Database');
    const onFailure = (error: Error): void => {
      logger.fatal(`The disk of ${config.dataDir} failed (${error.message}): nothing more can be stored.`);
      process.exit(1);
    };
    const file = await WalFile.open(sqliteFile(config), onFailure);
    const checkpoints = new WalCheckpoints(sqliteFile(config), {
      size: () => file.size(),
      whileNobodyWrites: (work) => writer.writers(work),
      onFailure,
      onTrouble: (error) => logger.warn(`parley.sqlite-wal could not be folded into parley.sqlite: ${error.message}`),
    });
    await writer.query('PRAGMA synchronous = NORMAL');
    return new SqliteLog(writer, file, checkpoints);
  }

  /** Resolves once all that was committed before the call is on disk. */
  async flushed(): Promise<void> {
    this.checkpoints.committed();
    await this.file.flush();
  }

  /**
   * Writes the log into the file and truncates it, so that deleted data is not left there. False where a reader, a backup say, is in the way.
   * Only between transactions.
   */
  async truncate(): Promise<boolean> {
    if ((await this.file.size()) > SHORT_LOG_BYTES) return this.checkpoints.truncate();
    const { writer } = this;
    const { timeout } = onlyRow(await writer.query<{ timeout: number }[]>('PRAGMA busy_timeout'));
    // No waiting: it would block the whole process.
    await writer.query('PRAGMA busy_timeout = 0');
    try {
      const { busy } = onlyRow(await writer.query<{ busy: number }[]>('PRAGMA wal_checkpoint(TRUNCATE)'));
      return busy === 0;
    } finally {
      await writer.query(`PRAGMA busy_timeout = ${timeout}`);
    }
  }

  /** Before the connection that writes is closed. */
  async stop(): Promise<void> {
    await this.checkpoints.close();
  }

  /** After it. */
  async close(): Promise<void> {
    await this.file.close();
  }
}
