import type { EntityManager } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { fromMoment, inTuples } from '../database/dialect.js';
import type { Extras } from '../domain-events/message-extras.js';
import type { AppendResult, Entry, Located } from './draft.js';
import { areSameExtras, parseExtras } from './extras.js';

const conflict = () =>
  new DomainError(
    'conflict',
    'client_id_conflict',
    'This client_id was used in this chat for another message. Give each message its own.',
  );

const repeatKey = (conversationId: number, senderId: number, clientId: string): string =>
  `${conversationId}:${senderId}:${clientId}`;

type KnownMessages = Map<
  string,
  Said & { isChanged: boolean; place: Pick<AppendResult, 'seq' | 'timestamp' | 'ignored'> }
>;

/**
 * Finds the entries of one batch that repeat an earlier message of their sender, by its `client_id`. They are answered with its number, or
 * refused where their text is another, or what they say beside it.
 */
export class Repeats {
  /** Repeats within this batch, each with the entry that it repeats: they get the same number. */
  private readonly duplicates: [Entry, Entry][] = [];

  constructor(private readonly tx: EntityManager) {}

  /** What is stored of the senders' messages with these entries' `client_id`s. */
  async find(entries: Located[]): Promise<KnownMessages> {
    const found: KnownMessages = new Map();
    const named = entries.flatMap(({ conversationId, draft: { sender, clientId } }): [number, number, string][] =>
      clientId === undefined ? [] : [[conversationId, sender.userId, clientId]],
    );
    if (named.length === 0) return found;
    const { sql, values } = inTuples(this.tx, 'conversation_id, sender_id, client_id', named);
    const rows = await this.tx.query<
      {
        conversation_id: number;
        sender_id: number;
        client_id: string;
        seq: number;
        body: string;
        extras: string | null;
        created_at: string | Date;
        edited_at: string | Date | null;
        deleted_at: string | Date | null;
      }[]
    >(
      `SELECT conversation_id, sender_id, client_id, seq, body, extras, created_at, edited_at, deleted_at FROM messages WHERE ${sql}`,
      values,
    );
    for (const row of rows) {
      const { conversation_id, sender_id, client_id, seq, body, created_at, edited_at, deleted_at } = row;
      const extras = parseExtras(row.extras);
      found.set(repeatKey(conversation_id, sender_id, client_id), {
        body,
        extras,
        isChanged: edited_at !== null || deleted_at !== null,
        place: { seq, timestamp: fromMoment(created_at), ignored: extras?.ignored },
      });
    }
    return found;
  }

  /** Answers repeats of what was sent in an earlier batch (`known`) or in this one, and returns the new ones. */
  settle(entries: Located[], known: KnownMessages): Located[] {
    const first = new Map<string, Located>();
    return entries.filter((entry) => {
      const { conversationId, draft } = entry;
      if (draft.clientId === undefined) return true;
      const key = repeatKey(conversationId, draft.sender.userId, draft.clientId);
      const before = known.get(key);
      if (before) {
        // Once it was edited or deleted, what it said first is not stored any more, and cannot be compared.
        if (before.isChanged || isSame(before, draft))
          entry.stored = { conversationId, ...before.place, isRepeat: true };
        else entry.refuse(conflict());
        return false;
      }
      const original = first.get(key);
      if (!original) {
        first.set(key, entry);
        return true;
      }
      if (isSame(original.draft, draft)) this.duplicates.push([entry, original]);
      else entry.refuse(conflict());
      return false;
    });
  }

  /** Answers repeats within the batch as the entries that they repeat. Called once these are numbered, held or refused. */
  follow(): void {
    for (const [entry, original] of this.duplicates) {
      if (original.stored) entry.stored = { ...original.stored, isRepeat: true };
      else if (original.heldBy) entry.hold(original.heldBy);
      else if (original.refusal) entry.refuse(original.refusal);
    }
  }
}

interface Said {
  body: string;
  extras?: Extras | undefined;
}

const isSame = (one: Said, other: Said): boolean => one.body === other.body && areSameExtras(one.extras, other.extras);
