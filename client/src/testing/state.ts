import { groupFrozen, notFound } from './refusal.js';

/*
 * What the server keeps on its disk: people, logins, chats and what was said in them. It outlives a restart; who is connected, what waits
 * to be told and what was counted do not, and are kept by others. Times are milliseconds since 1970.
 */

/** The bot, as a sender. */
export const BOT_ID = 0;

export interface Person {
  readonly id: number;
  email: string;
  password: string;
  first_name: string;
  last_name: string;
  created_at: number;
  /** When they last went offline; null: never yet. */
  last_seen: number | null;
  is_erased: boolean;
  is_suspended?: boolean;
  /** When they have last asked for an export. */
  exported_at?: number;
}

export interface Login {
  readonly id: number;
  readonly user_id: number;
  readonly token: string;
  readonly device: string;
  readonly created_at: number;
  readonly expires_at: number;
  has_ended: boolean;
}

/** As a recipient: all members. */
export const EVERYONE = 0;

export type Notify = 'all' | 'mentions' | 'none';

/** What a message says beside its text, as it was granted. */
export interface Extras {
  readonly reply_to?: number;
  readonly is_silent?: boolean;
  readonly mentions: readonly number[];
  readonly everyone: boolean;
  /** What was asked for besides. */
  readonly ignored?: {
    readonly mentions?: readonly number[];
    readonly everyone?: 'too_large' | 'too_often' | 'not_allowed' | undefined;
  };
}

export interface StoredMessage {
  readonly seq: number;
  /** `BOT_ID`: the bot. */
  readonly user_id: number;
  message: string;
  readonly timestamp: number;
  readonly client_id: string | undefined;
  extras?: Extras | undefined;
  edited_at?: number;
  is_deleted?: boolean;
  change?: number;
  /** By emoji, in the order in which they came to it: who has reacted. */
  reactions?: Map<string, Set<number>>;
}

export interface Membership {
  last_read_seq: number;
  /** In a group: its messages come as they are written. */
  is_in: boolean;
  readonly joined_at: number;
  notify?: Notify;
  muted_until?: number;
  is_favourite?: boolean;
  is_archived?: boolean;
}

interface AnyChat {
  readonly id: number;
  readonly messages: StoredMessage[];
  /** Whom messages notify. */
  mentions: { readonly user_id: number; readonly seq: number }[];
  last_change: number;
  readonly members: Map<number, Membership>;
}

export interface Room extends AnyChat {
  readonly kind: 'room';
  /** The lower id first. */
  readonly pair: readonly [number, number];
}

export interface Group extends AnyChat {
  readonly kind: 'group';
  name: string;
  owner_id: number;
  readonly is_private: boolean;
  is_frozen?: boolean;
  /** When a member other than the owner has last named everyone. */
  everyone_at?: number;
  /** Those whom the owner put out. */
  readonly removed: Set<number>;
  /** Those who gave up membership. */
  readonly departed: Set<number>;
  readonly requests: Map<number, { readonly created_at: number; refused_at?: number }>;
}

export interface BotChat extends AnyChat {
  readonly kind: 'bot';
  readonly user_id: number;
  /** Questions that wait for their answers, the one that is being answered among them. */
  readonly waiting: number[];
}

export type Chat = Room | Group | BotChat;

/** What a link in a mail stands for. */
export interface Link {
  readonly kind: 'registration' | 'reset' | 'restore' | 'email' | 'return' | 'export';
  expires_at: number;
  readonly email: string;
  /** Of a registration: what was chosen. Of a restoration: the password until then. */
  readonly password: string;
  readonly first_name: string;
  readonly last_name: string;
  /** Of a registration by an invitation: its token. */
  readonly invite?: string | undefined;
  /** Whose it is. Of a registration: the account that it made, once it was confirmed. */
  user_id?: number;
  /** Of an export: how often it was downloaded. */
  downloads?: number;
}

/** What an operator sets while the server runs. */
export interface ServerSettings {
  registration: 'open' | 'invite' | 'domains' | 'closed';
  /** In lower case. */
  allowed_domains: readonly string[];
  motd: string | null;
}

/** A mail that the server has sent, as `/dev/mail` shows it. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly date: string;
  readonly links: readonly string[];
}

/** Somebody has handed a message to those who look after the server. */
export interface Report {
  readonly id: number;
  readonly reporter_id: number;
  readonly chat_id: number;
  readonly seq: number;
  readonly reason: 'spam' | 'abuse' | 'illegal' | 'other';
  readonly note?: string | undefined;
}

