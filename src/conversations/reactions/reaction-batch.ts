import type { EntityManager } from 'typeorm';
import { DomainError, NotFound } from '../../common/errors.js';
import type { Identity } from '../../common/identity.js';
import { chunks } from '../../database/chunks.js';
import { inIds, insertRows, inTuples, upsertRows } from '../../database/dialect.js';
import { sessionRefusals } from '../../identity/live-sessions.js';
import type { ChangingChat } from '../changing-chat.js';
import type { MessageRow } from '../message.view.js';
import type { ReactionsView } from './react.dto.js';
import { byFirst } from './reaction-rows.js';

/** Most emoji of one message, and of one user on one message. */
export const MOST_EMOJI = 20;
export const MOST_OF_USER = 5;

/** Rows that one statement deletes, each named by its whole key. */
const ROWS_OF_DELETE = 100;

/** A user sets a reaction, or takes it back. */
export interface ReactionRequest {
  readonly me: Identity;
  readonly seq: number;
  /** As `canonicalEmoji` spells it. */
  readonly emoji: string;
  readonly isOn: boolean;
}

/** What became of a request. */
export type ReactionResult = ReactionsView | DomainError;

const tooMany = (sentence: string) => new DomainError('conflict', 'too_many_reactions', sentence);
const isGone = () =>
  new DomainError('gone', 'message_deleted', 'The message was deleted. There is nothing to react to.');

/** Those of the users who are members of the chat. */
export async function membersAmong(
  manager: EntityManager,
  conversationId: number,
  userIds: readonly number[],
): Promise<ReadonlySet<number>> {
  const { sql, values } = inIds('user_id', unique(userIds));
  const rows = await manager.query<{ user_id: number }[]>(
    `SELECT user_id FROM members WHERE conversation_id = ? AND ${sql}`,
    [conversationId, ...values],
  );
  return new Set(rows.map((row) => row.user_id));
}

interface Total {
  count: number;
  /** Number of the change by which it came to the message; Infinity while that is not known. */
  first: number;
}

/** Reactions to one message while requests are applied. */
class Tally {
  readonly totals = new Map<string, Total>();
  /** By user, those of whom this batch has requests. */
  readonly given = new Map<number, Set<string>>();
  /** By user and emoji, how it was before the batch, where a request has changed it. */
  readonly before = new Map<string, { userId: number; emoji: string; wasOn: boolean }>();

  constructor(readonly message: MessageRow) {}

  of(userId: number): Set<string> {
    let mine = this.given.get(userId);
    if (!mine) this.given.set(userId, (mine = new Set()));
    return mine;
  }

  /** @returns why not; undefined where it is done, or was so already */
  apply({ me: { userId }, emoji, isOn }: ReactionRequest): DomainError | undefined {
    const mine = this.of(userId);
    if (mine.has(emoji) === isOn) return undefined;
    const total = this.totals.get(emoji) ?? { count: 0, first: Infinity };
    if (isOn && mine.size >= MOST_OF_USER)
      return tooMany(`You have reacted to this message with ${MOST_OF_USER} emoji. Take one of them back first.`);
    if (isOn && total.count === 0 && this.shown >= MOST_EMOJI)
      return tooMany(`The message has ${MOST_EMOJI} emoji already. Take one of those.`);
    const key = `${userId} ${emoji}`;
    if (!this.before.has(key)) this.before.set(key, { userId, emoji, wasOn: !isOn });
    if (isOn) mine.add(emoji);
    else mine.delete(emoji);
    total.count += isOn ? 1 : -1;
    this.totals.set(emoji, total);
    return undefined;
  }

  /** What is different from before the batch. */
  get reacted(): { userId: number; emoji: string; isOn: boolean }[] {
    return [...this.before.values()]
      .map(({ userId, emoji, wasOn }) => ({ userId, emoji, isOn: this.of(userId).has(emoji), wasOn }))
      .filter(({ isOn, wasOn }) => isOn !== wasOn)
      .map(({ userId, emoji, isOn }) => ({ userId, emoji, isOn }));
  }

  get reactions(): { emoji: string; count: number }[] {
    return [...this.totals]
      .filter(([, { count }]) => count > 0)
      .map(([emoji, { count, first }]) => ({ emoji, count, first }))
      .sort(byFirst)
      .map(({ emoji, count }) => ({ emoji, count }));
  }

  private get shown(): number {
    return [...this.totals.values()].filter(({ count }) => count > 0).length;
  }
}

/**
 * The requests of one transaction, which has locked the chat: the same few statements for one and for hundreds, and one change for each
 * message. They are applied in their order, so each sees what those before it have done.
 */
export class ReactionBatch {
  constructor(
    private readonly tx: EntityManager,
    private readonly chat: ChangingChat,
    private readonly now: Date,
  ) {}

