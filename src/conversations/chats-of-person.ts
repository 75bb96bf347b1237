import type { EntityManager } from 'typeorm';
import { forUpdate, placeholders } from '../database/dialect.js';

const AT_ONCE = 1_000;

/**
 * Locks all chats that somebody has a part in, in the order of their ids, as the message log does: until the transaction ends,
 * nobody writes in them. Chats in `locked` are left out; returns all that are locked by now.
 */
export async function lockChatsOf(
  tx: EntityManager,
  userId: number,
  locked: ReadonlySet<number> = new Set(),
): Promise<Set<number>> {
  const rows = await tx.query<{ id: number }[]>('SELECT conversation_id AS id FROM members WHERE user_id = ?', [
    userId,
  ]);
  const missing = rows.map(({ id }) => id).filter((id) => !locked.has(id));
  await lockChats(tx, missing);
  return new Set([...locked, ...missing]);
}

/** Locks these chats in the order of their ids: whoever locks rows of their members comes behind. */
export async function lockChats(tx: EntityManager, chatIds: readonly number[]): Promise<void> {
  // SQLite needs no words for it.
  if (forUpdate(tx) === '') return;
  const sorted = [...new Set(chatIds)].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length; i += AT_ONCE) {
    const ids = sorted.slice(i, i + AT_ONCE);
    await tx.query(`SELECT id FROM conversations WHERE id IN (${placeholders(ids)}) ORDER BY id ${forUpdate(tx)}`, ids);
  }
}
