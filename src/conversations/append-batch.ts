import type { EntityManager } from 'typeorm';
import { sessionRefusals } from '../auth/live-sessions.js';
import { DomainError, NotFound } from '../common/errors.js';
import {
  forUpdate,
  fromMoment,
  insertRows,
  inTuples,
  placeholders,
  toMoment,
  upsertRows,
} from '../database/dialect.js';
import type { ConversationKind } from './conversation.entity.js';
import { BOT_USER_ID, type Entry, type KindRules } from './draft.js';

interface Head {
  lastSeq: number;
  lastMessageAt: number;
}

const conflict = () =>
  new DomainError(
    'conflict',
    'client_id_conflict',
    'This client_id was used in this chat for another text. Give each message its own.',
  );

const repeatKey = (conversationId: number, senderId: number, clientId: string): string =>
  `${conversationId}:${senderId}:${clientId}`;

/** One transaction's worth of messages: the same handful of statements, whether it holds one message or hundreds. */
export class AppendBatch {
  /** Repeats within this batch, each with its first: they take its place once it has one. */
  private readonly twins: [Entry, Entry][] = [];

  constructor(
    private readonly tx: EntityManager,
    private readonly rules: ReadonlyMap<ConversationKind, KindRules>,
    private readonly now: Date,
  ) {}

  /** Gives each entry either `stored` or `refusal`. */
  async append(entries: Entry[]): Promise<void> {
    await this.eachKind(entries, (rules, mine) => rules.locate(this.tx, mine));
    // From here until the commit nobody else numbers messages in these conversations: what is checked now stays true.
    const heads = await this.lockHeads(accepted(entries));
    await this.checkSessions(accepted(entries));
    await this.eachKind(accepted(entries), async (rules, mine) => rules.authorize?.(this.tx, mine));
    const fresh = await this.settleRepeats(accepted(entries));
    await this.eachKind(fresh, async (rules, mine) => rules.admit?.(this.tx, mine));
    const admitted = accepted(fresh);
    this.number(admitted, heads);
    if (admitted.length === 0) return;
    await this.write(admitted, heads);
    await this.eachKind(admitted, async (rules, mine) => rules.stored?.(this.tx, mine));
  }

  /**
   * Whether a batch whose COMMIT was not answered is there: all of it or nothing, so one of its rows tells. One of each chat is looked
   * for, since a chat may have been deleted meanwhile.
   */
  static async isCommitted(tx: EntityManager, entries: Entry[]): Promise<boolean> {
    const written = new Map<number, Entry>();
    for (const entry of entries) {
      if (entry.stored && !entry.stored.isRepeat) written.set(entry.conversationId!, entry);
    }
    if (written.size === 0) return true;
    const ids = [...written.keys()].sort((a, b) => a - b);
    // The server may still be committing: its locks are gone only when it has decided.
    await tx.query(`SELECT id FROM conversations WHERE id IN (${placeholders(ids)}) ORDER BY id ${forUpdate(tx)}`, ids);
    const { sql, values } = inTuples(
      tx,
      'conversation_id, seq',
      ids.map((id) => [id, written.get(id)!.stored!.seq]),
    );
    const rows = await tx.query<
      {
        conversation_id: number;
        body: string;
        sender_id: number;
        client_id: string | null;
        created_at: string | Date;
        change_seq: number | null;
      }[]
    >(`SELECT conversation_id, body, sender_id, client_id, created_at, change_seq FROM messages WHERE ${sql}`, values);
    return rows.some((row) => {
      const { draft, stored } = written.get(row.conversation_id)!;
      return (
        row.sender_id === draft.sender.userId &&
        row.client_id === (draft.clientId ?? null) &&
        (row.body === draft.body || row.change_seq !== null) &&
        fromMoment(row.created_at).getTime() === stored!.timestamp.getTime()
      );
    });
  }

  private async eachKind(entries: Entry[], work: (rules: KindRules, mine: Entry[]) => Promise<void>): Promise<void> {
    for (const [kind, rules] of this.rules) {
      const mine = entries.filter(({ draft }) => draft.kind === kind);
      if (mine.length > 0) await work(rules, mine);
    }
  }

  /** In the order of their ids, so that two batches never wait for each other. */
  private async lockHeads(entries: Entry[]): Promise<Map<number, Head>> {
    const heads = new Map<number, Head>();
    if (entries.length === 0) return heads;
    const ids = unique(entries.map(({ conversationId }) => conversationId!));
    const rows = await this.tx.query<{ id: number; last_seq: number; last_message_at: string | Date | null }[]>(
      `SELECT id, last_seq, last_message_at FROM conversations WHERE id IN (${placeholders(ids)}) ORDER BY id ${forUpdate(this.tx)}`,
      ids,
    );
    for (const { id, last_seq, last_message_at } of rows) {
      heads.set(id, {
        lastSeq: last_seq,
        lastMessageAt: last_message_at === null ? 0 : fromMoment(last_message_at).getTime(),
      });
    }
    for (const entry of entries) {
      if (!heads.has(entry.conversationId!)) entry.refuse(new NotFound('chat'));
    }
    return heads;
  }

