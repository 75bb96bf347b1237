/// <reference lib="esnext.disposable" preserve="true" />
import type { Clock } from './clock.js';
import type { ParleyError } from './errors.js';
import type { Store, Unsubscribe, Until } from './store.js';

/*
 * Everything that callers see, in one place. Data keep the wire's snake_case, methods are camelCase. Times are the wire's ISO texts, in
 * UTC. What a store holds is frozen.
 */

/* ------------------------------------------------------------------------------------------------------------------------- Data */

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
  /** The number of its latest edit or deletion among those of the chat. */
  readonly change?: number;
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
}

export type ChatRef =
  | { readonly type: 'room'; readonly user_id: number }
  | { readonly type: 'group'; readonly group_id: number }
  | { readonly type: 'bot' };

export interface ChatSummary {
  /** `room:2`, `group:3`, `bot`. */
  readonly key: string;
  readonly ref: ChatRef;
  /** The other person's name, the group's; for the bot the name of the server's, or `Helper`. */
  readonly title: string;
  /** Of a room. */
  readonly other?: User;
  readonly last_message: Message | null;
  readonly unread: number;
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

/** What `send` gives: a promise of the stored message that one may leave alone. Its failure is in the timeline, and never an unhandled rejection. */
export interface Sending extends Promise<Message> {
  readonly client_id: string;
  /** Of its item in the timeline. */
  readonly key: string;
}

/** Counted: two views of one chat, or React's double mount, are one attachment. The last `detach` lets go. */
export interface Attached extends Disposable {
  /** The first page is there, from memory or from the server. Rejects with `not_found`, `forbidden`, `signed_out`; waits where offline. May be left alone. */
  readonly ready: Promise<void>;
  /**
   * Whether somebody looks (true at the beginning). In browsers it follows the page's visibility, too: call it only for what the page
   * cannot know, as of a covered pane. A group is entered while one looks and left 5 s after, since whoever is in has read everything;
   * another tab that looks keeps it.
   */
  readonly look: (isLooking: boolean) => void;
  readonly detach: () => void;
}

export interface May {
  readonly write: boolean;
  /** `gone`: there is no such person or group, or not any more; one is nobody to write to oneself, either. */
  readonly why_not?: 'blocked' | 'not_member' | 'gone';
}

export interface Chat {
  readonly ref: ChatRef;
  readonly key: string;
  /** Its row in a list, also of one that is in no list, as where a link leads there. Undefined until it is known who or what it is. */
  readonly summary: Store<ChatSummary | undefined>;
  readonly timeline: Store<Timeline>;
  /** Who types, without oneself and without whom one has blocked; each fades after 5 s. */
  readonly typing: Store<readonly number[]>;
  /** How far the others have read: user → seq. */
  readonly receipts: Store<ReadonlyMap<number, number>>;
  /** The unsent text: kept over reloads, logins of the same user and tabs (the one that wrote last wins). Emptied by `send`. */
  readonly draft: Store<string>;
  setDraft(text: string): void;
  /** What one may do here, so that the interface shows no button that fails. */
  readonly may: Store<May>;

  attach(options?: Until): Attached;
  /**
   * Shown at once, resolves when stored, waits where offline, survives reload and restart, appears exactly once and in order.
   * Refuses at once only what can never be sent: `invalid` (nothing to see, or over 4,000 code points), `outbox_full` (200 wait in this
   * chat), `signed_out`. `client_id` makes a program's message idempotent: 1 to 64 of `A-Z a-z 0-9 . _ : -`, unique for each chat.
   * `signal` takes it back while it is queued (`discarded`).
   */
  send(message: string, options?: Until & { readonly client_id?: string }): Sending;
  /** A failed one goes again under a new `client_id`, at its place in the queue. */
  retry(client_id: string): Sending;
  /** Takes a queued or failed one out and gives its text back, for the composer. Undefined: it is on the wire or gone. */
  discard(client_id: string): string | undefined;
  /** Shown at once, taken back where refused. Not queued: `offline` without a connection. */
  edit(seq: number, message: string): Promise<Message>;
  delete(seq: number): Promise<void>;

  /** One at a time; a second call joins the first. Pages of 100. What fails stands in the timeline as well. */
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  /** Loads around a place and resolves with the seq to scroll to (the first at or after a date). `end` follows again. 0 in an empty chat. Waits for the lists, where nothing is known of the chat yet. */
  jumpTo(where: { readonly seq: number } | { readonly date: Date } | 'new' | 'end'): Promise<number>;
  /** A page of stored messages, oldest first, for programs and export; at most 100. Changes nothing and enters nothing. */
  history(query?: HistoryQuery, options?: Until): Promise<readonly Message[]>;