export class State {
  readonly server: ServerSettings = { registration: 'open', allowed_domains: [], motd: null };
  /** How many more accounts each invitation makes, by its token. */
  readonly invites = new Map<string, number>();
  readonly people = new Map<number, Person>();
  readonly logins = new Map<number, Login>();
  /** Chats that are there, in the order of their ids. */
  readonly chats = new Map<number, Chat>();
  /** Whom each has blocked. */
  readonly blocks = new Map<number, Set<number>>();
  /** By token. */
  readonly links = new Map<string, Link>();
  /** The newest first. */
  readonly mails: Mail[] = [];
  /** In the order in which they were made. They outlive the chats. */
  readonly reports: Report[] = [];
  private lastIds = { person: 0, login: 0, chat: 0, report: 0 };

  nextId(of: keyof State['lastIds']): number {
    return ++this.lastIds[of];
  }

  /** Somebody who has an account. */
  person(id: number): Person | undefined {
    const person = this.people.get(id);
    return person?.is_erased ? undefined : person;
  }

  /** @throws Refusal */
  assertPerson(id: number): Person {
    const person = this.person(id);
    if (!person) throw notFound('user');
    return person;
  }

  account(email: string): Person | undefined {
    return [...this.people.values()].find((person) => !person.is_erased && person.email === email);
  }

  /** Links of these kinds that are somebody's are of no use any more. */
  endLinks({ id }: Person, ...kinds: Link['kind'][]): void {
    this.dropLinks(({ kind, user_id }) => user_id === id && kinds.includes(kind));
  }

  dropLinks(isOne: (link: Link) => boolean): void {
    for (const [token, link] of this.links) if (isOne(link)) this.links.delete(token);
  }

  everybody(): Person[] {
    return [...this.people.values()].filter(({ is_erased }) => !is_erased);
  }

  room(one: number, other: number): Room | undefined {
    const [low, high] = pairOf(one, other);
    return this.ofKind('room').find(({ pair }) => pair[0] === low && pair[1] === high);
  }

  botChat(userId: number): BotChat | undefined {
    return this.ofKind('bot').find(({ user_id }) => user_id === userId);
  }

  group(id: number): Group | undefined {
    const chat = this.chats.get(id);
    return chat?.kind === 'group' ? chat : undefined;
  }

  groups(): Group[] {
    return this.ofKind('group');
  }

  /** The chat of this kind that somebody is in. @throws Refusal, the same for one that does not exist */
  assertMember<K extends 'room' | 'group'>(kind: K, id: number, userId: number): Extract<Chat, { kind: K }> {
    const chat = this.chats.get(id);
    if (chat?.kind !== kind || !chat.members.has(userId)) throw notFound(`chat ${kind}`);
    return chat as Extract<Chat, { kind: K }>;
  }

  chatsOf(userId: number): Chat[] {
    return [...this.chats.values()].filter(({ members }) => members.has(userId));
  }

  ofKind<K extends Chat['kind']>(kind: K): Extract<Chat, { kind: K }>[] {
    return [...this.chats.values()].filter((chat): chat is Extract<Chat, { kind: K }> => chat.kind === kind);
  }

  hasBlocked(blocker: number, blockedId: number): boolean {
    return this.blocks.get(blocker)?.has(blockedId) ?? false;
  }

  /** Either way. */
  areApart(one: number, other: number): boolean {
    return this.hasBlocked(one, other) || this.hasBlocked(other, one);
  }

  /** Who has blocked somebody. */
  blockersOf(userId: number): number[] {
    return [...this.blocks].filter(([, blockedIds]) => blockedIds.has(userId)).map(([blocker]) => blocker);
  }
}

/** @throws Refusal */
export function assertNotFrozen(chat: Chat): void {
  if (chat.kind === 'group' && chat.is_frozen) throw groupFrozen();
}

export const pairOf = (one: number, other: number): [number, number] => [Math.min(one, other), Math.max(one, other)];

export const otherOf = ({ pair }: Room, userId: number): number => (pair[0] === userId ? pair[1] : pair[0]);

export const lastSeq = ({ messages }: Chat): number => messages.length;

export const newMember = (joinedAt: number, lastReadSeq = 0, isIn = false): Membership => ({
  last_read_seq: lastReadSeq,
  is_in: isIn,
  joined_at: joinedAt,
});

/** Those who are in a group right now. */
export const usersIn = ({ members }: Group): number[] =>
  [...members].filter(([, { is_in }]) => is_in).map(([userId]) => userId);
