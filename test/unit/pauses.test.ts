import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pauses } from '../../src/common/timing/pauses.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Counts how many pauses are over. */
function taking(pauses: Pauses) {
  const taken = { over: 0, take: () => void pauses.take(60_000).then(() => taken.over++) };
  return taken;
}
const settled = () => vi.advanceTimersByTimeAsync(0);

it('lasts as long as it should', async () => {
  const taken = taking(new Pauses(new AbortController().signal));
  taken.take();
  await vi.advanceTimersByTimeAsync(59_999);
  expect(taken.over).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(taken.over).toBe(1);
});

it('is cut short, and the next one is not', async () => {
  const pauses = new Pauses(new AbortController().signal);
  const taken = taking(pauses);
  taken.take();
  pauses.cut();
  pauses.cut();
  await settled();
  expect(taken.over).toBe(1);
  taken.take();
  await vi.advanceTimersByTimeAsync(59_999);
  expect(taken.over).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(taken.over).toBe(2);
});

it('is cut short by what came before it', async () => {
  const pauses = new Pauses(new AbortController().signal);
  const taken = taking(pauses);
  pauses.cut();
  taken.take();
  await settled();
  expect(taken.over).toBe(1);
});

it('ends with the stop, and none comes after it', async () => {
  const stop = new AbortController();
  const taken = taking(new Pauses(stop.signal));
  taken.take();
  stop.abort();
  await settled();
  taken.take();
  await settled();
  expect(taken.over).toBe(2);
});
