import {
  type BeforeApplicationShutdown,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { PresenceNews } from '../../people/presence-news.js';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { Batcher } from '../../common/timing/batcher.js';
import { logLine } from '../../common/logs/log-line.js';
import { lockConversations, lockMembers } from '../../conversations/conversation-locks.js';
import { Receipts } from '../../conversations/receipts.js';
import { placeholders } from '../../database/dialect.js';
import { DomainEvents } from '../../domain-events/domain-events.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import { Audience } from '../../people/audience.js';
import { OFFLINE_AFTER_MS, Presence } from '../../sockets/presence.js';
import { Publisher } from '../../sockets/publisher.js';
import { WhoIsIn } from '../../people/who-is-in.js';
import { GroupNotices } from './group-notices.js';
import { MarksOfGone } from './marks-of-gone.js';
import { UserMutex } from './user-mutex.js';

/** After a start, those who were in a group have this long to come back. */
export const COME_BACK_WITHIN_MS = 30_000;
/** How often to look for those who are in and not here. */
const LOOK_EVERY_MS = 60_000;
/** People of one transaction: thousands go at once when a network does. */
const CHUNK = 200;

/**
 * What becomes, in groups, of people who go without a word: when their last socket closes, they have read what it was told until
 * they were last heard; when they are offline, they are in nothing.
 */
@Injectable()
export class GroupAbsence implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new CalmLogger('Groups');
  /** People who entered without a socket, until their time to open one is over. */
  private readonly expected = new Map<number, NodeJS.Timeout>();
  /** Many go at once when a network does, and are taken out together. */
  private readonly gone: Batcher<number, true>;
  private absentTimer?: NodeJS.Timeout;
  private isStopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly userMutex: UserMutex,
    private readonly presence: Presence,
    private readonly publisher: Publisher,
    private readonly whoIsIn: WhoIsIn,
    private readonly marks: MarksOfGone,
    private readonly audience: Audience,
    private readonly presenceNews: PresenceNews,
    private readonly receipts: Receipts,
    private readonly notices: GroupNotices,
    private readonly events: DomainEvents,
  ) {
    this.gone = new Batcher('Groups', 0, (gone) => this.takeOut([...gone.keys()]));
  }

  onModuleInit(): void {
    this.events.on('disconnected', ({ userId, heardAt }) => this.markWhenGone(userId, heardAt));
    this.events.on('wentOffline', ({ userId }) => this.gone.add(userId, true));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.expectThoseBefore();
    // Again and again, not only after the start: the database may be away in the moment in which somebody goes.
    const look = () => {
      const done = this.takeOutAbsent();
      done.catch((error: unknown) => this.logger.error(`Who is in a group was not stored: ${logLine(error)}`));
      // Behind it, however long it takes: where the database is mute, each look would take one more connection.
      const next = (): void => {
        if (!this.isStopping) this.absentTimer = setTimeout(look, LOOK_EVERY_MS).unref();
      };
      void done.then(next, next);
    };
    this.absentTimer = setTimeout(look, COME_BACK_WITHIN_MS).unref();
  }

  /** All sockets are about to close. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.absentTimer);
    for (const timer of this.expected.values()) clearTimeout(timer);
    await this.gone.stop();
    for (const userId of this.presence.online()) {
      if (!this.presence.isConnected(userId)) continue;
      this.marks.note(userId, Math.max(this.publisher.reachedUntil(userId), this.presence.heardAt(userId)));
    }
    await this.marks.stop();
  }

  /** One who enters without a socket has as long to open one as one who lost it, from the last time that they entered. */
  expectSocket(userId: number): void {
    if (this.presence.isConnected(userId)) return;
    clearTimeout(this.expected.get(userId));
    const timer = setTimeout(() => {
      this.expected.delete(userId);
      if (!this.presence.isOnline(userId)) this.gone.add(userId, true);
    }, OFFLINE_AFTER_MS).unref();
    this.expected.set(userId, timer);
  }

  /**
   * The last socket closed. What it was told before its client was last heard has been read; what came later may never have arrived, and
   * too much unread is the safe side. A goodbye is heard, too: then it is all.
   */
  private markWhenGone(userId: number, heardAt: number): void {
    if (!this.isStopping) this.marks.note(userId, heardAt);
  }

  /** Offline people are in nothing. Their marks stay where they were when their last socket closed. */
  private async takeOut(userIds: number[]): Promise<void> {
    // By group, looked up before the first of them is taken out of what is in memory: none is small for having just been left by most.
    const viewers = new Map<number, readonly number[]>();
    for (const some of chunks(userIds)) await this.takeOutTogether(some, viewers);
  }

  private takeOutTogether(userIds: number[], viewers: Map<number, readonly number[]>): Promise<void> {
    return this.userMutex.run(userIds, async () => {
      // Marks are moved for those who are in: first, or nobody is taken out yet.
      await this.marks.stored();
      const candidates = userIds.filter((userId) => this.isAbsent(userId));
      if (candidates.length === 0 || this.isStopping) return;
      const left = await this.unitOfWork.run(async (tx) => {
        // They come into no other meanwhile: that would take their turn.
        const chats = await tx.query<{ id: number }[]>(
          `SELECT DISTINCT conversation_id AS id FROM members WHERE is_in = 1 AND user_id IN (${placeholders(candidates)})`,
          candidates,
        );
        await lockConversations(
          tx,
          chats.map(({ id }) => id),
        );
        const isIn = `is_in = 1 AND user_id IN (${placeholders(candidates)})`;
        const rows = await lockMembers(tx, isIn, candidates);
        const gone = rows.filter((row) => this.isAbsent(row.user_id));
        if (gone.length === 0) return gone;
        const ids = [...new Set(gone.map((row) => row.user_id))];
        await tx.query(`UPDATE members SET is_in = 0 WHERE is_in = 1 AND user_id IN (${placeholders(ids)})`, ids);
        return gone;
      });
      for (const { conversation_id: id, user_id: userId } of left) {
        if (!viewers.has(id)) viewers.set(id, [...this.audience.inSmallGroup(id)]);
        this.presenceNews.show(userId, viewers.get(id)!);
      }
      for (const userId of candidates) if (this.isAbsent(userId)) this.whoIsIn.forget(userId);
      for (const { conversation_id: id, user_id: userId, last_read_seq: lastReadSeq } of left) {
        this.publisher.placeInGroup(userId, id, 'outside');
        this.notices.changed(id, userId, false);
        this.publisher.groupUpdate(userId, { chat_group_id: id, is_in: false });
        this.receipts.moved({ conversationId: id, userId, lastSeq: lastReadSeq, lastReadSeq });
      }
    });
  }

  private isAbsent(userId: number): boolean {
    return !this.presence.isOnline(userId) && !this.expected.has(userId);
  }

  private async takeOutAbsent(): Promise<void> {
    const rows = await this.unitOfWork.readUnhurried((manager) =>
      manager.query<{ user_id: number }[]>('SELECT DISTINCT user_id FROM members WHERE is_in = 1'),
    );
    await this.takeOut(rows.map((row) => row.user_id).filter((userId) => this.isAbsent(userId)));
    this.whoIsIn.seedCounts(new Map());
  }

  /** A large group stays one while its people come back one by one after a restart. */
  private async expectThoseBefore(): Promise<void> {
    const rows = await this.unitOfWork.readUnhurried((manager) =>
      manager.query<{ id: number; count: number | string }[]>(
        'SELECT conversation_id AS id, COUNT(*) AS count FROM members WHERE is_in = 1 GROUP BY conversation_id',
      ),
    );
    this.whoIsIn.seedCounts(new Map(rows.map(({ id, count }) => [id, Number(count)])));
  }
}

function* chunks(userIds: number[]): Iterable<number[]> {
  for (let i = 0; i < userIds.length; i += CHUNK) yield userIds.slice(i, i + CHUNK);
}
