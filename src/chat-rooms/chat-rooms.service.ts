import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PresenceNews } from '../people/presence-news.js';
import { Invalid } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { Clock } from '../common/timing/clock.js';
import { Blocks } from '../people/blocks.js';
import { toStoredFields } from '../conversations/draft.js';
import { toExtras, toIgnoredFields } from '../conversations/extras.js';
import { listedSettings, settingsColumns, type SettingsRow } from '../conversations/member-settings.js';
import { UNREAD_MENTIONS, unreadMentionsField } from '../conversations/mentions.js';
import { History } from '../conversations/history.js';
import {
  messageColumns,
  toExtraFields,
  type MessageRow,
  type MessageView,
  toMessageUpdate,
  toReactionsChanged,
} from '../conversations/message.view.js';
import { MessageLog } from '../conversations/message-log.js';
import type { PageQuery } from '../conversations/page.dto.js';
import { otherOf, pairOf } from '../people/pair.js';
import { readViews, type ViewOf } from '../conversations/message-views.js';
import { unreadCount } from '../conversations/read-marks.js';
import { Receipts } from '../conversations/receipts.js';
import { fromMoment, toMoment } from '../database/dialect.js';
import { DomainEvents } from '../domain-events/domain-events.js';
import type { MessageStored } from '../domain-events/events.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { Accepted, Stored } from '../sockets/events.js';
import { Presence } from '../sockets/presence.js';
import { Publisher } from '../sockets/publisher.js';
import { Typing } from '../people/typing.js';
import type { ChatRoomView } from './dto/chat-room.view.js';
import type { RoomTypingMessage, SendRoomMessage } from './dto/room-message.dto.js';
import { RoomKind } from './room-kind.js';

interface RoomRow extends MessageRow, SettingsRow {
  id: number;
  last_seq: number;
  last_change: number | null;
  last_message_at: string | Date;
  other_id: number;
  first_name: string;
  last_name: string;
  last_read_seq: number;
  other_last_read_seq: number;
  unread_mentions: number | string;
}

@Injectable()
export class ChatRoomsService implements OnModuleInit {
  constructor(
    private readonly log: MessageLog,
    private readonly rooms: RoomKind,
    private readonly history: History,
    private readonly blocks: Blocks,
    private readonly receipts: Receipts,
    private readonly typings: Typing,
    private readonly unitOfWork: UnitOfWork,
    private readonly presence: Presence,
    private readonly presenceNews: PresenceNews,
    private readonly publisher: Publisher,
    private readonly events: DomainEvents,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.events.on('messageStored', (event) => {
      if (event.kind === 'room') this.stored(event);
    });
    this.events.on('messageChanged', (event) => {
      if (event.kind !== 'room') return;
      const other_user_id = otherOf(event.target, event.senderId);
      const place = { chat_type: 'room', other_user_id, chat_room_id: event.conversationId } as const;
      if (event.reacted)
        for (const some of toReactionsChanged(event)) this.publisher.messageReactions({ ...place, ...some });
      else this.publisher.messageUpdate({ ...place, ...toMessageUpdate(event) });
    });
  }

  /**
   * Stores a direct message; the first one makes the room of the two users.
   * @throws Invalid to oneself; NotFound where there is no such user; `blocked`; Busy, Unavailable, `client_id_conflict`
   */
  async send(me: Identity, request: SendRoomMessage): Promise<Stored> {
    const { other_user_id: otherUserId, message: body } = request;
    const clientId = request.client_id ?? undefined;
    assertOther(me, otherUserId);
    const target = pairOf(me.userId, otherUserId);
    // Nothing is awaited before this line: two messages of one socket enter the queue in the order in which they came.
    const stored = await this.log.append({
      kind: 'room',
      sender: me,
      target,
      body,
      clientId,
      extras: toExtras(request),
    });
    return {
      ok: true,
      chat_room_id: stored.conversationId,
      ...toStoredFields(stored, clientId),
      ...toIgnoredFields(stored.ignored),
    };
  }

