import { createConnection } from 'mysql2/promise';
import { Recount } from '../support/recount.js';
import type { Actor } from './people.js';
import type { Record } from './record.js';

type View = globalThis.Record<string, any>;

/** What is not as it must be of replies, mentions and reactions, in words: in the rows, of what was acknowledged, and in what people are shown. */
export async function wrongBeside(url: string, record: Record, actors: readonly Actor[]): Promise<string[]> {
  const connection = await createConnection({ uri: url, timezone: 'Z' });
  const wrong: string[] = [];
  try {
    const recount = await Recount.of(async (sql) => (await connection.query(sql))[0] as any[]);
    for (const { by, conversationId, seq, emoji, isOn, mayComeLate } of record.reactions) {
      const isThere = recount.hasReacted({ conversation_id: conversationId, seq }, by.id, emoji);
      if (isOn === undefined || isThere === undefined || isThere === isOn || mayComeLate.has(isThere)) continue;
      wrong.push(`${by.name}'s ${emoji} at ${seq} of ${conversationId} was set to ${isOn}, and is ${isThere}`);
    }
    for (const actor of actors) await assertShown(actor, recount);
  } catch (error) {
    wrong.push(String(error));
  } finally {
    await connection.end();
  }
  return wrong;
}

async function assertShown(actor: Actor, recount: Recount): Promise<void> {
  for (const list of ['chat_rooms', 'chat_groups'])
    for (const row of (await actor.ask('GET', `/http/${list}`)).body as View[]) {
      const { id, last_read_seq, unread_mentions = 0, last_message, is_member } = row as View & { id: number };
      if (is_member === false) continue;
      const counted = recount.unreadMentions(id, actor.id, last_read_seq);
      if (unread_mentions !== counted)
        throw new Error(`${actor.name} is told of ${unread_mentions} unread mentions in ${id}, where ${counted} are`);
      if (last_message) recount.assertView(id, actor.id, last_message);
      for (const view of (await actor.ask('GET', `/http/${list}/${id}?after=0`)).body as View[])
        recount.assertView(id, actor.id, view);
    }
}
