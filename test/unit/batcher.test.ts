// What happens in a moment is handed over in one piece, and nothing of it is lost where that fails.
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Batcher } from '../../src/common/timing/batcher.js';

describe('gathering', () => {
  const pieces: [string, number][][] = [];
  /** Of the first piece; then it takes everything. */
  let handOver: () => Promise<void>;
  const take = async (gathered: ReadonlyMap<string, number>): Promise<void> => {
    pieces.push([...gathered]);
    const first = handOver;
    handOver = async () => {};
    await first();
  };

  beforeEach(() => {
    pieces.length = 0;
    vi.spyOn(Logger.prototype, 'error').mockReturnValue();
  });
  afterEach(() => void vi.restoreAllMocks());

  it('tries again after longer and longer pauses, and at once when it works again', async () => {
    vi.useFakeTimers();
    let isAway = true;
    const gather = new Batcher<string, number>('Test', 0, async (gathered) => {
      pieces.push([...gathered]);
      if (isAway) throw new Error('away');
    });
    gather.add('a', 1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(pieces.length).toBeGreaterThan(6);
    expect(pieces.length).toBeLessThan(16);
    // Whatever else comes does not make it faster.
    const before = pieces.length;
    for (let i = 0; i < 100; i++) {
      gather.add('b', i);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(pieces.length).toBeLessThanOrEqual(before + 1);
    isAway = false;
    // The longest pause, and a quarter more of jitter.
    await vi.advanceTimersByTimeAsync(37_500);
    expect(pieces.at(-1)).toEqual([
      ['a', 1],
      ['b', 99],
    ]);
    const after = pieces.length;
    gather.add('c', 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(pieces).toHaveLength(after + 1);
    await gather.stop();
    vi.useRealTimers();
  });

  it('survives a hand-over that throws at once', async () => {
    let calls = 0;
    const gather = new Batcher<string, number>('Test', 60_000, () => {
      if (++calls === 1) throw new Error('at once');
      return Promise.resolve();
    });
    gather.add('a', 1);
    await expect(gather.flush()).rejects.toThrow('at once');
    await gather.flush();
    expect(calls).toBe(2);
    await gather.stop();
  });

  /** Two of a kind, a piece that fails in the middle of which a third comes, and the next piece. */
  const survived = async (gather: Batcher<string, number>): Promise<void> => {
    handOver = async () => {
      gather.add('a', 3);
      gather.add('b', 4);
      throw new Error('away');
    };
    gather.add('a', 1);
    gather.add('a', 2);
    await expect(gather.flush()).rejects.toThrow('away');
    await gather.flush();
    await gather.stop();
  };

  it('hands over the newest of each, also of what came while a piece failed', async () => {
    await survived(new Batcher('Test', 60_000, take));
    expect(pieces).toEqual([
      [['a', 2]],
      [
        ['a', 3],
        ['b', 4],
      ],
    ]);
  });

  it('merges as it is told, also what came while a piece failed', async () => {
    await survived(new Batcher('Test', 60_000, take, (first) => first));
    expect(pieces).toEqual([
      [['a', 1]],
      [
        ['a', 1],
        ['b', 4],
      ],
    ]);
  });
});
