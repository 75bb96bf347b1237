import { Busy } from '../errors.js';

/**
 * Runs work on the same key one after the other, and work on different keys at the same time. Local to a process. Its size is bounded by
 * the requests under way, each of which waits for a limited time.
 */
export class KeyedMutex<K> {
  /** By key, what the next work on it has to wait for. */
  private readonly last = new Map<K, Promise<unknown>>();

  /** @param withinMs milliseconds that work waits before it is refused: the work before it may wait for a database that does not answer */
  constructor(private readonly withinMs: number) {}

  /**
   * Runs `work` once all earlier work on any of these keys is done. Work on several keys cannot deadlock, since it queues on all of its keys
   * at once. Do not call it inside a transaction, nor inside work on the same key.
   * @throws Busy where it would have to wait for too long: then nothing was done; what `work` throws
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
