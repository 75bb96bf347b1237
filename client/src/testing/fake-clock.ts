import type { Clock } from '../clock.js';
import { Traffic } from './settle.js';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Timers of one moment that each begin another one. */
const MOST_AT_ONCE = 100_000;

/**
 * Time that stands still until `pass`. Timers run in the order of their times, those of one time in the order in which they were set; what
 * follows from one by promises happens before the next.
 */
export class FakeClock implements Clock {
  /** In the order in which they will run. */
  private timers: Timer[] = [];
  private passing: Promise<void> = Promise.resolve();
  private time: number;

  /** @param settled what to wait for between two timers; by itself, promises and a turn or two of the event loop */
  constructor(
    now: number | string | Date = '2026-01-01T00:00:00.000Z',
    private readonly settled: () => Promise<void> = new Traffic().settled,
  ) {
    this.time = new Date(now).getTime();
    if (Number.isNaN(this.time)) throw new RangeError(`This is no date: ${String(now)}`);
  }

  readonly now = (): number => this.time;

  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.time + Math.max(0, ms || 0), run };
    const place = this.timers.findIndex(({ at }) => at > timer.at);
    this.timers.splice(place < 0 ? this.timers.length : place, 0, timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  };

  /** Timers that are set. */
  get waiting(): number {
    return this.timers.length;
  }

  /**
   * Lets so much time pass. 0 settles what is under way, and runs what is due now. One that is called before another one has ended
   * follows it. @throws what a timer throws
   */
  readonly pass = (ms: number): Promise<void> => {
    const passed = this.passing.then(() => this.move(ms));
    this.passing = passed.catch(() => undefined);
    return passed;
  };

  private async move(ms: number): Promise<void> {
    await this.settled();
    const until = this.time + ms;
    let atOnce = 0;
    for (let next = this.timers[0]; next && next.at <= until; next = this.timers[0]) {
      atOnce = next.at > this.time ? 0 : atOnce + 1;
      if (atOnce > MOST_AT_ONCE) throw new Error('A timer begins itself again and again without a pause.');
      this.timers.shift();
      this.time = Math.max(this.time, next.at);
      next.run();
      await this.settled();
    }
    this.time = until;
  }
}
