import { Logger } from '@nestjs/common';
import { Backoff } from './backoff.js';
import { logLine } from '../logs/log-line.js';

/** Pauses behind hand-overs that fail: a database that is away must not be asked as fast as it refuses. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Collects what happens for `afterMs`, and then hands it over in one piece, one piece after another. What could not be handed over
 * is kept, and handed over with the next piece, after longer and longer pauses.
 */
export class Batcher<K, V> {
  private readonly logger: Logger;
  private gathered = new Map<K, V>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** Somebody asked for one more hand-over in the middle of one. */
  private isWanted = false;
  private readonly backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  /** The pause that the last hand-over asks for: none where it succeeded. */
  private pauseMs = 0;
  private isStopped = false;

  /**
   * @param what the subject of the sentence that the log gets where a hand-over fails
   * @param merge what to make of a value and of one that came before it; without it, the new one replaces it
   */
  constructor(
    what: string,
    private readonly afterMs: number,
    private readonly handOver: (gathered: ReadonlyMap<K, V>) => Promise<void>,
    private readonly merge: (before: V, value: V) => V = (_, value) => value,
  ) {
    this.logger = new Logger(what);
  }

  add(key: K, value: V): void {
    if (this.isStopped) return;
    this.put(this.gathered, key, value);
    this.wake();
  }

  /** Hands over after `afterMs`, or later where the last try failed; also where nothing is gathered by then. */
  wake(): void {
    if (this.running) this.isWanted = true;
    if (this.isStopped || this.timer || this.running) return;
    this.timer = setTimeout(
      () => void this.flush().catch(() => undefined),
      Math.max(this.afterMs, this.pauseMs),
    ).unref();
  }

  /** Hands over now. @throws what the hand-over throws; everything is kept for the next one */
  async flush(): Promise<void> {
    while (this.running) await this.running.catch(() => undefined);
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isStopped) return;
    const piece = this.gathered;
    this.gathered = new Map();
    this.running = this.run(piece);
    await this.running;
  }

  /** Hands nothing over any more; resolves when what is being handed over is done. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.gathered.clear();
    await this.running?.catch(() => undefined);
  }

  private put(gathered: Map<K, V>, key: K, value: V): void {
    const before = gathered.get(key);
    gathered.set(key, before === undefined ? value : this.merge(before, value));
  }

  private async run(piece: ReadonlyMap<K, V>): Promise<void> {
    // A hand-over that throws at once must not be over before `flush` knows that it runs.
    await Promise.resolve();
    try {
      await this.handOver(piece);
      this.backoff.reset();
      this.pauseMs = 0;
    } catch (error) {
      // Said once: the database may be away for long.
      if (this.pauseMs === 0)
        this.logger.error(`This could not be told or stored, and will be tried again: ${logLine(error)}`);
      this.pauseMs = this.backoff.next();
      if (!this.isStopped) {
        const kept = new Map(piece);
        for (const [key, value] of this.gathered) this.put(kept, key, value);
        this.gathered = kept;
      }
      throw error;
    } finally {
      this.running = undefined;
      if (this.isWanted || this.gathered.size > 0) this.wake();
      this.isWanted = false;
    }
  }
}
