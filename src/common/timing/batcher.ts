import { Logger } from '@nestjs/common';
import { Backoff } from './backoff.js';
import { logLine } from '../logs/log-line.js';

/** Pauses after batches that fail: a database that is away must not be queried as fast as it refuses. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Buffers values by key for `afterMs`, and then flushes them as one batch, one batch after another. A batch that fails is kept, merged
 * into the next one, and tried again after longer and longer pauses.
 */
export class Batcher<K, V> {
  private readonly logger = new Logger('Batches');
  private buffer = new Map<K, V>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** `wake` was called while a batch is being flushed. */
  private isWanted = false;
  private readonly backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  /** The pause after the last batch: none where it succeeded. */
  private pauseMs = 0;
  private isStopped = false;

  /**
   * @param work what is done with a batch, as the subject of a sentence in the log: "Publishing presence"
   * @param onBatch takes a batch; what it throws keeps the batch
   * @param merge combines a value with an earlier one of its key; without it, the new one replaces it
   */
  constructor(
    private readonly work: string,
    private readonly afterMs: number,
    private readonly onBatch: (batch: ReadonlyMap<K, V>) => Promise<void>,
    private readonly merge: (before: V, value: V) => V = (_, value) => value,
  ) {}

  add(key: K, value: V): void {
    if (this.isStopped) return;
    this.put(this.buffer, key, value);
    this.wake();
  }

  /** Flushes after `afterMs`, or later where the last batch failed; also where the buffer is empty by then. */
  wake(): void {
    if (this.running) this.isWanted = true;
    if (this.isStopped || this.timer || this.running) return;
    this.timer = setTimeout(
      () => void this.flush().catch(() => undefined),
      Math.max(this.afterMs, this.pauseMs),
    ).unref();
  }

  /** Flushes now. @throws what `onBatch` throws; everything is kept for the next batch */
  async flush(): Promise<void> {
    while (this.running) await this.running.catch(() => undefined);
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isStopped) return;
    const batch = this.buffer;
    this.buffer = new Map();
    this.running = this.run(batch);
    await this.running;
  }

  /** Flushes nothing any more, and drops the buffer; resolves when the batch that is being flushed is done. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.buffer.clear();
    await this.running?.catch(() => undefined);
  }

  private put(buffer: Map<K, V>, key: K, value: V): void {
    const before = buffer.get(key);
    buffer.set(key, before === undefined ? value : this.merge(before, value));
  }

  private async run(batch: ReadonlyMap<K, V>): Promise<void> {
    // A batch that fails at once must not be over before `flush` has stored its promise.
    await Promise.resolve();
    try {
      await this.onBatch(batch);
      this.backoff.reset();
      this.pauseMs = 0;
    } catch (error) {
      // Logged once: the database may be away for long.
      if (this.pauseMs === 0) this.logger.error(`${this.work} failed, and is tried again: ${logLine(error)}`);
      this.pauseMs = this.backoff.next();
      if (!this.isStopped) {
        const kept = new Map(batch);
        for (const [key, value] of this.buffer) this.put(kept, key, value);
        this.buffer = kept;
      }
      throw error;
    } finally {
      this.running = undefined;
      if (this.isWanted || this.buffer.size > 0) this.wake();
      this.isWanted = false;
    }
  }
}
