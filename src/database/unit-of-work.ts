import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager, QueryRunner } from 'typeorm';
import { Metrics } from '../common/metrics.js';
import { Busy, Unavailable } from '../common/errors.js';
import { Line, Lines } from '../common/timing/line.js';
import { isDeadlock, isLockTimeout, isReadOnly, isServerError } from '../common/lost-connection.js';
import { CommitMarks, writeMark } from './commit-marks.js';
import { Database } from './data-source.js';
import { Backoff } from '../common/timing/backoff.js';
import { isDuplicate } from './database-errors.js';
import { type HeldRow, keyOfRow, RowHeld, waitForRow } from './row-locks.js';

/** By transaction in progress, the steps that are left for after its commit. */
const leftForAfter = new WeakMap<EntityManager, (() => void)[]>();

/**
 * Runs `step` once the transaction of `tx` is committed (on SQLite: on disk), in the order of the calls, before `UnitOfWork.run` resolves;
 * never where it is rolled back. `step` must not throw.
 */
export function afterCommit(tx: EntityManager, step: () => void): void {
  const steps = leftForAfter.get(tx);
  if (!steps) throw new Error('Nothing is left for after a commit outside of UnitOfWork.run.');
  steps.push(step);
}

/**
 * The COMMIT was sent and its answer never came: the transaction is either committed or rolled back, and only its rows can tell. See
 * `RunOptions.isDone` and `UnitOfWork.settle`.
 */
export class CommitUnknown extends Unavailable {
  /**
   * @param after the steps for after the commit
   * @param result what the transaction returned
   * @param mark what it has written on a cluster: see `CommitMarks`
   */
  constructor(
    private after: readonly (() => void)[] = [],
    readonly result?: unknown,
    readonly mark?: string,
  ) {
    super('The database broke off. Whether it was done is unknown; look before you try again.');
  }

  /** It is known to be committed: runs the steps for after the commit. Only the first call does. */
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

const notDone = () => new Unavailable('The database broke off, and nothing was changed. Try again.');

/** How long the rows are asked whether a COMMIT happened, while the caller waits. */
const SETTLE_FOR_MS = 4_000;
/** Pauses between two such queries. */
const FIRST_LOOK_MS = 200;
const LONGEST_LOOK_MS = 1_000;

/** How often a duplicate key is tried again: where two transactions make the same row at once, the next try finds it. */
const DUPLICATES = 5;
/** How long deadlocks are tried again. A Galera cluster also reports one where another node has committed first. */
const DEADLOCKS_FOR_MS = 2_000;
/** Transactions that may wait: for SQLite's one connection that writes, for one of MySQL's connections, or for one row. */
const MAX_WAITING = 2_000;
/** How long they wait for a connection. */
const CONNECTION_WITHIN_MS = 3_000;
/**
 * How long they wait for a row that other transactions hold, in a line that moves. Where the row is not released within the two seconds of
 * `innodb_lock_wait_timeout`, all transactions that have waited for it as long are refused.
 */
const ROWS_WITHIN_MS = 6_000;
/** Connections that these transactions leave free, for the batch of messages and for reads; in addition to those of `mostAhead`. */
const KEPT = 2;
const MOST_AHEAD = 2;

/**
 * Asked where the answer to a COMMIT was lost, in a transaction of its own: whether it happened. The server may still be committing: first
 * lock a row that the lost transaction had locked.
 * @param result what the transaction returned
 */
export type IsDone<T> = (tx: EntityManager, result: T) => Promise<boolean>;

export interface RunOptions<T = unknown> {
  isAhead?: boolean;
  first?: HeldRow | undefined;
  isDone?: IsDone<T> | undefined;
  settles?: boolean;
}

/** How a transaction is run. */
interface How {
  isAhead: boolean;
  /** Whether its COMMIT may have to be settled. */
  isMarked: boolean;
  /** It waits for no row, and its BEGIN is not waited for. */
  beginsWithWork?: boolean;
}

/** The one way to write, and the one place to read from. */
@Injectable()
export class UnitOfWork {
  private readonly isSqlite: boolean;
  /** How many transactions `runHolding` may run at once: each has a connection for as long as it waits. */
  readonly mostAhead: number;
  private readonly ordinary: Line;
  /** Of these, the ones that may wait for a row inside the database: however many rows are held, connections are left. */
  private readonly waitInside: Line;
  /** By row: one transaction of this process waits for it inside the database; the others wait in memory for that one. */
  private readonly rows = new Lines(MAX_WAITING);
  private readonly marks = new CommitMarks();

