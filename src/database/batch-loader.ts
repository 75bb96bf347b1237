import DataLoader from 'dataloader';

/** Keys of one statement, at most. */
const MOST_KEYS = 500;

/**
 * One question of many callers, asked once for all who ask it in one turn of the event loop: when thousands connect at once, their
 * sessions are a few statements and not thousands. Nothing is remembered: each answer is as fresh as the call.
 * @param answer the answers in the order of the keys
 */
export function batchLoader<V>(answer: (keys: readonly number[]) => Promise<V[]>): (key: number) => Promise<V> {
  const loader = new DataLoader<number, V>(answer, {
    cache: false,
    maxBatchSize: MOST_KEYS,
    // After all that has come in by now, and not after each.
    batchScheduleFn: (ask) => setImmediate(ask),
  });
  return (key) => loader.load(key);
}
