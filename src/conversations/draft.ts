import type { DomainError } from '../common/errors.js';
import type { Identity } from '../common/identity.js';
import { isoTime } from '../common/timing/iso-time.js';
import type { ChatKindName, ChatTargets } from '../domain-events/events.js';
import type { EveryoneIgnored, Extras, Ignored, QuotedMessage } from '../domain-events/message-extras.js';

/** The bot, as a sender: no user has this id. (A NULL would defeat the unique key of client_ids.) */
export const BOT_USER_ID = 0;

/** A message on its way into the log. */
export interface Draft<K extends ChatKindName = ChatKindName> {
  readonly kind: K;
  readonly sender: Identity;
  readonly target: ChatTargets[K];
  readonly body: string;
  readonly clientId?: string | undefined;
  /** As the client asked for them. */
  readonly extras?: Extras | undefined;
}

/** What an append ends with: where the message stands. */
export interface AppendResult {
  conversationId: number;
  seq: number;
  timestamp: Date;
  /** A repeat: the same `client_id` was stored before. It is acknowledged, and not published. */
  isRepeat: boolean;
  /** What was asked for and not granted. */
  ignored?: Ignored | undefined;
}

/** The fields of acknowledgements and events. */
export function toStoredFields(
  { seq, timestamp }: Pick<AppendResult, 'seq' | 'timestamp'>,
  clientId: string | null | undefined,
): { seq: number; timestamp: string; client_id?: string } {
  const fields = { seq, timestamp: isoTime(timestamp) };
  return clientId == null ? fields : Object.assign(fields, { client_id: clientId });
}

/** Whether a message may name all members. */
export interface Everyone {
  refused?: EveryoneIgnored;
  isOwners?: true;
}

/** A draft in a batch, while its transaction runs. Made anew for each try of the transaction. */
export class Entry<K extends ChatKindName = ChatKindName> {
  /** Set by `ChatKind.locate`. */
  conversationId?: number | undefined;
  refusal?: DomainError;
  stored?: AppendResult;
  /** What was granted, and will be stored. */
  extras?: Extras | undefined;
  /** Of the message that it answers. */
  quote?: QuotedMessage;
  /** Users who are named in it, or whom it answers. */
  notified?: readonly number[];
  /**
   * Whether it may name all members. Set by `ChatKind.authorize`, where a kind of chat has such members; asked once, and only for what nothing
   * else refuses: whoever was told that they may has used it up for others.
   */
  askEveryone?: () => Everyone;
  /** What the answer was. */
  everyone?: Everyone;
  /** Another transaction holds a row that it needs: it is tried again, and until then no draft with this key is stored. */
  heldBy?: string;

  constructor(
    readonly draft: Draft<K>,
    /** In the order of arrival in this process: it waits for no later one. */
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
  stored: AppendResult;
}

export const isLocated = (entry: Entry): entry is Located => entry.conversationId !== undefined;
const isWritten = (entry: Entry): entry is Written => isLocated(entry) && entry.stored !== undefined;
/** Stored by this batch, and not by an earlier one. */
export const isFresh = (entry: Entry): entry is Written => isWritten(entry) && !entry.stored.isRepeat;

/**
 * Keys by which drafts are held. Drafts with the same key are stored in their order. From the narrowest: one sender in one chat, one chat,
 * one sender. Two drafts of one sender to one chat have all of these in common.
 */
export const heldKey = {
  mark: ({ conversationId, draft }: Located): string => `mark ${conversationId} ${draft.sender.userId}`,
  chat: ({ conversationId }: Located): string => `chat ${conversationId}`,
  sender: ({ draft }: Entry): string => `sender ${draft.sender.userId}`,
};

/** The chat of a key that holds a whole chat. */
export const chatOfKey = (key: string): number | undefined => {
  const [what, id] = key.split(' ');
  return what === 'chat' ? Number(id) : undefined;
};
