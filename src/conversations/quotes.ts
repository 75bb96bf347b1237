import type { EntityManager } from 'typeorm';
import { chunks } from '../database/chunks.js';
import { inTuples } from '../database/dialect.js';
import type { QuotedMessage } from '../domain-events/message-extras.js';
import { parseExtras } from './extras.js';

/** Most characters (code points) of a message that a quote shows. */
export const QUOTE_LENGTH = 200;

/*
 * A reply stores the number of the message that it answers, and nothing of its text: the quote is read whenever the reply is shown, so that
 * what was edited or deleted is gone from all quotes at once.
 */

/** Quotes by the place of the message that they quote. */
export type Quotes = ReadonlyMap<string, QuotedMessage>;

/** A message's row, as far as it may be a reply. */
interface MaybeReply {
  extras: string | null;
}

const placeOf = (conversationId: number, seq: number): string => `${conversationId}:${seq}`;

/** The quotes that messages of one chat show; by one statement, and by none where none of them is a reply. */
export const quotesIn = (
  manager: EntityManager,
  conversationId: number,
  rows: readonly MaybeReply[],
): Promise<Quotes> =>
  readQuotes(
    manager,
    rows.flatMap((row) => answeredBy(conversationId, row)),
  );

/** The same for messages of many chats, the newest of each, say. */
export const quotesOfChats = (
  manager: EntityManager,
  rows: readonly (MaybeReply & { id: number })[],
): Promise<Quotes> =>
  readQuotes(
    manager,
    rows.flatMap((row) => answeredBy(row.id, row)),
  );

/** The quote that a message shows; undefined where it is no reply. */
export function quoteOf(quotes: Quotes, conversationId: number, row: MaybeReply): QuotedMessage | undefined {
  const [place] = answeredBy(conversationId, row);
  return place && quoteAt(quotes, ...place);
}

/** The place of the message that a message answers; empty where it answers none. */
function answeredBy(conversationId: number, { extras }: MaybeReply): [number, number][] {
  const seq = parseExtras(extras)?.reply_to;
  return seq === undefined ? [] : [[conversationId, seq]];
}

export const quoteAt = (quotes: Quotes, conversationId: number, seq: number): QuotedMessage | undefined =>
  quotes.get(placeOf(conversationId, seq));

/** The quotes of messages at these places, each a chat and a number; those that do not exist are missing. */
export async function readQuotes(manager: EntityManager, places: readonly [number, number][]): Promise<Quotes> {
  const quotes = new Map<string, QuotedMessage>();
  const different = new Map(places.map((place) => [placeOf(...place), place]));
  for (const some of chunks([...different.values()])) {
    const { sql, values } = inTuples(manager, 'conversation_id, seq', some);
    const rows = await manager.query<QuotedRow[]>(
      `SELECT conversation_id, seq, sender_id, body, change_seq, deleted_at FROM messages WHERE ${sql}`,
      values,
    );
    for (const row of rows) quotes.set(placeOf(row.conversation_id, row.seq), toQuote(row));
  }
  return quotes;
}

interface QuotedRow {
  conversation_id: number;
  seq: number;
  sender_id: number;
  body: string;
  change_seq: number | null;
  deleted_at: string | Date | null;
}

const toQuote = ({ seq, sender_id, body, change_seq, deleted_at }: QuotedRow): QuotedMessage => ({
  seq,
  user_id: sender_id,
  message: cut(body),
  ...(deleted_at !== null && { deleted: true as const }),
  ...(change_seq !== null && { change: change_seq }),
});

/** The beginning of a text. Here, since SQLite's `substr` ends at a U+0000. */
export const cut = (text: string): string =>
  text.length <= QUOTE_LENGTH
    ? text
    : Array.from(text.slice(0, 2 * QUOTE_LENGTH))
        .slice(0, QUOTE_LENGTH)
        .join('');
