import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { isLeaseHeld, LEASE_MS, RENEW_EVERY_MS } from './lease-rows.js';

/** A lease as whoever does the work sees it. */
export interface Lease {
  /** Aborted once the lease is lost, or the server stops. */
  readonly signal: AbortSignal;
  /** Whether this node may still act. False also right after the process was suspended for longer than the lease lasts. */
  readonly isHeld: boolean;
  /**
   * Asks the row, and locks it until the transaction ends: nobody else takes the lease before. Also true to a machine whose own clock stood
   * still. @throws Error where it is lost
   */
  assertHeld(tx: EntityManager): Promise<void>;
}

/** The lease was lost: another node may have it. */
export class LeaseLost extends Error {
  constructor(name: string) {
    super(`The lease "${name}" was lost.`);
  }
}

/** What a node has that is alone: nobody else can take it. */
export const loneLease = (stop: AbortSignal): Lease => ({
  signal: stop,
  get isHeld() {
    return !stop.aborted;
  },
  assertHeld: () => Promise.resolve(),
});

/** A lease that was taken, for as long as it is renewed. Local to a process, and by the clock of `performance.now()`: when it ends. */
export class HeldLease implements Lease {
  readonly signal: AbortSignal;
  private readonly lost = new AbortController();
  private readonly ended = new AbortController();
  private until = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param takenAt when the statement that took it was sent */
  constructor(
    readonly name: string,
    private readonly holder: number,
    takenAt: number,
    stop?: AbortSignal,
  ) {
    this.signal = AbortSignal.any([this.lost.signal, ...(stop ? [stop] : [])]);
    this.extend(takenAt);
  }

  get isHeld(): boolean {
    if (performance.now() >= this.until) this.lose();
    return !this.signal.aborted;
  }

  async assertHeld(tx: EntityManager): Promise<void> {
    if (!this.isHeld || !(await isLeaseHeld(tx, this.name, this.holder))) throw new LeaseLost(this.name);
  }

  /** Renews it by `take` until `end`, or until it is lost. Where `take` throws, the database is away, and the next one may succeed. */
  async keep(take: () => Promise<boolean>): Promise<void> {
    const until = AbortSignal.any([this.lost.signal, this.ended.signal]);
    for (;;) {
      await sleep(RENEW_EVERY_MS, undefined, { signal: until, ref: false }).catch(() => undefined);
      if (until.aborted || performance.now() >= this.until) return this.lose();
      const askedAt = performance.now();
      const isTaken = await take().catch(() => undefined);
      if (isTaken) this.extend(askedAt);
      else if (isTaken === false) return this.lose();
    }
  }

  /** The work is done. */
  end(): void {
    this.ended.abort();
    clearTimeout(this.timer);
  }

  private lose(): void {
    clearTimeout(this.timer);
    if (!this.ended.signal.aborted) this.lost.abort(new LeaseLost(this.name));
  }

  private extend(askedAt: number): void {
    this.until = askedAt + LEASE_MS;
    clearTimeout(this.timer);
    if (!this.ended.signal.aborted && !this.lost.signal.aborted)
      this.timer = setTimeout(() => this.lose(), Math.max(0, this.until - performance.now())).unref();
  }
}
