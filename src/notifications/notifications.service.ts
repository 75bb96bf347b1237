import { Injectable } from '@nestjs/common';
import { Invalid } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { History } from '../conversations/history.js';
import { UNREAD_MENTIONS, unreadMentionsField } from '../conversations/mentions.js';
import { quoteOf, quotesOfChats } from '../conversations/quotes.js';
import { liveMark, ReadMarks, unreadCount } from '../conversations/read-marks.js';
import { fromMoment, toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { QuotedMessage } from '../domain-events/message-extras.js';
import { Presence } from '../sockets/presence.js';
import type { NotificationView, ReadAnswer, ReadRequest } from './dto/notifications.dto.js';

interface Row {
  id: number;
  last_seq: number;
  last_read_seq: number;
  last_message_at: string | Date;
  sender_id: number;
  body: string;
  extras: string | null;
  deleted_at: string | Date | null;
  is_read: number;
  unread_mentions: number | string;
  kind: 'room' | 'group';
}

/** By chat, what is unread and how far the user has read. */
@Injectable()
export class NotificationsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly history: History,
    private readonly readMarks: ReadMarks,
    private readonly presence: Presence,
  ) {}

  /** One row for each chat that has a message: unread ones first, then by the newest message. */
  async list(me: Identity, cursor?: string): Promise<Page<NotificationView>> {
    const [isRead, moment, id] = readCursor(cursor, ['number', 'moment', 'number']) ?? [null, null, null];
    // Members who are in a group and connected have read it: see `liveMark`.
    const mark = this.presence.isConnectedAnywhere(me.userId)
      ? 'CASE WHEN mine.is_in = 1 THEN c.last_seq ELSE mine.last_read_seq END'
      : 'mine.last_read_seq';
    const rows = await this.unitOfWork.read.query<Row[]>(
      `SELECT * FROM (
         SELECT c.id, c.kind, c.last_seq, c.last_message_at, m.sender_id, m.body, m.extras, m.deleted_at, ${mark} AS last_read_seq,
                CASE WHEN ${mark} >= c.last_seq THEN 1 ELSE 0 END AS is_read, ${UNREAD_MENTIONS} AS unread_mentions
         FROM members mine
         JOIN conversations c ON c.id = mine.conversation_id
         JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
         WHERE mine.user_id = ? AND c.kind IN ('room', 'group')
       ) AS chats
       WHERE ? IS NULL OR is_read > ? OR (is_read = ? AND (last_message_at < ? OR (last_message_at = ? AND id < ?)))
       ORDER BY is_read, last_message_at DESC, id DESC LIMIT ${LIST_LIMIT + 1}`,
      [me.userId, isRead, isRead, isRead, moment, moment, id],
    );
    const page = toPage(rows, (row) => [row.is_read, toMoment(fromMoment(row.last_message_at)), row.id]);
    const quotes = await quotesOfChats(this.unitOfWork.read, page.rows);
    return { ...page, rows: page.rows.map((row) => toView(row, quoteOf(quotes, row.id, row))) };
  }

  /** Moves the caller's read mark in a chat. @throws NotFound where they are not in it; Invalid without one chat */
  async read(me: Identity, { chat_room_id: roomId, chat_group_id: groupId, seq }: ReadRequest): Promise<ReadAnswer> {
    if ((roomId == null) === (groupId == null)) {
      const sentence = 'must be given, and only one of the two';
      throw new Invalid(`chat_room_id or chat_group_id ${sentence}.`, {
        chat_room_id: [sentence],
        chat_group_id: [sentence],
      });
    }
    const chat = await this.history.assertMember(roomId == null ? 'group' : 'room', (roomId ?? groupId)!, me.userId);
    const moved = await this.readMarks.advance(chat.id, me, seq ?? undefined);
    const mark = liveMark(moved, moved.isIn && this.presence.isConnectedAnywhere(me.userId));
    const place = roomId == null ? { chat_group_id: chat.id } : { chat_room_id: chat.id };
    return { ...place, last_read_seq: mark.lastReadSeq, unread_count: unreadCount(mark) };
  }
}

const toView = (row: Row, quote: QuotedMessage | undefined): NotificationView => ({
  chat_type: row.kind,
  ...(row.kind === 'room' ? { chat_room_id: row.id } : { chat_group_id: row.id }),
  user_id: row.sender_id,
  unread_count: unreadCount({ lastSeq: row.last_seq, lastReadSeq: row.last_read_seq }),
  ...(row.is_read !== 1 && unreadMentionsField(row.unread_mentions)),
  is_read: row.is_read === 1,
  last_seq: row.last_seq,
  last_read_seq: row.last_read_seq,
  message: row.body,
  ...(row.deleted_at !== null && { deleted: true as const }),
  timestamp: fromMoment(row.last_message_at).toISOString(),
  ...(quote && { reply_to: quote }),
});
