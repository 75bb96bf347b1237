// Deadlines that only count the time in which an answer could be heard.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline } from '../../src/common/timing/deadline.js';

let missed: string[];
beforeEach(() => void (missed = []));

const deadline = (name: string, withinMs: number): Deadline => new Deadline(withinMs, () => missed.push(name));

describe('on a clock of the test', () => {
  /** How long the process has stood still, in milliseconds. */
  let stoodStillMs: number;

  beforeEach(() => {
    vi.useFakeTimers();
    stoodStillMs = 0;
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + stoodStillMs);
  });
  afterEach(async () => {
    await vi.advanceTimersByTimeAsync(5_000);
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  /** The process stands still: time passes, and what was due meanwhile is late. */
  async function standStill(ms: number): Promise<void> {
    stoodStillMs += ms;
    await pass(250);
  }

  it('is missed once, and in time', async () => {
    deadline('one', 3_000);
    await pass(100);
    deadline('two', 3_000);
    await pass(2_899);
    expect(missed).toEqual([]);
    await pass(101);
    expect(missed).toEqual(['one']);
    await pass(250);
    expect(missed).toEqual(['one', 'two']);
    await pass(10_000);
    expect(missed).toEqual(['one', 'two']);
    // Their clock has ended with them.
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not missed where it was met', async () => {
    const met = deadline('met', 3_000);
    deadline('missed', 1_000);
    await pass(2_999);
    met.met();
    await pass(10_000);
    expect(missed).toEqual(['missed']);
  });

  it('is not missed for the time in which nobody could hear', async () => {
    deadline('one', 3_000);
    await pass(2_000);
    await standStill(60_000);
    await pass(250);
    expect(missed).toEqual([]);
    await pass(500);
    expect(missed).toEqual(['one']);
  });

  it('leaves a moment to whoever stood still with the process, and no more', async () => {
    const answered = deadline('answered', 3_000);
    deadline('silent', 3_000);
    await pass(2_900);
    await standStill(60_000);
    expect(missed).toEqual([]);
    answered.met();
    await standStill(120_000);
    expect(missed).toEqual(['silent']);
  });
});

it('reads first what has come when it is due', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asking = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [answering] = (await once(server, 'connection')) as [Socket];
  const asked = deadline('one', 1);
  const answer = once(asking, 'data').then(() => asked.met());
  answering.write('here');
  // Beyond the next look at the deadlines, and not for so long that it counts as standing still.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await answer;
  expect(missed).toEqual([]);
  asking.destroy();
  server.close();
});
