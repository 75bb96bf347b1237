import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { Machinery } from './faults.js';
import { type Actor, groupOf, type Record, roomOf } from './people.js';

/** Longest time for which a node that heard nothing may go on delivering to somebody who was removed: see docs/protocol.md. */
const WINDOW_MS = 6_000;
/** Clocks of the database and of this process are the same; stamps of messages may be some milliseconds ahead. */
const STAMPS_AHEAD_MS = 100;

interface Row {
  chat: string;
  seq: number;
  sender: number;
  text: string;
  clientId: string | null;
  at: number;
  isDeleted: boolean;
}

/** What is stored, by chat. */
async function storedIn(url: string): Promise<{ chats: Map<string, Row[]>; wrong: string[] }> {
  const connection = await createConnection({ uri: url, timezone: 'Z' });
  const query = async <T>(sql: string): Promise<T[]> => (await connection.query<(T & RowDataPacket)[]>(sql))[0];
  try {
    const chats = new Map<string, Row[]>();
    const wrong: string[] = [];
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

const isSameText = (stored: Row, text: string): boolean =>
  stored.isDeleted || stored.text === text || stored.text === `${text} (edited)` || `${stored.text} (edited)` === text;

/** Everything that is not as it must be, in words; nothing where all is well. Once everything is whole again. */
export async function check(
  databaseUrl: string,
  record: Record,
  machinery: Machinery,
  actors: readonly Actor[],
  groups: readonly number[],
): Promise<string[]> {
  const { chats, wrong } = await storedIn(databaseUrl);
  wrong.push(...record.wrong);
  for (const [chat, rows] of chats)
    for (const [i, row] of rows.entries())
      if (i > 0 && row.at < rows[i - 1].at) wrong.push(`${chat}: ${row.seq} is older than the one before it`);

  const byClientId = new Map<string, Row[]>();
  for (const row of [...chats.values()].flat()) {
    if (row.clientId === null) continue;
    const key = `${row.sender} ${row.clientId}`;
    byClientId.set(key, [...(byClientId.get(key) ?? []), row]);
  }
  for (const { by, chat, text, clientId, seq } of record.sent) {
    const rows = byClientId.get(`${by.id} ${clientId}`) ?? [];
    const [row] = rows;
    if (rows.length > 1) wrong.push(`${text} is stored ${rows.length} times`);
    if (seq === undefined) continue;
    if (!row) wrong.push(`${text} was acknowledged as ${seq} of ${chat}, and is not stored`);
    else if (row.seq !== seq || row.chat !== chat || !isSameText(row, text))
      wrong.push(
        `${text} was acknowledged as ${seq} of ${chat}, and is stored as ${row.seq} of ${row.chat}: ${row.text}`,
      );
  }

  for (const { userId, chat, seq, text, at, life } of record.heard) {
    const row = chats.get(chat)?.[seq - 1];
    if (!row || !isSameText(row, text)) {
      wrong.push(`user ${userId} got ${text} as ${seq} of ${chat}, where ${row ? row.text : 'nothing'} is stored`);
      continue;
    }
    const isBanned = record.bans.some(
      (ban) =>
        ban.userId === userId &&
        groupOf(ban.groupId) === chat &&
        row.at > wall(ban.from) + STAMPS_AHEAD_MS &&
        row.at < wall(ban.to),
    );
    const hasEnded = row.at > wall(life.endedAt) + STAMPS_AHEAD_MS;
    if (machinery.wasAmiss(at - WINDOW_MS, at)) continue;
    if (hasEnded) wrong.push(`user ${userId} got ${text} of ${chat} in a session that had ended`);
    if (isBanned) wrong.push(`user ${userId} got ${text} of ${chat} while they were no member of it`);
  }

  for (const actor of actors) {
    for (const groupId of groups)
      await compare(actor, `/http/chat_groups/${groupId}`, chats.get(groupOf(groupId))!, wrong);
    const { body } = (await actor.ask('GET', '/http/chat_rooms')) as {
      body: { id: number; other_user: { id: number } }[];
    };
    for (const { id, other_user } of body)
      await compare(actor, `/http/chat_rooms/${id}`, chats.get(roomOf(actor.id, other_user.id))!, wrong);
  }
  return wrong;
}

/** Whether a history, read page by page from whichever node, is what is stored. */
async function compare(actor: Actor, path: string, rows: readonly Row[], wrong: string[]): Promise<void> {
  const got: { seq: number }[] = [];
  for (let after = 0; ;) {
    const { status, body } = await actor.ask('GET', `${path}?after=${after}`);
    // Whoever is no member of it now finds nothing.
    if (status === 404) return;
    const page = body as { seq: number }[];
    if (page.length === 0) break;
    got.push(...page);
    after = page.at(-1)!.seq;
  }
  const isSame = got.length === rows.length && got.every(({ seq }, i) => seq === rows[i].seq);
  if (!isSame) wrong.push(`${actor.name} finds ${got.length} messages at ${path}, where ${rows.length} are stored`);
}

const wall = (at: number): number => (at === Infinity ? Infinity : performance.timeOrigin + at);
