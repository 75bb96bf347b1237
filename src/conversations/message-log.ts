import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { Clock } from '../common/timing/clock.js';
import { LoopLoad } from '../common/timing/loop-load.js';
import { Busy, Unavailable } from '../common/errors.js';
import { logLine } from '../common/logs/log-line.js';
import { Metrics } from '../common/metrics.js';
import { isLostConnection } from '../common/lost-connection.js';
import { isDatabaseDegraded } from '../database/database-errors.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { ChatKindName, MessageStored } from '../domain-events/events.js';
import { afterCommit, CommitUnknown, UnitOfWork } from '../database/unit-of-work.js';
import { AppendBatch } from './append-batch.js';
import { ChatKinds } from './chat-kind.js';
import { isCommitted } from './committed-batch.js';
import { type AppendResult, type Draft, Entry, isFresh, type Written } from './draft.js';
import { DraftQueue, type Waiting } from './draft-queue.js';
import { type Place, PlacesInLine } from './places-in-line.js';
import { StampsAhead } from './stamps-ahead.js';

/** Drafts that may wait: a few seconds of work. */
const MAX_WAITING = 10_000;
/** The total length of their texts in UTF-16 units: some tens of megabytes. */
const MAX_WAITING_LENGTH = 20_000_000;
/** After a batch of so many drafts, the next one is given time to gather. */
const BUSY = 8;
/** Unless so many have gathered already, or the event loop has rested for longer than this share of the time. */
const ENOUGH = 100;
const RESTED = 0.25;
const GATHER_MS = 2;
/** How long senders wait for an answer whose batch had its connection broken during the COMMIT. */
const LOOK_UP_FOR_MS = 5_000;
/** How long a draft waits for a row that another transaction holds. */
const HELD_FOR_MS = 5_000;
/** How long a chat is held until the log takes a place in the database's own line for its row. */
const PLACE_AFTER_MS = 30;
/** Where the database does not answer: how long a draft waits in the queue, and how long altogether. Each sender is answered within 10 s. */
const QUEUED_FOR_MS = 6_000;
const ANSWERED_AFTER_MS = 9_000;
/** How often these deadlines are checked. */
const SWEEP_MS = 250;

const AWAY = 'The database is away. The message was not stored; send it again.';
const UNKNOWN =
  'The database broke off. Whether the message was stored is unknown; send it again with the same client_id.';

/**
 * Numbers and stores every message of every chat. Drafts gather in a queue; while one transaction commits, the next batch gathers. On an idle
 * server, a message has a commit of its own at once; under load, hundreds share one flush to disk.
 */
