import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { Busy } from '../common/errors.js';
import { logLine } from '../common/logs/log-line.js';
import { isLostConnection } from '../common/lost-connection.js';
import type { UnitOfWork } from '../database/unit-of-work.js';
import { conversationRow } from './conversation-locks.js';

type Work = (tx: EntityManager) => Promise<void>;

/** A transaction that waits for the row of one chat, and runs one batch once it holds it. */
export class Place {
  hasRow = false;
  isOver = false;
  /** A batch runs in it, or it was given up. */
  isGiven = false;
  /** Resolves with the transaction. */
  readonly end: Promise<void>;
  private give!: (work: Work | undefined) => void;

  constructor(
    unitOfWork: UnitOfWork,
    readonly chatId: number,
    onRow: () => void,
  ) {
    const given = new Promise<Work | undefined>((resolve) => (this.give = resolve));
    this.end = unitOfWork
      .runHolding(conversationRow(chatId), async (tx) => {
        this.hasRow = true;
        onRow();
        const work = await given;
        await work?.(tx);
      })
      .finally(() => (this.isOver = true));
  }

  run(work: Work): Promise<void> {
    this.isGiven = true;
    this.give(work);
    return this.end;
  }

  /** Gives it up: the transaction ends without a batch. */
  leave(): void {
    this.isGiven = true;
    this.give(undefined);
  }
}

/**
 * The message log skips rows that are held, and so would never get a row that is handed from one waiting transaction to the next. A chat
 * whose drafts have been held for a while gets a place in the database's own line for its row: a transaction that waits for it, and in
 * which the next batch runs. Local to a process.
 */
export class PlacesInLine {
  private readonly logger = new CalmLogger(PlacesInLine.name);
  private readonly places = new Map<number, Place>();
  /** Chats that had a place already and are still held: others are first. */
  private had = new Set<number>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    /** Called when a place has got its row. */
    private readonly onRow: () => void,
  ) {}

  /** Takes places for these chats in their order, as many as may be taken. */
  take(chatIds: readonly number[]): void {
    if (this.had.size > 0) this.had = new Set(chatIds.filter((id) => this.had.has(id)));
    const waiting = chatIds.filter((id) => !this.places.has(id));
    for (const id of [...waiting.filter((one) => !this.had.has(one)), ...waiting.filter((one) => this.had.has(one))]) {
      if (this.places.size >= this.unitOfWork.mostAhead) return;
      this.had.add(id);
      const place = new Place(this.unitOfWork, id, this.onRow);
      this.places.set(id, place);
      place.end
        .catch((error: unknown) => {
          // Where a batch runs in it, the error is that of the batch.
          if (!place.hasRow && !(error instanceof Busy) && !isLostConnection(error))
            this.logger.error(`Waiting for the lock of chat ${id} failed: ${logLine(error)}`);
        })
        .finally(() => this.places.delete(id));
    }
  }

  /** The place to run the next batch in, if one has its row. */
  next(): Place | undefined {
    return [...this.places.values()].find(({ hasRow, isOver, isGiven }) => hasRow && !isOver && !isGiven);
  }

  /** Gives up all places that have no batch, so that none holds a row for nothing. Resolves when their transactions have ended. */
  async leave(): Promise<void> {
    const places = [...this.places.values()];
    for (const place of places) place.leave();
    await Promise.allSettled(places.map(({ end }) => end));
  }
}
