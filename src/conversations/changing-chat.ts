import type { EntityManager } from 'typeorm';
import { NotFound } from '../common/errors.js';
import { chunks } from '../database/chunks.js';
import { fromMoment, inIds, insertRows, placeholders } from '../database/dialect.js';
import type { DomainEvents } from '../domain-events/domain-events.js';
import type { ChatTargets, MessageChanged, ReactionGiven, ReactionTotal } from '../domain-events/events.js';
import type { QuotedMessage } from '../domain-events/message-extras.js';
import type { EditableKindName } from './chat-kind.js';
import { Conversation } from './conversation.entity.js';
import type { LockedConversation } from './conversation-locks.js';
import { Message } from './message.entity.js';
import { parseExtras } from './extras.js';
import { messageColumns, type MessageRow } from './message.view.js';
import { quoteOf, quotesIn } from './quotes.js';

/** The columns of a message's row that change. */
export interface Difference {
  body?: string;
  /** JSON: see `Extras`. */
  extras?: string | null;
  edited_at?: Date;
  deleted_at?: Date;
}

/** A message and the number that its change has taken. */
export type ChangedMessage = MessageRow & { change_seq: number };

/** What of a message does not stand in its row. */
export interface Beside {
  /** Its reactions after the change. */
  reactions: readonly ReactionTotal[];
  /** Whose have changed, where these are the change. */
  reacted?: readonly ReactionGiven[];
}

interface Made {
  before: MessageRow;
  difference: Difference;
  after: ChangedMessage;
  beside: Beside;
}

const hasColumns = ({ difference }: Made): boolean => Object.keys(difference).length > 0;

/**
 * A chat whose row the transaction has locked, and whose messages it changes: see `MessageChanges.inTurn`. Each changed message takes the next
 * `change` of the chat. Made anew for each try of the transaction.
 */
export class ChangingChat<K extends EditableKindName = EditableKindName> {
  private readonly made = new Map<number, Made>();
  private lastChange: number;

  constructor(
    private readonly tx: EntityManager,
    readonly kind: K,
    { id, last_seq, last_change }: LockedConversation,
    readonly target: ChatTargets[K],
  ) {
    this.conversationId = id;
    this.lastSeq = last_seq;
    this.lastChange = last_change ?? 0;
  }

  readonly conversationId: number;
  /** Number of its newest message. Numbers have no gaps, so there is a message of every number up to this one. */
  readonly lastSeq: number;

  /** One message as it is now. @throws NotFound */
  async message(seq: number): Promise<MessageRow> {
    const message = (await this.messages([seq])).get(seq);
    if (!message) throw new NotFound('message');
    return message;
  }

  /** Messages as they are now, by their numbers; those that do not exist are missing. */
  async messages(seqs: readonly number[]): Promise<Map<number, MessageRow>> {
    const found = new Map<number, MessageRow>();
    const existing = seqs.filter((seq) => seq >= 1 && seq <= this.lastSeq);
    if (existing.length === 0) return found;
    const { sql, values } = inIds('seq', existing);
    const rows = await this.tx.query<MessageRow[]>(
      `SELECT ${messageColumns('messages')} FROM messages WHERE conversation_id = ? AND ${sql}`,
      [this.conversationId, ...values],
    );
    for (const row of rows) found.set(row.seq, row);
    return found;
  }

  /** Changes a message, once in a transaction. It is written before the commit, and published after it. @returns the message as it is then */
  change(before: MessageRow, difference: Difference, beside: Beside): ChangedMessage {
    if (this.made.has(before.seq)) throw new Error(`Message ${before.seq} was changed twice in one transaction.`);
    const after = { ...before, ...difference, change_seq: this.nextChange };
    this.lastChange = after.change_seq;
    this.made.set(before.seq, { before, difference, after, beside });
    return after;
  }

  /** The number that the next call of `change` takes. */
  get nextChange(): number {
    return this.lastChange + 1;
  }

  /** The numbers of one of the changes, by which it is seen whether all of them are stored; undefined where there is none. */
  get trace(): { change: number; seq: number } | undefined {
    const [first] = this.made.values();
    return first && { change: first.after.change_seq, seq: first.after.seq };
  }

  /** Writes the changes, and records their events in the order of `change`. `MessageChanges` calls it, as the last step of the transaction. */
  async write(events: DomainEvents): Promise<void> {
    const { tx, conversationId } = this;
    const made = [...this.made.values()];
    if (made.length === 0) return;
    for (const one of made.filter(hasColumns)) await this.writeColumns(one);
    for (const some of chunks(made)) await this.number(some);
    await tx.update(Conversation, { id: conversationId }, { lastChange: this.lastChange });
    const quotes = await quotesIn(
      tx,
      conversationId,
      made.map(({ after }) => after),
    );
    for (const one of made)
      events.record(tx, 'messageChanged', this.toEvent(one, quoteOf(quotes, conversationId, one.after)));
  }

  private async writeColumns({ after, difference }: Made): Promise<void> {
    const { conversationId } = this;
    const { body, extras, edited_at: editedAt, deleted_at: deletedAt } = difference;
    const columns = {
      ...(body !== undefined && { body }),
      ...(extras !== undefined && { extras }),
      ...(editedAt && { editedAt }),
      ...(deletedAt && { deletedAt }),
    };
    await this.tx.update(Message, { conversationId, seq: after.seq }, { ...columns, change: after.change_seq });
  }

  private async number(made: readonly Made[]): Promise<void> {
    const { tx, conversationId } = this;
    const others = made.filter((one) => !hasColumns(one)).map(({ after }) => after);
    if (others.length > 0)
      await tx.query(
        `UPDATE messages SET change_seq = CASE seq ${others.map(() => 'WHEN ? THEN ?').join(' ')} END
         WHERE conversation_id = ? AND seq IN (${placeholders(others)})`,
        [
          ...others.flatMap(({ seq, change_seq }) => [seq, change_seq]),
          conversationId,
          ...others.map(({ seq }) => seq),
        ],
      );
    // `changes_after` shows each message once, as it is now.
    const overtaken = made.flatMap(({ before }) => before.change_seq ?? []);
    if (overtaken.length > 0) {
      const { sql, values } = inIds('change_seq', overtaken);
      await tx.query(`DELETE FROM message_changes WHERE conversation_id = ? AND ${sql}`, [conversationId, ...values]);
    }
    const rows = made.map(({ after }) => [conversationId, after.change_seq, after.seq]);
    await insertRows(tx, 'message_changes', 'conversation_id, change_seq, seq', rows);
  }

  private toEvent({ after: row, beside }: Made, quote: QuotedMessage | undefined): MessageChanged {
    return {
      kind: this.kind,
      target: this.target,
      conversationId: this.conversationId,
      change: row.change_seq,
      seq: row.seq,
      senderId: row.sender_id,
      body: row.body,
      extras: parseExtras(row.extras),
      quote,
      createdAt: fromMoment(row.created_at),
      editedAt: row.edited_at === null ? null : fromMoment(row.edited_at),
      deletedAt: row.deleted_at === null ? null : fromMoment(row.deleted_at),
      reactions: beside.reactions,
      reacted: beside.reacted,
    } as MessageChanged;
  }
}
