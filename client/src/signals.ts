import { type ReadonlySignal, Signal, signal } from '@preact/signals-core';
import type { Store } from './store.js';

/**
 * A store as a signal, for @preact/signals: `const inbox = fromStore(parley.inbox)`, then `inbox.value.unread`. It listens while somebody
 * watches (an effect, a component, a `computed` that is watched) and holds nothing at other times. `value` and `peek()` are always right.
 * So is, from the next turn of the event loop on, a `computed` of it that nobody watches.
 */
export function fromStore<T>(store: Store<T>): ReadonlySignal<T> {
  return new StoreSignal(store);
}

class StoreSignal<T> extends Signal<T> {
  private readonly turn: Signal<number>;
  private readonly store: Store<T>;
  private isDue = false;
  private end: (() => void) | undefined;

  constructor(store: Store<T>) {
    super();
    this.store = store;
    // Those who read the value depend on this number, which rises when the value may be another.
    this.turn = signal(0, {
      watched: () => {
        this.end = store.listen(() => this.next());
      },
      unwatched: () => {
        this.end?.();
        this.end = undefined;
        this.nextTurn();
      },
    });
  }

  override get value(): T {
    void this.turn.value;
    if (!this.end) this.nextTurn();
    return this.store.get();
  }

  override peek(): T {
    return this.store.get();
  }

  private next(): void {
    this.turn.value = this.turn.peek() + 1;
  }

  /** What was read without a listener is read anew by whoever kept it. */
  private nextTurn(): void {
    if (this.isDue) return;
    this.isDue = true;
    const read = this.store.get();
    queueMicrotask(() => {
      this.isDue = false;
      if (!this.end || !Object.is(read, this.store.get())) this.next();
    });
  }
}
