import { Value } from '../../src/store.js';

/** A store, and how many listen to it. */
export function listened<T>(value: T): { store: Value<T>; listeners: () => number } {
  const store = new Value(value);
  let listeners = 0;
  const { listen } = store;
  const listenCounted: typeof listen = (...args) => {
    listeners++;
    const end = listen(...args);
    return () => {
      listeners--;
      end();
    };
  };
  Object.assign(store, { listen: listenCounted });
  return { store, listeners: () => listeners };
}
