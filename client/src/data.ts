import type { ParleyError } from './errors.js';
import type { Store } from './store.js';

/*
 * What callers get: in the wire's words, snake_case. Times are the wire's ISO texts, in UTC. What a store holds is frozen.
 */

export interface User {
  readonly id: number;
  readonly first_name: string;
  readonly last_name: string;
  readonly is_online: boolean;
  /** When they last went offline; null: never yet, or not for us to know. */
  readonly last_seen: string | null;
}

export interface Me {
  readonly id: number;
  readonly first_name: string;
  readonly last_name: string;
  readonly email: string;
  readonly created_at: string;
  /** Missing for most people. */
  readonly role?: 'moderator' | 'admin';
}

export interface Member extends User {
  readonly role: 'owner' | 'member';
  readonly is_in_group: boolean;
  readonly last_read_seq: number;
}

export interface Session {
  readonly id: number;
  readonly device: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly current: boolean;
}

export interface AccessRequest {
  readonly user: User;
  readonly created_at: string;
}

/** The message that another one answers, as it is now. */
export interface Quote {
  readonly seq: number;
  /** null: the bot. */
  readonly user_id: number | null;
  /** Its first 200 characters; empty where it was deleted. */
  readonly message: string;
  readonly deleted?: true;
  readonly change?: number;
  /** Only of an answer that waits to be sent: the message is not known here (any more). */
  readonly is_unknown?: true;
}

/** Whom a message names. The server lets it name members of the chat alone. */
export interface Mentions {
  readonly user_ids: readonly number[];
  /** All members. */
  readonly everyone?: true;
}

/** How many have reacted to a message with one emoji. */
export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** This user is one of them. Missing: it was not said yet. */
  readonly is_mine?: boolean | undefined;
}

/** As the server has it. `user_id` null: the bot. */
export interface Message {
  /** 1, 2, 3 … without a gap within the chat. */
  readonly seq: number;
  readonly user_id: number | null;
  readonly message: string;
  readonly timestamp: string;
  /** As its sender named it. */
  readonly client_id?: string;
  readonly edited_at?: string;
  readonly deleted?: true;
  /** The number of its latest change among those of the chat. */
  readonly change?: number;
  readonly reply_to?: Quote;
  readonly mentions?: Mentions;
  /** In the order in which they came to it; missing where there are none. */
  readonly reactions?: readonly Reaction[];
}

/** What `send` resolves with. */
export interface Sent extends Message {
  /** Whom it was to name, and did not: they are no members of the chat. */
  readonly mentions_ignored?: readonly number[];
  /** Why it did not name everyone: the group is too large, somebody did within five minutes, or it is no group. */
  readonly everyone_ignored?: 'too_large' | 'too_often' | 'not_allowed';
}

/**
 * How one stands to a group: what the button says. `member` · `open`: may enter · `closed`: may ask to be let in · `asked`: has asked ·
 * `refused`: may ask again a day after.
 */
export type Standing = 'member' | 'open' | 'closed' | 'asked' | 'refused';

export interface GroupInfo {
  readonly id: number;
  readonly name: string;
  readonly owner_id: number;
  readonly is_private: boolean;
  /** null: not for those outside to know. */
  readonly member_count: number | null;
  readonly standing: Standing;
  readonly is_owner: boolean;
  /** Those who run the server have frozen it: it can only be read. */
  readonly is_frozen: boolean;
}

export type ChatRef =
  | { readonly type: 'room'; readonly user_id: number }
  | { readonly type: 'group'; readonly group_id: number }
  | { readonly type: 'bot' };

/** Of which messages of a chat one wants to be told; and where one keeps it. */
export interface ChatSettings {
  /** `mentions`: by name, as everyone, or in answer to one's own. Rooms begin with `all`, groups with `mentions`. */
  readonly notify: 'all' | 'mentions' | 'none';
  /** Silent until then for everything but a mention by name, or an answer; with `none` for these, too. null: it is not muted. */
  readonly muted_until: string | null;
  readonly is_favourite: boolean;
  readonly is_archived: boolean;
}

