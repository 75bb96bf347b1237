// Who may think when, and who has to give way.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FairTurns } from '../../src/bot/fair-turns.js';

let turns: FairTurns;
let running: string[];
let gaveWay: string[];
let ends: Map<string, () => void>;

/** Somebody who thinks until they are told to end. */
function person(name: string): Promise<string> {
  const work = async () => {
    running.push(name);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    running.splice(running.indexOf(name), 1);
    return name;
  };
  const giveWay = () => {
    if (!gaveWay.includes(name)) gaveWay.push(name);
    ends.get(name)!();
  };
  return turns.run(work, giveWay);
}

const people = (...names: string[]) => names.map((name) => person(name));
const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  turns = new FairTurns({ fresh: 2, freshMs: 5_000, all: 4, leastMs: 20_000 });
  [running, gaveWay, ends] = [[], [], new Map()];
});
afterEach(() => void vi.useRealTimers());

it('has so many at a time, in the order in which they came', async () => {
  const [first] = people('a', 'b', 'c', 'd');
  await later(0);
  expect(running).toEqual(['a', 'b']);
  ends.get('a')!();
  expect(await first).toBe('a');
  await later(0);
  expect(running).toEqual(['b', 'c']);
});

it('lets nobody wait for those who are slow', async () => {
  void people('a', 'b', 'c');
  await later(4_999);
  expect(running).toEqual(['a', 'b']);
  await later(1);
  expect(running).toEqual(['a', 'b', 'c']);
  void people('d');
  await later(0);
  expect(running).toEqual(['a', 'b', 'c', 'd']);
});

it('has no more than so many in all, of whom the first gives way when it has had its time', async () => {
  void people('a', 'b', 'c', 'd', 'e', 'f', 'g');
  await later(5_000);
  expect(running).toEqual(['a', 'b', 'c', 'd']);
  await later(14_999);
  expect(gaveWay).toEqual([]);
  await later(1);
  expect(gaveWay).toEqual(['a', 'b']);
  expect(running).toEqual(['c', 'd', 'e', 'f']);
  await later(5_000);
  expect(gaveWay).toEqual(['a', 'b', 'c']);
  expect(running).toEqual(['d', 'e', 'f', 'g']);
  // Nobody waits any more.
  await later(600_000);
  expect(gaveWay).toEqual(['a', 'b', 'c']);
});

it('goes on after work that fails', async () => {
  const failing = turns.run(
    () => Promise.reject(new Error('no')),
    () => {},
  );
  await expect(failing).rejects.toThrow('no');
  for (let i = 0; i < 5; i++)
    await expect(
      turns.run(
        async () => i,
        () => {},
      ),
    ).resolves.toBe(i);
});
