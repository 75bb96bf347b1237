import { strict as assert } from 'node:assert';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { type ChatSocket, next, type Person } from './client.js';

const Sqlite = sqliteDriver();

/** Where messages go: a room with somebody, or a group. */
export type Chat = { with: Person } | { group: number };

/** One time that a message was sent. `order` counts all of them. */
interface Attempt {
  order: number;
  outcome: 'stored' | 'not stored' | 'unknown';
}

interface Place {
  chatId: number;
  seq: number;
  timestamp: string;
}

interface Line {
  sender: Person;
  chat: Chat;
  text: string;
  clientId: string;
  attempts: Attempt[];
  place?: Place;
}

export interface StoredRow {
  conversation_id: number;
  seq: number;
  sender_id: number;
  body: string;
  client_id: string | null;
}

const range = (to: number): number[] => Array.from({ length: to }, (_, i) => i + 1);

/** As long as any message may take, with the database away for a while. */
const ANSWER_WITHIN_MS = 45_000;

/**
 * What people sent and what they were told: every message that was acknowledged is stored exactly once, under the number that the
 * acknowledgement named, no number is missing or doubled, nothing is there that nobody sent, and whatever was not acknowledged can
 * be sent again. The one place that says so, for all tests that break something.
 */
export class Ledger {
  /** Messages that were acknowledged, and refusals by code; 'no answer' where the connection broke first. */
  readonly acknowledged: string[] = [];
  readonly refused = new Map<string, number>();
  private readonly lines: Line[] = [];
  private attempts = 0;
  private isOpen = true;
  private readonly senders: Promise<void>[] = [];

  /** Sends and notes what became of it. */
  async send(socket: ChatSocket, sender: Person, chat: Chat, text?: string): Promise<void> {
    const number = this.lines.length + 1;
    const line: Line = { sender, chat, text: text ?? `message ${number}`, clientId: `id-${number}`, attempts: [] };
    this.lines.push(line);
    await this.attempt(socket, line);
  }

  /** Keeps so many messages of a person in flight, to each chat in turn, until `stop`; over disconnections, too. */
  keepSending(socket: ChatSocket, sender: Person, chats: Chat[], inFlight = 20): void {
    const one = async (lane: number): Promise<void> => {
      for (let turn = lane; this.isOpen; turn++) {
        if (!socket.connected) await sleep(20);
        else await this.send(socket, sender, chats[turn % chats.length]);
      }
    };
    this.senders.push(...range(inFlight).map(one));
  }

  /** Nothing new is sent; resolves when nothing is in flight. */
  async stop(): Promise<void> {
    this.isOpen = false;
    await Promise.all(this.senders.splice(0));
    this.isOpen = true;
  }

  /**
   * Everything once more with its `client_id`, as a client does that does not know; each gets its one true place.
   * @param tries more than one where the database may still be away for moments: then again what has no place yet
   */
  async repeatAll(sockets: Map<Person, ChatSocket>, tries = 1): Promise<void> {
    for (let i = 0; i < this.lines.length; i += 1000) {
      let some = this.lines.slice(i, i + 1000);
      for (let left = tries; left > 0 && some.length > 0; left--) {
        await Promise.all(some.map((line) => this.attempt(sockets.get(line.sender)!, line)));
        some = some.filter(({ place }) => !place);
      }
    }
    assert.deepEqual(
      this.lines.filter(({ place }) => !place).map(({ text }) => text),
      [],
    );
  }

  /** Compares what was told with what the database holds. */
  async checkStored(env: Record<string, string>): Promise<Map<number, StoredRow[]>> {
    const rows = await storedRows(env);
    const byClientId = new Map(rows.map((row) => [`${row.sender_id} ${row.client_id}`, row]));
    // Each client_id is one line's: nothing is there twice, and nothing that was not sent.
    assert.equal(byClientId.size, rows.length);
    const lines = new Map(this.lines.map((line) => [`${line.sender.id} ${line.clientId}`, line]));
    assert.deepEqual(
      rows.filter((row) => lines.get(`${row.sender_id} ${row.client_id}`)?.text !== row.body),
      [],
    );
    for (const { place, sender, clientId } of this.lines) {
      if (!place) continue;
      const row = byClientId.get(`${sender.id} ${clientId}`);
      assert.deepEqual([clientId, row?.conversation_id, row?.seq], [clientId, place.chatId, place.seq]);
    }
    const chats = groupBy(rows, (row) => row.conversation_id);
    for (const stored of chats.values()) {
      assert.deepEqual(
        stored.map(({ seq }) => seq),
        range(stored.length),
      );
      for (const mine of groupBy(stored, (row) => row.sender_id).values()) this.checkOrder(mine, lines);
    }
    return chats;
  }

