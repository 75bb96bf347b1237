import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { EntityManager, QueryRunner } from 'typeorm';
import { Busy, Unavailable } from '../common/errors.js';
import { isAnswer, isReadOnly } from '../common/lost-connection.js';
import { Database } from './data-source.js';
import { isLockTimeout, isWorthRepeating } from './database-errors.js';

/** The COMMIT was sent and its answer never came: the work is either done or undone, and only its rows can tell. */
export class CommitUnknown extends Unavailable {
  constructor() {
    super('The database broke off. Whether it was done is unknown; look before you try again.');
  }
}

const TRIES = 5;

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
   * @throws what `work` throws; Busy where another transaction does not end; CommitUnknown where the connection broke during COMMIT
   */
  run<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.isSqlite ? this.flushed(this.oneAtATime(() => this.once(work))) : this.withRetry(work);
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
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(work);
      } catch (error) {
        if (isReadOnly(error)) this.database.leaveServer();
        if (isLockTimeout(error)) throw new Busy();
        if (attempt === TRIES || !isWorthRepeating(error)) throw error;
        await sleep(Math.random() * 10 * 2 ** attempt);
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
