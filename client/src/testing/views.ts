import { BOT_ID, type Person, type StoredMessage } from './state.js';
import { iso } from './texts.js';

/*
 * What stands in rows and events, as the wire spells it.
 */

/** A message in histories and lists. */
export const messageView = (stored: StoredMessage) => ({
  seq: stored.seq,
  user_id: stored.user_id,
  message: stored.message,
  timestamp: iso(stored.timestamp),
  ...(stored.client_id !== undefined && { client_id: stored.client_id }),
  ...(stored.is_deleted
    ? { deleted: true as const }
    : stored.edited_at !== undefined && { edited_at: iso(stored.edited_at) }),
  ...(stored.change !== undefined && { change: stored.change }),
});

/** The same in the chat with the bot. */
export const botMessageView = ({ seq, user_id, message, timestamp, client_id }: StoredMessage) => ({
  seq,
  is_user: user_id !== BOT_ID,
  message,
  timestamp: iso(timestamp),
  ...(client_id !== undefined && { client_id }),
});

/** Where a message stands, in acknowledgements and events. */
export const placeView = ({ seq, timestamp }: StoredMessage, clientId: string | undefined) => ({
  seq,
  timestamp: iso(timestamp),
  ...(clientId !== undefined && { client_id: clientId }),
});

/** What a message became, in events. */
export const changeView = (stored: StoredMessage) => ({
  user_id: stored.user_id,
  seq: stored.seq,
  change: stored.change ?? 0,
  message: stored.message,
  timestamp: iso(stored.timestamp),
  ...(stored.is_deleted ? { deleted: true } : stored.edited_at !== undefined && { edited_at: iso(stored.edited_at) }),
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
