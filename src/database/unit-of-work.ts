import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { EntityManager, QueryRunner } from 'typeorm';
import { Busy, Unavailable } from '../common/errors.js';
import { isAnswer, isReadOnly } from '../common/lost-connection.js';
import { Database } from './data-source.js';
import { Backoff } from '../common/backoff.js';
import { isDeadlock, isDuplicate, isLockTimeout } from './database-errors.js';

/** The COMMIT was sent and its answer never came: the work is either done or undone, and only its rows can tell. */
export class CommitUnknown extends Unavailable {
  constructor() {
    super('The database broke off. Whether it was done is unknown; look before you try again.');
  }
}

/** Two that made the same row at once: the next try finds it. More often than this, the row is one that cannot be made. */
const DUPLICATES = 5;
/** How long deadlocks are tried again. In a Galera cluster, what another node was faster with is one, too. */
const DEADLOCKS_FOR_MS = 2_000;
/** Transactions that may wait for SQLite's one connection that writes. */
const MAX_WAITING = 2_000;

/** The one way to write, and the one place to read from. */
@Injectable()
export class UnitOfWork {
  // SQLite has one connection to write with: without this queue, transactions nest into each other.
  private readonly oneAtATime = pLimit(1);
  private readonly isSqlite: boolean;

  constructor(private readonly database: Database) {
    this.isSqlite = database.options.type === 'better-sqlite3';
  }

  /** Reads outside a transaction: only what is committed is seen, also on SQLite. */
  get read(): EntityManager {
    return this.database.reader.manager;
  }

  /**
   * Runs `work` in one transaction: all of it happens, or none. Inside, use `tx` and nothing else, and do not talk to the
   * network; the work may run again after a deadlock, so it must not change anything outside the database.
   * @throws what `work` throws; Busy where another transaction does not end, or too much waits; CommitUnknown where the connection
   *   broke during COMMIT, or its answer did not come in time
   */
  run<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    if (!this.isSqlite) return this.withRetry(work);
    if (this.oneAtATime.pendingCount >= MAX_WAITING) return Promise.reject(new Busy());
    return this.flushed(this.oneAtATime(() => this.once(work)));
  }

  /** Reads what may take long on a database that is well: for jobs at the start, for which nobody waits. */
  async readUnhurried<T>(read: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.isSqlite) return read(this.read);
    const runner = this.database.createQueryRunner();
    try {
      return await this.database.unhurried(runner, () => read(runner.manager));
    } finally {
      await runner.release();
    }
  }

  /** What SQLite has committed counts once it is on disk. The next transaction need not wait for that, and waits of many are one. */
  private async flushed<T>(committed: Promise<T>): Promise<T> {
    const result = await committed;
    await this.database.flushed();
    return result;
  }

  /** Nothing is left of what was deleted until now; false where somebody reads it at this moment: try again later. */
  forgetDeleted(): Promise<boolean> {
    return this.oneAtATime(() => this.database.emptyLog());
  }

  private async withRetry<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const until = performance.now() + DEADLOCKS_FOR_MS;
    const backoff = new Backoff(10, 250);
    for (let duplicates = 0; ;) {
      try {
        return await this.once(work);
      } catch (error) {
        if (isReadOnly(error)) this.database.leaveServer();
        if (isLockTimeout(error)) throw new Busy();
        if (isDuplicate(error) && ++duplicates === DUPLICATES) throw error;
        if (!isDuplicate(error) && !isDeadlock(error)) throw error;
        const pause = backoff.next();
        if (performance.now() + pause > until) throw isDeadlock(error) ? new Busy() : error;
        await sleep(pause);
      }
    }
  }

  private async once<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    const runner = this.database.createQueryRunner();
    try {
      await runner.startTransaction();
      let result: T;
      try {
        result = await work(runner.manager);
      } catch (error) {
        await this.rollback(runner);
        throw error;
      }
      try {
        await runner.commitTransaction();
      } catch (error) {
        await this.rollback(runner);
        throw this.isSqlite || isAnswer(error) ? error : new CommitUnknown();
      }
      return result;
    } finally {
      await runner.release();
    }
  }

  private async rollback(runner: QueryRunner): Promise<void> {
    try {
      await runner.rollbackTransaction();
    } catch {
      // A connection that is gone has rolled back by itself, and so has SQLite where the disk is full. TypeORM keeps one runner for
      // SQLite, which would go on counting in a transaction that is no more, and never commit again: the next call makes a new one.
      if (this.isSqlite) (this.database.driver as { queryRunner?: QueryRunner }).queryRunner = undefined;
    }
  }
}
