import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { logLine } from '../../common/logs/log-line.js';
import { CONFIG, type Config } from '../../config/config.js';
import { Backoff } from '../../common/timing/backoff.js';
import { PER_STATEMENT } from '../../database/chunks.js';
import { SLICE } from '../../database/delete-in-slices.js';
import { insertRows } from '../../database/dialect.js';
import { afterCommit, UnitOfWork } from '../../database/unit-of-work.js';
import { ConversationRemoval } from '../conversation-removal.js';

/** For messages that were deleted by a node that has ended, or by a transaction whose COMMIT was not answered. */
const LOOK_EVERY_MS = 60_000;
const FIRST_RETRY_MS = 1_000;

interface TotalRow {
  seq: number;
  emoji: string;
  total: number;
}

/**
 * Deletes the reactions to messages that were deleted, and those of chats that have ended. Nobody sees them any more; there may be many
 * thousands to one message, so they are deleted in slices, before the totals, which say where they are. Messages that are left to do are
 * listed in `deleted_reactions`, so that a restart goes on. Several nodes may delete the same rows, which does no harm.
 */
@Injectable()
export class ReactionRemoval implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly backoff = new Backoff(FIRST_RETRY_MS, LOOK_EVERY_MS);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isWanted = false;
  private hasFailed = false;
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly conversations: ConversationRemoval,
    @Inject(CONFIG) private readonly config: Pick<Config, 'worksOnWhatWaits'>,
  ) {}

  onModuleInit(): void {
    this.conversations.alsoRemoves((conversationId, isOver) => this.removeOfChat(conversationId, isOver));
  }

  onApplicationBootstrap(): void {
    if (this.config.worksOnWhatWaits) this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Inside the transaction that deletes the message, which has locked the chat: a few reactions at once, many soon after the commit. */
  async removeOf(tx: EntityManager, conversationId: number, seq: number): Promise<void> {
    const place = [conversationId, seq];
    const where = 'conversation_id = ? AND seq = ?';
    const totals = await tx.query<TotalRow[]>(`SELECT seq, emoji, total FROM reaction_totals WHERE ${where}`, place);
    if (totals.length === 0) return;
    if (sumOf(totals) <= SLICE) {
      await tx.query(`DELETE FROM reactions WHERE ${where}`, place);
      await tx.query(`DELETE FROM reaction_totals WHERE ${where}`, place);
      return;
    }
    await insertRows(tx, 'deleted_reactions', 'conversation_id, seq', [place]);
    afterCommit(tx, () => this.wake());
  }

  private wake(): void {
    if (this.running) this.isWanted = true;
    if (this.running || this.isStopping) return;
    clearTimeout(this.timer);
    this.running = this.run();
  }

  private async run(): Promise<void> {
    let nextMs = LOOK_EVERY_MS;
    try {
      await this.removeAll();
      this.hasFailed = false;
      this.backoff.reset();
      if (this.isWanted) nextMs = 0;
    } catch (error) {
      // Logged once: the database may be away for long.
      if (!this.hasFailed) this.logger.error(`Deleting reactions failed, and is tried again: ${logLine(error)}`);
      this.hasFailed = true;
      nextMs = this.backoff.next();
    }
    [this.running, this.isWanted] = [undefined, false];
    if (!this.isStopping) this.timer = setTimeout(() => this.wake(), nextMs).unref();
  }

  private async removeAll(): Promise<void> {
    while (!this.isStopping) {
      const rows = await this.unitOfWork.read.query<{ conversation_id: number; seq: number }[]>(
        `SELECT conversation_id, seq FROM deleted_reactions ORDER BY conversation_id, seq LIMIT ${PER_STATEMENT}`,
      );
      if (rows.length === 0) return;
      for (const { conversation_id: conversationId, seq } of rows) {
        await this.remove(conversationId, seq - 1, seq, () => this.isStopping);
        if (this.isStopping) return;
        await this.unitOfWork.run((tx) =>
          tx.query('DELETE FROM deleted_reactions WHERE conversation_id = ? AND seq = ?', [conversationId, seq]),
        );
      }
    }
  }

  private async removeOfChat(conversationId: number, isOver: () => boolean): Promise<void> {
    await this.remove(conversationId, 0, Number.MAX_SAFE_INTEGER, isOver);
    if (isOver()) return;
    await this.unitOfWork.run((tx) =>
      tx.query('DELETE FROM deleted_reactions WHERE conversation_id = ?', [conversationId]),
    );
  }

  /** Those to the messages behind `after`, up to `last`. */
  private async remove(conversationId: number, after: number, last: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const totals = await this.unitOfWork.read.query<TotalRow[]>(
        `SELECT seq, emoji, total FROM reaction_totals
         WHERE conversation_id = ? AND seq > ? AND seq <= ? ORDER BY seq, emoji LIMIT ${SLICE}`,
        [conversationId, after, last],
      );
      const first = totals[0]?.seq;
      if (first === undefined) return;
      // The last message may have more than were read: it is left for the next round, unless it is alone.
      const whole = totals.length < SLICE ? totals : totals.filter(({ seq }) => seq < totals.at(-1)!.seq);
      const upTo = fittingInto(whole, SLICE) ?? first;
      if (upTo === first)
        await this.removeMany(
          conversationId,
          totals.filter(({ seq }) => seq === first),
          isOver,
        );
      if (isOver()) return;
      const range = [conversationId, after, upTo];
      await this.unitOfWork.run(async (tx) => {
        await tx.query('DELETE FROM reactions WHERE conversation_id = ? AND seq > ? AND seq <= ?', range);
        await tx.query('DELETE FROM reaction_totals WHERE conversation_id = ? AND seq > ? AND seq <= ?', range);
      });
      after = upTo;
      await nextTurn();
    }
  }

  /** Where the reactions to one message are more than a slice, all of them: ranges of the key, each from where the one before ended. */
  private async removeMany(conversationId: number, totals: readonly TotalRow[], isOver: () => boolean): Promise<void> {
    if (sumOf(totals) <= SLICE) return;
    for (const { seq, emoji } of totals)
      for (let after = 0; !isOver();) {
        const place = [conversationId, seq, emoji];
        const rows = await this.unitOfWork.read.query<{ user_id: number }[]>(
          `SELECT user_id FROM reactions WHERE conversation_id = ? AND seq = ? AND emoji = ? AND user_id > ?
           ORDER BY user_id LIMIT ${SLICE}`,
          [...place, after],
        );
        const upTo = rows.at(-1)?.user_id;
        if (upTo === undefined) break;
        await this.unitOfWork.run((tx) =>
          tx.query(
            'DELETE FROM reactions WHERE conversation_id = ? AND seq = ? AND emoji = ? AND user_id > ? AND user_id <= ?',
            [...place, after, upTo],
          ),
        );
        after = upTo;
        await nextTurn();
      }
  }
}

const sumOf = (totals: readonly TotalRow[]): number => totals.reduce((sum, { total }) => sum + total, 0);

/** The last message up to which all of these reactions are at most `most`; undefined where those of the first one are more. */
function fittingInto(totals: readonly TotalRow[], most: number): number | undefined {
  const sums = new Map<number, number>();
  for (const { seq, total } of totals) sums.set(seq, (sums.get(seq) ?? 0) + total);
  let sum = 0;
  let last: number | undefined;
  for (const [seq, count] of sums) {
    sum += count;
    if (sum > most) return last;
    last = seq;
  }
  return last;
}
