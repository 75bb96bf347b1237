/** How long to wait after the attempt number `times` (from 0) failed: twice as long each time, up to `longestMs`, with a quarter of jitter. */
export const growing = (firstMs: number, times: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** times, longestMs) * (0.75 + Math.random() / 2);

/** The same for one thing that is tried again and again, with its count. Local to a process. */
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

  /** It worked: the next failure is a first one. */
  reset(): void {
    this.tries = 0;
  }
}
