// Who waits for whom, in memory.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Line, Lines } from '../../src/common/timing/line.js';

let events: string[];
let ends: Map<string, () => void>;

/** Work that lasts until it is told to end. */
const work = (name: string) => async (): Promise<string> => {
  events.push(name);
  await new Promise<void>((resolve) => ends.set(name, resolve));
  return name;
};
const end = async (name: string): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
  ends.get(name)!();
  await vi.advanceTimersByTimeAsync(0);
};
const outcome = (answer: Promise<string>): Promise<string> =>
  answer.catch((error: unknown) => (error as { code: string }).code);

beforeEach(() => {
  vi.useFakeTimers();
  [events, ends] = [[], new Map()];
});
afterEach(() => void vi.useRealTimers());

it('runs so many at once, and the others in the order in which they came', async () => {
  const line = new Line(2, 10);
  const answers = ['a', 'b', 'c', 'd'].map((name) => line.take(work(name), 1_000));
  await vi.advanceTimersByTimeAsync(0);
  expect(events).toEqual(['a', 'b']);
  await end('b');
  await end('a');
  expect(events).toEqual(['a', 'b', 'c', 'd']);
  await end('d');
  await end('c');
  expect(await Promise.all(answers)).toEqual(['a', 'b', 'c', 'd']);
  expect(line.isIdle).toBe(true);
});

it('lets one ahead of all that wait', async () => {
  const line = new Line(1, 10);
  void line.take(work('a'), 1_000);
  void line.take(work('b'), 1_000);
  void line.take(work('log'), 1_000, true);
  for (const name of ['a', 'log', 'b']) await end(name);
  expect(events).toEqual(['a', 'log', 'b']);
});

it('refuses at once who would be too many, and later whose turn does not come in time', async () => {
  const line = new Line(1, 1);
  void line.take(work('a'), 1_000);
  const late = outcome(line.take(work('b'), 1_000));
  expect(await outcome(line.take(work('c'), 1_000))).toBe('busy');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await late).toBe('busy');
  await end('a');
  expect(events).toEqual(['a']);
  expect(line.isIdle).toBe(true);
});

it('refuses those who have waited since a moment, and no others', async () => {
  const lines = new Lines(10);
  void lines.take('row', work('a'), 5_000);
  const old = outcome(lines.take('row', work('b'), 5_000));
  const since = performance.now();
  await vi.advanceTimersByTimeAsync(10);
  void lines.take('row', work('c'), 5_000);
  lines.refuseSince('row', since);
  expect(await old).toBe('busy');
  await end('a');
  expect(events).toEqual(['a', 'c']);
});

it('goes on behind work that fails, and keeps nothing of a line that is empty', async () => {
  const lines = new Lines(10);
  const failed = outcome(
    lines.take('row', () => Promise.reject(Object.assign(new Error(), { code: 'mistake' })), 1_000),
  );
  void lines.take('row', work('b'), 1_000);
  void lines.take('another row', work('c'), 1_000);
  expect(await failed).toBe('mistake');
  await vi.advanceTimersByTimeAsync(0);
  expect(events).toEqual(['c', 'b']);
  expect(lines.has('row')).toBe(true);
  await end('b');
  expect(lines.has('row')).toBe(false);
  expect(lines.has('another row')).toBe(true);
});
