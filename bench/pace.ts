// Open loop: messages leave when they are due, however many are still unanswered. Latency counts from when one was due and not from
// when it left, or a server that stands still would delay the very messages that show it (coordinated omission).

/** When the message with this number is due, in ms from the beginning. */
export const dueAt = (number: number, perSecond: number): number => (number * 1000) / perSecond;

/** How many are due by then: the first at the beginning, the others evenly behind it. */
export const dueBy = (elapsed: number, perSecond: number): number => {
  if (elapsed < 0) return 0;
  const count = Math.floor((elapsed * perSecond) / 1000) + 1;
  // What rounding has put on the wrong side.
  return dueAt(count - 1, perSecond) > elapsed ? count - 1 : count;
};

/** How long the pacer sleeps at most, in ms: what arrives meanwhile is seen so much later. The kernel adds some 0.05 ms. */
const LONGEST_SLEEP_MS = 0.05;

const nothing = new Int32Array(new SharedArrayBuffer(4));

/**
 * Calls `send` with each number up to `total` when it is due. Timers of Node's have a grain of a millisecond, in which a fast pace
 * would leave as bursts: this looks at the clock in every turn of the event loop, and where nothing is due sleeps for a blink, so
 * that the CPU that the generator takes stays what it has to do.
 */
export function atPace(perSecond: number, total: number, send: (number: number, due: number) => void): Promise<void> {
  return new Promise((resolve) => {
    const start = performance.now();
    let next = 0;
    const turn = (): void => {
      const until = Math.min(total, dueBy(performance.now() - start, perSecond));
      if (next === until) Atomics.wait(nothing, 0, 0, LONGEST_SLEEP_MS);
      for (; next < until; next++) send(next, start + dueAt(next, perSecond));
      if (next < total) setImmediate(turn);
      else resolve();
    };
    turn();
  });
}
