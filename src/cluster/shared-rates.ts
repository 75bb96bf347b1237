import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { RateLimits } from '../common/limits/rate-limits.js';
import type { Windows } from '../common/limits/windows.js';
import { CONFIG, type Config } from '../config/config.js';
import type { CountChange } from './counts.js';
import { NodeBus } from './node-bus.js';

/** How often what was counted here is added to what is counted elsewhere. */
const SEND_EVERY_MS = 100;
/** Changes that are sent at once; the others wait for the next time. */
const MOST_AT_ONCE = 2_000;
/** How long a stop waits for the last of them. */
const LAST_WITHIN_MS = 500;

/**
 * Has rates count for all nodes. Each is decided at once, by what this node has counted and by the last total that it has heard; nothing
 * waits for another node. While these cannot be reached, each node counts for itself, and goes on with what it knew.
 */
@Injectable()
export class SharedRates implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly shared: readonly [name: string, windows: Windows][];
  private readonly secret: string;
  private timer?: NodeJS.Timeout;
  private sending: Promise<void> | undefined;

  constructor(
    private readonly bus: NodeBus,
    limits: RateLimits,
    @Inject(CONFIG) { rateLimits, jwtSecret = '' }: Pick<Config, 'rateLimits' | 'jwtSecret'>,
  ) {
    this.shared = bus.counts && rateLimits ? [...limits.all()] : [];
    this.secret = jwtSecret;
  }

  onApplicationBootstrap(): void {
    if (this.shared.length === 0) return;
    for (const [, windows] of this.shared) windows.share();
    this.timer = setInterval(() => this.send(), SEND_EVERY_MS).unref();
  }

  /** What was counted a moment ago is known to the next process, too. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    if (this.shared.length === 0) return;
    const last = Promise.resolve(this.sending).then(() => {
      this.send(true);
      return this.sending;
    });
    await Promise.race([last, sleep(LAST_WITHIN_MS, undefined, { ref: false })]);
  }

  /** @param isLast also what could wait for a second */
  private send(isLast = false): void {
    // What waits meanwhile is sent together.
    if (this.sending || !this.bus.isUp) return;
    const changes: CountChange[] = [];
    const answers: ((total: number, endsInMs: number) => void)[] = [];
    for (const [name, windows] of this.shared) {
      for (const { key, ...change } of windows.takeUnsent(MOST_AT_ONCE - changes.length, isLast)) {
        changes.push({ ...change, key: this.hashOf(name, key) });
        answers.push((total, endsInMs) => windows.heard(key, total, endsInMs));
      }
    }
    if (changes.length === 0) return;
    this.sending = this.bus.counts!.add(changes).then((totals) => {
      this.sending = undefined;
      totals.forEach((answer, i) => answer && answers[i]!(answer.total, answer.endsInMs));
    });
  }

  /** Keys are addresses of networks and mailboxes, which nobody should find by trying all of them. */
  private hashOf(name: string, key: string): string {
    return createHmac('sha256', this.secret).update(`${name}\n${key}`).digest('base64url').slice(0, 22);
  }
}
