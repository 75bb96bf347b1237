import type { Clock } from '../clock.js';

/** The timers of a server that runs; a restart ends them all. */
export class Timers {
  private readonly ends = new Set<() => void>();
  private isStopped = false;

  constructor(private readonly clock: Clock) {}

  now(): number {
    return this.clock.now();
  }

  /** @returns what ends it */
  after(ms: number, run: () => void): () => void {
    if (this.isStopped) return () => {};
    const end = (): void => {
      cancel();
      this.ends.delete(end);
    };
    const cancel = this.clock.after(ms, () => {
      this.ends.delete(end);
      run();
    });
    this.ends.add(end);
    return end;
  }

  /** In a moment, without any time passing: behind what is said in this turn. */
  soon(run: () => void): void {
    void Promise.resolve().then(() => {
      if (!this.isStopped) run();
    });
  }

  stop(): void {
    this.isStopped = true;
    for (const end of this.ends) end();
  }
}

/** Collects what happens for `ms`, and then hands it over in one piece. */
export class Batcher<K, V> {
  private gathered = new Map<K, V>();
  private isDue = false;

  /** @param merge what to make of a value and of the one before it; without it, the new one replaces it */
  constructor(
    private readonly timers: Timers,
    private readonly ms: number,
    private readonly handOver: (gathered: ReadonlyMap<K, V>) => void,
    private readonly merge: (before: V, value: V) => V = (_, value) => value,
  ) {}

  add(key: K, value: V): void {
    const before = this.gathered.get(key);
    this.gathered.set(key, before === undefined ? value : this.merge(before, value));
    this.wake();
  }

  forget(): void {
    this.gathered.clear();
  }

  /** Hands over after `ms`, also where nothing is gathered by then. */
  wake(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.timers.after(this.ms, () => {
      this.isDue = false;
      const piece = this.gathered;
      this.gathered = new Map();
      this.handOver(piece);
    });
  }
}

/** Passes on the first value of a key at once, and after that at most one every `ms`: always the latest, and never none. */
export class Throttle<K, V> {
  private readonly recent = new Map<K, { latest?: V }>();

  constructor(
    private readonly timers: Timers,
    private readonly ms: number,
    private readonly pass: (value: V, key: K) => void,
    /** What to make of a value that waits and a later one; without it, the later one replaces it. */
    private readonly merge: (waiting: V, later: V) => V = (_, later) => later,
  ) {}

  push(key: K, value: V): void {
    const passed = this.recent.get(key);
    if (passed) passed.latest = passed.latest === undefined ? value : this.merge(passed.latest, value);
    else this.passOn(key, value);
  }

  /** Changes the value that waits, if one does. */
  amend(key: K, change: (value: V) => V): void {
    const passed = this.recent.get(key);
    if (passed?.latest !== undefined) passed.latest = change(passed.latest);
  }

  private passOn(key: K, value: V): void {
    const passed: { latest?: V } = {};
    this.recent.set(key, passed);
    this.timers.after(this.ms, () => {
      this.recent.delete(key);
      if (passed.latest !== undefined) this.passOn(key, passed.latest);
    });
    this.pass(value, key);
  }
}
