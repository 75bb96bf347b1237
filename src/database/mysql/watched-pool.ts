import { randomUUID } from 'node:crypto';
import type { Pool, PoolConnection } from 'mysql2';
import { Busy } from '../../common/errors.js';
import { isOutOfService } from '../../common/lost-connection.js';
import { Deadline } from '../../common/timing/deadline.js';
import { streamOf, waitingFor } from './mysql-internals.js';
import { type Answered, watchCommands } from './watched-commands.js';

/** Deadline of a statement, a COMMIT included. Waits for locks end sooner: see `innodb_lock_wait_timeout`. */
export const STATEMENT_WITHIN_MS = 3_000;
/** The same for statements that may take long, a migration or a scan of a whole table: a bound for a database that does not answer. */
const LONG_STATEMENT_WITHIN_MS = 600_000;
/** Deadline for a connection of the pool, whether it is waited for or made. */
export const CONNECTION_WITHIN_MS = 3_000;
/** Work that may wait for a connection. */
const MAX_WAITING = 2_000;

type TakeConnection = (done: (error: Error | null, connection?: PoolConnection) => void) => void;

const silence = (message: string, code: string): Error => Object.assign(new Error(message), { code, fatal: true });

/**
 * Gives each statement a deadline. A server that is frozen, or behind a network that drops packets, refuses and closes nothing: without a
 * deadline, callers would wait until the kernel gives up, which takes many minutes. A statement that misses it ends its connection, since a
 * late answer could not be matched to its statement. Local to a process.
 */
export class WatchedPool {
  private readonly watched = new WeakMap<PoolConnection, { name: string; answeredAt: number }>();
  private readonly unhurried = new WeakSet<object>();
  private waiting = 0;
  private isAhead = false;
  /** When the server last missed a deadline: connections that have not answered since may be as dead as that one. */
  private silentAt = -Infinity;

  /**
   * Watches all connections that leave the pool from now on.
   * @param onLost called when a connection broke, which the server may not have noticed. On the server, the connection holds the named lock of
   *   this name until it ends there
   */
  constructor(
    private readonly pool: Pool,
    private readonly onLost: (name: string) => void,
  ) {
    const take = pool.getConnection.bind(pool) as TakeConnection;
    (pool as { getConnection: TakeConnection }).getConnection = (done) => this.take(take, done);
  }

  /** For statements that may take long on a healthy server: ten minutes for each statement of this connection until `hurry`. */
  leaveTime(connection: object): void {
    this.unhurried.add(connection);
  }

  hurry(connection: object): void {
    this.unhurried.delete(connection);
  }

  /** The connection that `connect` asks the pool for, before it awaits anything, comes before all that others wait for. */
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
      // Its caller does not wait any more.
      if (isOver) return connection?.release();
      isOver = true;
      this.waiting--;
      deadline.met();
      done(error, connection);
    };
    const deadline = new Deadline(CONNECTION_WITHIN_MS, () =>
      end(silence('The database gave no connection in time.', 'ETIMEDOUT')),
    );
    const tryOne = () =>
      take((error, connection) => {
        if (error || !connection) {
          // Also where TCP connects and the server sends nothing.
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
    const waiting = waitingFor(this.pool);
    const before = waiting.length;
    tryOne();
    // It is the last one in the queue.
    if (this.isAhead && waiting.length > before) waiting.unshift(waiting.pop());
  }

  private watch(connection: PoolConnection): void {
    const state = { name: `parley:${randomUUID()}`, answeredAt: performance.now() };
    this.watched.set(connection, state);
    const stream = streamOf(connection);
    const expect = (): Answered => {
      const withinMs = this.unhurried.has(connection) ? LONG_STATEMENT_WITHIN_MS : STATEMENT_WITHIN_MS;
      const deadline = new Deadline(withinMs, () => {
        this.silentAt = performance.now();
        stream.destroy(silence('The database did not answer in time.', 'PROTOCOL_SEQUENCE_TIMEOUT'));
      });
      return (error, tell) => {
        deadline.met();
        if (!error || !(error as { fatal?: boolean }).fatal) state.answeredAt = performance.now();
        // A caller that gets this error may take the connection out of the pool, and its `error` event is then not emitted.
        else this.onLost(state.name);
        tell();
        // The node has no quorum, say: behind a balancer, another node has.
        if (error && isOutOfService(error)) connection.destroy();
      };
    };
    watchCommands(connection, expect);
    connection.on('error', () => this.onLost(state.name));
    // A name that only this connection uses: whatever server it is on, the holder of the lock is this connection.
    connection.query('DO GET_LOCK(?, 0)', [state.name], () => undefined);
  }
}
