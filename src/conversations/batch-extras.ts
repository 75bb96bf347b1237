import type { EntityManager } from 'typeorm';
import { NotFound } from '../common/errors.js';
import { chunks } from '../database/chunks.js';
import { insertRows, inTuples, toMoment } from '../database/dialect.js';
import type { Extras, Ignored } from '../domain-events/message-extras.js';
import { blocksAmong } from '../people/blocks.js';
import { pairOf } from '../people/pair.js';
import type { Verdict } from './chat-kind.js';
import { BOT_USER_ID, type Located, type Written } from './draft.js';
import { unlessEmpty } from './extras.js';
import { EVERYONE } from './mention.entity.js';
import { messageGone } from './message-gone.js';
import { type Quotes, quoteAt, readQuotes } from './quotes.js';

/** Rows of one statement: of four values each, and a database takes some 65,000. */
const MENTIONS_PER_STATEMENT = 5_000;

/**
 * Reads what the messages of a batch need that say more than their text: what they answer, and who of those they name is a member. The chats
 * are locked: it stays true until the commit. Plain messages cost no statement.
 *
 * The verdict refuses replies to messages that do not exist or are deleted. Whoever may not be named is left out, and the message is stored all
 * the same: it would be worse to lose what was written.
 */
export async function askExtras(tx: EntityManager, asked: readonly Located[]): Promise<Verdict> {
  const entries = asked.filter(({ draft }) => draft.extras);
  if (entries.length === 0) return () => {};
  const quotes = await readQuotes(tx, entries.flatMap(answered));
  const wanted = entries.flatMap((entry) =>
    wantedBy(entry, quotes).map((id): [number, number] => [entry.conversationId, id]),
  );
  const members = await membersAmong(tx, wanted);
  // In a room, a block refuses the message altogether.
  const pairs = entries
    .filter(({ draft }) => draft.kind === 'group')
    .flatMap((entry) => wantedBy(entry, quotes).map((id) => pairOf(entry.draft.sender.userId, id)));
  const isBlocked = await blocksAmong(tx, pairs);
  return (left) => {
    for (const entry of left) {
      if (!entry.draft.extras) continue;
      if (!settleReply(entry, quotes)) continue;
      const { sender } = entry.draft;
      const isMember = (id: number) => id === sender.userId || members.has(keyOf(entry.conversationId, id));
      entry.extras = grant(entry, isMember);
      const granted = new Set(entry.extras?.mentions);
      const author = authorOf(entry, quotes);
      if (author !== undefined && isMember(author)) granted.add(author);
      granted.delete(sender.userId);
      // Without a word: it is nobody's business who has blocked whom.
      entry.notified = [...granted].filter((id) => !isBlocked(pairOf(sender.userId, id)));
    }
  };
}

/** Stores who is named in messages: their rows are inserted in the same transaction. */
export async function insertMentions(tx: EntityManager, written: readonly Written[]): Promise<void> {
  const rows = written.flatMap(({ extras, notified = [], stored: { conversationId, seq, timestamp } }) => {
    const ids = extras?.everyone ? [...notified, EVERYONE] : notified;
    return ids.map((id) => [conversationId, id, seq, toMoment(timestamp)]);
  });
  for (const some of chunks(rows, MENTIONS_PER_STATEMENT))
    await insertRows(tx, 'mentions', 'conversation_id, user_id, seq, created_at', some);
}

const keyOf = (conversationId: number, userId: number): string => `${conversationId}:${userId}`;

const answered = ({ conversationId, draft: { extras } }: Located): [number, number][] =>
  extras?.reply_to === undefined ? [] : [[conversationId, extras.reply_to]];

const quoteFor = (entry: Located, quotes: Quotes) => {
  const [place] = answered(entry);
  return place && quoteAt(quotes, ...place);
};

/** The author of the answered message, who counts as named; undefined where nobody does. */
function authorOf(entry: Located, quotes: Quotes): number | undefined {
  const author = entry.draft.extras?.is_silent ? undefined : quoteFor(entry, quotes)?.user_id;
  return author === BOT_USER_ID ? undefined : author;
}

/** Others whom a message would notify, if they are members. */
function wantedBy(entry: Located, quotes: Quotes): number[] {
  const author = authorOf(entry, quotes);
  const ids = new Set([...(entry.draft.extras?.mentions ?? []), ...(author === undefined ? [] : [author])]);
  ids.delete(entry.draft.sender.userId);
  return [...ids];
}

/** @returns false where it is refused */
function settleReply(entry: Located, quotes: Quotes): boolean {
  if (entry.draft.extras?.reply_to === undefined) return true;
  const quote = quoteFor(entry, quotes);
  if (!quote) entry.refuse(new NotFound('message to reply to'));
  else if (quote.deleted) entry.refuse(messageGone('The message to reply to was deleted.'));
  else entry.quote = quote;
  return entry.quote !== undefined;
}

function grant(entry: Located, isMember: (id: number) => boolean): Extras | undefined {
  const { mentions = [], everyone: isEveryoneAsked, ...rest } = entry.draft.extras!;
  const others = mentions.filter((id) => !isMember(id));
  // What a kind of chat says nothing of is not possible there.
  if (isEveryoneAsked) entry.everyone = entry.askEveryone?.() ?? { refused: 'not_allowed' };
  const refused = entry.everyone?.refused;
  const ignored: Ignored = { ...(others.length > 0 && { mentions: others }), ...(refused && { everyone: refused }) };
  return unlessEmpty({
    ...rest,
    mentions: mentions.filter(isMember),
    ...(isEveryoneAsked && !refused && { everyone: true }),
    ignored,
  });
}

async function membersAmong(tx: EntityManager, places: readonly [number, number][]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const different = new Map(places.map((place) => [keyOf(...place), place]));
  for (const some of chunks([...different.values()])) {
    const { sql, values } = inTuples(tx, 'conversation_id, user_id', some);
    const rows = await tx.query<{ conversation_id: number; user_id: number }[]>(
      `SELECT conversation_id, user_id FROM members WHERE ${sql}`,
      values,
    );
    for (const row of rows) found.add(keyOf(row.conversation_id, row.user_id));
  }
  return found;
}
