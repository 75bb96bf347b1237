import type { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import type { ChatKindName, ChatTargets } from '../domain-events/events.js';

/** The bot, as a sender: no person has this id. (A NULL would defeat the unique key of client_ids.) */
export const BOT_USER_ID = 0;

/** A message on its way into the log. */
export interface Draft<K extends ChatKindName = ChatKindName> {
  readonly kind: K;
  readonly sender: Identity;
  readonly target: ChatTargets[K];
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
export const placeOf = (
  { seq, timestamp }: Pick<Stored, 'seq' | 'timestamp'>,
  clientId: string | null | undefined,
) => ({
  seq,
  timestamp: timestamp.toISOString(),
  ...(clientId != null && { client_id: clientId }),
});

/** A draft in a batch, while its transaction runs. Made anew for each try of the transaction. */
export class Entry<K extends ChatKindName = ChatKindName> {
  /** Set by `ChatKind.locate`. */
  conversationId?: number | undefined;
  refusal?: DomainError;
  stored?: Stored;
  /** Somebody else holds a row that it needs: it is tried again, and until then nothing of this key is stored. */
  heldBy?: string;

  constructor(
    readonly draft: Draft<K>,
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

/** An entry whose conversation is known. */
export interface Located<K extends ChatKindName = ChatKindName> extends Entry<K> {
  conversationId: number;
}

/** An entry that has a number. */
export interface Written<K extends ChatKindName = ChatKindName> extends Located<K> {
  stored: Stored;
}

export const isLocated = (entry: Entry): entry is Located => entry.conversationId !== undefined;
export const isWritten = (entry: Entry): entry is Written => isLocated(entry) && entry.stored !== undefined;

/**
 * What drafts wait for that must not be stored before one another, from the narrowest: one sender in one chat, one chat, one sender.
 * Two drafts of one sender to one chat have all of these in common.
 */
export const heldKey = {
  mark: ({ conversationId, draft }: Located): string => `mark ${conversationId} ${draft.sender.userId}`,
  chat: ({ conversationId }: Located): string => `chat ${conversationId}`,
  sender: ({ draft }: Entry): string => `sender ${draft.sender.userId}`,
};

/** The chat of a key that holds all of it. */
export const chatOfKey = (key: string): number | undefined => {
  const [what, id] = key.split(' ');
  return what === 'chat' ? Number(id) : undefined;
};
