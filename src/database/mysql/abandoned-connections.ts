import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../../common/timing/backoff.js';
import { isLostConnection } from '../../common/lost-connection.js';
import { onlyRow } from '../only-row.js';

/** More are not remembered: the server ends them by its own deadlines. */
const MOST = 100;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Connections that broke on our side. The server may know nothing of that, and would keep their transactions, with all locks, until a
 * deadline of its own: on MySQL ten minutes. So another connection ends them there. Each is found by a named lock that it holds, which
 * no other connection and no other server has: their numbers are given out anew after a restart. Local to a process; where it ends,
 * the servers' own deadlines remain.
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
        // It ended in the moment in which it was to be, or may not be ended by us.
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
