import { computed, effect, Signal } from '@preact/signals-core';
import { describe, expect, it } from 'vitest';
import { fromStore } from '../src/signals.js';
import { listened } from './support/listened.js';

/** What changed in this turn is told in the next. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('fromStore', () => {
  it('is a signal that shows what the store holds, at once and to whoever asks', () => {
    const { store, listeners } = listened('one');
    const signal = fromStore(store);
    expect(signal).toBeInstanceOf(Signal);
    expect([signal.value, signal.peek(), String(signal), JSON.stringify({ signal })]).toEqual([
      'one',
      'one',
      'one',
      '{"signal":"one"}',
    ]);
    store.set('two');
    expect([signal.value, signal.peek()]).toEqual(['two', 'two']);
    expect(listeners()).toBe(0);
  });

  it('listens while it is watched, once for all who do', async () => {
    const { store, listeners } = listened(1);
    const signal = fromStore(store);
    const double = computed(() => signal.value * 2);
    expect(double.value).toBe(2);
    await nextTurn();
    expect(listeners()).toBe(0);

    const seen: unknown[] = [];
    const ends = [
      effect(() => void seen.push(signal.value)),
      effect(() => void seen.push([double.value])),
      signal.subscribe((value) => void seen.push(`${value}`)),
    ];
    expect(listeners()).toBe(1);
    store.set(5);
    await nextTurn();
    expect(seen).toEqual([1, [2], '1', 5, [10], '5']);
    ends[0]();
    ends[1]();
    expect(listeners()).toBe(1);
    ends[2]();
    expect(listeners()).toBe(0);
    store.set(6);
    await nextTurn();
    expect(seen).toHaveLength(6);
    const end = effect(() => void seen.push(double.value));
    expect(seen.at(-1)).toBe(12);
    end();
    expect(listeners()).toBe(0);
  });

  it('keeps a computed true that nobody watches, before and after somebody did', async () => {
    const { store, listeners } = listened(1);
    const double = computed(() => fromIt.value * 2);
    const fromIt = fromStore(store);
    expect(double.value).toBe(2);
    await nextTurn();
    store.set(2);
    expect(double.value).toBe(4);
    await nextTurn();
    const end = effect(() => void double.value);
    end();
    await nextTurn();
    store.set(3);
    expect(double.value).toBe(6);
    // Read, changed and watched by another in one turn.
    await nextTurn();
    expect(double.value).toBe(6);
    store.set(4);
    const other = effect(() => void fromIt.value);
    await nextTurn();
    expect(double.value).toBe(8);
    other();
    expect(listeners()).toBe(0);
  });

  it('runs no effect again for what did not change', async () => {
    const { store } = listened({ unread: 1, rows: ['a'] });
    const inbox = fromStore(store);
    const unread = computed(() => inbox.value.unread);
    let runs = 0;
    const end = effect(() => {
      void unread.value;
      runs++;
    });
    await nextTurn();
    store.set({ unread: 1, rows: ['a', 'b'] });
    await nextTurn();
    expect(runs).toBe(1);
    store.set({ unread: 2, rows: [] });
    await nextTurn();
    expect(runs).toBe(2);
    end();
  });
});
