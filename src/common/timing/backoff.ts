/** How long to wait after attempt number `times` (from 0) has failed: twice as long each time, up to `longestMs`, with a quarter of jitter. */
export const growing = (firstMs: number, times: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** times, longestMs) * (0.75 + Math.random() / 2);

/** The same for work that is tried again and again, with the count of its failures. Local to a process. */
export class Backoff {
  private tries = 0;

  constructor(
    private readonly firstMs: number,
    private readonly longestMs: number,
  ) {}

  /** The next pause. */
  next(): number {
    return growing(this.firstMs, this.tries++, this.longestMs);
  }

  /** After a success: the next failure counts as the first one. */
  reset(): void {
    this.tries = 0;
  }
}
