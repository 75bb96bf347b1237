import type { Pool, PoolConnection } from 'mysql2';
import { streamOf } from './mysql-internals.js';

/** Shortest time between two renewals: otherwise, each statement would open new connections to a server that stays read-only. */
const AT_MOST_EVERY_MS = 1_000;

/**
 * Replaces the connections of a pool. A primary that has become a replica keeps its connections, refuses writes, and may answer reads with old
 * data. Behind a name or a balancer, only new connections lead to the new primary. Local to a process.
 */
export class PoolRenewal {
  private readonly all = new Set<PoolConnection>();
  private readonly idle = new Set<PoolConnection>();
  private outdated = new WeakSet<PoolConnection>();
  private renewedAt = -Infinity;

  /** Call it before the pool has made a connection that is kept. */
  constructor(pool: Pool) {
    pool.on('connection', (connection) => {
      this.all.add(connection);
      streamOf(connection).once('close', () => {
        this.all.delete(connection);
        this.idle.delete(connection);
      });
    });
    pool.on('acquire', (connection) => this.idle.delete(connection));
    pool.on('release', (connection) => {
      if (this.outdated.has(connection)) connection.destroy();
      else this.idle.add(connection);
    });
  }

  /** Ends the present connections, busy ones after their work. False where that was done a moment ago. */
  renew(): boolean {
    const now = performance.now();
    if (now < this.renewedAt + AT_MOST_EVERY_MS) return false;
    this.renewedAt = now;
    for (const connection of this.all) this.outdated.add(connection);
    for (const connection of this.idle) connection.destroy();
    this.idle.clear();
    return true;
  }
}
