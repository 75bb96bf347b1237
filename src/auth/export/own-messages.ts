import type { EntityManager } from 'typeorm';
import { chunks } from '../../database/chunks.js';
import { inIds, momentToIso } from '../../database/dialect.js';
import { parseExtras } from '../../conversations/extras.js';
import { rowPages } from './row-pages.js';

/** Messages whose texts are in memory at a time: at most some megabytes. */
const TEXTS_AT_ONCE = 100;
/** Numbers of a chat that are looked through at a time: so many of them at most are in memory, however many messages somebody has written. */
const WINDOW = 500_000;

interface MessageRow {
  seq: number;
  body: string;
  created_at: string | Date;
  extras: string | null;
  edited_at: string | Date | null;
  deleted_at: unknown;
}

interface Place {
  client_id: string;
  seq: number;
}

/** A chat that somebody is in, or was. */
export interface OwnChat {
  id: number;
  last_seq: number;
}

/** Chats that somebody may have written to: those they are in, and groups that they have left or were removed from. */
export const ownChats = (read: EntityManager, userId: number): AsyncGenerator<OwnChat[]> =>
  rowPages((last, size) => {
    const after = last?.id ?? 0;
    const of = (table: string) =>
      `SELECT conversation_id AS id FROM ${table} WHERE user_id = ? AND conversation_id > ?`;
    const all = ['members', 'group_departures', 'group_removals'].map(of).join(' UNION ');
    return read.query<OwnChat[]>(
      `SELECT mine.id, c.last_seq FROM (${all}) mine JOIN conversations c ON c.id = mine.id ORDER BY mine.id LIMIT ${size}`,
      [userId, after, userId, after, userId, after],
    );
  });

/** What somebody has written in a chat, in its order. */
export async function* ownMessages(read: EntityManager, userId: number, chat: OwnChat): AsyncGenerator<object[]> {
  for (let from = 0; from < chat.last_seq; from += WINDOW)
    for (const some of chunks(await ownNumbers(read, userId, chat.id, from), TEXTS_AT_ONCE)) {
      const { sql, values } = inIds('seq', some);
      const rows = await read.query<MessageRow[]>(
        `SELECT seq, body, created_at, extras, edited_at, deleted_at FROM messages
         WHERE conversation_id = ? AND ${sql} ORDER BY seq`,
        [chat.id, ...values],
      );
      yield rows.map((row) => toView(chat.id, row));
    }
}

/**
 * The numbers of somebody's messages behind `from`, in order, up to the end of the window. They are a range of the unique key (chat, sender,
 * client_id), which holds them in the order of `client_id`; with the texts in the same query, the whole chat would be read.
 */
async function ownNumbers(read: EntityManager, userId: number, chatId: number, from: number): Promise<number[]> {
  const own = 'FROM messages WHERE conversation_id = ? AND sender_id = ?';
  const named = rowPages<Place>((last, size) =>
    read.query(`SELECT client_id, seq ${own} AND client_id > ? ORDER BY client_id LIMIT ${size}`, [
      chatId,
      userId,
      last?.client_id ?? '',
    ]),
  );
  const nameless = rowPages<{ seq: number }>((last, size) =>
    read.query(`SELECT seq ${own} AND client_id IS NULL AND seq > ? ORDER BY seq LIMIT ${size}`, [
      chatId,
      userId,
      last?.seq ?? from,
    ]),
  );
  const numbers: number[] = [];
  const keep = (seq: number): void => void (seq > from && seq <= from + WINDOW && numbers.push(seq));
  for await (const page of named) for (const { seq } of page) keep(seq);
  for await (const page of nameless) {
    for (const { seq } of page) keep(seq);
    if (page.at(-1)!.seq > from + WINDOW) break;
  }
  return numbers.sort((a, b) => a - b);
}

const toView = (chatId: number, { seq, body, created_at, extras, edited_at, deleted_at }: MessageRow): object => {
  const replyTo = parseExtras(extras)?.reply_to;
  return {
    chat: chatId,
    seq,
    time: momentToIso(created_at),
    ...(deleted_at === null ? { text: body } : { deleted: true }),
    ...(edited_at !== null && { edited_at: momentToIso(edited_at) }),
    ...(replyTo !== undefined && { reply_to: replyTo }),
  };
};
