import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import pLimit from 'p-limit';
import { DataSource, EntityManager } from 'typeorm';
import { isLostConnection, isWorthRepeating } from './database-errors.js';

/** Nest's injection token for the data source that reads outside transactions. */
export const READER = Symbol('reader');

/** The COMMIT was sent and its answer never came: the work is either done or undone, and only its rows can tell. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('The answer to COMMIT was lost.', { cause });
  }
}

const TRIES = 5;

/** The one way to write, and the one place to read from. */
@Injectable()
export class UnitOfWork {
  // SQLite has one connection to write with: without this queue, transactions nest into each other.
  private readonly oneAtATime = pLimit(1);
  private readonly isSqlite: boolean;

  constructor(
    @InjectDataSource() private readonly writer: DataSource,
    @Inject(READER) private readonly reader: DataSource,
  ) {
    this.isSqlite = writer.options.type === 'better-sqlite3';
  }

  /** Reads outside a transaction: only what is committed is seen, also on SQLite. */
  get read(): EntityManager {
    return this.reader.manager;
  }

  /**
   * Runs `work` in one transaction: all of it happens, or none. Inside, use `tx` and nothing else, and do not talk to the
   * network; the work may run again after a deadlock, so it must not change anything outside the database.
   * @throws what `work` throws; CommitUnknown where the connection broke during COMMIT
   */
  run<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.isSqlite ? this.oneAtATime(() => this.once(work)) : this.withRetry(work);
  }

  private async withRetry<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(work);
      } catch (error) {
        if (attempt === TRIES || !isWorthRepeating(error)) throw error;
        await sleep(Math.random() * 10 * 2 ** attempt);
      }
    }
  }

  private async once<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const runner = this.writer.createQueryRunner();
    try {
      await runner.startTransaction();
      let result: T;
      try {
        result = await work(runner.manager);
      } catch (error) {
        // A connection that is gone has rolled back by itself.
        await runner.rollbackTransaction().catch(() => undefined);
        throw error;
      }
      try {
        await runner.commitTransaction();
      } catch (error) {
        await runner.rollbackTransaction().catch(() => undefined);
        throw isLostConnection(error) ? new CommitUnknown(error) : error;
      }
      return result;
    } finally {
      await runner.release();
    }
  }
}
