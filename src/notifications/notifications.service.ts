import { Injectable } from '@nestjs/common';
import type { Identity } from '../common/identity.js';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';
import { History } from '../conversations/history.js';
import { ReadMarks, unreadCount } from '../conversations/read-marks.js';
import { fromMoment, toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { NotificationView, ReadAnswer, ReadRequest } from './dto/notifications.dto.js';

interface Row {
  id: number;
  last_seq: number;
  last_read_seq: number;
  last_message_at: string | Date;
  sender_id: number;
  body: string;
  is_read: number;
}

/** What is new to somebody, chat by chat, and how far they have read. */
@Injectable()
export class NotificationsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly history: History,
    private readonly readMarks: ReadMarks,
  ) {}

  /** One row per chat that has a message: unread ones first, then by the newest message. */
  async list(me: Identity, cursor?: string): Promise<Page<NotificationView>> {
    const [isRead, moment, id] = readCursor(cursor, ['number', 'string', 'number']) ?? [null, null, null];
    const rows = await this.unitOfWork.read.query<Row[]>(
      `SELECT * FROM (
         SELECT c.id, c.last_seq, mine.last_read_seq, c.last_message_at, m.sender_id, m.body,
                CASE WHEN mine.last_read_seq >= c.last_seq THEN 1 ELSE 0 END AS is_read
         FROM members mine
         JOIN conversations c ON c.id = mine.conversation_id
         JOIN messages m ON m.conversation_id = c.id AND m.seq = c.last_seq
         WHERE mine.user_id = ?
       ) AS chats
       WHERE ? IS NULL OR is_read > ? OR (is_read = ? AND (last_message_at < ? OR (last_message_at = ? AND id < ?)))
       ORDER BY is_read, last_message_at DESC, id DESC LIMIT ${LIST_LIMIT + 1}`,
      [me.userId, isRead, isRead, isRead, moment, moment, id],
    );
    const page = toPage(rows, (row) => [row.is_read, toMoment(fromMoment(row.last_message_at)), row.id]);
    return { ...page, rows: page.rows.map(toView) };
  }

  /** Moves the caller's read mark in a chat. @throws NotFound where they are not in it */
  async read(me: Identity, { chat_room_id: roomId, seq }: ReadRequest): Promise<ReadAnswer> {
    await this.history.assertMember('room', roomId, me.userId);
    const mark = await this.readMarks.advance(roomId, me.userId, seq ?? undefined);
    return { chat_room_id: roomId, last_read_seq: mark.lastReadSeq, unread_count: unreadCount(mark) };
  }
}

const toView = (row: Row): NotificationView => ({
  chat_type: 'room',
  chat_room_id: row.id,
  user_id: row.sender_id,
  unread_count: unreadCount({ lastSeq: row.last_seq, lastReadSeq: row.last_read_seq }),
  is_read: row.is_read === 1,
  last_seq: row.last_seq,
  last_read_seq: row.last_read_seq,
  message: row.body,
  timestamp: fromMoment(row.last_message_at).toISOString(),
});
