import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { Clock } from '../common/timing/clock.js';
import { Busy, Unavailable } from '../common/errors.js';
import { logLine } from '../common/logs/log-line.js';
import { isLostConnection } from '../common/lost-connection.js';
import { isDatabaseDegraded } from '../database/database-errors.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { MessageStored } from '../domain-events/events.js';
import { afterCommit, CommitUnknown, UnitOfWork } from '../database/unit-of-work.js';
import { AppendBatch, isFresh } from './append-batch.js';
import { ChatKinds } from './chat-kind.js';
import { type Draft, Entry, type Stored, type Written } from './draft.js';
import { DraftQueue, type Waiting } from './draft-queue.js';
import { type Place, PlacesInLine } from './places-in-line.js';
import { StampsAhead } from './stamps-ahead.js';

/** Drafts that may wait: a few seconds of work. */
const MAX_WAITING = 10_000;
/** The length of their texts (UTF-16 units): some tens of megabytes. */
const MAX_WAITING_LENGTH = 20_000_000;
/** From a batch of so many on, the next one is given time to gather. */
const BUSY = 8;
/** Unless so many have gathered by themselves. */
const ENOUGH = 100;
const GATHER_MS = 2;
/** How long those wait for an answer whose COMMIT a database broke off in the middle of. */
const LOOK_UP_FOR_MS = 5_000;
/** How long a draft waits for what somebody else holds. */
const HELD_FOR_MS = 5_000;
/** How long until the log waits for its chat itself, behind whoever else does. */
const PLACE_AFTER_MS = 30;
/** Where the database says nothing: how long a draft waits in the queue, and how long altogether. Each sender is answered in 10 s. */
const QUEUED_FOR_MS = 6_000;
const ANSWERED_AFTER_MS = 9_000;
/** How often these are looked at. */
const SWEEP_MS = 250;

const AWAY = 'The database is away. The message was not stored; send it again.';
const UNKNOWN =
  'The database broke off. Whether the message was stored is unknown; send it again with the same client_id.';

/**
 * Every message of every chat enters here, and is numbered here. Drafts gather in a queue; while one transaction commits, the
 * next batch gathers. Alone, a message has a commit of its own at once; under load, hundreds share one flush to disk.
 */
@Injectable()
export class MessageLog implements BeforeApplicationShutdown {
  private readonly logger = new CalmLogger(MessageLog.name);
  private readonly stampsAhead = new StampsAhead();
  private readonly queue = new DraftQueue();
  private readonly places: PlacesInLine;
  private draining: Promise<void> | undefined;
  /** Ends the pause in which all that waits is held. */
  private wake: () => void = () => {};
  /** What is in a transaction, or looked up after one. */
  private inFlight: Waiting[] = [];
  /** Its COMMIT was not answered: when its senders are told so. */
  private unknownAt = Infinity;
  /** When the database last finished a transaction of ours. */
  private workedAt = -Infinity;
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly kinds: ChatKinds,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {
    this.places = new PlacesInLine(unitOfWork, () => this.wake());
  }

