import { Busy } from '../errors.js';

/**
 * Work on the same key happens one thing after another; on different keys, at once. Local to a process. Bounded by the requests that
 * are under way, each of which waits for a limited time.
 */
export class KeyedMutex<K> {
  /** What the next work on each key has to wait for. */
  private readonly last = new Map<K, Promise<unknown>>();

  /** @param withinMs milliseconds that work waits before it is refused: what is before it may wait for a database that says nothing */
  constructor(private readonly withinMs: number) {}

  /**
   * Runs `work` once everything is done that was asked for earlier on one of these keys. Two works on several keys never wait for each
   * other, since each enters on all of its keys at once. Do not call it inside a transaction, nor inside work on the same key.
   * @throws Busy where it had to wait for too long, and nothing was done; what `work` throws
   */
  run<T>(keys: readonly K[], work: () => Promise<T>): Promise<T> {
    const until = performance.now() + this.withinMs;
    const turn = Promise.all(keys.flatMap((key) => this.last.get(key) ?? [])).then(() => {
      if (performance.now() > until) throw new Busy();
      return work();
    });
    const over: Promise<void> = turn.then(
      () => this.forget(keys, over),
      () => this.forget(keys, over),
    );
    for (const key of keys) this.last.set(key, over);
    return turn;
  }

  private forget(keys: readonly K[], over: Promise<unknown>): void {
    for (const key of keys) if (this.last.get(key) === over) this.last.delete(key);
  }
}
