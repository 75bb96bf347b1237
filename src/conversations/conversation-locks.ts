import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from 'typeorm';
import { Backoff } from '../common/timing/backoff.js';
import { chunks } from '../database/chunks.js';
import { forUpdate, inIds } from '../database/dialect.js';
import { type HeldRow, lockFree, lockRow, RowHeld } from '../database/row-locks.js';
import type { ConversationKind } from './conversation.entity.js';

/*
 * A transaction that numbers messages or changes, or changes who is a member, locks the rows of the chats first, by these functions, and
 * then those of their members. Where another transaction holds a row, it begins anew once the row is free: see `RowHeld`.
 */

/**
 * A transaction that needs many chats keeps those that are free, and tries the others again, for less than a tenth of a second: of many
 * chats, some are always in a batch of messages, and only for a moment.
 */
const MOST_TRIES = 12;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 8;
/** Chats of one statement. */
const AT_ONCE = 1_000;

/** A chat's row, locked until the commit. */
export interface LockedConversation {
  id: number;
  kind: ConversationKind;
  last_seq: number;
  last_change: number | null;
  last_message_at: string | Date | null;
}

const COLUMNS = 'id, kind, last_seq, last_change, last_message_at';

export const conversationRow = (id: number): HeldRow => ({
  table: 'conversations',
  where: 'id = ?',
  values: [id],
  lock: 'update',
});

/** Locks those of these chats that are free; `held` are those that another transaction holds. `ids` must be in order, and not empty. */
export async function lockFreeConversations(
  tx: EntityManager,
  ids: readonly number[],
): Promise<{ free: LockedConversation[]; held: LockedConversation[] }> {
  const { sql, values } = inIds('id', ids);
  const rows = { columns: COLUMNS, table: 'conversations', where: `${sql} ORDER BY id`, values };
  return lockFree<LockedConversation>(tx, rows, ({ id }) => id, 'update', ids.length);
}

/** Locks one chat; undefined where there is none of this kind. */
export async function lockConversation(
  tx: EntityManager,
  id: number,
  kind?: ConversationKind,
): Promise<LockedConversation | undefined> {
  const row = await lockRow<LockedConversation>(tx, { columns: COLUMNS, ...conversationRow(id) });
  return kind === undefined || row?.kind === kind ? row : undefined;
}

/** Locks those of these chats that exist. */
export async function lockConversations(tx: EntityManager, conversationIds: readonly number[]): Promise<void> {
  // SQLite has one writer, and no row locks.
  if (forUpdate(tx) === '') return;
  const sorted = [...new Set(conversationIds)].sort((a, b) => a - b);
  const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  let triesLeft = sorted.length > 1 ? MOST_TRIES : 1;
  for (const some of chunks(sorted, AT_ONCE)) {
    let missing = some;
    while (missing.length > 0) {
      const { held } = await lockFreeConversations(tx, missing);
      missing = held.map(({ id }) => id);
      const [first] = missing;
      if (first === undefined) break;
      if (--triesLeft === 0) throw new RowHeld(conversationRow(first));
      await sleep(backoff.next());
    }
  }
}

/**
 * The same for all chats that a user is a member of: until the transaction ends, nothing is written in them. Chats in `locked` are left
 * out. @returns all that are locked by now
 */
export async function lockConversationsOf(
  tx: EntityManager,
  userId: number,
  locked: ReadonlySet<number> = new Set(),
): Promise<Set<number>> {
  const rows = await tx.query<{ id: number }[]>('SELECT conversation_id AS id FROM members WHERE user_id = ?', [
    userId,
  ]);
  const missing = rows.map(({ id }) => id).filter((id) => !locked.has(id));
  await lockConversations(tx, missing);
  return new Set([...locked, ...missing]);
}

/** A member's row, locked until the commit. */
export interface LockedMember {
  conversation_id: number;
  user_id: number;
  is_in: number;
  last_read_seq: number;
}

/** Locks a member's row; undefined where the user is no member. */
export async function lockMember(
  tx: EntityManager,
  conversationId: number,
  userId: number,
): Promise<LockedMember | undefined> {
  const [row] = await lockMembers(tx, 'conversation_id = ? AND user_id = ?', [conversationId, userId], 1);
  return row;
}

/**
 * Locks the members' rows of these conditions, and returns them.
 * @param count of the rows, where it is known: where so many are free, it is not asked which are held
 */
export async function lockMembers(
  tx: EntityManager,
  where: string,
  values: readonly number[],
  count?: number,
): Promise<LockedMember[]> {
  const rows = { columns: 'conversation_id, user_id, is_in, last_read_seq', table: 'members', where, values };
  const key = ({ conversation_id, user_id }: LockedMember): string => `${conversation_id} ${user_id}`;
  const { free, held } = await lockFree<LockedMember>(tx, rows, key, 'update', count);
  const [first] = held;
  if (!first) return free;
  const one = { where: 'conversation_id = ? AND user_id = ?', values: [first.conversation_id, first.user_id] };
  throw new RowHeld({ table: 'members', ...one, lock: 'update' });
}
