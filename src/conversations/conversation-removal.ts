import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/timing/clock.js';
import { logLine } from '../common/logs/log-line.js';
import { CONFIG, type Config } from '../config/config.js';
import { chunks, PER_STATEMENT } from '../database/chunks.js';
import { SLICE } from '../database/delete-in-slices.js';
import { inIds, insertRows, toMoment } from '../database/dialect.js';
import { WalScrubber } from '../database/sqlite/wal-scrubber.js';
import { UnitOfWork } from '../database/unit-of-work.js';

/** How long the caller of `finish`, an erasure, waits for the messages to be deleted. */
const FINISH_WITHIN_MS = 5_000;
/** For chats that were marked by a transaction whose COMMIT was not answered. */
const LOOK_EVERY_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** Deletes what a chat has in other tables, in slices, until `isOver` says so. */
type Remover = (conversationId: number, isOver: () => boolean) => Promise<void>;

interface PartTable {
  name: string;
  /** The column behind `conversation_id` in its key. */
  key: string;
}

/**
 * Deletes chats. They are gone for everybody with the commit that marks them; their messages may be a million rows, and are deleted in
 * slices. Chats that are left to do are listed in `deleted_conversations`, so that a restart goes on where it was. Several nodes may delete
 * the same rows, which does no harm.
 */
@Injectable()
export class ConversationRemoval implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Database');
  /** Tables with a row for each message, or for each user, of a chat. */
  private readonly tables: PartTable[] = [
    { name: 'message_changes', key: 'change_seq' },
    { name: 'messages', key: 'seq' },
  ];
  private readonly removers: Remover[] = [];
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isWanted = false;
  private isStopping = false;
  private failures = 0;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly walScrubber: WalScrubber,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'worksOnWhatWaits'>,
  ) {}

  /** Names a table of a feature in which a chat may have many rows. Call it once, in `onModuleInit`. */
  alsoDeletes(name: string, key: string): void {
    this.tables.push({ name, key });
  }

  /** The same for what is not deleted by one number. It is called for every chat that ends. */
  alsoRemoves(remover: Remover): void {
    this.removers.push(remover);
  }

  onApplicationBootstrap(): void {
    if (this.config.worksOnWhatWaits) this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /**
   * Inside the caller's transaction, which also deletes the members of these chats and the rows that refer to them: from its commit on
   * they cannot be found. Call `wake` or `finish` after it.
   */
  async mark(tx: EntityManager, ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const now = toMoment(this.clock.now());
    await insertRows(
      tx,
      'deleted_conversations',
      'conversation_id, deleted_at',
      ids.map((id) => [id, now]),
    );
  }

  /** Deletes what is marked, in the background. */
  wake(): void {
    if (this.running) this.isWanted = true;
    if (this.running || this.isStopping) return;
    clearTimeout(this.timer);
    this.running = this.run();
  }

  /** Deletes these chats before it resolves; after five seconds the rest goes on in the background. Never throws. */
  async finish(ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const until = performance.now() + FINISH_WITHIN_MS;
    const isOver = () => this.isStopping || performance.now() > until;
    try {
      for (const some of chunks(ids)) if (!isOver()) await this.remove(some, isOver);
    } catch (error) {
      this.logger.error(`Deleting the messages of chats that ended failed, and is tried again: ${logLine(error)}`);
    }
    this.wake();
  }

  private async run(): Promise<void> {
    let nextMs = LOOK_EVERY_MS;
    try {
      await this.removeAll();
      this.failures = 0;
    } catch (error) {
      // Logged once: the database may be away for long.
      if (this.failures++ === 0)
        this.logger.error(`Deleting the messages of chats that ended failed, and is tried again: ${logLine(error)}`);
      nextMs = Math.min(FIRST_RETRY_MS * 2 ** this.failures, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2);
    }
    this.running = undefined;
    if (this.isStopping) return;
    if (this.isWanted && this.failures === 0) nextMs = 0;
    this.isWanted = false;
    this.timer = setTimeout(() => this.wake(), nextMs).unref();
  }

  private async removeAll(): Promise<void> {
    for (let hasRemoved = false; ; hasRemoved = true) {
      const rows = await this.unitOfWork.read.query<{ id: number }[]>(
        `SELECT conversation_id AS id FROM deleted_conversations ORDER BY conversation_id LIMIT ${PER_STATEMENT}`,
      );
      if (rows.length === 0 || this.isStopping) {
        if (hasRemoved) this.walScrubber.schedule();
        return;
      }
      await this.remove(
        rows.map(({ id }) => id),
        () => this.isStopping,
      );
    }
  }

  private async remove(ids: readonly number[], isOver: () => boolean): Promise<void> {
    for (const table of this.tables) await this.removeRows(table, await this.withRows(table, ids), isOver);
    for (const remover of this.removers) for (const id of ids) if (!isOver()) await remover(id, isOver);
    if (isOver()) return;
    await this.unitOfWork.run(async (tx) => {
      for (const [table, key] of [
        ['deleted_conversations', 'conversation_id'],
        ['conversations', 'id'],
      ] as const) {
        const { sql, values } = inIds(key, ids);
        await tx.query(`DELETE FROM ${table} WHERE ${sql}`, values);
      }
    });
  }

  private async withRows({ name }: PartTable, ids: readonly number[]): Promise<number[]> {
    const { sql, values } = inIds('c.id', ids);
    const rows = await this.unitOfWork.read.query<{ id: number }[]>(
      `SELECT c.id FROM conversations c
       WHERE ${sql} AND EXISTS (SELECT 1 FROM ${name} part WHERE part.conversation_id = c.id)`,
      values,
    );
    return rows.map(({ id }) => id);
  }

  /** No rows are added: once it has walked through them all, there are none. */
  private async removeRows({ name, key }: PartTable, ids: readonly number[], isOver: () => boolean): Promise<void> {
    let ranges: number[][] = [];
    let free = SLICE;
    const removeSlice = async (): Promise<void> => {
      await this.unitOfWork.run(async (tx) => {
        for (const range of ranges)
          await tx.query(`DELETE FROM ${name} WHERE conversation_id = ? AND ${key} > ? AND ${key} <= ?`, range);
      });
      [ranges, free] = [[], SLICE];
      await nextTurn();
    };
    for (const id of ids) {
      // From where the slice before ended, and not from the first that is left: MySQL keeps deleted rows for a while, and would read them again.
      for (let [after, isLast] = [-1, false]; !isLast && !isOver();) {
        const rows = await this.unitOfWork.read.query<{ number: number }[]>(
          `SELECT ${key} AS number FROM ${name} WHERE conversation_id = ? AND ${key} > ? ORDER BY ${key} LIMIT ?`,
          [id, after, free],
        );
        isLast = rows.length < free;
        if (rows.length === 0) break;
        const last = rows.at(-1)!.number;
        ranges.push([id, after, last]);
        after = last;
        free -= rows.length;
        if (free === 0) await removeSlice();
      }
    }
    if (ranges.length > 0) await removeSlice();
  }
}
