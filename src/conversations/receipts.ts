import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Batcher } from '../common/timing/batcher.js';
import { Throttle } from '../common/timing/throttle.js';
import { inTuples } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { SMALL_GROUP } from '../people/audience.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { WhoIsIn } from '../people/who-is-in.js';
import { liveMark, type ReadMark } from './read-marks.js';

/** Shortest time between two receipts of one reader in one chat. */
const EVERY_MS = 1_000;
/** Marks that are remembered as told; with more, one that did not move may be told once more. */
const REMEMBERED = 100_000;
/** Marks of one question to the database. */
const CHUNK = 500;

/** Somebody's read mark has moved. */
export interface Moved {
  conversationId: number;
  userId: number;
  /** The newest message of the chat, as far as whoever says so knows. */
  lastSeq: number;
  lastReadSeq: number;
  /** The others know already: the message that moved it came to them. */
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
 * Tells how far somebody has read: the two people of a room; those who are in a group of at most 100 members; and always the
 * reader's own devices. Say here whenever a mark has moved; how often it is told is decided here.
 */
@Injectable()
export class Receipts implements BeforeApplicationShutdown {
  /** The newest mark of each reader and chat that was announced, will be, or needs no event. */
  private readonly lastAnnounced = new LRUCache<string, number>({ max: REMEMBERED });
  /** The newest mark that needed no event. */
  private readonly lastImplied = new LRUCache<string, number>({ max: REMEMBERED });
  private readonly throttle: Throttle<string, Moved>;
  /** Many move at once when many enter or go: one query for all of a turn of the event loop. */
  private readonly batch: Batcher<string, Moved>;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly publisher: Publisher,
    private readonly presence: Presence,
    private readonly whoIsIn: WhoIsIn,
  ) {
    this.batch = new Batcher('Receipts', 0, (moved) => this.tell([...moved.values()]));
    this.throttle = new Throttle(EVERY_MS, (moved, key) => this.batch.add(key, moved));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.throttle.stop();
    await this.batch.stop();
  }

  /** A mark moved, and is committed. A mark that was announced before, or lies behind one that was, is not announced again. */
  moved(moved: Moved): void {
    const key = keyOf(moved);
    if (moved.lastReadSeq <= (this.lastAnnounced.get(key) ?? 0)) return;
    this.lastAnnounced.set(key, moved.lastReadSeq);
    this.throttle.push(key, moved);
  }

  /** Records a mark that needs no event: a message that its receivers got implied it. */
  recordImplied(conversationId: number, userId: number, seq: number): void {
    const key = keyOf({ conversationId, userId });
    for (const marks of [this.lastAnnounced, this.lastImplied]) if (seq > (marks.get(key) ?? 0)) marks.set(key, seq);
  }

  /**
   * A membership in a group began, at this message, with nothing unread: the person's devices have no marks of it yet, or those of an
   * earlier one. The others have no mark of theirs that could move.
   */
  began(groupId: number, userId: number, seq: number): void {
    this.recordImplied(groupId, userId, seq);
    const mark = this.markNow({ conversationId: groupId, userId, lastSeq: seq, lastReadSeq: seq });
    this.tellDevices(groupId, userId, mark);
  }

  private async tell(all: Moved[]): Promise<void> {
    for (let i = 0; i < all.length; i += CHUNK) {
      const moved = all.slice(i, i + CHUNK);
      const places = await this.places(moved);
      // Who is a member no more is not among them, and hears nothing.
      for (const one of moved) this.tellOne(one, places.get(keyOf(one)));
    }
  }

  private tellOne(moved: Moved, place?: Row): void {
    // A later mark was implied while this waited: by what they wrote, for one.
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
    this.tellDevices(conversationId, userId, mark);
  }

  private tellDevices(groupId: number, userId: number, { lastSeq, lastReadSeq }: ReadMark): void {
    const marks = { last_seq: lastSeq, last_read_seq: lastReadSeq };
    this.publisher.groupRead(userId, { chat_type: 'group', chat_group_id: groupId, ...marks });
  }

  /** What was told of a group while this waited has come to the reader, too, in one way or the other. */
  private markNow({ conversationId, userId, lastSeq, lastReadSeq }: Moved): ReadMark {
    const newest = Math.max(lastSeq, this.whoIsIn.lastPublishedSeq(conversationId) ?? 0);
    const isWatching = this.whoIsIn.has(userId, conversationId) && this.presence.isConnected(userId);
    return liveMark({ lastSeq: newest, lastReadSeq }, isWatching);
  }

  /** Whose chat each is, and how large. */
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