  /** @returns what became of each; whether they may at all has been asked for the kind of chat. @throws as the database does */
  async apply(requests: readonly ReactionRequest[]): Promise<ReactionResult[]> {
    const { tx, chat } = this;
    const sessionIds = unique(requests.map(({ me }) => me.sessionId));
    const refusalOf = await sessionRefusals(tx, sessionIds, this.now);
    const userIds = requests.map(({ me }) => me.userId);
    const members = await membersAmong(tx, chat.conversationId, userIds);
    const messages = await chat.messages(unique(requests.map(({ seq }) => seq)));
    const refusals = requests.map(({ me, seq }): DomainError | undefined => {
      const message = messages.get(seq);
      const refusal = refusalOf(me.sessionId);
      if (refusal) return refusal;
      if (!members.has(me.userId)) return new NotFound(`chat ${chat.kind}`);
      if (!message) return new NotFound('message');
      return message.deleted_at === null ? undefined : isGone();
    });
    const tallies = await this.tallies(
      requests.filter((_, i) => !refusals[i]),
      messages,
    );
    for (const [i, request] of requests.entries()) refusals[i] ??= tallies.get(request.seq)!.apply(request);
    const changes = await this.write([...tallies.values()]);
    return requests.map(({ me, seq }, i) => refusals[i] ?? this.view(tallies.get(seq)!, me.userId, changes.get(seq)));
  }

  /** How the messages stand now, and who of these users has reacted. Nothing is read of messages that were never changed. */
  private async tallies(
    requests: readonly ReactionRequest[],
    messages: ReadonlyMap<number, MessageRow>,
  ): Promise<Map<number, Tally>> {
    const { tx, chat } = this;
    const tallies = new Map(requests.map(({ seq }) => [seq, new Tally(messages.get(seq)!)]));
    const changed = [...tallies.keys()].filter((seq) => messages.get(seq)!.change_seq !== null);
    if (changed.length === 0) return tallies;
    const those = inIds('seq', changed);
    const totals = await tx.query<{ seq: number; emoji: string; total: number; first_change: number }[]>(
      `SELECT seq, emoji, total, first_change FROM reaction_totals WHERE conversation_id = ? AND ${those.sql}`,
      [chat.conversationId, ...those.values],
    );
    for (const { seq, emoji, total, first_change: first } of totals)
      tallies.get(seq)!.totals.set(emoji, { count: total, first });
    if (totals.length === 0) return tallies;
    const pairs = new Map(
      requests.map(({ me, seq }) => [`${me.userId} ${seq}`, [chat.conversationId, me.userId, seq]]),
    );
    for (const some of chunks([...pairs.values()])) {
      const { sql, values } = inTuples(tx, 'conversation_id, user_id, seq', some);
      const rows = await tx.query<{ seq: number; emoji: string; user_id: number }[]>(
        `SELECT seq, emoji, user_id FROM reactions WHERE ${sql}`,
        values,
      );
      for (const { seq, emoji, user_id } of rows) tallies.get(seq)!.of(user_id).add(emoji);
    }
    return tallies;
  }

  /** @returns the numbers of the changes, by message */
  private async write(tallies: readonly Tally[]): Promise<ReadonlyMap<number, number>> {
    const changes = new Map<number, number>();
    const rows = { added: [] as (string | number)[][], removed: [] as (string | number)[][] };
    const totals = { set: [] as (string | number)[][], ended: [] as (string | number)[][] };
    for (const tally of tallies) {
      const { reacted, message } = tally;
      if (reacted.length === 0) continue;
      const change = this.chat.nextChange;
      const key = [this.chat.conversationId, message.seq];
      for (const { userId, emoji, isOn } of reacted) (isOn ? rows.added : rows.removed).push([...key, emoji, userId]);
      for (const emoji of new Set(reacted.map((one) => one.emoji))) {
        const total = tally.totals.get(emoji)!;
        if (total.count === 0) totals.ended.push([...key, emoji]);
        else {
          if (total.first === Infinity) total.first = change;
          totals.set.push([...key, emoji, total.count, total.first]);
        }
      }
      this.chat.change(message, {}, { reactions: tally.reactions, reacted });
      changes.set(message.seq, change);
    }
    await this.remove('reactions', ['conversation_id', 'seq', 'emoji', 'user_id'], rows.removed);
    await this.remove('reaction_totals', ['conversation_id', 'seq', 'emoji'], totals.ended);
    for (const some of chunks(rows.added))
      await insertRows(this.tx, 'reactions', 'conversation_id, seq, emoji, user_id', some);
    // A total is replaced, and not added to: the chat is locked, and nobody else writes it.
    for (const some of chunks(totals.set))
      await upsertRows(
        this.tx,
        'reaction_totals',
        'conversation_id, seq, emoji, total, first_change',
        some,
        'conversation_id, seq, emoji',
        'total = new(total)',
      );
    return changes;
  }

  /** Not by `(a, b) IN (…)`: where MariaDB deletes, it walks through the whole table for that, and locks it. */
  private async remove(table: string, columns: string[], rows: readonly (string | number)[][]): Promise<void> {
    const isRow = `(${columns.map((column) => `${column} = ?`).join(' AND ')})`;
    for (const some of chunks(rows, ROWS_OF_DELETE)) {
      const where = some.map(() => isRow).join(' OR ');
      await this.tx.query(`DELETE FROM ${table} WHERE ${where}`, some.flat());
    }
  }

  private view({ message, reactions, given }: Tally, userId: number, changed?: number): ReactionsView {
    const mine = given.get(userId);
    const change = changed ?? message.change_seq ?? undefined;
    return {
      seq: message.seq,
      ...(change !== undefined && { change }),
      reactions: reactions.map((one) => ({ ...one, ...(mine?.has(one.emoji) && { is_mine: true as const }) })),
    };
  }
}

const unique = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
