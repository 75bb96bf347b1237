import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../common/identity.js';
import type { ChatKindName, ChatTargets } from '../domain-events/events.js';
import type { Entry, Located, Written } from './draft.js';

/** A member wants to change a message. */
export interface ChangeRequest<K extends ChatKindName> {
  me: Identity;
  target: ChatTargets[K];
  conversationId: number;
  /** Of the message. */
  senderId: number;
}

/** Refuses or holds entries by what was asked about them. It gets those of the entries that nothing else has refused or held by then. */
export type Verdict<K extends ChatKindName = ChatKindName> = {
  // As a method: the verdict of one kind may stand for that of any.
  decide(entries: Located<K>[]): void;
}['decide'];

/**
 * The rules of one kind of chat. Its feature registers it once (`ChatKinds.register`); from then on the message log and the changes of messages
 * know the kind.
 *
 * All of these run inside the transaction, for all drafts of the kind at once, so that a large batch costs a handful of statements. From
 * `authorize` on the conversations are locked: what is read there stays true until the commit. `authorize` and `checkNew` are called before any
 * answer is there, so that their statements go to the server together: they ask what they need before they await anything.
 */
export interface ChatKind<K extends ChatKindName = ChatKindName> {
  /** The key that `locate` holds a draft by where there is no conversation yet: another one for each conversation that it would make. */
  heldKeyOf?(target: ChatTargets[K]): string;
  /** Sets each entry's conversation, making it where there is none; may refuse entries, or hold them by `heldKeyOf`. */
  locate(tx: EntityManager, entries: Entry<K>[]): Promise<void>;
  /** May each sender write there now? */
  authorize?(tx: EntityManager, entries: Located<K>[]): Promise<Verdict<K>>;
  /** May these be stored, by quotas and blocks? The verdict gets only new ones: repeats have their number already. */
  checkNew?(tx: EntityManager, entries: Located<K>[]): Promise<Verdict<K>>;
  /** They are inserted, and will be committed together with what this writes. */
  afterInsert?(tx: EntityManager, entries: Written<K>[]): Promise<void>;
}

/** The rules of a kind whose messages can be changed. */
export interface EditableChatKind<K extends ChatKindName> extends ChatKind<K> {
  /** The target of a conversation: see `ChatTargets`. */
  targetOf(tx: EntityManager, conversationId: number): Promise<ChatTargets[K]>;
  /** @throws Forbidden, or another reason why the caller may not edit the message */
  mayEdit(tx: EntityManager, request: ChangeRequest<K>): Promise<void>;
  /** @throws Forbidden, or another reason why the caller may not delete the message */
  mayDelete(tx: EntityManager, request: ChangeRequest<K>): Promise<void>;
  /** Asked once for all who react at the same time; missing where all members may. @throws a reason why nobody may */
  mayReact?(tx: EntityManager, target: ChatTargets[K]): Promise<void>;
}

/** The rules by which a user may change a message. */
export type ChangeRule = 'mayEdit' | 'mayDelete';

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
