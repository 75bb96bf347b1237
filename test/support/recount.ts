import assert from 'node:assert/strict';
import { cut } from '../../src/conversations/quotes.js';

/** Of messages, as they are stored. */
interface MessageRow extends Place {
  sender_id: number;
  body: string;
  change_seq: number | null;
  deleted_at: unknown;
  extras: string | null;
}

interface Extras {
  reply_to?: number;
  is_silent?: boolean;
  mentions?: number[];
  everyone?: boolean;
}

interface Place {
  conversation_id: number;
  seq: number;
}

const EVERYONE = 0;
const keyOf = ({ conversation_id, seq }: Place): string => `${conversation_id}:${seq}`;

function groupBy<T, K>(rows: readonly T[], key: (row: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const row of rows) if (!groups.get(key(row))?.push(row)) groups.set(key(row), [row]);
  return groups;
}

/** What messages say beside their texts, counted anew from the rows, past all that the server does to keep it. */
export class Recount {
  private constructor(
    private readonly messages: ReadonlyMap<string, MessageRow>,
    private readonly mentions: readonly { conversation_id: number; seq: number; user_id: number }[],
    private readonly reactions: ReadonlyMap<string, readonly { emoji: string; user_id: number }[]>,
    private readonly blocks: readonly { blocker_id: number; blocked_id: number }[],
  ) {}

  /** @param query asks the database @param conversationIds of which chats; of all, where they are left out */
  static async of(query: (sql: string) => Promise<any[]>, conversationIds?: readonly number[]): Promise<Recount> {
    const where = (column: string) => (conversationIds ? `WHERE ${column} IN (${[0, ...conversationIds].join()})` : '');
    const read = <Row>(columns: string, table: string): Promise<Row[]> =>
      query(`SELECT ${columns} FROM ${table} ${where('conversation_id')}`);
    const messages = await read<MessageRow>('*', 'messages');
    const given = await read<Place & { emoji: string; user_id: number }>('*', 'reactions');
    const recount = new Recount(
      new Map(messages.map((row) => [keyOf(row), row])),
      await read('conversation_id, seq, user_id', 'mentions'),
      groupBy(given, keyOf),
      await query('SELECT blocker_id, blocked_id FROM blocks'),
    );
    for (const row of await read<Place & { emoji: string; total: number }>('*', 'reaction_totals'))
      assert.equal(row.total, recount.countOf(row.conversation_id, row.seq, row.emoji), JSON.stringify(row));
    recount.assertReasons();
    recount.assertChanges(
      await read('conversation_id, seq, change_seq', 'message_changes'),
      await query(`SELECT id, last_change FROM conversations ${where('id')}`),
    );
    return recount;
  }

  /** Whether somebody has reacted; undefined where the message was deleted. */
  hasReacted(place: Place, userId: number, emoji: string): boolean | undefined {
    if (this.messages.get(keyOf(place))?.deleted_at !== null) return undefined;
    return (this.reactions.get(keyOf(place)) ?? []).some((one) => one.user_id === userId && one.emoji === emoji);
  }

  /** Whether a mention names somebody; or everyone, which are all but its author and those with whom there is a block. */
  private isTold(mention: Place & { user_id: number }, userId: number): boolean {
    if (mention.user_id !== EVERYONE) return mention.user_id === userId;
    const author = this.messages.get(keyOf(mention))!.sender_id;
    const isApart = this.blocks.some(
      ({ blocker_id: one, blocked_id: other }) =>
        (one === userId && other === author) || (one === author && other === userId),
    );
    return author !== userId && !isApart;
  }

  /** How many messages behind a mark name somebody, or everyone. */
  unreadMentions(conversationId: number, userId: number, mark: number): number {
    const those = this.mentions.filter(
      (one) => one.conversation_id === conversationId && one.seq > mark && this.isTold(one, userId),
    );
    return Math.min(100, new Set(those.map(({ seq }) => seq)).size);
  }

