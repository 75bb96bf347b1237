import type { EntityManager } from 'typeorm';
import { insertRows, toMoment } from '../database/dialect.js';
import { onlyRow } from '../database/only-row.js';
import type { ConversationKind } from './conversation.entity.js';

/**
 * Makes several conversations of one kind at once, inside the caller's transaction, which then gives each its row in `details`.
 * @param details the table whose rows say what conversations of this kind are about, by `conversation_id`
 * @returns their ids
 */
export async function makeConversations(
  tx: EntityManager,
  kind: ConversationKind,
  details: 'chat_rooms' | 'bot_chats',
  count: number,
  now: Date,
): Promise<number[]> {
  const { newest } = onlyRow(
    await tx.query<{ newest: number | string }[]>('SELECT COALESCE(MAX(id), 0) AS newest FROM conversations'),
  );
  const rows = Array.from({ length: count }, () => [kind, 0, null, toMoment(now)]);
  await insertRows(tx, 'conversations', 'kind, last_seq, last_message_at, created_at', rows);
  // Whether the ids of one statement follow each other depends on the server's settings. But only ours have no details yet: those of other
  // transactions become visible together with their details.
  const made = await tx.query<{ id: number }[]>(
    `SELECT c.id FROM conversations c LEFT JOIN ${details} d ON d.conversation_id = c.id
     WHERE c.id > ? AND c.kind = ? AND d.conversation_id IS NULL ORDER BY c.id`,
    [Number(newest), kind],
  );
  if (made.length !== count) throw new Error(`${made.length} conversations were made, and not ${count}.`);
  return made.map(({ id }) => id);
}
