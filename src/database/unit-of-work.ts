import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { EntityManager, QueryRunner } from 'typeorm';
import { Busy, Unavailable } from '../common/errors.js';
import { Line, Lines } from '../common/timing/line.js';
import { isServerError, isReadOnly } from '../common/lost-connection.js';
import { Database } from './data-source.js';
import { Backoff } from '../common/timing/backoff.js';
import { isDeadlock, isDuplicate, isLockTimeout } from './database-errors.js';
import { type HeldRow, keyOfRow, RowHeld, waitForRow } from './row-locks.js';

/** What a transaction in progress leaves to be done after its commit. */
const leftForAfter = new WeakMap<EntityManager, (() => void)[]>();

/**
 * Runs `step` once the transaction of `tx` is committed (on SQLite: on disk), in the order of the calls, before `UnitOfWork.run` resolves;
 * and never where it is rolled back. Whatever throws there is a mistake: catch it.
 */
export function afterCommit(tx: EntityManager, step: () => void): void {
  const steps = leftForAfter.get(tx);
  if (!steps) throw new Error('Nothing is left for after a commit outside of UnitOfWork.run.');
  steps.push(step);
}

/** The COMMIT was sent and its answer never came: the work is either done or undone, and only its rows can tell. See `UnitOfWork.settle`. */
export class CommitUnknown extends Unavailable {
  /** @param after what is to be done where it is committed after all */
  constructor(private after: readonly (() => void)[] = []) {
    super('The database broke off. Whether it was done is unknown; look before you try again.');
  }

  /** It is committed: does what was left for after the commit, once, whoever finds out. */
  committed(): void {
    const { after } = this;
    this.after = [];
    for (const step of after) step();
  }
}

interface Committed<T> {
  result: T;
  after: readonly (() => void)[];
}

/** Pauses between two questions what became of a COMMIT. */
const FIRST_LOOK_MS = 200;
const LONGEST_LOOK_MS = 1_000;

/** Two that made the same row at once: the next try finds it. More often than this, the row is one that cannot be made. */
const DUPLICATES = 5;
/** How long deadlocks are tried again. In a Galera cluster, what another node was faster with is one, too. */
const DEADLOCKS_FOR_MS = 2_000;
/** Transactions that may wait: for SQLite's one connection that writes, for one of MySQL's, or for one row. */
const MAX_WAITING = 2_000;
/** How long they wait for a connection. */
const CONNECTION_WITHIN_MS = 3_000;
/**
 * How long they wait in a line that moves, for rows that others hold. Where one does not come within the two seconds of
 * `innodb_lock_wait_timeout`, all that have waited for it as long are refused.
 */
const ROWS_WITHIN_MS = 6_000;
/** Connections that no such transaction takes: for the batch of messages, and for reads; beside those of `mostAhead`. */
const KEPT = 2;
const MOST_AHEAD = 2;

export interface RunOptions {
  isAhead?: boolean;
  first?: HeldRow | undefined;
}

/** The one way to write, and the one place to read from. */
@Injectable()
export class UnitOfWork {
  // SQLite has one connection to write with: without this queue, transactions nest into each other.
  private readonly oneAtATime = pLimit(1);
  private readonly isSqlite: boolean;
  /** How many transactions `runHolding` may have at once: each has a connection for as long as it waits. */
  readonly mostAhead: number;
  private readonly ordinary: Line;
  /** Of these, the ones that wait inside the database: however many rows are held, there are connections left. */
  private readonly waitInside: Line;
  /** One of this process waits inside the database for a row; the others, in memory, for that one. */
  private readonly rows = new Lines(MAX_WAITING);

  constructor(private readonly database: Database) {
    this.isSqlite = database.options.type === 'better-sqlite3';
    const pool = database.options.poolSize ?? 1;
    this.mostAhead = Math.min(MOST_AHEAD, Math.floor(pool / 4));
    const ordinary = Math.max(1, pool - KEPT - this.mostAhead);
    this.ordinary = new Line(ordinary, MAX_WAITING);
    this.waitInside = new Line(Math.ceil(ordinary / 2), MAX_WAITING);
  }

  /** Reads outside a transaction: only what is committed is seen, also on SQLite. */
  get read(): EntityManager {
    return this.database.reader.manager;
  }

  /**
   * Runs `work` in one transaction: all of it happens, or none. Inside, use `tx` and nothing else, and do not talk to the
   * network; the work may run again after a deadlock, or when a row that somebody else held is free, so it must not change anything
   * outside the database.
   * @param isAhead the message log's: it waits behind no other for a connection
   * @param first a row that `work` locks before any other: where others wait for it already, this one does behind them, and tries nothing
   * @throws what `work` throws; Busy where another transaction does not end, or too much waits; CommitUnknown where the connection
   *   broke during COMMIT, or its answer did not come in time
   */
  run<T>(work: (tx: EntityManager) => Promise<T>, { isAhead = false, first }: RunOptions = {}): Promise<T> {
    if (!this.isSqlite)
      return this.andAfter(this.withRetry(work, isAhead, first && this.rows.has(keyOfRow(first)) ? first : undefined));
    if (this.oneAtATime.pendingCount >= MAX_WAITING) return Promise.reject(new Busy());
    return this.andAfter(this.flushed(this.oneAtATime(() => this.once(work))));
  }