@Injectable()
export class MessageLog implements BeforeApplicationShutdown {
  private readonly logger = new CalmLogger(MessageLog.name);
  private readonly stampsAhead = new StampsAhead();
  private readonly queue = new DraftQueue();
  private readonly load = new LoopLoad(1 - RESTED);
  private readonly places: PlacesInLine;
  private draining: Promise<void> | undefined;
  /** Ends the pause that is made while all drafts are held. */
  private wake: () => void = () => {};
  /** Drafts that are in a transaction, or looked up after one. */
  private inFlight: Waiting[] = [];
  /** Where its COMMIT was not answered: when its senders are answered `unavailable`. */
  private unknownAt = Infinity;
  /** When the database last finished a transaction of ours. */
  private workedAt = -Infinity;
  private isStopping = false;
  /** Found once: to find a count by its labels takes longer than to count. */
  private readonly stored: Record<ChatKindName, Counter.Internal> | undefined;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly kinds: ChatKinds,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
  ) {
    const counts = (chat_type: ChatKindName) => metrics.messages.labels({ chat_type, result: 'stored' });
    if (metrics.isOn) this.stored = { room: counts('room'), group: counts('group'), bot: counts('bot') };
    metrics.gauge('parley_append_queue_messages', 'Messages that wait to be stored.', () => this.queue.length);
    this.places = new PlacesInLine(unitOfWork, () => this.wake());
  }

  /**
   * Stores a message; resolves after the commit, in the order of the numbers. Two drafts of one sender to one chat are numbered in the order
   * of the calls. Answers within ten seconds, also where the database does not answer at all.
   * The event `messageStored` is published before this resolves, in the order of the numbers.
   * @throws Busy; Unavailable; what the kind of chat refuses with; `client_id_conflict`
   */
  append(draft: Draft): Promise<AppendResult> {
    if (this.queue.length >= MAX_WAITING || this.queue.size >= MAX_WAITING_LENGTH) return Promise.reject(new Busy());
    return new Promise((resolve, reject) => {
      this.queue.push(draft, performance.now(), resolve, reject);
      this.wake();
      this.draining ??= this.drain();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.draining;
    await this.places.leave();
  }

  private async drain(): Promise<void> {
    const sweeper = setInterval(() => this.sweep(), SWEEP_MS);
    try {
      // Messages that have arrived on other sockets by now are handled first: they share the first commit.
      await new Promise(setImmediate);
      while (this.queue.length > 0) {
        const now = performance.now();
        this.places.take(this.queue.chatsHeldSince(now - PLACE_AFTER_MS));
        const place = this.places.next();
        this.inFlight = this.queue.takeBatch(now, place?.chatId);
        if (this.inFlight.length > 0)
          await this.store(this.inFlight, place).catch((error: unknown) => this.giveUp(error));
        else if (place) place.leave();
        else await this.untilNextTry();
        // A batch costs as much as dozens of messages. Where that is too much for the processor, a short pause fills the next one.
        if (this.inFlight.length >= BUSY && this.queue.length < ENOUGH && this.load.isHigh()) await sleep(GATHER_MS);
      }
    } finally {
      clearInterval(sweeper);
      void this.places.leave();
      // In the turn of the event loop that saw the queue empty: a draft that comes later finds this unset, and starts anew.
      this.draining = undefined;
    }
  }

  /** All drafts are held: waits until they are to be tried again, or another one comes. */
  private async untilNextTry(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, this.queue.nextTryAt - performance.now()));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {};
  }

  /** @param place a transaction that has begun, and holds a chat's row */
  private async store(batch: Waiting[], place?: Place): Promise<void> {
    let entries: Entry[] = [];
    let now = this.clock.now();
    const closed = this.queue.closedKeys();
    try {
      const work = async (tx: EntityManager): Promise<void> => {
        now = this.clock.now();
        entries = batch.map(({ draft, number }) => new Entry(draft, number));
        await new AppendBatch(tx, this.kinds, now, closed).append(entries);
        const written = entries.filter(isFresh);
        afterCommit(tx, () => {
          for (const entry of written) {
            this.stored?.[entry.draft.kind].inc();
            this.events.publish('messageStored', toEvent(entry));
          }
        });
      };
      await (place ? place.run(work) : this.unitOfWork.run(work, { isAhead: true, settles: true }));
    } catch (error) {
      await this.recover(batch, entries, error);
      return;
    }
    this.metrics.batchMessages.observe(batch.length);
    this.settle(batch, entries);
    this.stampsAhead.look(entries, now);
  }

  private async recover(batch: Waiting[], entries: Entry[], error: unknown): Promise<void> {
    if (error instanceof CommitUnknown) {
      // Drafts that were held back were not in the transaction.
      this.hold(batch, entries);
      this.inFlight = batch.filter((_, i) => entries[i]!.heldBy === undefined);
      await this.lookUp(
        error,
        this.inFlight,
        entries.filter(({ heldBy }) => heldBy === undefined),
      );
    } else if (isLostConnection(error) || error instanceof Unavailable) {
      // The connection broke before the COMMIT.
      rejectAll(batch, AWAY);
    } else if (isDatabaseDegraded(error)) {
      // The drafts are not the cause: trying them one by one would only take longer.
      this.logger.error(`Messages could not be stored, and were answered as unavailable: ${logLine(error)}`);
      rejectAll(batch, 'The database is in trouble. The message was not stored; send it again.');
    } else if (error instanceof Busy) {
      // Another transaction holds a row that one of these needs; it is not known which.
      for (const { reject } of batch) reject(error);
    } else if (batch.length > 1) {
      // One draft makes the statement of all fail: halve the batch until it is alone. Order is kept, since the first half goes first.
      const middle = batch.length >> 1;
      this.queue.putBack([batch.slice(0, middle), batch.slice(middle)]);
    } else {
      this.logger.error(`A message could not be stored: ${logLine(error)}`);
      batch[0]?.reject(error);
    }
  }

  /**
   * The answer to the COMMIT was lost: the rows show whether it happened. The batch is never run again, which could store it twice. Until it
   * is known, nothing else is stored: later messages would be published first.
   */
  private async lookUp(unknown: CommitUnknown, batch: Waiting[], entries: Entry[]): Promise<void> {
    this.unknownAt = performance.now() + LOOK_UP_FOR_MS;
    void this.places.leave();
    let hasSaid = false;
    const goOn = (trouble?: unknown): boolean => {
      if (trouble === undefined || performance.now() < this.unknownAt) return true;
      if (!hasSaid) {
        hasSaid = true;
        this.logger.error(
          `The connection broke in the middle of a COMMIT. Whether ${batch.length} messages are stored is not known before the database answers again; until then no message is stored: ${logLine(trouble)}`,
        );
      }
      this.sweep();
      return !this.isStopping;
    };
    const isStored = await this.unitOfWork.settle(unknown, (tx) => isCommitted(tx, entries), goOn, { isAhead: true });
    if (isStored === undefined) return;
    this.unknownAt = Infinity;
    if (isStored) this.settle(batch, entries);
    else rejectAll(batch, 'The database broke off. The message was not stored; send it again.');
  }

  private settle(batch: Waiting[], entries: Entry[]): void {
    this.workedAt = performance.now();
    entries.forEach(({ stored, refusal, heldBy }, i) => {
      const waiting = batch[i]!;
      if (heldBy !== undefined) return;
      // A sender who was answered `unavailable` meanwhile gets no second answer; the event is published all the same.
      if (stored) waiting.resolve(stored);
      else waiting.reject(refusal);
    });
    this.hold(batch, entries);
  }

  private hold(batch: Waiting[], entries: Entry[]): void {
    const held = entries.flatMap(({ heldBy }, i): [Waiting, string][] =>
      heldBy === undefined ? [] : [[batch[i]!, heldBy]],
    );
    this.queue.hold(held, performance.now());
  }

  /** A mistake of ours: the drafts of this batch are refused, and the others are still to be stored. */
  private giveUp(error: unknown): void {
    this.logger.error(`Messages could not be stored, by a mistake in Parley: ${logLine(error)}`);
    for (const { reject } of this.inFlight) reject(error);
  }

  /** Refuses drafts that have waited for as long as they may. */
  private sweep(): void {
    const now = performance.now();
    for (const { reject } of this.queue.takeHeldSince(now - HELD_FOR_MS)) reject(new Busy());
    // Drafts in the queue would have to wait for longer still.
    if (now >= this.unknownAt) {
      rejectAll(this.inFlight, UNKNOWN);
      rejectAll(this.queue.takeAll(), AWAY);
    }
    // Only where the database has finished nothing lately: otherwise the queue moves, however long it is.
    if (this.workedAt < now - QUEUED_FOR_MS) rejectAll(this.queue.takeOlder(now - QUEUED_FOR_MS), AWAY);
    if (this.workedAt < now - ANSWERED_AFTER_MS)
      rejectAll(
        this.inFlight.filter(({ since }) => since <= now - ANSWERED_AFTER_MS),
        UNKNOWN,
      );
  }
}

/** Draft and event have the kind and the target in the same fields. One by one: to spread a draft takes longer than to publish its event. */
const toEvent = ({ draft, stored, extras, quote, notified }: Written): MessageStored => {
  const { kind, target, sender, body, clientId } = draft;
  const { conversationId, seq, timestamp } = stored;
  return {
    kind,
    target,
    sender,
    body,
    clientId,
    extras,
    quote,
    notified,
    conversationId,
    seq,
    timestamp,
  } as MessageStored;
};

const rejectAll = (batch: Waiting[], sentence: string): void => {
  for (const { reject } of batch) reject(new Unavailable(sentence));
};
