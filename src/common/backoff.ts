/** How long to wait after the attempt number `times` (from 0) failed: twice as long each time, up to `longestMs`, with a quarter of jitter. */
export const growing = (firstMs: number, times: number, longestMs: number): number =>
  Math.min(firstMs * 2 ** times, longestMs) * (0.75 + Math.random() / 2);