  /** A session that ended before this point sends nothing more. One that ends now waits for this batch. */
  private async checkSessions(all: Entry[]): Promise<void> {
    const entries = all.filter(isPersons);
    if (entries.length === 0) return;
    const ids = unique(entries.map(({ draft }) => draft.sender.sessionId));
    const refusalOf = await sessionRefusals(this.tx, ids, this.now);
    for (const entry of entries) {
      const refusal = refusalOf(entry.draft.sender.sessionId);
      if (refusal) entry.refuse(refusal);
    }
  }

  /** Answers what was sent before, in an earlier batch or in this one, and returns the rest, each of which is new. */
  private async settleRepeats(entries: Entry[]): Promise<Entry[]> {
    const named = entries.filter(({ draft }) => draft.clientId !== undefined);
    const known = await this.findByClientId(named);
    const first = new Map<string, Entry>();
    return entries.filter((entry) => {
      const { conversationId, draft } = entry;
      if (draft.clientId === undefined) return true;
      const key = repeatKey(conversationId!, draft.sender.userId, draft.clientId);
      const before = known.get(key);
      if (before) {
        // What it said at first is known no more once it was edited or deleted.
        if (before.body === draft.body || before.isChanged)
          entry.stored = { conversationId: conversationId!, ...before.place, isRepeat: true };
        else entry.refuse(conflict());
        return false;
      }
      const twin = first.get(key);
      if (!twin) {
        first.set(key, entry);
        return true;
      }
      if (twin.draft.body === draft.body) this.twins.push([entry, twin]);
      else entry.refuse(conflict());
      return false;
    });
  }

  private async findByClientId(entries: Entry[]) {
    const found = new Map<string, { body: string; isChanged: boolean; place: { seq: number; timestamp: Date } }>();
    if (entries.length === 0) return found;
    const { sql, values } = inTuples(
      this.tx,
      'conversation_id, sender_id, client_id',
      entries.map(({ conversationId, draft }) => [conversationId!, draft.sender.userId, draft.clientId!]),
    );
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

  private number(fresh: Entry[], heads: Map<number, Head>): void {
    for (const entry of fresh) {
      const head = heads.get(entry.conversationId!)!;
      head.lastSeq += 1;
      // Later than the message before, also when the clock was set back: paging by timestamp skips and repeats nothing.
      head.lastMessageAt = Math.max(this.now.getTime(), head.lastMessageAt + 1);
      const timestamp = new Date(head.lastMessageAt);
      entry.stored = { conversationId: entry.conversationId!, seq: head.lastSeq, timestamp, isRepeat: false };
    }
    for (const [entry, twin] of this.twins) {
      if (twin.stored) entry.stored = { ...twin.stored, isRepeat: true };
      else entry.refuse(twin.refusal!);
    }
  }

  private async write(fresh: Entry[], heads: Map<number, Head>): Promise<void> {
    await insertRows(
      this.tx,
      'messages',
      'conversation_id, seq, sender_id, body, created_at, client_id',
      fresh.map(({ draft, stored }) => {
        const { conversationId, seq, timestamp } = stored!;
        return [conversationId, seq, draft.sender.userId, draft.body, toMoment(timestamp), draft.clientId ?? null];
      }),
    );
    const touched = unique(fresh.map(({ conversationId }) => conversationId!));
    await upsertRows(
      this.tx,
      'conversations',
      // All of a row's columns, since MySQL demands those without a default; only two are ever written here.
      'id, kind, last_seq, last_message_at, created_at',
      touched.map((id) => {
        const { lastSeq, lastMessageAt } = heads.get(id)!;
        const moment = toMoment(new Date(lastMessageAt));
        return [id, '', lastSeq, moment, moment];
      }),
      'id',
      'last_seq = new(last_seq), last_message_at = new(last_message_at)',
    );
    // Who writes has read what stands above.
    const marks = new Map(
      fresh
        .filter(isPersons)
        .map(({ draft, stored }) => [`${stored!.conversationId}:${draft.sender.userId}`, { draft, stored: stored! }]),
    );
    if (marks.size === 0) return;
    await upsertRows(
      this.tx,
      'members',
      'conversation_id, user_id, last_read_seq, joined_at',
      [...marks.values()].map(({ draft, stored }) => [
        stored.conversationId,
        draft.sender.userId,
        stored.seq,
        toMoment(this.now),
      ]),
      'conversation_id, user_id',
      'last_read_seq = new(last_read_seq)',
    );
  }
}

/** The bot has no session, and no read mark. */
const isPersons = ({ draft }: Entry): boolean => draft.sender.userId !== BOT_USER_ID;

const accepted = (entries: Entry[]): Entry[] => entries.filter(({ refusal }) => !refusal);

const unique = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