  /**
   * What became of a transaction whose COMMIT was not answered: asks `isDone`, in transactions, until one tells, and does what was left for
   * after the commit where it is done. `isDone` must wait for locks that the server still holds, or it may look too early.
   * @param goOn asked before each try, with what went wrong with the one before
   * @returns undefined where `goOn` said no
   */
  async settle(
    unknown: CommitUnknown,
    isDone: (tx: EntityManager) => Promise<boolean>,
    goOn: (trouble?: unknown) => boolean,
    options?: RunOptions,
  ): Promise<boolean | undefined> {
    const backoff = new Backoff(FIRST_LOOK_MS, LONGEST_LOOK_MS);
    for (let trouble: unknown; goOn(trouble); await sleep(backoff.next(), undefined, { ref: false })) {
      try {
        const done = await this.run(isDone, options);
        if (done) unknown.committed();
        return done;
      } catch (error) {
        trouble = error;
      }
    }
    return undefined;
  }

  private async andAfter<T>(committed: Promise<Committed<T>>): Promise<T> {
    const { result, after } = await committed;
    for (const step of after) step();
    return result;
  }

  /**
   * The same, once it has `row`, for which it waits before all others of this process. At most `mostAhead` at once, which is none on
   * SQLite and in a small pool.
   */
  runHolding<T>(row: HeldRow, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.andAfter(this.withRetry(work, true, row));
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

  private async withRetry<T>(
    work: (tx: EntityManager) => Promise<T>,
    isAhead: boolean,
    row?: HeldRow,
  ): Promise<Committed<T>> {
    const began = performance.now();
    const backoff = new Backoff(10, 250);
    for (let [held, duplicates] = [row, 0]; ;) {
      try {
        if (held) return await this.onceHolding(held, work, isAhead, began + ROWS_WITHIN_MS - performance.now());
        return await this.admitted(isAhead, () => this.once(work, isAhead));
      } catch (error) {
        held = undefined;
        if (error instanceof RowHeld) {
          if (performance.now() > began + ROWS_WITHIN_MS) throw new Busy();
          held = error.row;
          continue;
        }
        if (isReadOnly(error)) this.database.leaveServer();
        if (isLockTimeout(error)) throw new Busy();
        if (isDuplicate(error) && ++duplicates === DUPLICATES) throw error;
        if (!isDuplicate(error) && !isDeadlock(error)) throw error;
        const pause = backoff.next();
        if (performance.now() + pause > began + DEADLOCKS_FOR_MS) throw isDeadlock(error) ? new Busy() : error;
        await sleep(pause);
      }
    }
  }

  private admitted<T>(isAhead: boolean, work: () => Promise<T>): Promise<T> {
    return isAhead ? work() : this.ordinary.take(work, CONNECTION_WITHIN_MS);
  }

  private onceHolding<T>(
    row: HeldRow,
    work: (tx: EntityManager) => Promise<T>,
    isAhead: boolean,
    withinMs: number,
  ): Promise<Committed<T>> {
    const key = keyOfRow(row);
    const once = (): Promise<Committed<T>> =>
      this.once(async (tx) => {
        const since = performance.now();
        await waitForRow(tx, row).catch((error: unknown) => {
          if (isLockTimeout(error)) this.rows.refuseSince(key, since);
          throw error;
        });
        return work(tx);
        // A connection comes at once: others wait for this one, the message log maybe.
      }, true);
    const inside = (): Promise<Committed<T>> =>
      isAhead ? once() : this.waitInside.take(() => this.admitted(false, once), ROWS_WITHIN_MS);
    return this.rows.take(key, inside, withinMs, isAhead);
  }

  private async once<T>(work: (tx: EntityManager) => Promise<T>, isAhead = false): Promise<Committed<T>> {
    const runner = this.database.createQueryRunner();
    try {
      if (isAhead) await this.database.connectAhead(runner);
      await runner.startTransaction();
      const after: (() => void)[] = [];
      leftForAfter.set(runner.manager, after);
      let result: T;
      try {
        result = await work(runner.manager);
      } catch (error) {
        await this.rollback(runner);
        throw error;
      }
      leftForAfter.delete(runner.manager);
      try {
        await runner.commitTransaction();
      } catch (error) {
        await this.rollback(runner);
        throw this.isSqlite || isServerError(error) ? error : new CommitUnknown(after);
      }
      return { result, after };
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
      if (this.isSqlite) (this.database.driver as { queryRunner?: QueryRunner | undefined }).queryRunner = undefined;
    }
  }
}
