import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Throttle } from '../../src/common/timing/throttle.js';

let passed: [string, number][];
let throttle: Throttle<string, number>;
beforeEach(() => {
  vi.useFakeTimers();
  passed = [];
  throttle = new Throttle(1_000, (value, key) => void passed.push([key, value]));
});
afterEach(() => void vi.useRealTimers());

it('passes on the first at once, and then the latest of each interval', () => {
  for (const value of [1, 2, 3]) throttle.push('a', value);
  expect(passed).toEqual([['a', 1]]);
  vi.advanceTimersByTime(999);
  expect(passed).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(passed).toEqual([
    ['a', 1],
    ['a', 3],
  ]);
  // The one that was passed on late opens an interval of its own.
  throttle.push('a', 4);
  vi.advanceTimersByTime(1_000);
  expect(passed.at(-1)).toEqual(['a', 4]);
  expect(passed).toHaveLength(3);
});

it('keeps the keys apart, and forgets those that are quiet', () => {
  throttle.push('a', 1);
  throttle.push('b', 2);
  expect(passed).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  vi.advanceTimersByTime(1_000);
  expect(vi.getTimerCount()).toBe(0);
  throttle.push('a', 3);
  expect(passed.at(-1)).toEqual(['a', 3]);
});

it('amends what waits, and nothing else', () => {
  throttle.amend('a', () => expect.unreachable());
  throttle.push('a', 1);
  throttle.amend('a', () => expect.unreachable());
  throttle.push('a', 2);
  throttle.amend('a', (value) => value * 10);
  vi.advanceTimersByTime(1_000);
  expect(passed).toEqual([
    ['a', 1],
    ['a', 20],
  ]);
});

it('passes nothing on once it is stopped', () => {
  throttle.push('a', 1);
  throttle.push('a', 2);
  throttle.stop();
  throttle.push('a', 3);
  throttle.push('b', 4);
  vi.advanceTimersByTime(5_000);
  expect(passed).toEqual([['a', 1]]);
  expect(vi.getTimerCount()).toBe(0);
});
