import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { eventually } from '../support/client.js';
import { botOf, groupOf, roomOf } from './record.js';

/** After the last fault: what a dead node had begun goes on within 15 s, one question of a user after the other. */
const ANSWERED_WITHIN_MS = 120_000;

/** The bot as a sender. */
export const BOT = 0;

/** A message as a client that holds the whole chat shows it. */
export interface ShownRow {
  seq: number | undefined;
  text: string;
  isDeleted: boolean;
  /** The text that it quotes. */
  quoted: string | undefined;
  /** `<emoji> <how many>`, sorted. */
  reactions: string[];
}

export interface Row extends ShownRow {
  chat: string;
  seq: number;
  sender: number;
  clientId: string | null;
  at: number;
  /** The number of the message that it answers. */
  replyTo: number | undefined;
}

/** What is stored, by chat. */
export async function storedIn(url: string): Promise<{ chats: Map<string, Row[]>; wrong: string[] }> {
  const connection = await createConnection({ uri: url, timezone: 'Z' });
  const query = async <T>(sql: string): Promise<T[]> => (await connection.query<(T & RowDataPacket)[]>(sql))[0];
  try {
    const chats = new Map<string, Row[]>();
    const wrong: string[] = [];
    await eventually(
      async () => (await query<{ n: number }>('SELECT COUNT(*) AS n FROM bot_questions'))[0].n === 0 || undefined,
      'the answers of the bot',
      ANSWERED_WITHIN_MS,
    ).catch((error: unknown) => wrong.push(String(error)));
    const names = new Map<number, string>();
    for (const one of await query<{ id: number; user_low: number; user_high: number }>(
      'SELECT conversation_id AS id, user_low, user_high FROM chat_rooms',
    ))
      names.set(one.id, roomOf(one.user_low, one.user_high));
    for (const { id, member_count, members } of await query<{ id: number; member_count: number; members: number }>(
      `SELECT g.conversation_id AS id, g.member_count, (SELECT COUNT(*) FROM members m WHERE m.conversation_id = g.conversation_id) AS members
       FROM chat_groups g`,
    )) {
      names.set(id, groupOf(id));
      if (member_count !== members)
        wrong.push(`${groupOf(id)} says that it has ${member_count} members, and has ${members}`);
    }
    for (const { id, user_id } of await query<{ id: number; user_id: number }>(
      'SELECT conversation_id AS id, user_id FROM bot_chats',
    ))
      names.set(id, botOf(user_id));
    for (const name of names.values()) chats.set(name, []);
    const reactions = new Map<string, string[]>();
    for (const { conversation_id, seq, emoji, total } of await query<{
      conversation_id: number;
      seq: number;
      emoji: string;
      total: number;
    }>('SELECT * FROM reaction_totals')) {
      const key = `${conversation_id}:${seq}`;
      reactions.set(key, [...(reactions.get(key) ?? []), `${emoji} ${total}`].sort());
    }
    for (const one of await query<{
      conversation_id: number;
      seq: number;
      sender_id: number;
      body: string;
      client_id: string | null;
      created_at: Date;
      deleted_at: Date | null;
      extras: string | null;
    }>('SELECT * FROM messages ORDER BY conversation_id, seq')) {
      const chat = names.get(one.conversation_id) ?? 'another chat';
      chats.get(chat)?.push({
        chat,
        seq: one.seq,
        sender: one.sender_id,
        text: one.body,
        clientId: one.client_id,
        at: one.created_at.getTime(),
        isDeleted: one.deleted_at !== null,
        replyTo: one.extras === null ? undefined : (JSON.parse(one.extras) as { reply_to?: number }).reply_to,
        quoted: undefined,
        reactions: reactions.get(`${one.conversation_id}:${one.seq}`) ?? [],
      });
    }
    for (const rows of chats.values())
      for (const row of rows) if (row.replyTo !== undefined) row.quoted = rows[row.replyTo - 1].text;
    const ends = await query<{
      id: number;
      last_seq: number;
      first: number | null;
      last: number | null;
      count: number;
    }>(
      `SELECT c.id, c.last_seq, MIN(m.seq) AS first, MAX(m.seq) AS last, COUNT(m.seq) AS count
       FROM conversations c LEFT JOIN messages m ON m.conversation_id = c.id GROUP BY c.id, c.last_seq`,
    );
    for (const { id, last_seq, first, last, count } of ends)
      if ((last ?? 0) !== last_seq || count !== last_seq || (count > 0 && first !== 1))
        wrong.push(`${names.get(id)} has ${count} messages from ${first} to ${last}, and says ${last_seq}`);
    const marks = await query<{ n: number }>(
      'SELECT COUNT(*) AS n FROM members m JOIN conversations c ON c.id = m.conversation_id WHERE m.last_read_seq > c.last_seq',
    );
    if (marks[0].n > 0) wrong.push(`${marks[0].n} members have read what is not there`);
    return { chats, wrong };
  } finally {
    await connection.end();
  }
}