  /**
   * The reader has seen up to here. Gathered to one a second; never goes back; sent only while somebody looks and the page has the focus:
   * what is in view beside the window one works in is not read.
   */
  seen(seq: number): void;
  /** Call on each key; sends one every 3 s. Never throws. */
  typed(): void;
}

/** One of `before`, `after` and `until`, or none: the newest. */
export interface HistoryQuery {
  readonly before?: number;
  readonly after?: number;
  /** Just before that moment. */
  readonly until?: Date;
  /** 1 to 100. */
  readonly limit?: number;
}

export interface Room extends Chat {
  readonly other: Store<User | undefined>;
  readonly blocked_by_me: Store<boolean>;
}

export interface Group extends Chat {
  readonly info: Store<GroupInfo | undefined>;
  /** Loaded while the group is attached, and kept true. */
  readonly members: Store<readonly Member[]>;
  /** Who waits to be let in: asked for on the first look, and kept true. Empty for those who are not the owner. */
  readonly requests: Store<readonly AccessRequest[]>;
  /** Becomes a member of an open group. */
  join(): Promise<void>;
  /** Gives up membership; the last one to leave deletes the group. */
  leave(): Promise<void>;
  /** `joined`: the group turned out to be open, and has been entered. */
  askToJoin(): Promise<'asked' | 'joined'>;
  answer(user_id: number, let_in: boolean): Promise<void>;
  rename(name: string): Promise<void>;
  handOver(user_id: number): Promise<void>;
  add(user_id: number): Promise<Member>;
  remove(user_id: number): Promise<void>;
}

export interface Bot extends Chat {
  ask(question: string, options?: Until & { readonly client_id?: string }): Answer;
  /** Ends the answer to that question, on all devices; what was said is kept. */
  stop(question_seq: number): Promise<void>;
}

/** A part of an answer. After a restart of the server an answer may begin anew: then `restarted`, and `added` is all of it. */
export interface AnswerPart {
  readonly text: string;
  readonly added: string;
  readonly restarted: boolean;
}

/** Leaving the loop does not stop the bot; `stop()` does, on all devices, and keeps what was said. Left alone it never rejects unhandled. */
export interface Answer extends AsyncIterable<AnswerPart> {
  readonly question: Sending;
  readonly text: Store<string>;
  /** null: stopped before a word was said. Rejects with `bot_unavailable`, and as `question` does. */
  readonly done: Promise<Message | null>;
  stop(): Promise<void>;
}

/* ----------------------------------------------------------------------------------------------------------------------- Client */

/** `unknown`: `resume()` has not answered yet. `waiting`: unsent messages kept on this device for who was signed in last. */
export type Auth =
  | { readonly status: 'unknown' }
  | {
      readonly status: 'signed_out';
      readonly reason?: ParleyError;
      readonly last_email?: string;
      readonly waiting: number;
    }
  | { readonly status: 'signed_in'; readonly me: Me };

/**
 * idle: signed out, or not started · connecting: first try, or one under way · online · waiting: until `retry_at` ·
 * offline: the device says it has no network · closed. `synced`: what was missed has been fetched. Show nothing before 2 s.
 */
export interface Connection {
  readonly state: 'idle' | 'connecting' | 'online' | 'waiting' | 'offline' | 'closed';
  /** When it became so, milliseconds since 1970. */
  readonly since: number;
  readonly synced: boolean;
  /** Tries since one was online. */
  readonly attempt: number;
  readonly retry_at?: number;
  readonly reason?: ParleyError;
  readonly transport?: 'websocket' | 'polling';
}

/** What a server says of itself to anybody: `GET /http/server`. */
export interface ServerInfo {
  readonly name: string;
  readonly version: string;
  readonly protocol: number;
  readonly public_url: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly registration: 'open' | (string & {});
  /** Mails can be read at `/dev/mail`. */
  readonly dev_mail: boolean;
  readonly bot: boolean;
  readonly motd: string | null;
}

export interface Events {
  /** New, from anybody, in any chat that one is told of; not for what is fetched from the past. */
  message: { readonly chat: Chat; readonly message: Message; readonly mine: boolean };
  /** Worth telling a person who does not look: not one's own, not a chat somebody looks at in any tab; in one tab only. */
  attention: { readonly chat: Chat; readonly title: string; readonly message: Message };
  access: { readonly group: Group; readonly user_id: number; readonly status: 'pending' | 'granted' | 'refused' };
  /** Mended by the client; here for tests and logs. */
  gap: { readonly key: string; readonly from: number; readonly to: number; readonly kind: 'seq' | 'change' };
  /** What failed where nobody waits for it. */
  error: ParleyError;
}

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  text: string,
  data?: Readonly<Record<string, unknown>>,
) => void;

