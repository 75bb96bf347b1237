import type { EntityManager } from 'typeorm';
import { type MessageRow, type MessageView, toMessageView } from './message.view.js';
import { quoteOf, quotesOfChats } from './quotes.js';
import { readReactions } from './reactions/reaction-rows.js';

/** The view of a message of a chat. */
export type ViewOf = (conversationId: number, row: MessageRow) => MessageView;

/** Messages of one chat as a user sees them. @param readerId whose own reactions are marked */
export async function viewsOf(
  manager: EntityManager,
  conversationId: number,
  readerId: number,
  rows: readonly MessageRow[],
): Promise<MessageView[]> {
  const viewOf = await readViews(
    manager,
    readerId,
    rows.map((row) => [conversationId, row]),
  );
  return rows.map((row) => viewOf(conversationId, row));
}

/**
 * Reads what of messages does not stand in their rows: the quotes of those that are replies, and the reactions. One statement each for all the
 * messages, and none where none of them is a reply, or none was ever changed.
 * @param messages each with the id of its chat
 * @returns the view of any of them
 */
export async function readViews(
  manager: EntityManager,
  readerId: number,
  messages: readonly (readonly [conversationId: number, row: MessageRow])[],
): Promise<ViewOf> {
  const quotes = await quotesOfChats(
    manager,
    messages.map(([id, { extras }]) => ({ id, extras })),
  );
  const reactionsOf = await readReactions(
    manager,
    readerId,
    messages.map(([conversationId, { seq, change_seq, deleted_at }]) => ({
      conversationId,
      seq,
      change_seq,
      deleted_at,
    })),
  );
  return (id, row) => toMessageView(row, quoteOf(quotes, id, row), reactionsOf(id, row.seq));
}