  constructor(
    private readonly database: Database,
    metrics: Metrics,
  ) {
    if (metrics.isOn) measureStatements(database, metrics);
    this.isSqlite = database.options.type === 'better-sqlite3';
    const pool = database.options.poolSize ?? 1;
    this.mostAhead = Math.min(MOST_AHEAD, Math.floor(pool / 4));
    const ordinary = Math.max(1, pool - KEPT - this.mostAhead);
    this.ordinary = new Line(ordinary, MAX_WAITING);
    this.waitInside = new Line(Math.ceil(ordinary / 2), MAX_WAITING);
  }

  /** Runs `step` as the last one, once all work has ended, and before the database is closed. It must not throw. */
  beforeClose(step: () => Promise<void>): void {
    this.database.beforeClose(step);
  }

  /** Reads outside a transaction: only what is committed is seen, also on SQLite. */
  get read(): EntityManager {
    return this.database.reader.manager;
  }

  /**
   * Runs `work` in one transaction: all of it happens, or none. Inside, use only `tx`, and no network. The work may run again after a
   * deadlock, or when a row is released that another transaction held, so it must not change anything outside the database.
   * @param isAhead for the message log: it is given the next free connection
   * @param first a row that `work` locks before any other: where others wait for it already, this one queues behind them at once
   * @param isDone settles a COMMIT whose answer was lost: `run` resolves as if the answer had come, or throws Unavailable where nothing was
   *   changed. CommitUnknown is thrown only where the database does not answer that within four seconds
   * @param settles where there is no `isDone`: the caller calls `settle` after a CommitUnknown
   * @throws what `work` throws; Busy where another transaction does not end, or too many wait; CommitUnknown where the connection broke
   *   during the COMMIT, or its answer did not come in time
   */
  run<T>(
    work: (tx: EntityManager) => Promise<T>,
    { isAhead = false, first, isDone, settles = isDone !== undefined }: RunOptions<T> = {},
  ): Promise<T> {
    if (!this.isSqlite) {
      const queued = first && this.rows.has(keyOfRow(first)) ? first : undefined;
      const done = this.andAfter(
        this.withRetry(work, { isAhead, isMarked: settles, beginsWithWork: isAhead && settles }, queued),
      );
      return isDone ? done.catch((error: unknown) => this.settleWithin(error, isDone)) : done;
    }
    if (this.database.writers.pendingCount >= MAX_WAITING) return Promise.reject(new Busy());
    return this.andAfter(this.flushed(this.database.writers(() => this.once(work))));
  }

  /**
   * Finds out whether a transaction was committed whose COMMIT was not answered: asks `isDone`, in transactions, until one of them commits,
   * and runs the steps for after the commit if it was. For callers that wait for longer than `run` does.
   * @param goOn asked before each try, with the error of the one before
   * @returns undefined where `goOn` said no
   */
  async settle<T>(
    unknown: CommitUnknown,
    isDone: IsDone<T>,
    goOn: (trouble?: unknown) => boolean,
    options?: Pick<RunOptions, 'isAhead'>,
  ): Promise<boolean | undefined> {
    const backoff = new Backoff(FIRST_LOOK_MS, LONGEST_LOOK_MS);
    for (let trouble: unknown; goOn(trouble); await sleep(backoff.next(), undefined, { ref: false })) {
      try {
        const { mark } = unknown;
        const done = await this.run(async (tx) => {
          if (mark !== undefined) await writeMark(tx, mark);
          return isDone(tx, unknown.result as T);
        }, options);
        if (mark !== undefined) this.marks.giveBack(mark);
        if (done) unknown.committed();
        return done;
      } catch (error) {
        trouble = error;
      }
    }
    return undefined;
  }

  private async settleWithin<T>(error: unknown, isDone: IsDone<T>): Promise<T> {
    if (!(error instanceof CommitUnknown)) throw error;
    const until = performance.now() + SETTLE_FOR_MS;
    const done = await this.settle(error, isDone, () => performance.now() < until);
    if (done) return error.result as T;
    throw done === undefined ? error : notDone();
  }

  private async andAfter<T>(committed: Promise<Committed<T>>): Promise<T> {
    const { result, after } = await committed;
    for (const step of after) step();
    return result;
  }

