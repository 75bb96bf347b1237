import type { EntityManager } from 'typeorm';
import { fromMoment, inTuples } from '../database/dialect.js';
import { lockConversations } from './conversation-locks.js';
import { type Entry, isFresh, type Written } from './draft.js';

/**
 * Whether a batch whose COMMIT was not answered is stored: all of it or nothing, so one of its rows is enough. One of each chat is
 * looked for, since a chat may have been deleted meanwhile.
 */
export async function isCommitted(tx: EntityManager, entries: Entry[]): Promise<boolean> {
  const written = new Map<number, Written>();
  for (const entry of entries.filter(isFresh)) written.set(entry.conversationId, entry);
  if (written.size === 0) return true;
  const ids = [...written.keys()].sort((a, b) => a - b);
  // The server may still be committing: its locks are gone only when it has decided.
  await lockConversations(tx, ids);
  const { sql, values } = inTuples(
    tx,
    'conversation_id, seq',
    [...written].map(([id, { stored }]) => [id, stored.seq]),
  );
  const rows = await tx.query<
    {
      conversation_id: number;
      body: string;
      sender_id: number;
      client_id: string | null;
      created_at: string | Date;
      edited_at: string | Date | null;
      deleted_at: string | Date | null;
    }[]
  >(
    `SELECT conversation_id, body, sender_id, client_id, created_at, edited_at, deleted_at FROM messages WHERE ${sql}`,
    values,
  );
  return rows.some((row) => {
    const entry = written.get(row.conversation_id);
    if (!entry) return false;
    const { draft, stored } = entry;
    return (
      row.sender_id === draft.sender.userId &&
      row.client_id === (draft.clientId ?? null) &&
      (row.body === draft.body || row.edited_at !== null || row.deleted_at !== null) &&
      fromMoment(row.created_at).getTime() === stored.timestamp.getTime()
    );
  });
}
