import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { restLease, takeLease } from '../database/lease-rows.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { HeldLease, type Lease, loneLease } from '../database/held-lease.js';
import { NodeBus } from './node-bus.js';

/** How often a node looks whether a job is free that another one had. With `LEASE_MS`, the job of a node that died goes on within 15 s. */
const LOOK_EVERY_MS = 4_000;

/** How long a stop waits for jobs. */
const STOP_WITHIN_MS = 2_000;

export interface Repeated {
  /** Milliseconds from the end of a run, in which no node begins another one. */
  everyMs: number;
  /** Milliseconds from the start of this node to its first try. */
  firstMs?: number;
  /** Called with what a run has thrown. The next one comes all the same. */
  failed: (error: unknown) => void;
}

/**
 * What one node does for all: the one that holds the row of a name in `leases`, which it renews meanwhile. See `lease-rows.ts`. A node that
 * is alone holds all of them, and asks nobody.
 */
@Injectable()
export class Leases implements BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private readonly jobs = new Set<Promise<void>>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly node: NodeBus,
  ) {}

  /** Whether other nodes may do what this one does. */
  get isShared(): boolean {
    return this.node.isShared;
  }

  /** Jobs under way are told to end (`Lease.signal`), and waited for, but not for long: the next start does what they leave. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await Promise.race([Promise.all(this.jobs), sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
  }

  /** Runs `work` again and again, on one node at a time, until the server stops. */
  repeat(name: string, repeated: Repeated, work: (lease: Lease) => Promise<void>): void {
    const job = this.loop(name, repeated, work).finally(() => this.jobs.delete(job));
    this.jobs.add(job);
  }

  /**
   * Runs `work` where no other node holds the lease, and renews it meanwhile.
   * @param restMs for so long after the run, nobody can take it
   * @returns false where it was not free
   * @throws what `work` throws; errors of the database
   */
  async run(name: string, work: (lease: Lease) => Promise<void>, restMs = 0): Promise<boolean> {
    if (!this.node.isShared) {
      await work(loneLease(this.stop.signal));
      return true;
    }
    const takenAt = performance.now();
    if (!(await this.take(name))) return false;
    const lease = new HeldLease(name, this.node.nodeId, takenAt, this.stop.signal);
    const kept = lease.keep(() => this.take(name));
    try {
      await work(lease);
    } finally {
      lease.end();
      await kept;
      // Where the database is away, it runs out by itself.
      await this.unitOfWork
        .run((tx) => restLease(tx, name, this.node.nodeId, restMs), { isAhead: true })
        .catch(() => undefined);
    }
    return true;
  }

  private take(name: string): Promise<boolean> {
    return this.unitOfWork.run((tx) => takeLease(tx, name, this.node.nodeId), { isAhead: true });
  }

  private async loop(name: string, repeated: Repeated, work: (lease: Lease) => Promise<void>): Promise<void> {
    const { everyMs, firstMs = 0, failed } = repeated;
    const { signal } = this.stop;
    const pause = (ms: number) => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
    // Not in the turn of the start, also where there is no pause.
    await pause(firstMs);
    while (!signal.aborted) {
      const hasRun = await this.run(name, work, everyMs).catch((error: unknown) => {
        if (!signal.aborted) failed(error);
        return true;
      });
      await pause(hasRun ? everyMs : Math.min(everyMs, LOOK_EVERY_MS));
    }
  }
}