/** A message that names this user or everyone, or answers one of this user's. */
export interface Mention {
  /** Of the chat. */
  readonly key: string;
  readonly ref: ChatRef;
  readonly seq: number;
  readonly user_id: number;
  readonly message: string;
  readonly timestamp: string;
}

export interface ChatSummary extends ChatSettings {
  /** `room:2`, `group:3`, `bot`. */
  readonly key: string;
  readonly ref: ChatRef;
  /** The other person's name, the group's; for the bot the name of the server's, or `Helper`. */
  readonly title: string;
  /** Of a room. */
  readonly other?: User;
  readonly last_message: Message | null;
  readonly unread: number;
  /** How many of these name this user or everyone, or answer one of this user's: 100 for more. */
  readonly unread_mentions: number;
  /** Of this device: a text begun, and messages that wait or were refused. */
  readonly has_draft: boolean;
  readonly waiting: number;
  readonly failed: number;
}

/** `loaded` false with rows: from this device's memory, before the server answered. Newest first. */
export interface Inbox {
  readonly rows: readonly ChatSummary[];
  /** Messages unread, in all chats together. */
  readonly unread: number;
  readonly unread_mentions: number;
  readonly loaded: boolean;
  readonly error?: ParleyError;
}

/* --------------------------------------------------------------------------------------------------------------------- Timeline */

/**
 * What a list shows, oldest first. `key` never changes while the item lives: own messages are keyed by `client_id` before and after
 * they are stored, so a virtual list keeps its place. A changed item is a new object; an unchanged one stays the same object.
 */
export type Item = MessageItem | NoticeItem;

export interface MessageItem {
  readonly kind: 'message';
  readonly key: string;
  readonly mine: boolean;
  /**
   * queued: waits for a connection or for those before it · sending: on the wire · stored: on the server's disk ·
   * failed: refused for good, `error` says why; the text is kept until `retry` or `discard` · streaming: the bot speaks, see `live`.
   */
  readonly state: 'queued' | 'sending' | 'stored' | 'failed' | 'streaming';
  readonly seq?: number;
  readonly client_id?: string;
  readonly user_id: number | null;
  readonly message: string;
  readonly timestamp: string;
  readonly edited_at?: string;
  readonly deleted?: true;
  readonly reply_to?: Quote;
  readonly mentions?: Mentions;
  /** Those of this user's that are under way are among them. */
  readonly reactions?: readonly Reaction[];
  /** Why it failed; of one that is queued, why the last try did. */
  readonly error?: ParleyError;
  /** Of one that is queued and was tried: when it goes out again, milliseconds since 1970. */
  readonly retry_at?: number;
  /** An edit or a deletion of one's own is under way; `message` shows the outcome already. */
  readonly pending?: 'edit' | 'delete';
  /** While streaming: the text so far. Kept out of the timeline, so that ten pieces a second re-render one node, not the list. */
  readonly live?: Store<string>;
}

/** Who came and went. Not stored by the server: gone after a reload. */
export interface NoticeItem {
  readonly kind: 'notice';
  readonly key: string;
  readonly message: string;
  readonly timestamp: string;
  readonly change: 'entered' | 'left';
  /** At most 100 of those that it is about. */
  readonly user_ids: readonly number[];
}

export interface Timeline {
  readonly items: readonly Item[];
  /** The beginning of the conversation is loaded. */
  readonly at_start: boolean;
  /**
   * The newest message is loaded and new ones are appended. False after a jump into the past, and where too much came while this client
   * was away: then what waits to be sent is drawn once one is back at the end.
   */
  readonly at_end: boolean;
  readonly loading?: 'first' | 'older' | 'newer';
  /** Of the last load; the next try clears it. */
  readonly error?: ParleyError;
  /** First message unread when the chat was attached; stays until it is detached. Take the "New" line from here. */
  readonly new_from?: number;
  /** How many messages are newer than what the reader has seen, or than the last that is loaded: the number on "Latest". */
  readonly below: number;
}