  /** Everybody else's view: whoever reads the chats from the beginning gets what is stored, with the times that were acknowledged. */
  private async checkShown(chats: Map<number, StoredRow[]>, people: Person[]): Promise<void> {
    for (const [chatId, stored] of chats) {
      const shown = await wholeHistory(people, chatId, this.isGroup(chatId));
      assert.deepEqual(
        shown.map(({ seq, user_id, message }) => [seq, user_id, message]),
        stored.map(({ seq, sender_id, body }) => [seq, sender_id, body]),
      );
      // Text compares as time does.
      for (let i = 1; i < shown.length; i++) assert(shown[i].timestamp > shown[i - 1].timestamp, `times rise at ${i}`);
      for (const { place, text } of this.lines)
        if (place?.chatId === chatId) assert.equal(shown[place.seq - 1].timestamp, place.timestamp, text);
    }
  }

  /** Breaks are over: checks, repeats everything, and checks that now all of it is there, once. */
  async settle(env: Record<string, string>, sockets: Map<Person, ChatSocket>, tries?: number): Promise<void> {
    await this.stop();
    await this.checkStored(env);
    await this.repeatAll(sockets, tries);
    const chats = await this.checkStored(env);
    assert.equal([...chats.values()].flat().length, this.lines.length);
    await this.checkShown(chats, [...sockets.keys()]);
  }

  private isGroup(chatId: number): boolean {
    return this.lines.some(({ chat }) => 'group' in chat && chat.group === chatId);
  }

  private async attempt(socket: ChatSocket, line: Line): Promise<void> {
    const attempt: Attempt = { order: this.attempts++, outcome: 'unknown' };
    line.attempts.push(attempt);
    const { chat, text, clientId } = line;
    const target =
      'group' in chat
        ? { chat_type: 'group', chat_group_id: chat.group }
        : { chat_type: 'room', other_user_id: chat.with.id };
    const answer: any = await (socket as any)
      .timeout(ANSWER_WITHIN_MS)
      .emitWithAck('message', { ...target, message: text, client_id: clientId })
      .catch(() => undefined);
    if (answer?.ok) {
      attempt.outcome = 'stored';
      const place = {
        chatId: answer.chat_room_id ?? answer.chat_group_id,
        seq: answer.seq,
        timestamp: answer.timestamp,
      };
      // Whoever asks again is told the same.
      if (line.place) assert.deepEqual(place, line.place);
      line.place = place;
      this.acknowledged.push(clientId);
      return;
    }
    const code: string = answer?.error.code ?? 'no answer';
    if (code === 'busy') attempt.outcome = 'not stored';
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
    // Nobody hurries where the server is in trouble.
    await sleep(250);
  }

  /**
   * One sender's messages of one chat stand in the order in which they were sent. Where a message was sent several times, it may be
   * any of them that was stored, up to the first that was acknowledged.
   */
  private checkOrder(stored: StoredRow[], lines: Map<string, Line>): void {
    let last = -1;
    for (const { sender_id, client_id, body } of stored) {
      const { attempts } = lines.get(`${sender_id} ${client_id}`)!;
      const until = attempts.findIndex(({ outcome }) => outcome === 'stored');
      const possible = attempts
        .slice(0, until === -1 ? undefined : until + 1)
        .filter(({ outcome }) => outcome !== 'not stored');
      const order = possible.map((attempt) => attempt.order).find((one) => one > last);
      assert(order !== undefined, `${body} stands where its sender put it`);
      last = order!;
    }
  }
}

function groupBy<T>(rows: T[], key: (row: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) if (!groups.get(key(row))?.push(row)) groups.set(key(row), [row]);
  return groups;
}

/** Every page from the first message on, as somebody who has nothing yet reads it. */
export async function wholeHistory(people: Person[], chatId: number, isGroup: boolean): Promise<any[]> {
  const path = `/http/${isGroup ? 'chat_groups' : 'chat_rooms'}/${chatId}`;
  for (const person of people) {
    const history: any[] = [];
    for (;;) {
      const { status, body } = await person.get(`${path}?after=${history.length}`);
      // Not theirs.
      if (status === 404) break;
      assert.equal(status, 200);
      if (body.length === 0) return history;
      history.push(...body);
    }
  }
  throw new Error(`nobody may read chat ${chatId}`);
}

/** What the database holds, past the server. */
export async function storedRows(env: Record<string, string>): Promise<StoredRow[]> {
  const sql = 'SELECT conversation_id, seq, sender_id, body, client_id FROM messages ORDER BY conversation_id, seq';
  if (!env['DATABASE_URL']) {
    const file = new Sqlite(join(env['DATA_DIR'], 'parley.sqlite'), { readonly: true });
    try {
      return file.prepare<[], StoredRow>(sql).all();
    } finally {
      file.close();
    }
  }
  const connection = await createConnection(env['DATABASE_URL']);
  try {
    return (await connection.query(sql))[0] as unknown as StoredRow[];
  } finally {
    await connection.end();
  }
}

/** Waits until a stock client that comes back by itself is back. */
export const back = (socket: ChatSocket): Promise<unknown> =>
  socket.connected ? Promise.resolve() : next(socket, 'connect');
