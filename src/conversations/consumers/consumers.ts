import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Claims } from '../../cluster/claims.js';
import { Leases } from '../../cluster/leases.js';
import { Nodes } from '../../cluster/nodes.js';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { logLine } from '../../common/logs/log-line.js';
import { Backoff, growing } from '../../common/timing/backoff.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import { AT_ONCE, ConsumerMarks, type Mark, MarkMoved, type Slice } from './consumer-marks.js';

/** Chats that one consumer works on at once, on one node. */
const CHATS_AT_ONCE = 2;
/** Chats of which a node remembers that there is something to do, for each consumer. Beyond, it looks for them in the database. */
const MOST_DIRTY = 10_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** How long another node is left alone with a chat that is to be done. */
const HELD_FOR_MS = 1_000;
/** How long a stop waits for what is under way. */
const STOP_WITHIN_MS = 2_000;

/** What a consumer writes: committed together with its mark, or not at all. */
type Write = (tx: EntityManager) => Promise<void>;

/**
 * Something that follows the message log of all chats, and must miss nothing, whatever dies: a search index, push, a webhook.
 */
export interface Consumer {
  /** Its marks are kept under this name, 64 characters at most: another name begins anew. */
  readonly name: string;
  /** Where it begins the first time: with all that was ever written, or with what comes from then on. */
  readonly beginsWith: 'all' | 'new';
  /**
   * Called with what it has not seen of a chat, in order; of each chat by one node at a time, of several chats at once. It may be called
   * again with the same after a crash, or where it was set back: (chat, seq) names a message, and (chat, change) a state of one. What it does
   * in the database belongs into the function that it returns, which runs in the transaction that moves its mark: that is done once.
   * What it throws is logged, and it is called again, with growing pauses; other chats go on meanwhile.
   * @param signal aborted when the server stops, or when another node may have taken over
   */
  consume: (slice: Slice, signal: AbortSignal) => Promise<Write | void>;
}

/** One consumer on this node. Local to a process: what there is to do is found in the rows again. */
class Work {
  /** Chats in which there is something to do, in the order in which that became known. */
  readonly dirty = new Set<number>();
  readonly underWay = new Map<number, Promise<void>>();
  /** Chats that wait for their next try. */
  readonly waiting = new Map<number, NodeJS.Timeout>();
  /** By chat, how often it has failed in a row. */
  readonly failures = new Map<number, number>();
  /** All chats have to be compared with their marks: more may be to do than is known here. */
  isIncomplete = true;
  comparing: Promise<void> | undefined;
  readonly backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);

  constructor(readonly consumer: Consumer) {}

  get name(): string {
    return this.consumer.name;
  }
}

/**
 * Consumers of the message log: cursors, not queues. Of each chat a consumer has a mark, the last message and the last change that it is
 * done with; numbers have no gaps, so what comes behind it is all that is left to do. Nothing is written where a message is sent: the node
 * that has stored it remembers its chat, and works on it soon after. What a crash makes it forget is found by comparing the marks with the
 * chats: at each start, and when a node has died. Consumers can be set back to any number.
 */
