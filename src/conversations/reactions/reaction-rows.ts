import type { EntityManager } from 'typeorm';
import { inTuples } from '../../database/dialect.js';
import type { ReactionView } from '../../sockets/events.js';

/** A message of a chat, as far as it says whether there may be reactions to it. */
export interface Reactable {
  conversationId: number;
  seq: number;
  change_seq: number | null;
  deleted_at: string | Date | null;
}

/** The reactions to a message, in the order in which they came to it; empty where there are none. */
export type ReactionsOf = (conversationId: number, seq: number) => readonly ReactionView[];

interface Row {
  conversation_id: number;
  seq: number;
  emoji: string;
  total: number;
  first_change: number;
  reader_id: number | null;
}

const NONE: readonly ReactionView[] = [];
const keyOf = (conversationId: number, seq: number): string => `${conversationId} ${seq}`;

/** In the order in which they came to the message; those of one change by their code units, so that every node shows them alike. */
export const byFirst = (a: { first: number; emoji: string }, b: { first: number; emoji: string }): number =>
  a.first - b.first || (a.emoji < b.emoji ? -1 : 1);

/**
 * The reactions to these messages, by one statement for all of them. Every reaction is a change of its message, so for messages that were
 * never changed the database is not asked; nor for deleted ones, whose reactions are gone.
 * @param readerId whose own are `is_mine`
 */
export async function readReactions(
  manager: EntityManager,
  readerId: number,
  messages: readonly Reactable[],
): Promise<ReactionsOf> {
  const asked = messages.filter(({ change_seq, deleted_at }) => change_seq !== null && deleted_at === null);
  if (asked.length === 0) return () => NONE;
  const { sql, values } = inTuples(
    manager,
    't.conversation_id, t.seq',
    asked.map(({ conversationId, seq }) => [conversationId, seq]),
  );
  const rows = await manager.query<Row[]>(
    `SELECT t.conversation_id, t.seq, t.emoji, t.total, t.first_change, mine.user_id AS reader_id
     FROM reaction_totals t
     LEFT JOIN reactions mine
       ON mine.conversation_id = t.conversation_id AND mine.seq = t.seq AND mine.emoji = t.emoji AND mine.user_id = ?
     WHERE ${sql}`,
    [readerId, ...values],
  );
  const sorted = rows.map((row) => ({ ...row, first: row.first_change })).sort(byFirst);
  const views = new Map<string, ReactionView[]>();
  for (const { conversation_id, seq, emoji, total, reader_id } of sorted) {
    const key = keyOf(conversation_id, seq);
    const view = { emoji, count: total, ...(reader_id !== null && { is_mine: true as const }) };
    const before = views.get(key);
    if (before) before.push(view);
    else views.set(key, [view]);
  }
  return (conversationId, seq) => views.get(keyOf(conversationId, seq)) ?? NONE;
}

/** The emoji with which a user has reacted to messages of a part of a chat, by the numbers of these. @param from with `to`, both included */
export async function readOwnReactions(
  manager: EntityManager,
  readerId: number,
  conversationId: number,
  from: number,
  to: number,
): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const rows = await manager.query<{ seq: number; emoji: string }[]>(
    'SELECT seq, emoji FROM reactions WHERE conversation_id = ? AND user_id = ? AND seq BETWEEN ? AND ?',
    [conversationId, readerId, from, to],
  );
  const own = new Map<number, Set<string>>();
  for (const { seq, emoji } of rows) own.set(seq, (own.get(seq) ?? new Set()).add(emoji));
  return own;
}

/** Messages with a reader's own reactions marked: the same ones where there are none. */
export const withOwnReactions = <M extends { seq: number; reactions?: ReactionView[] }>(
  messages: readonly M[],
  own: ReadonlyMap<number, ReadonlySet<string>>,
): readonly M[] =>
  own.size === 0
    ? messages
    : messages.map((message) => {
        const mine = own.get(message.seq);
        if (!mine || !message.reactions) return message;
        const marked = message.reactions.map((one) => (mine.has(one.emoji) ? { ...one, is_mine: true as const } : one));
        return { ...message, reactions: marked };
      });
