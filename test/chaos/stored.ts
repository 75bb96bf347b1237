import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { eventually } from '../support/client.js';
import { botOf, groupOf, roomOf } from './record.js';

/** After the last fault: what a dead node had begun goes on within 15 s, one question of a user after the other. */
const ANSWERED_WITHIN_MS = 120_000;

/** The bot as a sender. */
export const BOT = 0;

export interface Row {
  chat: string;
  seq: number;
  sender: number;
  text: string;
  clientId: string | null;
  at: number;
  isDeleted: boolean;
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
    for (const one of await query<{
      conversation_id: number;
      seq: number;
      sender_id: number;
      body: string;
      client_id: string | null;
      created_at: Date;
      deleted_at: Date | null;
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
      });
    }
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
