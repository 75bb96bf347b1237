export type Unsubscribe = () => void;

/** Ends a listener, a wait or a call by one's own signal. */
export interface Until {
  readonly signal?: AbortSignal;
}

/**
 * One value that changes. `get()` is always right, also without a listener, and returns the same reference until the value changes.
 * It is frozen. Changes of one turn of the event loop are told once. A listener that throws is reported (`reportError`) and harms no other.
 */
export interface Store<T> {
  readonly get: () => T;
  /** Calls at once, then on each change: Svelte's store contract, RxJS interop, Solid's `from`. */
  readonly subscribe: (listener: (value: T, previous: T | undefined) => void, options?: Until) => Unsubscribe;
  /** Calls on changes alone: `useSyncExternalStore(store.listen, store.get)`. Both functions may be passed about unbound. */
  readonly listen: (listener: (value: T, previous: T) => void, options?: Until) => Unsubscribe;
}

/** What a listener throws shows where the page's other faults show. In Node, which has no such place, it must not end the process. */
export function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error);
  // oxlint-disable-next-line no-console
  else console.error(error);
}

/** Runs each; what one throws is reported, and harms no other. */
export function callAll<T>(listeners: Iterable<T>, call: (listener: T) => void): void {
  for (const listener of Array.from(listeners))
    try {
      call(listener);
    } catch (error) {
      report(error);
    }
}

/** Runs when it aborts, or at once where it has. @returns what makes an end of waiting for it */
export function onAbort(signal: AbortSignal | undefined, run: () => void): Unsubscribe {
  if (signal?.aborted) run();
  else signal?.addEventListener('abort', run);
  return () => signal?.removeEventListener('abort', run);
}

let due: (() => void)[] = [];

/** Runs once what has come together by then: everything that one turn changes is told in one go. */
function soon(run: () => void): void {
  if (due.push(run) > 1) return;
  queueMicrotask(() => {
    const now = due;
    due = [];
    for (const each of now) each();
  });
}

type Listener<T> = (value: T, previous: T) => void;

/** A store that its owner sets. */
export class Value<T> implements Store<T> {
  private readonly listeners = new Set<{ call: Listener<T> }>();
  private isDue = false;
  private told: T;

  constructor(private value: T) {
    this.told = value;
    Object.freeze(value);
  }

  readonly get = (): T => this.value;

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    Object.freeze(value);
    if (this.isDue || this.listeners.size === 0) {
      if (!this.isDue) this.told = value;
      return;
    }
    this.isDue = true;
    soon(this.tell);
  }

  readonly listen = (call: Listener<T>, options?: Until): Unsubscribe => {
    if (options?.signal?.aborted) return () => {};
    const listener = { call };
    if (this.listeners.size === 0 && !this.isDue) this.told = this.value;
    this.listeners.add(listener);
    const end = (): void => {
      this.listeners.delete(listener);
      endAbort();
    };
    const endAbort = onAbort(options?.signal, end);
    return end;
  };

  readonly subscribe = (listener: (value: T, previous: T | undefined) => void, options?: Until): Unsubscribe =>
    subscribeTo(this, listener, options);

  private readonly tell = (): void => {
    this.isDue = false;
    const [value, previous] = [this.value, this.told];
    this.told = value;
    if (Object.is(value, previous)) return;
    callAll(this.listeners, (listener) => {
      if (this.listeners.has(listener)) listener.call(value, previous);
    });
  };
}

function subscribeTo<T>(
  store: Store<T>,
  listener: (value: T, previous: T | undefined) => void,
  options?: Until,
): Unsubscribe {
  if (options?.signal?.aborted) return () => {};
  const end = store.listen(listener, options);
  callAll([listener], (one) => one(store.get(), undefined));
  return end;
}

/** Frozen, with all that is in it. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

/** Whether all fields are the same: then the old object can stay, and who compares by identity has nothing to draw anew. */
export function hasSameFields<T extends object>(a: T, b: T): boolean {
  return (Object.keys({ ...a, ...b }) as (keyof T)[]).every((name) => a[name] === b[name]);
}

/** The same store; calls `look` on each get, listen and subscribe, so that what it holds is loaded on first use. */
export const onLook = <T>({ get, listen, subscribe }: Store<T>, look: () => void): Store<T> => ({
  get: () => (look(), get()),
  listen: (...args) => (look(), listen(...args)),
  subscribe: (...args) => (look(), subscribe(...args)),
});

/** What `make` makes of another store's value; made anew only where that changed, and told only where the result did (`same`). */
export function computed<A, T>(from: Store<A>, make: (a: A) => T, same: (a: T, b: T) => boolean = Object.is): Store<T> {
  let of: { a: A; made: T } | undefined;
  const get = (): T => {
    const a = from.get();
    if (of && Object.is(of.a, a)) return of.made;
    const made = make(a);
    Object.freeze(made);
    of = { a, made: of && same(of.made, made) ? of.made : made };
    return of.made;
  };
  const store: Store<T> = {
    get,
    listen: (listener, options) => {
      let told = get();
      return from.listen(() => {
        const [value, previous] = [get(), told];
        told = value;
        if (!Object.is(value, previous)) listener(value, previous);
      }, options);
    },
    subscribe: (listener, options) => subscribeTo(store, listener, options),
  };
  return store;
}

/** Resolves with the first value that fits: `await when(parley.connection, (c) => c.state === 'online')`. @throws the signal's reason */
export function when<T>(store: Store<T>, fits: (value: T) => boolean, options?: Until): Promise<T> {
  return new Promise((resolve, reject) => {
    const signal = options?.signal;
    const check = (): void => {
      const value = store.get();
      if (signal?.aborted) reject(signal.reason as Error);
      else if (fits(value)) resolve(value);
      else return;
      end();
      signal?.removeEventListener('abort', check);
    };
    const end = store.listen(check);
    signal?.addEventListener('abort', check);
    check();
  });
}