  private stored(event: Extract<MessageStored, { kind: 'room' }>): void {
    const { target, conversationId, sender, seq, body, clientId, extras, quote } = event;
    const otherUserId = otherOf(target, sender.userId);
    this.rooms.remember(target, conversationId);
    this.receipts.recordImplied(conversationId, sender.userId, seq);
    if (seq === 1) this.met(sender.userId, otherUserId);
    this.publisher.roomMessage({
      chat_type: 'room',
      user_id: sender.userId,
      other_user_id: otherUserId,
      chat_room_id: conversationId,
      ...toStoredFields(event, clientId),
      message: body,
      ...(extras && toExtraFields(extras, quote)),
    });
  }

  /** From their first message on, two users get each other's presence, beginning with the state of now. */
  private met(one: number, other: number): void {
    this.presenceNews.show(one, [other]);
    this.presenceNews.show(other, [one]);
  }

  /** Passes on that the caller types, where the two have a room: others see nothing of it. @throws Invalid to oneself */
  async typing(me: Identity, { other_user_id: otherUserId }: RoomTypingMessage): Promise<Accepted> {
    assertOther(me, otherUserId);
    await this.typings.inRoom(me.userId, otherUserId, () => this.rooms.exists(pairOf(me.userId, otherUserId)));
    return { ok: true };
  }

  /** A page of a room's messages. @throws NotFound where the caller is not one of its two users */
  messages(me: Identity, roomId: number, page: PageQuery): Promise<readonly MessageView[]> {
    return this.history.pageFor(me.userId, 'room', roomId, page);
  }

  /** The caller's rooms, most recent first. */
  async list(me: Identity, cursor?: string): Promise<Page<ChatRoomView>> {
    const [lastMessageAt, lastId] = readCursor(cursor, ['moment', 'number']) ?? [];
    const rows = await this.unitOfWork.read.query<RoomRow[]>(
      `SELECT c.id, c.last_seq, c.last_change, c.last_message_at, u.id AS other_id, u.first_name, u.last_name,
              mine.last_read_seq, theirs.last_read_seq AS other_last_read_seq, ${UNREAD_MENTIONS} AS unread_mentions, ${settingsColumns('mine')},
              ${messageColumns('m')}
       FROM members mine
       JOIN conversations c ON c.id = mine.conversation_id
       JOIN chat_rooms r ON r.conversation_id = c.id
       JOIN users u ON u.id = CASE WHEN r.user_low = mine.user_id THEN r.user_high ELSE r.user_low END
       JOIN members theirs ON theirs.conversation_id = c.id AND theirs.user_id = u.id
       JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
       WHERE mine.user_id = ? AND (? IS NULL OR c.last_message_at < ? OR (c.last_message_at = ? AND c.id < ?))
       ORDER BY c.last_message_at DESC, c.id DESC LIMIT ${LIST_LIMIT + 1}`,
      [me.userId, lastMessageAt ?? null, lastMessageAt ?? null, lastMessageAt ?? null, lastId ?? null],
    );
    const page = toPage(rows, (row) => [toMoment(fromMoment(row.last_message_at)), row.id]);
    const hidden = await this.blocks.hiddenFrom(me.userId);
    const viewOf = await readViews(
      this.unitOfWork.read,
      me.userId,
      page.rows.map((row) => [row.id, row]),
    );
    return { ...page, rows: page.rows.map((row) => this.toView(row, hidden, viewOf)) };
  }

  private toView(row: RoomRow, hidden: ReadonlySet<number>, viewOf: ViewOf): ChatRoomView {
    return {
      id: row.id,
      other_user: {
        id: row.other_id,
        first_name: row.first_name,
        last_name: row.last_name,
        is_online: !hidden.has(row.other_id) && this.presence.isOnline(row.other_id),
      },
      last_message: viewOf(row.id, row),
      last_seq: row.last_seq,
      last_change: row.last_change ?? 0,
      last_read_seq: row.last_read_seq,
      other_last_read_seq: row.other_last_read_seq,
      unread_count: unreadCount({ lastSeq: row.last_seq, lastReadSeq: row.last_read_seq }),
      ...unreadMentionsField(row.unread_mentions),
      ...listedSettings(row, this.clock.now()),
    };
  }
}

function assertOther(me: Identity, otherUserId: number): void {
  if (otherUserId !== me.userId) return;
  throw new Invalid('other_user_id is your own. Write to somebody else.', { other_user_id: ['is your own'] });
}