  /** The places `<chat>:<seq>` of all messages that name somebody, in these chats. */
  naming(userId: number, conversationIds: Iterable<number>): Set<string> {
    const theirs = new Set(conversationIds);
    const those = this.mentions.filter((one) => theirs.has(one.conversation_id) && this.isTold(one, userId));
    return new Set(those.map(({ conversation_id, seq }) => `${conversation_id}:${seq}`));
  }

  /** A message as a history shows it, held against the rows. */
  assertView(conversationId: number, userId: number, view: Record<string, any>): void {
    const row = this.messages.get(`${conversationId}:${view['seq']}`)!;
    const said = JSON.parse(row.extras ?? '{}') as Extras;
    const { seq, change_seq, deleted_at } = row;
    assert.deepEqual(
      [view['message'], view['change'] ?? null, view['deleted'] ?? false],
      [row.body, change_seq, deleted_at !== null],
    );
    const quoted = said.reply_to === undefined ? undefined : this.messages.get(`${conversationId}:${said.reply_to}`)!;
    const quote = quoted && {
      seq: quoted.seq,
      user_id: quoted.sender_id,
      message: cut(quoted.body),
      ...(quoted.deleted_at !== null && { deleted: true }),
      ...(quoted.change_seq !== null && { change: quoted.change_seq }),
    };
    assert.deepEqual(view['reply_to'], quote);
    const names = { user_ids: said.mentions ?? [], ...(said.everyone && { everyone: true }) };
    assert.deepEqual(view['mentions'], said.mentions || said.everyone ? names : undefined);
    const given = this.reactions.get(`${conversationId}:${seq}`) ?? [];
    const byEmoji = [...new Set(given.map(({ emoji }) => emoji))].map((emoji) => ({
      emoji,
      count: this.countOf(conversationId, seq, emoji),
      ...(given.some((one) => one.emoji === emoji && one.user_id === userId) && { is_mine: true }),
    }));
    const sorted = (reactions: { emoji: string }[] = []) => [...reactions].sort((a, b) => (a.emoji < b.emoji ? -1 : 1));
    assert.deepEqual(sorted(view['reactions']), sorted(byEmoji));
  }

  private countOf(conversationId: number, seq: number, emoji: string): number {
    return (this.reactions.get(`${conversationId}:${seq}`) ?? []).filter((one) => one.emoji === emoji).length;
  }

  /** Each mention is one that the message says; deleted messages say nothing, and have no reactions. */
  private assertReasons(): void {
    for (const { conversation_id, seq, user_id } of this.mentions) {
      const row = this.messages.get(`${conversation_id}:${seq}`)!;
      const said = JSON.parse(row.extras ?? '{}') as Extras;
      const answered = said.is_silent ? undefined : this.messages.get(`${conversation_id}:${said.reply_to}`)?.sender_id;
      const reasons = [...(said.mentions ?? []), ...(said.everyone ? [EVERYONE] : []), answered];
      assert(reasons.includes(user_id) && user_id !== row.sender_id, `${user_id} is named by ${row.extras}`);
    }
    for (const [key, row] of this.messages)
      if (row.deleted_at !== null)
        assert.deepEqual([row.extras, row.body, this.reactions.get(key)], [null, '', undefined]);
  }

  /** Each message that was ever changed stands once among the changes, under the number in its row; the highest is the chat's. */
  private assertChanges(
    changes: readonly (Place & { change_seq: number })[],
    chats: readonly { id: number; last_change: number | null }[],
  ): void {
    const numbers = (rows: readonly (Place & { change_seq: number | null })[]) =>
      rows.flatMap((row) => (row.change_seq === null ? [] : `${keyOf(row)} ${row.change_seq}`)).sort();
    assert.deepEqual(numbers(changes), numbers([...this.messages.values()]));
    const byChat = groupBy(changes, ({ conversation_id }) => conversation_id);
    for (const { id, last_change } of chats)
      assert.equal(
        last_change ?? 0,
        (byChat.get(id) ?? []).reduce((most, { change_seq }) => Math.max(most, change_seq), 0),
        `the last change of ${id}`,
      );
  }
}
