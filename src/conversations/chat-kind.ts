import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../common/identity.js';
import type { ChatKindName, ChatTargets } from '../domain-events/events.js';
import type { Entry, Located, Written } from './draft.js';

/** Somebody, a member, wants to change a message. */
export interface ChangeRequest<K extends ChatKindName> {
  me: Identity;
  target: ChatTargets[K];
  conversationId: number;
  /** Of the message. */
  senderId: number;
}

/**
 * What one kind of chat adds to what is the same for all. A feature registers it once (`ChatKinds.register`); from then on the message log
 * and the edits know the kind.
 *
 * All of these run inside the transaction, for all drafts of the kind at once, so that a busy batch costs a handful of statements. From
 * `authorize` on the conversations are locked: what is found there stays true until the commit.
 */
export interface ChatKind<K extends ChatKindName = ChatKindName> {
  /** What `locate` holds a draft by, where there is no conversation yet; different for each that it would make. */
  placeOf?(target: ChatTargets[K]): string;
  /** Sets each entry's conversation, making it where there is none; may refuse entries, or hold them by `placeOf`. */
  locate(tx: EntityManager, entries: Entry<K>[]): Promise<void>;
  /** May each sender write there now? May refuse entries, or hold them. */
  authorize?(tx: EntityManager, entries: Located<K>[]): Promise<void>;
  /** Is there room for these? Asked only for what is new: repeats have their number already. May refuse entries. */
  admit?(tx: EntityManager, entries: Located<K>[]): Promise<void>;
  /** They are written, and will be committed together with whatever this writes. */
  stored?(tx: EntityManager, entries: Written<K>[]): Promise<void>;
}

/** What a kind adds whose messages can be changed. */
export interface EditableChatKind<K extends ChatKindName> extends ChatKind<K> {
  /** What a conversation of this kind is found by. */
  targetOf(tx: EntityManager, conversationId: number): Promise<ChatTargets[K]>;
  /** @throws Forbidden, or another reason why the caller may not edit the message */
  mayEdit(tx: EntityManager, request: ChangeRequest<K>): Promise<void>;
  /** @throws Forbidden, or another reason why the caller may not delete the message */
  mayDelete(tx: EntityManager, request: ChangeRequest<K>): Promise<void>;
}

/** Kinds of chats whose messages can be edited and deleted. */
export type EditableKindName = Exclude<ChatKindName, 'bot'>;

type Registered = { [K in EditableKindName]?: EditableChatKind<K> } & { bot?: ChatKind<'bot'> };

/** All kinds of chats, as their features have registered them. */
@Injectable()
export class ChatKinds {
  private readonly kinds: Registered = {};

  /** Call it in `onModuleInit`. */
  register<K extends ChatKindName>(name: K, kind: NonNullable<Registered[K]>): void {
    this.kinds[name] = kind;
  }

  get<K extends ChatKindName>(name: K): NonNullable<Registered[K]> {
    const kind = this.kinds[name];
    if (!kind) throw new Error(`Nobody has registered the kind of chats ${name}.`);
    return kind;
  }

  /** Those that are registered. */
  get names(): ChatKindName[] {
    return Object.keys(this.kinds) as ChatKindName[];
  }
}
