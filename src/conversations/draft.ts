import type { EntityManager } from 'typeorm';
import type { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import type { ConversationKind } from './conversation.entity.js';

/** The bot, as a sender: no person has this id. (A NULL would defeat the unique key of client_ids.) */
export const BOT_USER_ID = 0;

/** A message on its way into the log. */
export interface Draft<Target = unknown> {
  readonly kind: ConversationKind;
  readonly sender: Identity;
  /** What the kind's rules find the conversation by; the pair of people of a room, say. */
  readonly target: Target;
  readonly body: string;
  readonly clientId?: string | undefined;
}

/** Where a message stands. */
export interface Stored {
  conversationId: number;
  seq: number;
  timestamp: Date;
  /** It stood there already: the same `client_id` was sent before. Whoever gets this tells nobody but the sender. */
  isRepeat: boolean;
}

/** The same as acknowledgements and events say it. */
export const placeOf = ({ seq, timestamp }: Stored, clientId: string | null | undefined) => ({
  seq,
  timestamp: timestamp.toISOString(),
  ...(clientId != null && { client_id: clientId }),
});

/** A draft in a batch, while its transaction runs. Made anew for each try of the transaction. */
export class Entry<Target = unknown> {
  /** Set by the rules of its kind. */
  conversationId?: number;
  refusal?: DomainError;
  stored?: Stored;
  /** Somebody else holds a row that it needs: it is tried again, and until then nothing of this key is stored. */
  heldBy?: string;

  constructor(
    readonly draft: Draft<Target>,
    /** Of its arrival in this process: it waits behind no later one. */
    readonly number = 0,
  ) {}

  refuse(error: DomainError): void {
    this.refusal ??= error;
  }

  hold(key: string): void {
    this.heldBy ??= key;
  }
}

/**
 * What drafts wait for that must not be stored before one another, from the narrowest: one sender in one chat, one chat, one sender.
 * Two drafts of one sender to one chat have all of these in common.
 */
export const heldKey = {
  mark: ({ conversationId, draft }: Entry): string => `mark ${conversationId} ${draft.sender.userId}`,
  chat: ({ conversationId }: Entry): string => `chat ${conversationId}`,
  sender: ({ draft }: Entry): string => `sender ${draft.sender.userId}`,
};

/** The chat of a key that holds all of it. */
export const chatOfKey = (key: string): number | undefined => {
  const [what, id] = key.split(' ');
  return what === 'chat' ? Number(id) : undefined;
};

/**
 * What one kind of chat adds to an append. All are called inside the batch's transaction, for all of its drafts of the kind at
 * once, so that a busy batch costs a handful of statements; all but the last refuse drafts one by one.
 */
export interface KindRules<Target = unknown> {
  /** What `locate` holds a draft by, where there is no conversation yet; different for each that it would make. */
  placeOf?(target: Target): string;
  /** Sets each entry's conversation, making it where there is none; may hold entries by `placeOf`. */
  locate(tx: EntityManager, entries: Entry<Target>[]): Promise<void>;
  /** May each sender write there now? The conversations are locked: the answer holds until the commit. May hold entries. */
  authorize?(tx: EntityManager, entries: Entry<Target>[]): Promise<void>;
  /** Is there room for these? Asked only for what is new: repeats have their place already. */
  admit?(tx: EntityManager, entries: Entry<Target>[]): Promise<void>;
  /** They are written, and will be committed together with whatever this writes. */
  stored?(tx: EntityManager, entries: Entry<Target>[]): Promise<void>;
}
