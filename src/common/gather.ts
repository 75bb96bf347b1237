import { Logger } from '@nestjs/common';
import { logLine } from './log-line.js';

/**
 * Collects what happens for `afterMs`, and then hands it over in one piece, one piece after another. What could not be handed over
 * is kept, and handed over with the next piece.
 */
export class Gather<K, V> {
  private readonly logger: Logger;
  private gathered = new Map<K, V>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** Somebody asked for one more hand-over in the middle of one. */
  private isWanted = false;
  private hasFailed = false;
  private isStopped = false;

  /** @param what the subject of the sentence that the log gets where a hand-over fails */
  constructor(
    what: string,
    private readonly afterMs: number,
    private readonly handOver: (gathered: ReadonlyMap<K, V>) => Promise<void>,
  ) {
    this.logger = new Logger(what);
  }

  /** @param merge what to make of the value that waits already; without it, the new one replaces it */
  add(key: K, value: V, merge: (before: V) => V = () => value): void {
    if (this.isStopped) return;
    const before = this.gathered.get(key);
    this.gathered.set(key, before === undefined ? value : merge(before));
    this.wake();
  }

  /** Hands over after `afterMs`, also where nothing is gathered by then. */
  wake(): void {
    if (this.running) this.isWanted = true;
    if (this.isStopped || this.timer || this.running) return;
    this.timer = setTimeout(() => void this.flush().catch(() => undefined), this.afterMs).unref();
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

  private async run(piece: ReadonlyMap<K, V>): Promise<void> {
    try {
      await this.handOver(piece);
      this.hasFailed = false;
    } catch (error) {
      // Said once: the database may be away for long.
      if (!this.hasFailed)
        this.logger.error(`This could not be told or stored, and will be tried again: ${logLine(error)}`);
      this.hasFailed = true;
      // What came meanwhile is newer.
      if (!this.isStopped) this.gathered = new Map([...piece, ...this.gathered]);
      throw error;
    } finally {
      this.running = undefined;
      if (this.isWanted || this.gathered.size > 0) this.wake();
      this.isWanted = false;
    }
  }
}
