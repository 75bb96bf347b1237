import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { afterCommit } from '../database/unit-of-work.js';
import type { DomainEventMap, DomainEventName } from './events.js';

type Listener<N extends DomainEventName> = (event: DomainEventMap[N]) => void | Promise<void>;
type Listeners = { [N in DomainEventName]?: Listener<N>[] };

/**
 * Tells what has happened to those who listen. A feature that wants to know of something listens here; the one that did it need not know
 * of them. In memory, and local to a process: what is lost in a crash is read from the rows again.
 */
@Injectable()
export class DomainEvents {
  private readonly logger = new CalmLogger('Events');
  private readonly listeners: Listeners = {};

  /**
   * Calls `listener` with each such event, in the order in which they happened, before the work that caused it returns to its caller.
   * Until its first `await` nothing else runs: what must not be overtaken happens there. What it throws is logged, and stops nobody.
   * Call this in `onModuleInit`.
   */
  on<N extends DomainEventName>(name: N, listener: Listener<N>): void {
    const listeners: Listener<N>[] = (this.listeners[name] ??= []);
    listeners.push(listener);
  }

  /** In a transaction: tells of it once that is committed, and never if it is not. */
  record<N extends DomainEventName>(tx: EntityManager, name: N, event: DomainEventMap[N]): void {
    afterCommit(tx, () => this.publish(name, event));
  }

  /** Outside of transactions: it has happened. Waits for nobody. */
  publish<N extends DomainEventName>(name: N, event: DomainEventMap[N]): void {
    for (const listener of this.listeners[name] ?? []) {
      try {
        const done = listener(event);
        if (done) done.catch((error: unknown) => this.failed(name, error));
      } catch (error) {
        this.failed(name, error);
      }
    }
  }

  /** The same, and waits for one listener after another. @throws what one of them throws; those behind it are not called */
  async publishAndWait<N extends DomainEventName>(name: N, event: DomainEventMap[N]): Promise<void> {
    for (const listener of this.listeners[name] ?? []) await listener(event);
  }

  private failed(name: DomainEventName, error: unknown): void {
    this.logger.error(`A listener to ${name} failed: ${logLine(error)}`);
  }
}
