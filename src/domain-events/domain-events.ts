import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { logLine } from '../common/logs/log-line.js';
import { NodeBus } from '../cluster/node-bus.js';
import { afterCommit } from '../database/unit-of-work.js';
import { type DomainEventMap, type DomainEventName, TOLD, type ToldMap, type ToldName, toTold } from './events.js';

type Listener<N extends DomainEventName> = (event: DomainEventMap[N]) => void | Promise<void>;
type ElsewhereListener<N extends ToldName> = (told: ToldMap[N]) => void | Promise<void>;
type Listeners = { [N in DomainEventName]?: Listener<N>[] };

/** How long anybody waits for other nodes. */
const HEARD_WITHIN_MS = 2_000;

/**
 * Publishes what has happened. A feature that depends on an event of another one listens here; the other one does not know its
 * listeners. In memory: what a crash loses is read from the rows again. Other nodes are told of what concerns their sockets (`TOLD`).
 */
@Injectable()
export class DomainEvents implements OnModuleInit {
  private readonly logger = new CalmLogger('Events');
  private readonly listeners: Listeners = {};
  private readonly elsewhere: { [N in ToldName]?: ElsewhereListener<N>[] } = {};
  /** What other nodes were told, and have not confirmed yet. */
  private readonly unheard = new Set<Promise<unknown>>();

  constructor(private readonly bus: NodeBus) {}

  onModuleInit(): void {
    if (this.bus.isShared) for (const name of TOLD) this.hear(name);
  }

  /**
   * Calls `listener` with each event of this name, in the order in which they happened, before the transaction that recorded it
   * resolves. Until its first `await` nothing else runs: what must not be overtaken belongs there. What it throws is logged, and the
   * other listeners are called. Call this in `onModuleInit`.
   */
  on<N extends DomainEventName>(name: N, listener: Listener<N>): void {
    const listeners: Listener<N>[] = (this.listeners[name] ??= []);
    listeners.push(listener);
  }

  /**
   * Calls `listener` with each event of this name that has happened on another node. It may come late, twice, or, where nodes do not hear
   * each other, never: then `Recheck` reads the rows again. Call this in `onModuleInit`.
   */
  onElsewhere<N extends ToldName>(name: N, listener: ElsewhereListener<N>): void {
    const listeners: ElsewhereListener<N>[] = (this.elsewhere[name] ??= []);
    listeners.push(listener);
  }

  /** Resolves once the listeners of all other nodes are done with what was published here, or after two seconds; alone, at once. */
  async heardElsewhere(): Promise<void> {
    if (this.unheard.size > 0) await Promise.all(this.unheard);
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
    if (this.bus.isShared && isTold(name)) this.tell(name, event as DomainEventMap[typeof name]);
  }

  /** The same, and waits for one listener after the other. @throws what a listener throws; those behind it are not called */
  async publishAndWait<N extends DomainEventName>(name: N, event: DomainEventMap[N]): Promise<void> {
    for (const listener of this.listeners[name] ?? []) await listener(event);
  }

  private tell<N extends ToldName>(name: N, event: DomainEventMap[N]): void {
    const heard = this.bus.tellAndWait(`event:${name}`, toTold[name](event), HEARD_WITHIN_MS);
    this.unheard.add(heard);
    void heard.finally(() => this.unheard.delete(heard));
  }

  private hear(name: ToldName): void {
    this.bus.on(`event:${name}`, async (data) => {
      const listeners = (this.elsewhere[name] ?? []) as ((told: unknown) => void | Promise<void>)[];
      const done = listeners.map(async (listener) => listener(data));
      for (const result of await Promise.allSettled(done))
        if (result.status === 'rejected') this.failed(name, result.reason);
    });
  }

  private failed(name: DomainEventName, error: unknown): void {
    this.logger.error(`A listener of the event ${name} failed: ${logLine(error)}`);
  }
}

const isTold = (name: DomainEventName): name is ToldName => (TOLD as readonly string[]).includes(name);
