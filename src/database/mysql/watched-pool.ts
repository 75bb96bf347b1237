import { randomUUID } from 'node:crypto';
import type { Pool, PoolConnection } from 'mysql2';
import { Busy } from '../../common/errors.js';
import { isOutOfService } from '../../common/lost-connection.js';

/** A statement, a COMMIT included, that is not answered by then. Locks are waited for less long: see `innodb_lock_wait_timeout`. */
export const STATEMENT_WITHIN_MS = 3_000;
/** The same for what may take long, a migration or a look through a whole table: a bound for a database that is mute. */
const LONG_STATEMENT_WITHIN_MS = 600_000;
/** The same for a connection out of the pool, whether it is waited for or made. */
export const CONNECTION_WITHIN_MS = 3_000;
/** Work that may wait for a connection. */
const MAX_WAITING = 2_000;

/** What we use of a command of mysql2: everything that a connection sends is one, and passes `addCommand`. */
interface Command {
  onResult?: (error: Error | null, ...rest: unknown[]) => void;
}
interface Commanded {
  addCommand(command: Command): Command;
  stream: { destroy(error: Error): void };
}
/** What we use of mysql2's pool: who waits for a connection, in order. */
interface Queued {
  _connectionQueue: { length: number; pop(): unknown; unshift(done: unknown): unknown };
}
type TakeConnection = (done: (error: Error | null, connection?: PoolConnection) => void) => void;

const silence = (message: string, code: string): Error => Object.assign(new Error(message), { code, fatal: true });

/**
 * A server that is frozen, or behind a network that has gone mute, refuses nothing and closes nothing: without a deadline, everybody
 * would wait until the kernel gives up, which takes many minutes. So each statement has one. What misses it ends its connection,
 * since the answer may still come, and nobody could tell to what. Local to a process.
 */
export class WatchedPool {
  private readonly watched = new WeakMap<PoolConnection, { name: string; answeredAt: number }>();
  private readonly unhurried = new WeakSet<object>();
  private waiting = 0;
  private isAhead = false;
  /** When the server last missed a deadline: connections that have not answered since may be as mute as that one. */
  private silentAt = -Infinity;

  /**
   * Watches what leaves the pool from now on.
   * @param onLost a connection broke, and the server need not have heard of it. It holds the server's named lock of this name for as
   * long as it lives there
   */
  constructor(
    private readonly pool: Pool,
    private readonly onLost: (name: string) => void,
  ) {
    const take = pool.getConnection.bind(pool) as TakeConnection;
    (pool as { getConnection: TakeConnection }).getConnection = (done) => this.take(take, done);
  }

  /** For what may take long on a server that is well: ten minutes for each statement of this connection until `hurry`. */
  leaveTime(connection: object): void {
    this.unhurried.add(connection);
  }

  hurry(connection: object): void {
    this.unhurried.delete(connection);
  }

  /** What `connect` asks the pool for before it awaits anything comes before all that was asked for and not given yet. */
  ahead<T>(connect: () => Promise<T>): Promise<T> {
    this.isAhead = true;
    try {
      return connect();
    } finally {
      this.isAhead = false;
    }
  }

  private take(take: TakeConnection, done: Parameters<TakeConnection>[0]): void {
    if (this.waiting >= MAX_WAITING) return done(new Busy());
    this.waiting++;
    let isOver = false;
    const end = (error: Error | null, connection?: PoolConnection) => {
      // Nobody waits for it any more.
      if (isOver) return connection?.release();
      isOver = true;
      this.waiting--;
      clearTimeout(timer);
      done(error, connection);
    };
    const timer = setTimeout(
      () => end(silence('The database gave no connection in time.', 'ETIMEDOUT')),
      CONNECTION_WITHIN_MS,
    );
    const tryOne = () =>
      take((error, connection) => {
        if (error || !connection) {
          // Also where TCP connects and nobody says a word.
          if ((error as { code?: string } | null)?.code === 'ETIMEDOUT') this.silentAt = performance.now();
          return end(error);
        }
        const state = this.watched.get(connection);
        if (!state) this.watch(connection);
        else if (state.answeredAt < this.silentAt) {
          connection.destroy();
          return isOver ? undefined : tryOne();
        }
        end(null, connection);
      });
    const { _connectionQueue: queue } = this.pool as unknown as Queued;
    const before = queue.length;
    tryOne();
    // It stands at the end.
    if (this.isAhead && queue.length > before) queue.unshift(queue.pop());
  }

  private watch(connection: PoolConnection): void {
    const state = { name: `parley:${randomUUID()}`, answeredAt: performance.now() };
    this.watched.set(connection, state);
    const { stream } = connection as unknown as Commanded;
    const commanded = connection as unknown as Commanded;
    const add = commanded.addCommand.bind(connection);
    // mysql2 replaces this one by another when the connection has ended.
    commanded.addCommand = (command) => {
      const { onResult } = command;
      if (!onResult) return add(command);
      const withinMs = this.unhurried.has(connection) ? LONG_STATEMENT_WITHIN_MS : STATEMENT_WITHIN_MS;
      const timer = setTimeout(() => {
        this.silentAt = performance.now();
        stream.destroy(silence('The database did not answer in time.', 'PROTOCOL_SEQUENCE_TIMEOUT'));
      }, withinMs);
      command.onResult = (error, ...rest) => {
        clearTimeout(timer);
        if (!error || !(error as { fatal?: boolean }).fatal) state.answeredAt = performance.now();
        // Whoever gets this error may take the connection out of the pool, and it then tells nobody else that it broke.
        else this.onLost(state.name);
        onResult(error, ...rest);
        // The node has no quorum, say: behind a balancer, another one has.
        if (error && isOutOfService(error)) connection.destroy();
      };
      return add(command);
    };
    connection.on('error', () => this.onLost(state.name));
    // Held by nobody else: whoever holds it is this connection, on whichever server that is.
    connection.query('DO GET_LOCK(?, 0)', [state.name], () => undefined);
  }
}
