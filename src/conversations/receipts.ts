import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Homes } from '../cluster/homes.js';
import { NodeBus } from '../cluster/node-bus.js';
import { Batcher } from '../common/timing/batcher.js';
import { Throttle } from '../common/timing/throttle.js';
import { chunks } from '../database/chunks.js';
import { inTuples } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import { SMALL_GROUP } from '../people/audience.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { WhoIsIn } from '../people/who-is-in.js';
import { liveMark, type ReadMark } from './read-marks.js';

/** Shortest time between two receipts of one user in one chat. */
const EVERY_MS = 1_000;
/** Marks that are remembered as published; with more, a mark that did not move may be published again. */
const REMEMBERED = 100_000;

/** A user's read mark has moved. */
export interface Moved {
  conversationId: number;
  userId: number;
  /** The newest message of the chat, as far as the caller knows. */
  lastSeq: number;
  lastReadSeq: number;
  /** Others know already, by the message that moved it. */
  isKnown?: boolean;
}

interface Row {
  conversation_id: number;
  user_id: number;
  user_low: number | null;
  user_high: number | null;
  member_count: number | null;
}

/**
 * Publishes how far users have read: to the two users of a room, to those who are in a group of at most 100 members, and always to the
 * user's own devices. Call it whenever a mark has moved; it decides how often receipts are sent.
 */
@Injectable()
export class Receipts implements OnModuleInit, BeforeApplicationShutdown {
  /** The newest mark of each user and chat that was published, will be, or needs no receipt. */
  private readonly lastAnnounced = new LRUCache<string, number>({ max: REMEMBERED });
  /** The newest mark that needed no receipt. */
  private readonly lastImplied = new LRUCache<string, number>({ max: REMEMBERED });
  private readonly isShared: boolean;
  private readonly give;
  private readonly throttle: Throttle<string, Moved>;
  /** Many marks move at once when many users enter or leave: one query for all of a turn of the event loop. */
  private readonly batch: Batcher<string, Moved>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly publisher: Publisher,
    private readonly presence: Presence,
    private readonly whoIsIn: WhoIsIn,
    private readonly events: DomainEvents,
    homes: Homes,
    bus: NodeBus,
  ) {
    this.batch = new Batcher('Publishing read receipts', 0, (moved) => this.publish([...moved.values()]));
    this.throttle = new Throttle(EVERY_MS, (moved, key) => this.batch.add(key, moved));
    this.isShared = bus.isShared;
    this.give = homes.at<Moved | number>('receipt', (news, key) =>
      typeof news === 'number' ? this.noteImplied(key, news) : this.note(news),
    );
  }

  onModuleInit(): void {
    this.events.on('readMarkMoved', (moved) => {
      const { conversationId, userId } = moved;
      this.moved({ conversationId, userId, ...this.markNow(moved) });
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    // Other nodes have given it here, for their own sockets.
    if (this.isShared) {
      this.throttle.flush();
      await this.batch.flush().catch(() => undefined);
    }
    this.throttle.stop();
    await this.batch.stop();
  }

  /** A mark moved, and is committed. Publishes nothing where this mark or a later one was published before. */
  moved(moved: Moved): void {
    // By what this node knows: the user's sockets may be here alone.
    this.give(keyOf(moved), this.isShared ? { ...moved, ...this.markNow(moved) } : moved);
  }

  private note(moved: Moved): void {
    const key = keyOf(moved);
    if (moved.lastReadSeq <= (this.lastAnnounced.get(key) ?? 0)) return;
    this.lastAnnounced.set(key, moved.lastReadSeq);
    this.throttle.push(key, moved);
  }

  /** Records a mark that needs no receipt: those who would get it know it by a message. */
  recordImplied(conversationId: number, userId: number, seq: number): void {
    this.give(keyOf({ conversationId, userId }), seq);
  }

  private noteImplied(key: string, seq: number): void {
    for (const marks of [this.lastAnnounced, this.lastImplied]) if (seq > (marks.get(key) ?? 0)) marks.set(key, seq);
  }

  /**
   * A membership of a group began at this message, with nothing unread. The user's devices have no mark of it yet, or that of an earlier
   * membership; other members have none of this user that could move.
   */
  began(groupId: number, userId: number, seq: number): void {
    this.recordImplied(groupId, userId, seq);
    const mark = this.markNow({ conversationId: groupId, userId, lastSeq: seq, lastReadSeq: seq });
    this.publishToDevices(groupId, userId, mark);
  }

  private async publish(all: Moved[]): Promise<void> {
    for (const moved of chunks(all)) {
      const places = await this.places(moved);
      // Users whose membership has ended are not among them, and get nothing.
      for (const one of moved) this.publishOne(one, places.get(keyOf(one)));
    }
  }

  private publishOne(moved: Moved, place?: Row): void {
    // A later mark became known while this one waited, by a message of the user, say.
    const isOvertaken = moved.lastReadSeq < (this.lastImplied.get(keyOf(moved)) ?? 0);
    if (!place || isOvertaken) return;
    const { conversationId, userId, isKnown } = moved;
    const mark = this.markNow(moved);
    const read = { user_id: userId, seq: mark.lastReadSeq };
    if (place.user_low !== null && place.user_high !== null) {
      this.publisher.read({ chat_room_id: conversationId, ...read }, [place.user_low, place.user_high]);
      return;
    }
    const receipt = { chat_group_id: conversationId, ...read };
    if (isKnown || (place.member_count ?? 0) > SMALL_GROUP) this.publisher.read(receipt, [userId]);
    else this.publisher.readInGroup(receipt);
    this.publishToDevices(conversationId, userId, mark);
  }

  private publishToDevices(groupId: number, userId: number, { lastSeq, lastReadSeq }: ReadMark): void {
    const marks = { last_seq: lastSeq, last_read_seq: lastReadSeq };
    this.publisher.groupRead(userId, { chat_type: 'group', chat_group_id: groupId, ...marks });
  }

  /** What was published to the group while this waited has reached the user as well. */
  private markNow({ conversationId, userId, lastSeq, lastReadSeq }: Moved): ReadMark {
    const newest = Math.max(lastSeq, this.whoIsIn.lastPublishedSeq(conversationId) ?? 0);
    const isWatching = this.whoIsIn.has(userId, conversationId) && this.presence.isConnected(userId);
    return liveMark({ lastSeq: newest, lastReadSeq }, isWatching);
  }

  /** The rows of chats and members that say to whom each receipt goes. */
  private async places(moved: Moved[]): Promise<Map<string, Row>> {
    const { read } = this.unitOfWork;
    const { sql, values } = inTuples(
      read,
      'm.conversation_id, m.user_id',
      moved.map(({ conversationId, userId }) => [conversationId, userId]),
    );
    const rows = await read.query<Row[]>(
      `SELECT m.conversation_id, m.user_id, r.user_low, r.user_high, g.member_count
       FROM members m
       LEFT JOIN chat_rooms r ON r.conversation_id = m.conversation_id
       LEFT JOIN chat_groups g ON g.conversation_id = m.conversation_id
       WHERE ${sql}`,
      values,
    );
    return new Map(rows.map((row) => [keyOf({ conversationId: row.conversation_id, userId: row.user_id }), row]));
  }
}

const keyOf = ({ conversationId, userId }: Pick<Moved, 'conversationId' | 'userId'>): string =>
  `${conversationId}:${userId}`;
