import type { EntityManager } from 'typeorm';
import { DomainError } from '../common/errors.js';
import { fromMoment, inTuples } from '../database/dialect.js';
import type { Entry, Located } from './draft.js';

const conflict = () =>
  new DomainError(
    'conflict',
    'client_id_conflict',
    'This client_id was used in this chat for another text. Give each message its own.',
  );

const repeatKey = (conversationId: number, senderId: number, clientId: string): string =>
  `${conversationId}:${senderId}:${clientId}`;

/**
 * Finds the entries of one batch that repeat an earlier message of their sender, by its `client_id`. They are answered with its number, or
 * refused where their text is another.
 */
export class Repeats {
  /** Repeats within this batch, each with the entry that it repeats: they get the same number. */
  private readonly duplicates: [Entry, Entry][] = [];

  constructor(private readonly tx: EntityManager) {}

  /** Answers repeats of what was sent in an earlier batch or in this one, and returns the new ones. */
  async settle(entries: Located[]): Promise<Located[]> {
    const known = await this.findByClientId(entries);
    const first = new Map<string, Located>();
    return entries.filter((entry) => {
      const { conversationId, draft } = entry;
      if (draft.clientId === undefined) return true;
      const key = repeatKey(conversationId, draft.sender.userId, draft.clientId);
      const before = known.get(key);
      if (before) {
        // Once it was edited or deleted, its first text is not stored any more, and cannot be compared.
        if (before.body === draft.body || before.isChanged)
          entry.stored = { conversationId, ...before.place, isRepeat: true };
        else entry.refuse(conflict());
        return false;
      }
      const original = first.get(key);
      if (!original) {
        first.set(key, entry);
        return true;
      }
      if (original.draft.body === draft.body) this.duplicates.push([entry, original]);
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

  private async findByClientId(entries: Located[]) {
    const found = new Map<string, { body: string; isChanged: boolean; place: { seq: number; timestamp: Date } }>();
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
        created_at: string | Date;
        change_seq: number | null;
      }[]
    >(
      `SELECT conversation_id, sender_id, client_id, seq, body, created_at, change_seq FROM messages WHERE ${sql}`,
      values,
    );
    for (const { conversation_id, sender_id, client_id, seq, body, created_at, change_seq } of rows) {
      found.set(repeatKey(conversation_id, sender_id, client_id), {
        body,
        isChanged: change_seq !== null,
        place: { seq, timestamp: fromMoment(created_at) },
      });
    }
    return found;
  }
}
