import { describe, expect, it, vi } from 'vitest';
import { computed, Value, when } from '../src/store.js';

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('a store', () => {
  it('says what it holds at once, and tells once a turn', async () => {
    const store = new Value(1);
    const told: [number, number][] = [];
    store.listen((value, previous) => void told.push([value, previous]));
    store.set(2);
    store.set(3);
    expect(store.get()).toBe(3);
    expect(told).toEqual([]);
    await turn();
    expect(told).toEqual([[3, 1]]);
  });

  it('tells nothing of what became what it was', async () => {
    const store = new Value(1);
    const listener = vi.fn<(value: unknown, previous: unknown) => void>();
    store.listen(listener);
    store.set(2);
    store.set(1);
    await turn();
    expect(listener).not.toHaveBeenCalled();
  });

  it('calls at once where it is subscribed to, as Svelte wants it', async () => {
    const store = new Value(1);
    const told: unknown[] = [];
    const end = store.subscribe((value, previous) => void told.push([value, previous]));
    store.set(2);
    await turn();
    end();
    store.set(3);
    await turn();
    expect(told).toEqual([
      [1, undefined],
      [2, 1],
    ]);
  });

  it('lets no listener harm another, nor one that has ended hear', async () => {
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
    const store = new Value(1);
    const last = vi.fn<(value: unknown, previous: unknown) => void>();
    const ended = vi.fn<(value: unknown, previous: unknown) => void>();
    store.listen(() => {
      endOther();
      throw new Error('by the test');
    });
    const endOther = store.listen(ended);
    store.listen(last);
    store.set(2);
    await turn();
    expect(last).toHaveBeenCalledWith(2, 1);
    expect(ended).not.toHaveBeenCalled();
    expect(reported).toHaveBeenCalledOnce();
    reported.mockRestore();
  });

  it('ends with a signal', async () => {
    const store = new Value(1);
    const listener = vi.fn<(value: unknown, previous: unknown) => void>();
    const stop = new AbortController();
    store.listen(listener, { signal: stop.signal });
    stop.abort();
    store.set(2);
    await turn();
    expect(listener).not.toHaveBeenCalled();
    store.subscribe(listener, { signal: AbortSignal.abort() });
    expect(listener).not.toHaveBeenCalled();
  });

  it('that is computed is made anew only where its source changed, and told only where the result did', async () => {
    const source = new Value({ n: 1 });
    const make = vi.fn<(from: { n: number }) => boolean>(({ n }) => n > 2);
    const store = computed(source, make);
    const listener = vi.fn<(value: unknown, previous: unknown) => void>();
    store.listen(listener);
    expect([store.get(), store.get()]).toEqual([false, false]);
    expect(make).toHaveBeenCalledOnce();
    source.set({ n: 2 });
    await turn();
    expect(listener).not.toHaveBeenCalled();
    source.set({ n: 3 });
    expect(store.get()).toBe(true);
    await turn();
    expect(listener).toHaveBeenCalledExactlyOnceWith(true, false);
  });

  it('keeps the same result where `same` says so', () => {
    const source = new Value([1]);
    const store = computed(
      source,
      (list) => list.map((n) => n % 2),
      (a, b) => a.join() === b.join(),
    );
    const first = store.get();
    source.set([3]);
    expect(store.get()).toBe(first);
  });

  it('can be waited for', async () => {
    const store = new Value(1);
    const three = when(store, (n) => n === 3);
    store.set(2);
    await turn();
    store.set(3);
    expect(await three).toBe(3);
    expect(await when(store, (n) => n === 3)).toBe(3);
    const reason = new Error('enough');
    await expect(when(store, (n) => n === 4, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const stop = new AbortController();
    const never = when(store, (n) => n === 4, { signal: stop.signal });
    stop.abort(reason);
    await expect(never).rejects.toBe(reason);
  });
});
