import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { Busy, Unavailable } from '../common/errors.js';
import { logLine } from '../common/log-line.js';
import { isLostConnection } from '../common/lost-connection.js';
import { isOutOfOrder } from '../database/database-errors.js';
import { CommitUnknown, UnitOfWork } from '../database/unit-of-work.js';
import { AppendBatch } from './append-batch.js';
import type { ConversationKind } from './conversation.entity.js';
import { type Draft, Entry, type KindRules, type Stored } from './draft.js';
import { StampsAhead } from './stamps-ahead.js';

/** Drafts that may wait: a few seconds of work. */
const MAX_WAITING = 10_000;
/** The length of their texts (UTF-16 units): some tens of megabytes. */
const MAX_WAITING_LENGTH = 20_000_000;
/** Drafts of one batch: enough to share a flush among, few enough for one statement each way. */
const MAX_BATCH = 500;
/** From a batch of so many on, the next one is given time to gather. */
const BUSY = 8;
/** Unless so many have gathered by themselves. */
const ENOUGH = 100;
const GATHER_MS = 2;
/** Bytes (as UTF-16) of one batch: stays far below MySQL's `max_allowed_packet`. */
const MAX_BATCH_LENGTH = 1_000_000;
/** How long those wait for an answer whose COMMIT a database broke off in the middle of. */
const LOOK_UP_FOR_MS = 5_000;
const LOOK_UP_EVERY_MS = 500;

interface Waiting {
  draft: Draft;
  resolve: (stored: Stored) => void;
  reject: (error: unknown) => void;
  late: ((stored: Stored) => void) | undefined;
}

/**
 * Every message of every chat enters here, and is numbered here. Drafts gather in a queue; while one transaction commits, the
 * next batch gathers. Alone, a message has a commit of its own at once; under load, hundreds share one flush to disk.
 */
@Injectable()
export class MessageLog implements BeforeApplicationShutdown {
  private readonly logger = new Logger(MessageLog.name);
  private readonly stampsAhead = new StampsAhead();
  private readonly rules = new Map<ConversationKind, KindRules>();
  private queue: Waiting[] = [];
  private waitingLength = 0;
  private draining: Promise<void> | undefined;
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  /** A feature says once what its kind of chat demands. */
  register<Target>(kind: ConversationKind, rules: KindRules<Target>): void {
    this.rules.set(kind, rules);
  }