  /**
   * Stores a message; resolves after the commit, in the order of the numbers. Two drafts of one sender to one chat are numbered
   * in the order of the calls. Answers within ten seconds also where the database says nothing at all.
   * What is stored is told by the event `messageStored`, in the order of the numbers, before this resolves.
   * @throws Busy; Unavailable; what the kind of chat refuses with; `client_id_conflict`
   */
  append(draft: Draft): Promise<Stored> {
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
      // Let all sockets that have something to say right now say it: their messages share the first commit.
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
        // A batch costs as much as dozens of messages. Where many write, but not so many that the next batch is large already, a moment's
        // patience makes it so; one who writes alone never waits.
        if (this.inFlight.length >= BUSY && this.queue.length < ENOUGH) await sleep(GATHER_MS);
      }
    } finally {
      clearInterval(sweeper);
      void this.places.leave();
      // In the turn that saw the queue empty: a draft that comes any later finds nobody draining, and starts anew.
      this.draining = undefined;
    }
  }

  /** All that waits is held by somebody else: until it is to be tried again, or something else comes. */
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

  /** @param place a transaction that has begun, and has a chat's row */
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
        afterCommit(tx, () => written.forEach((entry) => this.events.publish('messageStored', toEvent(entry))));
      };
      await (place ? place.run(work) : this.unitOfWork.run(work, { isAhead: true }));
    } catch (error) {
      await this.recover(batch, entries, error);
      return;
    }
    this.settle(batch, entries);
    this.stampsAhead.look(entries, now);
  }

  private async recover(batch: Waiting[], entries: Entry[], error: unknown): Promise<void> {
    if (error instanceof CommitUnknown) {
      // What was held back is known not to be stored.
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
      // Nothing is wrong with the drafts: trying them one by one would only take longer.
      this.logger.error(`Messages could not be stored: ${logLine(error)}`);
      rejectAll(batch, 'The database is in trouble. The message was not stored; send it again.');
    } else if (error instanceof Busy) {
      // Somebody holds what these need, and nobody knows which of them.
      for (const { reject } of batch) reject(error);
    } else if (batch.length > 1) {
      // One draft spoils the statement of all: halve until it stands alone. Order is kept, since the first half goes first.
      const middle = batch.length >> 1;
      this.queue.putBack([batch.slice(0, middle), batch.slice(middle)]);
    } else {
      this.logger.error(`A message could not be stored: ${logLine(error)}`);
      batch[0]?.reject(error);
    }
  }

  /**
   * The answer to COMMIT was lost: the rows themselves say whether it happened. Never run again: it would store twice. Until that is
   * known nothing else is stored, or what comes later would be told first.
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
          `The database broke off, and does not say whether ${batch.length} messages are stored: ${logLine(trouble)}`,
        );
      }
      this.sweep();
      return !this.isStopping;
    };
    const isDone = (tx: EntityManager): Promise<boolean> => AppendBatch.isCommitted(tx, entries);
    const isCommitted = await this.unitOfWork.settle(unknown, isDone, goOn, { isAhead: true });
    if (isCommitted === undefined) return;
    this.unknownAt = Infinity;
    if (isCommitted) this.settle(batch, entries);
    else rejectAll(batch, 'The database broke off. The message was not stored; send it again.');
  }

  private settle(batch: Waiting[], entries: Entry[]): void {
    this.workedAt = performance.now();
    entries.forEach(({ stored, refusal, heldBy }, i) => {
      const waiting = batch[i]!;
      if (heldBy !== undefined) return;
      // One that was answered `unavailable` meanwhile stays so: its others have been told by the event.
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

  /** A mistake of ours: these have no answer, and the others are still to be stored. */
  private giveUp(error: unknown): void {
    this.logger.error(`Messages could not be stored: ${logLine(error)}`);
    for (const { reject } of this.inFlight) reject(error);
  }

  /** Answers those that have waited for long enough. */
  private sweep(): void {
    const now = performance.now();
    for (const { reject } of this.queue.takeHeldSince(now - HELD_FOR_MS)) reject(new Busy());
    // Nobody is kept waiting for longer than these were.
    if (now >= this.unknownAt) {
      rejectAll(this.inFlight, UNKNOWN);
      rejectAll(this.queue.takeAll(), AWAY);
    }
    // A database that works takes what waits, however long the queue is.
    if (this.workedAt < now - QUEUED_FOR_MS) rejectAll(this.queue.takeOlder(now - QUEUED_FOR_MS), AWAY);
    if (this.workedAt < now - ANSWERED_AFTER_MS)
      rejectAll(
        this.inFlight.filter(({ since }) => since <= now - ANSWERED_AFTER_MS),
        UNKNOWN,
      );
  }
}

/** Draft and event tell the kinds apart by the same field. */
const toEvent = ({ draft, stored: { conversationId, seq, timestamp } }: Written): MessageStored =>
  ({ ...draft, conversationId, seq, timestamp }) as MessageStored;

const rejectAll = (batch: Waiting[], sentence: string): void => {
  for (const { reject } of batch) reject(new Unavailable(sentence));
};
