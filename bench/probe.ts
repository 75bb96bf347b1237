// Loaded into the server under test (`node --expose-gc --import`), of whatever build: says what only the process itself can see.
import { monitorEventLoopDelay, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** What one window of time was like inside the server. Milliseconds. */
export interface Inside {
  /** How late a timer was that fires every few milliseconds. */
  loop: { p50: number; p99: number; max: number };
  /** Pauses of the garbage collector. */
  gc: { count: number; total: number; max: number };
}

export type Question = 'memory' | 'watch' | 'watched';

/** Every 5 ms: often enough to see each longer pause, and seldom enough to cost next to nothing. */
const EVERY_MS = 5;

const delays = monitorEventLoopDelay({ resolution: EVERY_MS });
const gc = { count: 0, total: 0, max: 0 };

function note(entries: PerformanceEntry[]): void {
  for (const { duration } of entries) {
    gc.count += 1;
    gc.total += duration;
    gc.max = Math.max(gc.max, duration);
  }
}
const collections = new PerformanceObserver((list) => note(list.getEntries()));

function watch(): void {
  delays.reset();
  delays.enable();
  collections.observe({ entryTypes: ['gc'] });
  Object.assign(gc, { count: 0, total: 0, max: 0 });
}

function watched(): Inside {
  delays.disable();
  note(collections.takeRecords());
  collections.disconnect();
  // What is recorded is the time from one firing to the next.
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - EVERY_MS);
  const loop = { p50: late(delays.percentile(50)), p99: late(delays.percentile(99)), max: late(delays.max) };
  return { loop, gc: { ...gc } };
}

function answer(question: Question, content: unknown): void {
  process.send!({ question, content });
}

process.on('message', (question: Question) => {
  if (question === 'watch') {
    watch();
    answer(question, {});
  } else if (question === 'watched') {
    answer(question, watched());
  } else if (question === 'memory') {
    // Twice: what a finaliser lets go in the first is collected in the second.
    globalThis.gc!();
    setTimeout(() => {
      globalThis.gc!();
      answer(question, process.memoryUsage());
    }, 200);
  }
});
// The benchmark's end is the server's, too.
process.on('disconnect', () => process.exit());
