import DataLoader from 'dataloader';
import { PER_STATEMENT } from './chunks.js';

/**
 * Loads by key for many callers, with one query for all who call in one turn of the event loop: when thousands connect at once, their
 * sessions are read by a few statements. Nothing is cached: each answer is as fresh as the call.
 * @param answer the answers in the order of the keys
 */
export function batchLoader<V>(answer: (keys: readonly number[]) => Promise<V[]>): (key: number) => Promise<V> {
  const loader = new DataLoader<number, V>(answer, {
    cache: false,
    maxBatchSize: PER_STATEMENT,
    // After all events that have arrived by now, and not after each.
    batchScheduleFn: (ask) => setImmediate(ask),
  });
  return (key) => loader.load(key);
}
