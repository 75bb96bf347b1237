import type { House } from './house.js';
import { Throttle } from './pacing.js';
import { usersIn } from './state.js';

/** Shortest time between two receipts of one reader in one chat. */
const EVERY_MS = 1_000;
/** In larger groups the reader alone is told. */
const SMALL_GROUP = 100;

/** Somebody's read mark has moved. */
interface Moved {
  readonly chat_id: number;
  readonly user_id: number;
  readonly last_seq: number;
  readonly last_read_seq: number;
  /** The others know already: the message that moved it came to them. */
  readonly isKnown?: boolean;
}

/** Tells how far somebody has read. Say here whenever a mark has moved; how often it is told is decided here. */
export class Receipts {
  /** The newest mark of each reader and chat that was announced, will be, or needs no event. */
  private readonly lastAnnounced = new Map<string, number>();
  /** The newest mark that needed no event. */
  private readonly lastImplied = new Map<string, number>();
  private readonly throttle: Throttle<string, Moved>;

  constructor(private readonly house: House) {
    // Behind the answer to what moved the mark.
    this.throttle = new Throttle(house.timers, EVERY_MS, (moved) => house.timers.soon(() => this.tell(moved)));
  }

  moved(moved: Moved): void {
    const key = keyOf(moved);
    if (moved.last_read_seq <= (this.lastAnnounced.get(key) ?? 0)) return;
    this.lastAnnounced.set(key, moved.last_read_seq);
    this.throttle.push(key, moved);
  }

  /** Records a mark that needs no event: a message that its receivers got implied it. */
  implied(chatId: number, userId: number, seq: number): void {
    const key = keyOf({ chat_id: chatId, user_id: userId });
    for (const marks of [this.lastAnnounced, this.lastImplied]) if (seq > (marks.get(key) ?? 0)) marks.set(key, seq);
  }

  /** A membership in a group began, at this message, with nothing unread. */
  began(groupId: number, userId: number, seq: number): void {
    this.implied(groupId, userId, seq);
    this.tellDevices(
      groupId,
      userId,
      this.markNow({ chat_id: groupId, user_id: userId, last_seq: seq, last_read_seq: seq }),
    );
  }

  private tell(moved: Moved): void {
    const { sockets, state } = this.house;
    const { chat_id, user_id } = moved;
    const chat = state.chats.get(chat_id);
    // Overtaken where a later mark was implied meanwhile: by what they wrote, for one.
    const isOvertaken = moved.last_read_seq < (this.lastImplied.get(keyOf(moved)) ?? 0);
    if (!chat?.members.has(user_id) || isOvertaken) return;
    const mark = this.markNow(moved);
    const read = { user_id, seq: mark.last_read_seq };
    if (chat.kind === 'room') {
      sockets.tell(chat.pair, 'read', { chat_room_id: chat_id, ...read });
      return;
    }
    if (chat.kind !== 'group') return;
    const isForAll = !moved.isKnown && chat.members.size <= SMALL_GROUP;
    sockets.tell([user_id, ...(isForAll ? usersIn(chat) : [])], 'read', { chat_group_id: chat_id, ...read });
    this.tellDevices(chat_id, user_id, mark);
  }

  private tellDevices(groupId: number, userId: number, mark: Pick<Moved, 'last_seq' | 'last_read_seq'>): void {
    this.house.sockets.tell([userId], 'notification', { chat_type: 'group', chat_group_id: groupId, ...mark });
  }

  /** What was told of a group while this waited has come to the reader, too. */
  private markNow({ chat_id, user_id, last_seq, last_read_seq }: Moved) {
    const newest = Math.max(last_seq, this.house.attendance.lastPublished(chat_id) ?? 0);
    const isWatching = this.house.attendance.isWatching(chat_id, user_id);
    return { last_seq: newest, last_read_seq: isWatching ? newest : last_read_seq };
  }
}

const keyOf = ({ chat_id, user_id }: Pick<Moved, 'chat_id' | 'user_id'>): string => `${chat_id}:${user_id}`;