export interface ParleyOptions {
  /** Default: IndexedDB in browsers (memory where that is denied), memory in Node. */
  readonly storage?: ParleyStorage | undefined;
  /** Default: one socket.io-client socket per client, path `/socket`. Test doubles put theirs here. */
  readonly transport?: TransportFactory | undefined;
  /** Default: `['websocket', 'polling']`. */
  readonly transports?: readonly ('websocket' | 'polling')[] | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Between tabs. Default: Web Locks and BroadcastChannel where there are both; `null`: this is the only one. */
  readonly tabs?: Tabs | null | undefined;
  /** What the browser tells of the page. Default: the page that this runs in; `null`: there is none, as in Node. */
  readonly page?: Page | null | undefined;
  readonly clock?: Clock | undefined;
  /** 0 ≤ x < 1. */
  readonly random?: (() => number) | undefined;
  readonly log?: Log | undefined;
}

/** Some rows, and how to get at more. */
export interface Rows<T> {
  readonly rows: readonly T[];
  /** Missing: these are the last. */
  next?(options?: Until): Promise<Rows<T>>;
}

/* ------------------------------------------------------------------------------------------------------ What can be replaced */

/** Small and atomic: one `write` is one transaction. Values are structured-cloneable; `fileStorage` wants what JSON can hold. */
export interface ParleyStorage {
  /** All whose key begins so, in the order of their keys. */
  read(prefix: string): Promise<ReadonlyMap<string, unknown>>;
  /** `undefined` deletes. Resolves once it is durable. */
  write(changes: ReadonlyMap<string, unknown>): Promise<void>;
  close?(): Promise<void>;
}

/**
 * Between the tabs of one browser that share a storage. One lock for each chat's outbox, held only while it is being sent; one shared
 * lock for each group that a tab looks at. No leader: a leader that the browser freezes would silence every tab, and a lock that is held
 * keeps a page out of the back/forward cache.
 */
export interface Tabs {
  /**
   * Runs `work` with the lock. `if_free`: at once, with `got` false where somebody else has it.
   * @throws the signal's reason, where that aborts before the lock is there
   */
  lock<T>(
    name: string,
    options: { mode: 'exclusive' | 'shared'; if_free?: boolean; signal?: AbortSignal | undefined },
    work: (got: boolean) => Promise<T>,
  ): Promise<T>;
  /** To all other tabs; structured-cloneable. */
  tell(message: unknown): void;
  hear(listener: (message: unknown) => void): Unsubscribe;
  close?(): void;
}

/** What a page learns from its browser. */
export interface Page {
  isVisible(): boolean;
  /** The page is visible and has the focus of the keyboard. */
  hasFocus(): boolean;
  /** False: the device says that it has no network. */
  isOnline(): boolean;
  /**
   * `visible`, `hidden`, `focus`, `online`, `offline` as the words say · `leave`: it may go into the back/forward cache, or away ·
   * `return`: it comes out of it · `freeze`, `thaw`: the browser stops its timers, and lets them run.
   */
  hear(
    listener: (
      what: 'visible' | 'hidden' | 'focus' | 'online' | 'offline' | 'leave' | 'return' | 'freeze' | 'thaw',
    ) => void,
  ): Unsubscribe;
}

/** The seam below the client: packets with acknowledgements. A fault injector sits here. */
export interface Transport {
  /**
   * Resolves with the acknowledgement as the server sent it, be it `{ok: false, …}`.
   * @throws ParleyError `timeout`; `offline` where the connection closes before it
   */
  emit(event: string, payload: unknown, timeout_ms: number): Promise<unknown>;
  /** Ends it; `closed` is not called any more. */
  close(): void;
}

/** Called later, never from within the factory. */
export interface TransportEvents {
  /** The handshake went through: the socket speaks for the token's session. */
  readonly open: (transport: 'websocket' | 'polling') => void;
  readonly event: (name: string, payload: unknown) => void;
  /** It is over, or never began; once. Nothing comes after. */
  readonly closed: (reason: ParleyError) => void;
}

export type TransportFactory = (
  to: { readonly url: string; readonly token: string; readonly transports: readonly ('websocket' | 'polling')[] },
  events: TransportEvents,
) => Transport;
