import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { NodeBus } from './node-bus.js';
import { Nodes } from './nodes.js';

/**
 * How often rows are read again while a node that lives is not heard, and how soon that is noticed. With the 3.5 seconds for which a node may
 * say nothing, and the time that reading takes, what has ended elsewhere has ended here within the five seconds that docs/protocol.md states.
 */
const EVERY_MS = 3_000;
const LOOK_EVERY_MS = 500;

/**
 * Reads again what other nodes may have changed: after news were missed, and every three seconds while none come from a node that lives: it may be
 * the one that is cut off. Nothing is ever read where the node is alone.
 */
@Injectable()
export class Recheck implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new CalmLogger('Nodes');
  private readonly checks: (() => Promise<void>)[] = [];
  private readonly caughtUpListeners: (() => void)[] = [];
  private timer?: NodeJS.Timeout;
  private later?: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isWanted = false;
  private begunAt = -Infinity;
  /** News were missed, and what they may have been about was not read yet. */
  private hasMissed = false;

  constructor(
    private readonly bus: NodeBus,
    private readonly nodes: Nodes,
  ) {}

  /** Calls `check` each time. Call this in `onModuleInit`. Checks run one after the other, those that end something first: see `first`. */
  on(check: () => Promise<void>, { first = false } = {}): void {
    if (first) this.checks.unshift(check);
    else this.checks.push(check);
  }

  /** Calls `caughtUp` each time when news were missed, and all checks are done since: this node stands where the rows say. */
  onCaughtUp(caughtUp: () => void): void {
    this.caughtUpListeners.push(caughtUp);
  }

  onApplicationBootstrap(): void {
    if (!this.bus.isShared) return;
    this.bus.onMissed(() => {
      this.hasMissed = true;
      void this.now();
    });
    this.timer = setInterval(() => {
      if (this.nodes.isDeaf && performance.now() - this.begunAt >= EVERY_MS) void this.now();
    }, LOOK_EVERY_MS).unref();
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
      this.begunAt = performance.now();
      const hadMissed = this.hasMissed;
      this.hasMissed = false;
      if (!(await this.checkAll())) {
        this.hasMissed ||= hadMissed;
        // Where the database is away, the next time is soon enough.
        if (hadMissed) this.soon();
      } else if (hadMissed) for (const caughtUp of this.caughtUpListeners) caughtUp();
    }
  }

  /** @returns whether all of them did their work */
  private async checkAll(): Promise<boolean> {
    let isDone = true;
    for (const check of this.checks)
      await check().catch((error: unknown) => {
        isDone = false;
        this.logger.error(`What other nodes may have changed could not be read: ${logLine(error)}`);
      });
    return isDone;
  }
}
