import { onAbort } from './store.js';

/** Time, as this package asks for it. Tests give one that they move by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** @returns what ends it */
  after(ms: number, run: () => void): () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Does one thing, a while after it was first asked for. */
export class Timer {
  private end: (() => void) | undefined;

  constructor(private readonly run: () => void) {}

  get isSet(): boolean {
    return this.end !== undefined;
  }

  /** Where it is set already, it stays as it is. */
  set(clock: Clock, ms: number): void {
    this.end ??= clock.after(ms, () => {
      this.end = undefined;
      this.run();
    });
  }

  stop(): void {
    this.end?.();
    this.end = undefined;
  }
}

/**
 * Full jitter: anything up to `base` × 2ⁿ, and never more than `most` milliseconds. Clients of a server that comes back do not come all
 * at once (Brooker, "Exponential Backoff and Jitter", 2015).
 */
export function backoff(attempt: number, base: number, most: number, random: () => number): number {
  return Math.round(random() * Math.min(most, base * 2 ** Math.min(attempt, 16)));
}

export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      endTimer();
      endAbort?.();
      resolve();
    };
    let endAbort: (() => void) | undefined;
    const endTimer = clock.after(ms, done);
    endAbort = onAbort(signal, done);
  });
}
