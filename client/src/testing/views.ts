import { reactionsField } from './reactions.js';
import { BOT_ID, type Chat, type Person, type StoredMessage } from './state.js';
import { iso } from './texts.js';

const QUOTE_LENGTH = 200;

/*
 * What stands in rows and events, as the wire spells it.
 */

/** The first characters of what a message answers, as it is now. */
const quoteView = ({ seq, user_id, message, is_deleted, change }: StoredMessage) => ({
  seq,
  user_id,
  message: Array.from(message).slice(0, QUOTE_LENGTH).join(''),
  ...(is_deleted && { deleted: true as const }),
  ...(change !== undefined && { change }),
});

const quotedBy = (chat: Chat, { extras }: StoredMessage): StoredMessage | undefined =>
  extras?.reply_to === undefined ? undefined : chat.messages[extras.reply_to - 1];

/** The field `reply_to`; missing where it answers nothing. */
export function replyField(chat: Chat, stored: StoredMessage) {
  const quoted = quotedBy(chat, stored);
  return quoted ? { reply_to: quoteView(quoted) } : {};
}

/** What it says beside its text. */
export function extraFields(chat: Chat, stored: StoredMessage) {
  const { mentions = [], everyone = false } = stored.extras ?? {};
  const isNaming = mentions.length > 0 || everyone;
  return {
    ...replyField(chat, stored),
    ...(isNaming && { mentions: { user_ids: [...mentions], ...(everyone && { everyone: true as const }) } }),
  };
}

/** What was asked for and not granted, in acknowledgements. */
export const ignoredFields = ({ extras }: StoredMessage) => ({
  ...(extras?.ignored?.mentions && { mentions_ignored: [...extras.ignored.mentions] }),
  ...(extras?.ignored?.everyone && { everyone_ignored: extras.ignored.everyone }),
});

/** A message in histories and lists, as one of the chat's people sees it. */
export const messageView = (chat: Chat, stored: StoredMessage, readerId?: number) => ({
  seq: stored.seq,
  user_id: stored.user_id,
  message: stored.message,
  timestamp: iso(stored.timestamp),
  ...(stored.client_id !== undefined && { client_id: stored.client_id }),
  ...(stored.is_deleted
    ? { deleted: true as const }
    : stored.edited_at !== undefined && { edited_at: iso(stored.edited_at) }),
  ...(stored.change !== undefined && { change: stored.change }),
  ...extraFields(chat, stored),
  ...reactionsField(stored, readerId),
});

/** The same in the chat with the bot. */
export function botMessageView(chat: Chat, stored: StoredMessage) {
  const { seq, user_id, message, timestamp, client_id } = stored;
  const quoted = quotedBy(chat, stored);
  const quote = quoted && quoteView(quoted);
  return {
    seq,
    is_user: user_id !== BOT_ID,
    message,
    timestamp: iso(timestamp),
    ...(client_id !== undefined && { client_id }),
    ...(quote && { reply_to: { seq: quote.seq, is_user: quote.user_id !== BOT_ID, message: quote.message } }),
  };
}

/** Where a message stands, in acknowledgements and events. */
export const placeView = ({ seq, timestamp }: StoredMessage, clientId: string | undefined) => ({
  seq,
  timestamp: iso(timestamp),
  ...(clientId !== undefined && { client_id: clientId }),
});

/** What a message became, in events. */
export const changeView = (chat: Chat, stored: StoredMessage) => ({
  user_id: stored.user_id,
  seq: stored.seq,
  change: stored.change ?? 0,
  message: stored.message,
  timestamp: iso(stored.timestamp),
  ...(stored.is_deleted ? { deleted: true } : stored.edited_at !== undefined && { edited_at: iso(stored.edited_at) }),
  ...extraFields(chat, stored),
  ...reactionsField(stored),
});

/** A person beside something else: a room, a request. */
export const personView = ({ id, first_name, last_name }: Person, isOnline: boolean) => ({
  id,
  first_name,
  last_name,
  is_online: isOnline,
});

/** A row of the list of users; to whoever they have blocked, they are always away. */
export const userView = (person: Person, isOnline: boolean, isHidden = false) => ({
  ...personView(person, !isHidden && isOnline),
  last_seen: isHidden || person.last_seen === null ? null : iso(person.last_seen),
});

export const profileView = ({ id, email, first_name, last_name, created_at }: Person) => ({
  id,
  email,
  first_name,
  last_name,
  created_at: iso(created_at),
});

export const unread = (lastSeq: number, lastReadSeq: number): number => Math.max(0, lastSeq - lastReadSeq);
