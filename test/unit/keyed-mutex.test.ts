import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { KeyedMutex } from '../../src/common/timing/keyed-mutex.js';

const gate = () => {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
};

it('does what concerns the same key one after another, and the rest at once', async () => {
  const mutex = new KeyedMutex<string>(1_000);
  const [first, order] = [gate(), [] as string[]];
  const held = mutex.run(['a', 'b'], async () => {
    await first.opened;
    order.push('a and b');
  });
  const behind = ['a', 'b'].map((key) => mutex.run([key], async () => void order.push(key)));
  await mutex.run(['c'], async () => void order.push('c'));
  expect(order).toEqual(['c']);
  first.open();
  await Promise.all([held, ...behind]);
  expect(order).toEqual(['c', 'a and b', 'a', 'b']);
});

it('two that want the same keys in another order do not wait for each other', async () => {
  const mutex = new KeyedMutex<number>(1_000);
  const order: number[] = [];
  await Promise.all([
    mutex.run([1, 2], async () => void order.push(1)),
    mutex.run([2, 1], async () => void order.push(2)),
  ]);
  expect(order).toEqual([1, 2]);
});

it('goes on behind work that fails, and hands its error to nobody else', async () => {
  const mutex = new KeyedMutex<string>(1_000);
  const failed = mutex.run(['a'], () => Promise.reject(new Error('mine')));
  const next = mutex.run(['a'], () => Promise.resolve('done'));
  await expect(failed).rejects.toThrow('mine');
  await expect(next).resolves.toBe('done');
});

it('refuses what had to wait for too long, undone, and forgets keys that nobody uses', async () => {
  const mutex = new KeyedMutex<string>(500);
  const first = gate();
  const held = mutex.run(['a'], () => first.opened);
  const work = vi.fn<() => Promise<void>>(() => Promise.resolve());
  const late = mutex.run(['a'], work).catch((error: unknown) => error);
  await sleep(800);
  first.open();
  await held;
  expect(await late).toMatchObject({ code: 'busy' });
  expect(work).not.toHaveBeenCalled();
  await mutex.run(['a'], () => Promise.resolve());
  await nextTurn();
  expect((mutex as unknown as { last: Map<string, unknown> }).last.size).toBe(0);
});
