import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { NodeBus } from './node-bus.js';

/**
 * How often rows are read again while nodes do not hear each other. With the time that reading takes, what has ended elsewhere has ended
 * here within the five seconds that docs/protocol.md states.
 */
const EVERY_MS = 3_000;

/**
 * Reads again what other nodes may have changed: after news were missed, and every three seconds while none can come. Nothing is ever read
 * where the node is alone.
 */
@Injectable()
export class Recheck implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new CalmLogger('Nodes');
  private readonly checks: (() => Promise<void>)[] = [];
  private timer?: NodeJS.Timeout;
  private later?: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isWanted = false;

  constructor(private readonly bus: NodeBus) {}

  /** Calls `check` each time. Call this in `onModuleInit`. Checks run one after the other, those that end something first: see `first`. */
  on(check: () => Promise<void>, { first = false } = {}): void {
    if (first) this.checks.unshift(check);
    else this.checks.push(check);
  }

  onApplicationBootstrap(): void {
    if (!this.bus.isShared) return;
    this.bus.onMissed(() => void this.now());
    this.timer = setInterval(() => {
      if (!this.bus.isUp) void this.now();
    }, EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    clearTimeout(this.later);
  }

  /** Once more in a moment: a check could not do all of its work. */
  soon(): void {
    this.later ??= setTimeout(() => {
      this.later = undefined;
      void this.now();
    }, EVERY_MS).unref();
  }

  /** Once more where one is running: it may have read too early. */
  now(): Promise<void> {
    this.isWanted = true;
    this.running ??= this.run().finally(() => (this.running = undefined));
    return this.running;
  }

  private async run(): Promise<void> {
    while (this.isWanted) {
      this.isWanted = false;
      for (const check of this.checks) {
        // Where the database is away, the next time is soon enough.
        await check().catch((error: unknown) =>
          this.logger.error(`What other nodes may have changed could not be read: ${logLine(error)}`),
        );
      }
    }
  }
}
