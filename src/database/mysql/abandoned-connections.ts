import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../../common/timing/backoff.js';
import { isLostConnection } from '../../common/lost-connection.js';
import { onlyRow } from '../only-row.js';

/** Most that are remembered; the server ends others by its own deadlines. */
const MOST = 100;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Connections that broke on our side. The server may not have noticed, and would keep their transactions with all locks until a deadline of
 * its own: ten minutes on MySQL. So another connection ends them there (`KILL`). Each is found by a named lock that it alone holds; the ids
 * of connections would not do, since a server that was restarted assigns them anew. Local to a process; after its end, the servers' own
 * deadlines remain.
 */
export class AbandonedConnections {
  private readonly names = new Set<string>();
  private running = false;
  private isStopped = false;

  constructor(private readonly query: <T>(sql: string, values?: unknown[]) => Promise<T>) {}

  add(name: string): void {
    if (this.isStopped || this.names.size >= MOST) return;
    this.names.add(name);
    if (!this.running) void this.endAll();
  }

  stop(): void {
    this.isStopped = true;
    this.names.clear();
  }

  private async endAll(): Promise<void> {
    this.running = true;
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    for (;;) {
      const [name] = this.names;
      if (name === undefined) break;
      try {
        await this.end(name);
      } catch (error) {
        if (isLostConnection(error)) {
          await sleep(backoff.next(), undefined, { ref: false });
          continue;
        }
        // It has just ended by itself, or we have no right to end it.
      }
      this.names.delete(name);
    }
    this.running = false;
  }

  private async end(name: string): Promise<void> {
    const rows = await this.query<{ id: number | string | null }[]>('SELECT IS_USED_LOCK(?) AS id', [name]);
    const { id } = onlyRow(rows);
    if (id !== null) await this.query(`KILL ${Number(id)}`);
  }
}