  /**
   * Stores a message; resolves after the commit, in the order of the numbers. Two drafts of one sender to one chat are numbered
   * in the order of the calls. @throws Busy; Unavailable; what the rules refuse with; `client_id_conflict`
   * @param late called where the sender was told that nobody knows, and it turns out later that the message is stored: others are
   *   still to be told of it, before anything that comes after it
   */
  append(draft: Draft, late?: (stored: Stored) => void): Promise<Stored> {
    if (this.queue.length >= MAX_WAITING || this.waitingLength >= MAX_WAITING_LENGTH) return Promise.reject(new Busy());
    return new Promise((resolve, reject) => {
      this.queue.push({ draft, resolve, reject, late });
      this.waitingLength += draft.body.length;
      this.draining ??= this.drain();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.draining;
  }

  private async drain(): Promise<void> {
    // Let all sockets that have something to say right now say it: their messages share the first commit.
    await new Promise(setImmediate);
    while (this.queue.length > 0) {
      const batch = this.takeBatch();
      await this.store(batch);
      // A batch costs as much as dozens of messages. Where many write, but not so many that the next batch is large already, a moment's
      // patience makes it so; one who writes alone never waits.
      if (batch.length >= BUSY && this.queue.length < ENOUGH) await sleep(GATHER_MS);
    }
    // In the turn that saw the queue empty: a draft that comes any later finds nobody draining, and starts anew.
    this.draining = undefined;
  }

  private takeBatch(): Waiting[] {
    let count = 0;
    for (let length = 0; count < this.queue.length && count < MAX_BATCH && length < MAX_BATCH_LENGTH; count++) {
      length += this.queue[count].draft.body.length;
    }
    const batch = this.queue.splice(0, count);
    this.waitingLength -= lengthOf(batch);
    return batch;
  }

  private async store(batch: Waiting[]): Promise<void> {
    let entries: Entry[] = [];
    let now = this.clock.now();
    try {
      await this.unitOfWork.run(async (tx) => {
        now = this.clock.now();
        entries = batch.map(({ draft }) => new Entry(draft));
        await new AppendBatch(tx, this.rules, now).append(entries);
      });
    } catch (error) {
      await this.recover(batch, entries, error);
      return;
    }
    settle(batch, entries);
    this.stampsAhead.look(entries, now);
  }

  private async recover(batch: Waiting[], entries: Entry[], error: unknown): Promise<void> {
    if (error instanceof CommitUnknown) {
      await this.lookUp(batch, entries);
    } else if (isLostConnection(error)) {
      // The connection broke before the COMMIT.
      rejectAll(batch, 'The database is away. The message was not stored; send it again.');
    } else if (isOutOfOrder(error)) {
      // Nothing is wrong with the drafts: trying them one by one would only take longer.
      this.logger.error(`Messages could not be stored: ${logLine(error)}`);
      rejectAll(batch, 'The database is in trouble. The message was not stored; send it again.');
    } else if (error instanceof Busy) {
      // Somebody holds one of the chats: nobody knows which.
      for (const { reject } of batch) reject(error);
    } else if (batch.length > 1) {
      // One draft spoils the statement of all: halve until it stands alone. Order is kept, since the first half goes first.
      const middle = batch.length >> 1;
      await this.store(batch.slice(0, middle));
      await this.store(batch.slice(middle));
    } else {
      this.logger.error(`A message could not be stored: ${logLine(error)}`);
      batch[0].reject(error);
    }
  }

  /**
   * The answer to COMMIT was lost: the rows themselves say whether it happened. Never run again: it would store twice. Until that is
   * known nothing else is stored, or what comes later would be told first.
   */
  private async lookUp(batch: Waiting[], entries: Entry[]): Promise<void> {
    const until = Date.now() + LOOK_UP_FOR_MS;
    for (let isAnswered = false; ; await sleep(LOOK_UP_EVERY_MS)) {
      let trouble: unknown;
      const isCommitted = await this.unitOfWork
        .run((tx) => AppendBatch.isCommitted(tx, entries))
        .catch((error: unknown) => void (trouble = error));
      if (isCommitted !== undefined) {
        if (!isCommitted) rejectAll(batch, 'The database broke off. The message was not stored; send it again.');
        else if (isAnswered) tellLate(batch, entries);
        else settle(batch, entries);
        return;
      }
      if (Date.now() < until) continue;
      if (!isAnswered) {
        isAnswered = true;
        this.logger.error(
          `The database broke off, and does not say whether ${batch.length} messages are stored: ${logLine(trouble)}`,
        );
        rejectAll(
          batch,
          'The database broke off. Whether the message was stored is unknown; send it again with the same client_id.',
        );
      }
      // Nobody is kept waiting for longer than these were.
      rejectAll(this.takeAll(), 'The database is away. The message was not stored; send it again.');
      if (this.isStopping) return;
    }
  }

  private takeAll(): Waiting[] {
    const all = this.queue;
    this.queue = [];
    this.waitingLength = 0;
    return all;
  }
}

const lengthOf = (batch: Waiting[]): number => batch.reduce((sum, { draft }) => sum + draft.body.length, 0);

const rejectAll = (batch: Waiting[], sentence: string): void => {
  for (const { reject } of batch) reject(new Unavailable(sentence));
};

function tellLate(batch: Waiting[], entries: Entry[]): void {
  entries.forEach(({ stored }, i) => {
    if (stored && !stored.isRepeat) batch[i].late?.(stored);
  });
}

function settle(batch: Waiting[], entries: Entry[]): void {
  entries.forEach(({ stored, refusal }, i) => {
    if (stored) batch[i].resolve(stored);
    else batch[i].reject(refusal);
  });
}
