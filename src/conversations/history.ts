import { Injectable } from '@nestjs/common';
import { Invalid, NotFound } from '../common/errors.js';
import { MAX_ID } from '../common/fields.js';
import { toMoment } from '../database/dialect.js';
import { onlyRow } from '../database/only-row.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { ConversationKind } from './conversation.entity.js';
import { messageColumns, type MessageRow, type MessageView } from './message.view.js';
import { viewsOf } from './message-views.js';
import { PAGE_LIMIT, type PageQuery, parseUntil } from './page.dto.js';
import { readOwnReactions, withOwnReactions } from './reactions/reaction-rows.js';
import { type PagePlace, SharedPages } from './shared-pages.js';

/** SQL: the number of the newest message, or a given one (bound twice) where that is smaller. */
const LAST_UP_TO = 'CASE WHEN c.last_seq < ? THEN c.last_seq ELSE ? END';

/** No user has this id. */
const NOBODY = 0;

const sizeOf = ({ limit }: PageQuery): number => Math.min(limit ?? PAGE_LIMIT, PAGE_LIMIT);

/** @throws Invalid */
function assertOneCursor(query: PageQuery): void {
  const { limit: _, ...cursors } = query;
  const names = Object.entries(cursors).flatMap(([name, value]) => (value == null ? [] : name));
  if (names.length <= 1) return;
  const fields = Object.fromEntries(names.map((name) => [name, ['excludes the others']]));
  throw new Invalid(`Send one of ${names.join(', ')}.`, fields);
}

/** Whether the page is told by the numbers of its messages, and so the same whenever they are. */
const isRange = ({ until, changes_after }: PageQuery): boolean => until == null && changes_after == null;

/** A chat that the caller may read, as it was at the time of the request. */
export interface ReadableChat {
  id: number;
  lastSeq: number;
  /** Number of its latest change; 0 before the first. Where it is left out, the page is read anew. */
  lastChange?: number;
}