  /**
   * The same, once it holds `row`, for which it waits ahead of all others of this process. At most `mostAhead` at once, which is 0 on SQLite
   * and in a small pool.
   */
  runHolding<T>(row: HeldRow, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return this.andAfter(this.withRetry(work, { isAhead: true, isMarked: true }, row));
  }

  /** Reads that may take long on a healthy database: for background jobs. */
  async readUnhurried<T>(read: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (this.isSqlite) return read(this.read);
    const runner = this.database.createQueryRunner();
    try {
      return await this.database.unhurried(runner, () => read(runner.manager));
    } finally {
      await runner.release();
    }
  }

  /** On SQLite, a transaction resolves once its commit is on disk. The next one need not wait for that, and many share one flush. */
  private async flushed<T>(committed: Promise<T>): Promise<T> {
    const result = await committed;
    await this.database.flushed();
    return result;
  }

  /** Truncates SQLite's log, so that nothing deleted is left in it; false where another process is reading it: try again later. */
  truncateWal(): Promise<boolean> {
    return this.database.writers(() => this.database.truncateWal());
  }

  private async withRetry<T>(work: (tx: EntityManager) => Promise<T>, how: How, row?: HeldRow): Promise<Committed<T>> {
    const began = performance.now();
    const backoff = new Backoff(10, 250);
    for (let [held, duplicates] = [row, 0]; ;) {
      try {
        if (held) return await this.onceHolding(held, work, how, began + ROWS_WITHIN_MS - performance.now());
        return await this.admitted(how.isAhead, () => this.once(work, how));
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
    { isAhead, isMarked }: How,
    withinMs: number,
  ): Promise<Committed<T>> {
    const key = keyOfRow(row);
    const holding = async (tx: EntityManager): Promise<T> => {
      const since = performance.now();
      await waitForRow(tx, row).catch((error: unknown) => {
        if (isLockTimeout(error)) this.rows.refuseSince(key, since);
        throw error;
      });
      return work(tx);
    };
    // It gets the next free connection: others wait for its row, perhaps the message log.
    const once = (): Promise<Committed<T>> => this.once(holding, { isAhead: true, isMarked });
    const inside = (): Promise<Committed<T>> =>
      isAhead ? once() : this.waitInside.take(() => this.admitted(false, once), ROWS_WITHIN_MS);
    return this.rows.take(key, inside, withinMs, isAhead);
  }

  private async once<T>(
    work: (tx: EntityManager) => Promise<T>,
    { isAhead, isMarked, beginsWithWork }: How = { isAhead: false, isMarked: false },
  ): Promise<Committed<T>> {
    const runner = this.database.createQueryRunner();
    const mark = isMarked && this.database.isGalera ? this.marks.take() : undefined;
    /** Whether the server is known to have ended the transaction. */
    let isOver = false;
    try {
      if (isAhead) await this.database.connectAhead(runner);
      const begun = this.database.begin(runner);
      // The first statements of the work then go to the server together with this one, and fail with it.
      if (beginsWithWork && this.database.locking?.skipsLocked) begun.catch(() => undefined);
      else await begun;
      const after: (() => void)[] = [];
      leftForAfter.set(runner.manager, after);
      let result: T;
      try {
        result = await work(runner.manager);
        await begun;
        if (mark !== undefined) await writeMark(runner.manager, mark);
      } catch (error) {
        isOver = await this.rollback(runner);
        throw error;
      }
      leftForAfter.delete(runner.manager);
      try {
        await this.database.commit(runner);
        isOver = true;
      } catch (error) {
        await this.rollback(runner);
        isOver = this.isSqlite || isServerError(error);
        throw isOver ? error : new CommitUnknown(after, result, mark);
      }
      return { result, after };
    } finally {
      if (mark !== undefined && isOver) this.marks.giveBack(mark);
      await runner.release();
    }
  }

  /** @returns false where the connection is gone, or SQLite has rolled back by itself */
  private async rollback(runner: QueryRunner): Promise<boolean> {
    try {
      await this.database.rollback(runner);
      return true;
    } catch {
      return false;
    }
  }
}

const OPS: ReadonlySet<string> = new Set([
  'select',
  'insert',
  'update',
  'delete',
  'begin',
  'start',
  'commit',
  'rollback',
]);

function measureStatements(database: Database, { querySeconds }: Metrics): void {
  database.measureStatements((sql, tookMs) => {
    const word = /^\s*([a-z]+)/i.exec(sql)?.[1]!.toLowerCase() ?? '';
    querySeconds.observe({ op: OPS.has(word) ? word : 'other' }, tookMs / 1_000);
  });
}
