import { performance } from 'node:perf_hooks';

/** The load of the last so many milliseconds counts. */
const WINDOW_MS = 20;

/** How busy the event loop is: the share of the time in which it did not wait for anything. State of a process. */
export class LoopLoad {
  private last = performance.eventLoopUtilization();
  private share = 0;

  /** @param high from this share on the load is high, 0 to 1 */
  constructor(private readonly high: number) {}

  isHigh(): boolean {
    const now = performance.eventLoopUtilization();
    const { idle, active, utilization } = performance.eventLoopUtilization(now, this.last);
    if (idle + active >= WINDOW_MS) {
      this.share = utilization;
      this.last = now;
    }
    return this.share >= this.high;
  }
}
