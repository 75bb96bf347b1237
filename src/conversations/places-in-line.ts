import type { EntityManager } from 'typeorm';
import { CalmLogger } from '../common/logs/calm-logger.js';
import { Busy } from '../common/errors.js';
import { logLine } from '../common/logs/log-line.js';
import { isLostConnection } from '../common/lost-connection.js';
import type { UnitOfWork } from '../database/unit-of-work.js';
import { conversationRow } from './conversation-locks.js';

type Work = (tx: EntityManager) => Promise<void>;

/** A transaction that waits for one chat's row, and runs one batch once it has it. */
export class Place {
  hasRow = false;
  isOver = false;
  /** A batch runs in it, or none will. */
  isGiven = false;
  /** Of the transaction. */
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

  /** Nothing is to be done in it any more. */
  leave(): void {
    this.isGiven = true;
    this.give(undefined);
  }
}

/**
 * The message log leaves out what others hold, and so never has a turn where a chat's row goes from one to the next. A chat whose
 * drafts have been held for a while gets a place in the database's own line for it: a transaction that waits for the row, in which
 * the next batch runs. Local to a process.
 */
export class PlacesInLine {
  private readonly logger = new CalmLogger(PlacesInLine.name);
  private readonly places = new Map<number, Place>();
  /** Those that had a place and are held still: others are first. */
  private had = new Set<number>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    /** One of them has its row. */
    private readonly onRow: () => void,
  ) {}

  /** Takes places for these chats, the first ones first, as far as there are any. */
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
          // Whoever runs a batch in it hears of that.
          if (!place.hasRow && !(error instanceof Busy) && !isLostConnection(error))
            this.logger.error(`A chat that is held could not be waited for: ${logLine(error)}`);
        })
        .finally(() => this.places.delete(id));
    }
  }

  /** The one to run the next batch in, if one has its row. */
  next(): Place | undefined {
    return [...this.places.values()].find(({ hasRow, isOver, isGiven }) => hasRow && !isOver && !isGiven);
  }

  /** Ends all that have no batch: what holds a row must not keep anybody waiting. Resolves when they have ended. */
  async leave(): Promise<void> {
    const places = [...this.places.values()];
    for (const place of places) place.leave();
    await Promise.allSettled(places.map(({ end }) => end));
  }
}