@Injectable()
export class Consumers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new CalmLogger('Consumers');
  private readonly works = new Map<string, Work>();
  private readonly stop = new AbortController();
  private hasBegun = false;
  /** Until this node is cut off from its claims. */
  private held = new AbortController();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly marks: ConsumerMarks,
    private readonly events: DomainEvents,
    private readonly claims: Claims,
    private readonly leases: Leases,
    private readonly nodes: Nodes,
  ) {}

  /** Adds a consumer, once, in `onModuleInit`. @throws Error where the name is taken, or none */
  add(consumer: Consumer): void {
    const { name } = consumer;
    if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) throw new Error(`"${name}" cannot be the name of a consumer.`);
    if (this.works.has(name)) throw new Error(`There are two consumers named "${name}".`);
    // Whoever comes next compares.
    if (!this.claims.claimsAny) return;
    if (this.works.size === 0) this.listen();
    const work = new Work(consumer);
    this.works.set(name, work);
    if (this.hasBegun) this.compare(work);
  }

  onApplicationBootstrap(): void {
    this.hasBegun = true;
    for (const work of this.works.values()) this.compare(work);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    const underWay = [...this.works.values()].flatMap((work) => {
      for (const timer of work.waiting.values()) clearTimeout(timer);
      return [...work.underWay.values(), work.comparing ?? Promise.resolve()];
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_WITHIN_MS)));
    await Promise.race([Promise.allSettled(underWay), late]);
    clearTimeout(timer);
  }

  /**
   * Sets a consumer to a place in a chat, back or forth: it goes on with what comes behind. Where it is at work there, that is done again.
   * @throws Error where there is no such consumer
   */
  async rewind(name: string, conversationId: number, to: Mark): Promise<void> {
    const work = this.works.get(name);
    if (!work) throw new Error(`There is no consumer named "${name}".`);
    await this.marks.set(name, conversationId, to);
    this.touch(work, conversationId);
  }

  /** Resolves once nothing is known here that is still to be done. For tests. */
  async settled(): Promise<void> {
    for (const work of this.works.values())
      while (work.comparing || work.underWay.size > 0 || work.dirty.size > 0) {
        await Promise.allSettled([work.comparing, ...work.underWay.values()]);
        await nextTurn();
      }
  }

  private listen(): void {
    const touched = ({ conversationId }: { conversationId: number }): void => {
      for (const work of this.works.values()) this.touch(work, conversationId);
    };
    this.events.on('messageStored', touched);
    this.events.on('messageChanged', touched);
    // What a dead node has remembered is known to nobody. Every node looks, and those that find the same chat claim it one after another.
    this.nodes.onChanged((_, died) => {
      if (died.length > 0) for (const work of this.works.values()) this.compare(work);
    });
    this.claims.onLost(() => {
      this.held.abort();
      this.held = new AbortController();
      for (const work of this.works.values()) work.isIncomplete = true;
    });
  }

  private touch(work: Work, conversationId: number): void {
    if (work.waiting.has(conversationId)) return;
    // A chat that is worked on is looked at again: what has come may be behind what was read.
    if (work.dirty.size < MOST_DIRTY) work.dirty.add(conversationId);
    else work.isIncomplete = true;
    this.goOn(work);
  }

  /** Begins with as many chats as may be worked on at once. */
  private goOn(work: Work): void {
    if (this.stop.signal.aborted || work.comparing) return;
    for (const conversationId of work.dirty) {
      if (work.underWay.size >= CHATS_AT_ONCE) return;
      if (work.underWay.has(conversationId)) continue;
      work.dirty.delete(conversationId);
      const done = this.work(work, conversationId).finally(() => {
        work.underWay.delete(conversationId);
        this.goOn(work);
      });
      work.underWay.set(conversationId, done);
    }
    if (work.dirty.size === 0 && work.underWay.size === 0 && work.isIncomplete) this.compare(work);
  }

  /** Never throws. */
  private async work(work: Work, conversationId: number): Promise<void> {
    const { consumer, name } = work;
    try {
      // After those who have written, who wait for their acknowledgements.
      await nextTurn();
      const slice = await this.marks.claim(name, conversationId);
      if (slice === 'held') return this.tryLater(work, conversationId, growing(HELD_FOR_MS, 0, HELD_FOR_MS));
      if (!slice) return;
      const signal = AbortSignal.any([this.stop.signal, this.held.signal]);
      const write = await consumer.consume(slice, signal);
      if (signal.aborted) return await this.marks.release(name, conversationId);
      await this.unitOfWork.run(async (tx) => {
        if (write) await write(tx);
        await this.marks.move(tx, name, slice);
      });
      work.failures.delete(conversationId);
      // What was not read yet; what has come meanwhile has been told.
      if (Math.max(slice.messages.length, slice.changed.length) === AT_ONCE) this.touch(work, conversationId);
    } catch (error) {
      if (this.stop.signal.aborted) return;
      if (error instanceof MarkMoved) return this.touch(work, conversationId);
      this.logger.error(`The consumer ${name} failed, and is called again: ${logLine(error)}`);
      const times = work.failures.get(conversationId) ?? 0;
      work.failures.set(conversationId, times + 1);
      await this.marks.release(name, conversationId).catch(() => undefined);
      this.tryLater(work, conversationId, growing(FIRST_RETRY_MS, times, LONGEST_RETRY_MS));
    }
  }

  private tryLater(work: Work, conversationId: number, afterMs: number): void {
    // Those beyond are found by comparing.
    if (work.waiting.size >= MOST_DIRTY) {
      work.failures.delete(conversationId);
      work.isIncomplete = true;
      return;
    }
    const timer = setTimeout(() => {
      work.waiting.delete(conversationId);
      this.touch(work, conversationId);
    }, afterMs);
    work.waiting.set(conversationId, timer.unref());
  }

  /** Looks through all chats for what is to be done. */
  private compare(work: Work): void {
    if (work.comparing || this.stop.signal.aborted) {
      work.isIncomplete = true;
      return;
    }
    work.isIncomplete = false;
    work.comparing = this.compareAll(work).then(
      () => this.compared(work),
      (error: unknown) => {
        this.logger.error(
          `Looking for what the consumer ${work.name} has missed failed, and is tried again: ${logLine(error)}`,
        );
        setTimeout(() => this.compared(work, true), work.backoff.next()).unref();
      },
    );
  }

  private compared(work: Work, isAgain = false): void {
    work.comparing = undefined;
    if (isAgain) this.compare(work);
    else work.backoff.reset();
    this.goOn(work);
  }

  private async compareAll(work: Work): Promise<void> {
    const { consumer, name } = work;
    const isOver = () => this.stop.signal.aborted;
    if (consumer.beginsWith === 'new') {
      const begin = () => this.leases.run(`consumer ${name}`, () => this.marks.begin(name, isOver));
      // While another node does it.
      while (!(await begin()) && !isOver())
        await sleep(growing(HELD_FOR_MS, 0, HELD_FOR_MS), undefined, { ref: false });
    }
    for (let after: number | undefined = 0; after !== undefined && !isOver();) {
      const { ids, next } = await this.marks.behind(name, after);
      for (const id of ids) {
        if (work.waiting.has(id)) continue;
        if (work.dirty.size >= MOST_DIRTY) {
          // The rest once these are done.
          work.isIncomplete = true;
          return;
        }
        work.dirty.add(id);
      }
      after = next;
    }
  }
}