/** The messages of a chat, page by page. */
@Injectable()
export class History {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly sharedPages: SharedPages,
  ) {}

  /** The user is a member of this chat, and it is of this kind. @throws NotFound, the same for a chat that does not exist */
  async assertMember(kind: ConversationKind, conversationId: number, userId: number): Promise<ReadableChat> {
    const [found] = await this.unitOfWork.read.query<{ last_seq: number; last_change: number | null }[]>(
      `SELECT c.last_seq, c.last_change FROM members m JOIN conversations c ON c.id = m.conversation_id
       WHERE m.conversation_id = ? AND m.user_id = ? AND c.kind = ?`,
      [conversationId, userId, kind],
    );
    if (!found) throw new NotFound(`chat ${kind}`);
    return { id: conversationId, lastSeq: found.last_seq, lastChange: found.last_change ?? 0 };
  }

  /**
   * A page of a chat for a member. Membership is checked by the same statement: a member who is removed at this moment reads all of it or
   * nothing. @throws Invalid; NotFound, the same for a chat that does not exist
   */
  async pageFor(
    userId: number,
    kind: ConversationKind,
    conversationId: number,
    query: PageQuery,
  ): Promise<readonly MessageView[]> {
    assertOneCursor(query);
    const { before, after } = query;
    if (!isRange(query) || this.sharedPages.isAskedAgain(conversationId, query))
      return this.page(await this.assertMember(kind, conversationId, userId), query, userId);
    const size = sizeOf(query);
    const last = before == null ? MAX_ID : before - 1;
    const { within, values } =
      after != null
        ? { within: 'm.seq > ? AND m.seq <= ?', values: [after, after + size] }
        : {
            // The rows of `members` and `conversations` are found by their keys, so that this is a range to every database.
            within: `m.seq > ${LAST_UP_TO} - ? AND m.seq <= ${LAST_UP_TO}`,
            values: [last, last, size, last, last],
          };
    const rows = await this.unitOfWork.read.query<MessageRow[]>(
      `SELECT ${messageColumns('m')} FROM members mine
       JOIN conversations c ON c.id = mine.conversation_id
       JOIN messages m ON m.conversation_id = c.id
       WHERE mine.conversation_id = ? AND mine.user_id = ? AND c.kind = ? AND ${within} ORDER BY m.seq`,
      [conversationId, userId, kind, ...values],
    );
    // An empty page, or no member.
    if (rows.length === 0) await this.assertMember(kind, conversationId, userId);
    return viewsOf(this.unitOfWork.read, conversationId, userId, rows);
  }

  /**
   * At most 100 messages, oldest first, or with `changes_after` in the order of their changes. Costs the same wherever in the chat they stand.
   * @param readerId whose own reactions are marked; nobody's, where it is left out
   * @throws Invalid
   */
  async page(chat: ReadableChat, query: PageQuery, readerId = NOBODY): Promise<readonly MessageView[]> {
    assertOneCursor(query);
    const { read } = this.unitOfWork;
    const size = sizeOf(query);
    if (query.changes_after != null)
      return viewsOf(read, chat.id, readerId, await this.changes(chat.id, query.changes_after, size));
    const [from, to] = await this.ends(chat, query, size);
    if (to < from) return [];
    const { id, lastChange } = chat;
    if (lastChange !== undefined && isRange(query) && this.sharedPages.isAskedAgain(id, query))
      return this.shared({ conversationId: id, from, to, lastChange }, readerId);
    return viewsOf(read, id, readerId, await this.range(id, from, to));
  }

  /** The page is the same for all but those who have reacted to something on it. */
  private async shared(place: PagePlace, readerId: number): Promise<readonly MessageView[]> {
    const { read } = this.unitOfWork;
    const { conversationId, from, to } = place;
    const { views, hasReactions } = await this.sharedPages.page(place, async () => {
      const page = await viewsOf(read, conversationId, NOBODY, await this.range(conversationId, from, to));
      return { views: page, hasReactions: page.some(({ reactions }) => reactions) };
    });
    return hasReactions && readerId !== NOBODY
      ? withOwnReactions(views, await readOwnReactions(read, readerId, conversationId, from, to))
      : views;
  }

  /** The first and the last message of a page; the last comes before the first where it is empty. */
  private async ends(chat: ReadableChat, query: PageQuery, size: number): Promise<[from: number, to: number]> {
    const { until, before, after } = query;
    // Nothing newer than at the check of the membership: a member who is removed at this moment reads no further.
    if (after != null) return [after + 1, Math.min(after + size, chat.lastSeq)];
    const last = until == null ? (before ?? chat.lastSeq + 1) - 1 : await this.lastBefore(chat, parseUntil(until)!);
    const end = Math.min(last, chat.lastSeq);
    return [Math.max(end - size + 1, 1), end];
  }

  /**
   * Numbers have no gaps, so a page is a range of them, and no more rows are read than are shown. (With ORDER BY and LIMIT instead,
   * MariaDB may well walk through everything that is newer.)
   */
  private range(conversationId: number, from: number, to: number): Promise<MessageRow[]> {
    return this.unitOfWork.read.query<MessageRow[]>(
      `SELECT ${messageColumns('messages')} FROM messages
       WHERE conversation_id = ? AND seq BETWEEN ? AND ? ORDER BY seq`,
      [conversationId, from, to],
    );
  }

  /**
   * Messages whose latest change is newer than a change, as they are now. One statement, so that no change comes in between; the
   * numbers first, from a table of their own, so that no database plans to walk through the messages.
   */
  private changes(conversationId: number, after: number, size: number): Promise<MessageRow[]> {
    return this.unitOfWork.read.query<MessageRow[]>(
      `SELECT ${messageColumns('m')} FROM (
         SELECT change_seq, seq FROM message_changes
         WHERE conversation_id = ? AND change_seq > ? ORDER BY change_seq LIMIT ${size}
       ) AS changed
       JOIN messages m ON m.conversation_id = ? AND m.seq = changed.seq
       ORDER BY changed.change_seq`,
      [conversationId, after, conversationId],
    );
  }

  /**
   * The number of the last message before a moment; 0 where there is none. Times rise with the numbers, so a binary search finds it among a
   * million messages in some twenty look-ups by primary key. (An index of times would cost each message.)
   */
  private async lastBefore({ id, lastSeq }: ReadableChat, moment: Date): Promise<number> {
    const time = toMoment(moment);
    const rows = await this.unitOfWork.read.query<{ seq: number | string }[]>(
      // The message at `low` is before the moment, those above `high` are not.
      `WITH RECURSIVE search (low, high) AS (
         SELECT CAST(0 AS SIGNED), CAST(? AS SIGNED)
         UNION ALL
         SELECT CASE WHEN m.created_at < ? THEN m.seq ELSE low END, CASE WHEN m.created_at < ? THEN high ELSE m.seq - 1 END
         FROM search JOIN messages m ON m.conversation_id = ? AND m.seq = (low + high + 1) >> 1
         WHERE low < high
       ) SELECT MAX(low) AS seq FROM search`,
      [lastSeq, time, time, id],
    );
    return Number(onlyRow(rows).seq);
  }
}
