import type { Pool, PoolConnection } from 'mysql2';

/** A server that stays read-only would otherwise be connected to anew for each statement. */
const AT_MOST_EVERY_MS = 1_000;

/**
 * A primary that has become a replica keeps its connections, refuses writes and answers reads from what may be old. Behind a name or a
 * balancer that knows the new one, only new connections find it. Local to a process.
 */
export class PoolRenewal {
  private readonly all = new Set<PoolConnection>();
  private readonly idle = new Set<PoolConnection>();
  private outdated = new WeakSet<PoolConnection>();
  private renewedAt = -Infinity;

  /** Before the pool has made a connection that is to be kept. */
  constructor(pool: Pool) {
    pool.on('connection', (connection) => {
      this.all.add(connection);
      (connection as unknown as { stream: NodeJS.EventEmitter }).stream.once('close', () => {
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

  /** Ends the connections that there are, those at work after their work; false where that was done a moment ago. */
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
