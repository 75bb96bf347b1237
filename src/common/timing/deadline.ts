/** How often deadlines are looked at. */
const TICK_MS = 250;
/** A tick this long after the one before shows that the process was suspended, or its event loop blocked. */
const STALL_MS = 2 * TICK_MS;

const pending = new Set<Deadline>();
let ticker: NodeJS.Timeout | undefined;
let tickedAt = 0;
/** Milliseconds in which this process could read an answer, as counted until the last tick. */
let countedMs = 0;

/**
 * A deadline for an answer from outside. Only time in which this process could read one counts. While it is suspended (its machine is
 * paused) or blocked (a long garbage collection), the answer may arrive and is not read; a plain timer would then fire before it is.
 * Missed up to 250 ms late, and later by as long as the process could not run. Local to a process.
 */
export class Deadline {
  /** On the clock of `countedMs`. */
  readonly dueMs: number;

  /** @param missed called once, unless `met` was */
  constructor(
    withinMs: number,
    readonly missed: () => void,
  ) {
    const now = performance.now();
    if (!ticker) {
      tickedAt = now;
      ticker = setInterval(tick, TICK_MS).unref();
    }
    this.dueMs = countedMs + Math.min(now - tickedAt, TICK_MS) + withinMs;
    pending.add(this);
  }

  met(): void {
    pending.delete(this);
  }
}

function tick(): void {
  if (pending.size === 0) {
    clearInterval(ticker);
    ticker = undefined;
    return;
  }
  const elapsed = performance.now() - tickedAt;
  tickedAt += elapsed;
  const before = countedMs;
  countedMs += Math.min(elapsed, STALL_MS);
  // The other end may have been suspended as well: it has until the next tick.
  const limitMs = elapsed > STALL_MS ? before : countedMs;
  const due = [...pending].filter(({ dueMs }) => dueMs <= limitMs);
  if (due.length === 0) return;
  // In a turn of the event loop, sockets are read after the timers and before this.
  setImmediate(() => {
    for (const deadline of due) if (pending.delete(deadline)) deadline.missed();
  });
}
