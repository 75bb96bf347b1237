import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { afterCommit } from '../database/unit-of-work.js';
import type { DomainEventMap, DomainEventName } from './events.js';

type Listener<N extends DomainEventName> = (event: DomainEventMap[N]) => void | Promise<void>;
type Listeners = { [N in DomainEventName]?: Listener<N>[] };

/**
 * Publishes what has happened. A feature that depends on an event of another one listens here; the other one does not know its
 * listeners. In memory, and local to a process: what a crash loses is read from the rows again.
 */
@Injectable()
export class DomainEvents {
  private readonly logger = new CalmLogger('Events');
  private readonly listeners: Listeners = {};

  /**
   * Calls `listener` with each event of this name, in the order in which they happened, before the transaction that recorded it
   * resolves. Until its first `await` nothing else runs: what must not be overtaken belongs there. What it throws is logged, and the
   * other listeners are called. Call this in `onModuleInit`.
   */
  on<N extends DomainEventName>(name: N, listener: Listener<N>): void {
    const listeners: Listener<N>[] = (this.listeners[name] ??= []);
    listeners.push(listener);
  }

  /** In a transaction: publishes the event once it is committed, and never if it is rolled back. */
  record<N extends DomainEventName>(tx: EntityManager, name: N, event: DomainEventMap[N]): void {
    afterCommit(tx, () => this.publish(name, event));
  }

  /** Outside of transactions: publishes what has happened. Does not wait for listeners. */
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

  /** The same, and waits for one listener after the other. @throws what a listener throws; those behind it are not called */
  async publishAndWait<N extends DomainEventName>(name: N, event: DomainEventMap[N]): Promise<void> {
    for (const listener of this.listeners[name] ?? []) await listener(event);
  }

  private failed(name: DomainEventName, error: unknown): void {
    this.logger.error(`A listener of the event ${name} failed: ${logLine(error)}`);
  }
}
