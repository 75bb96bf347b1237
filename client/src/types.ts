/// <reference lib="esnext.disposable" preserve="true" />
import type { Clock } from './clock.js';
import type { ParleyError } from './errors.js';
import type {
  AccessRequest,
  ChatRef,
  ChatSettings,
  ChatSummary,
  GroupInfo,
  Me,
  Member,
  Message,
  Sent,
  Timeline,
  User,
} from './data.js';
import type { Page, ParleyStorage, Tabs, TransportFactory } from './seams.js';
import type { Store, Until } from './store.js';

/*
 * What callers can do: data (data.ts) keep the wire's snake_case, methods are camelCase. What can be replaced stands in seams.ts.
 */

/* ------------------------------------------------------------------------------------------------------------------------ Chats */

/** What `send` gives: a promise of the stored message that one may leave alone. Its failure is in the timeline, and never an unhandled rejection. */
export interface Sending extends Promise<Sent> {
  readonly client_id: string;
  /** Of its item in the timeline. */
  readonly key: string;
}

export interface SendOptions {
  /** Makes a program's message idempotent: 1 to 64 of `A-Z a-z 0-9 . _ : -`, unique for each chat. */
  readonly client_id?: string;
  /** The `seq` of the message in this chat that it answers. That one's author is told, as of a mention by name. */
  readonly reply_to?: number;
  /** They are not. In rooms and groups. */
  readonly is_silent?: boolean;
  /** Whom it names, in rooms and groups: at most 20, whatever the text says; or all members, who may be too many. */
  readonly mentions?: { readonly user_ids?: readonly number[] | undefined; readonly everyone?: boolean | undefined };
}

/** What is left out stays. `muted_until` null, or a moment that has passed: not muted; one in the year 9999: for good. */
export interface ChangeChatSettings extends Partial<Omit<ChatSettings, 'muted_until'>> {
  readonly muted_until?: Date | null;
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
  /**
   * `gone`: there is no such person or group, or not any more; one is nobody to write to oneself, either · `frozen`: those who run the
   * server have frozen the group, of which nothing changes: no messages, edits, deletions, reactions, names and members.
   */
  readonly why_not?: 'blocked' | 'not_member' | 'gone' | 'frozen';
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
   * Refuses at once only what can never be sent: `invalid` (nothing to see, over 4,000 code points, or over 20 names), `outbox_full` (200
   * wait in this chat), `signed_out`. `signal` takes it back while it is queued (`discarded`). What the server refuses stays in the
   * timeline as `failed`: `not_found` and `message_deleted` are said of what it answers, `unsupported` by servers that know no answers or
   * mentions.
   */
  send(message: string, options?: Until & SendOptions): Sending;
  /** A failed one goes again under a new `client_id`, at its place in the queue. */
  retry(client_id: string): Sending;
  /** Takes a queued or failed one out and gives its text back, for the composer. Undefined: it is on the wire or gone. */
  discard(client_id: string): string | undefined;
  /**
   * Shown at once, taken back where refused. Not queued: `offline` without a connection.
   * @param options `mentions`: those of whom it names that it goes on to name; it can name nobody anew
   */
  edit(seq: number, message: string, options?: Pick<SendOptions, 'mentions'>): Promise<Message>;
  delete(seq: number): Promise<void>;

  /**
   * Reacts to a message with one emoji, or takes that back: it sets, and never toggles. Shown at once, taken back where refused. Not queued:
   * `offline` without a connection. In rooms and groups. @throws ParleyError `too_many_reactions`, `message_deleted`, `blocked`, `unsupported`
   */
  react(seq: number, emoji: string, is_on?: boolean): Promise<void>;
  /** Who has reacted to a message with one emoji: their ids, in order, 100 a page. */
  reactedBy(seq: number, emoji: string, options?: Until): Promise<Rows<number>>;

  /**
   * Hands a message of somebody else's, with the four before it, to those who look after the server; twice is once. In rooms and groups.
   * @param note the same in one's own words: at most 1,000 characters
   * @throws ParleyError `message_deleted`, `rate_limited` past ten in a day, `not_found`, `invalid`, `offline`, `unsupported`
   */
  report(seq: number, reason: ReportReason, note?: string): Promise<void>;

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
  /**
   * How one wants to be told of this chat, and where one keeps it, on all devices: `summary` shows it. It decides what `attention` tells
   * of, and neither what is counted as unread nor what `message` tells of. @throws ParleyError `not_found` where there is no message yet
   */
  setSettings(change: ChangeChatSettings): Promise<ChatSettings>;
  /** Call on each key; sends one every 3 s. Never throws. */
  typed(): void;
}

export type ReportReason = 'spam' | 'abuse' | 'illegal' | 'other';

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
  /** By the owner: the group ends for everybody, with all that is in it. Servers have it whose `features` say `group_delete`. */
  deleteGroup(): Promise<void>;
  add(user_id: number): Promise<Member>;
  remove(user_id: number): Promise<void>;
}

export interface Bot extends Chat {
  ask(question: string, options?: Until & Pick<SendOptions, 'client_id' | 'reply_to'>): Answer;
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
  /**
   * Who may register: everybody, whoever has an invitation, whoever has an address in one of some domains, nobody. An invitation passes each of
   * them.
   */
  readonly registration: 'open' | 'invite' | 'domains' | 'closed' | (string & {});
  /** Mails can be read at `/dev/mail`. */
  readonly dev_mail: boolean;
  readonly bot: boolean;
  readonly motd: string | null;
}

export interface Events {
  /** New, from anybody, in any chat that one is told of; not for what is fetched from the past. */
  message: { readonly chat: Chat; readonly message: Message; readonly mine: boolean };
  /**
   * Worth telling a person who does not look: not one's own, not a chat somebody looks at in any tab; in one tab only. And as they want it:
   * see `ChatSettings`.
   */
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
