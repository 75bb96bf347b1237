import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Pauses } from '../common/timing/pauses.js';
import { CONFIG, type Config } from '../config/config.js';
import { restLease, takeLease } from '../database/lease-rows.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { HeldLease, type Lease, loneLease } from '../database/held-lease.js';
import { NodeBus } from './node-bus.js';

/** How often a node looks whether a job is free that another one had. With `LEASE_MS`, the job of a node that died goes on within 15 s, or within its `everyMs` where its `restMs` is 0. */
const LOOK_EVERY_MS = 4_000;

/** How long a stop waits for jobs. */
const STOP_WITHIN_MS = 2_000;

export interface Repeated {
  /** Milliseconds from the end of a run to the next one. */
  everyMs: number;
  /** For so long after a run no node begins another one; left out: `everyMs`. 0 where a node may be woken after the run of another one. */
  restMs?: number;
  /** The same as `everyMs` after a run that has failed; left out: as long. */
  failedMs?: number;
  /** Milliseconds from the start of this node to its first try. */
  firstMs?: number;
  /** Called with what a run has thrown. The next one comes all the same. */
  failed: (error: unknown) => void;
}

/** A job of `Leases.repeat`. */
export interface RepeatedJob {
  /** Has this node run it now, where it can have the lease, or as soon as it can; and once more, where it is running. */
  wake(): void;
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
    @Inject(CONFIG) private readonly config: Pick<Config, 'worksOnWhatWaits'>,
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

  /**
   * Runs `work` again and again, on one node at a time, until the server stops. Never in a process that leaves what waits to others.
   * @param work may resolve to the milliseconds after which it has something to do, where that is sooner than `everyMs`
   */
  repeat(name: string, repeated: Repeated, work: (lease: Lease) => Promise<number | void>): RepeatedJob {
    if (!this.config.worksOnWhatWaits) return { wake: () => {} };
    const pauses = new Pauses(this.stop.signal);
    const job = this.loop(name, repeated, work, pauses).finally(() => this.jobs.delete(job));
    this.jobs.add(job);
    return { wake: () => pauses.cut() };
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

  private async loop(
    name: string,
    repeated: Repeated,
    work: (lease: Lease) => Promise<number | void>,
    pauses: Pauses,
  ): Promise<void> {
    const { everyMs, firstMs = 0, restMs = everyMs, failedMs = everyMs, failed } = repeated;
    const { signal } = this.stop;
    // Not in the turn of the start, also where there is no pause.
    await pauses.take(firstMs);
    while (!signal.aborted) {
      let pauseMs = Math.min(everyMs, LOOK_EVERY_MS);
      const running = async (lease: Lease): Promise<void> => {
        pauseMs = Math.min(everyMs, (await work(lease)) ?? everyMs);
      };
      await this.run(name, running, restMs).catch((error: unknown) => {
        pauseMs = failedMs;
        if (!signal.aborted) failed(error);
      });
      await pauses.take(pauseMs);
    }
  }
}
