import type { EntityManager } from 'typeorm';
import { freeSessionRefusals } from '../identity/live-sessions.js';
import { DomainError, NotFound } from '../common/errors.js';
import { isLockTimeout } from '../database/database-errors.js';
import {
  canSkipLocked,
  forUpdateFree,
  fromMoment,
  insertRows,
  inTuples,
  refuseToWait,
  toMoment,
  upsertRows,
} from '../database/dialect.js';
import { lockConversations, lockFreeConversations } from './conversation-locks.js';
import type { ChatKind, ChatKinds } from './chat-kind.js';
import {
  BOT_USER_ID,
  type Entry,
  heldKey,
  isLocated,
  isWritten,
  type Located,
  type Stored,
  type Written,
} from './draft.js';

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

/**
 * One transaction's worth of messages: the same handful of statements, whether it holds one message or hundreds. It waits for nobody:
 * an entry whose row somebody else holds (its chat, its sender's session or place in the chat, a person of a room that is to be made)
 * is held back, and the others are stored.
 */
export class AppendBatch {
  /** Repeats within this batch, each with its first: they take its place once it has one. */
  private readonly duplicates: [Entry, Entry][] = [];

  constructor(
    private readonly tx: EntityManager,
    private readonly kinds: ChatKinds,
    private readonly now: Date,
    /** What drafts are held by that are not in this batch, with the number of the first: later ones wait behind it. */
    private readonly closed: ReadonlyMap<string, number> = new Map(),
  ) {}

  /** Gives each entry `stored`, `refusal` or `heldBy`. */
  async append(entries: Entry[]): Promise<void> {
    if (this.closed.size > 0) this.holdUnlocated(entries);
    await this.eachKind(accepted(entries), (kind, mine) => kind.locate(this.tx, mine));
    const located = accepted(entries).filter(isLocated);
    if (this.closed.size > 0) this.holdLocated(located);
    // From here until the commit nobody else numbers messages in these conversations: what is checked now stays true.
    const heads = await this.lockHeads(accepted(located));
    await this.checkSessions(accepted(located));
    await this.eachKind(accepted(located), async (kind, mine) => kind.authorize?.(this.tx, mine));
    const fresh = await this.settleRepeats(accepted(located));
    await this.eachKind(fresh, async (kind, mine) => kind.admit?.(this.tx, mine));
    const written = await this.numberAndMark(accepted(fresh), heads);
    if (written.length === 0) return;
    await this.eachKind(written, async (kind, mine) => kind.stored?.(this.tx, mine));
  }

  private isBehind({ number }: Entry, key: string): boolean {
    return (this.closed.get(key) ?? Infinity) < number;
  }

  private holdUnlocated(entries: Entry[]): void {
    for (const entry of entries) {
      const place = (this.kinds.get(entry.draft.kind) as ChatKind).placeOf?.(entry.draft.target);
      if (place !== undefined && this.isBehind(entry, place)) entry.hold(place);
      else if (this.isBehind(entry, heldKey.sender(entry))) entry.hold(heldKey.sender(entry));
    }
  }

  private holdLocated(entries: Located[]): void {
    for (const entry of entries) {
      const key = [heldKey.chat(entry), heldKey.mark(entry)].find((one) => this.isBehind(entry, one));
      if (key !== undefined) entry.hold(key);
    }
  }

  /**
   * Whether a batch whose COMMIT was not answered is there: all of it or nothing, so one of its rows tells. One of each chat is looked
   * for, since a chat may have been deleted meanwhile.
   */
  static async isCommitted(tx: EntityManager, entries: Entry[]): Promise<boolean> {
    const written = new Map<number, Written>();
    for (const entry of entries.filter(isFresh)) written.set(entry.conversationId, entry);
    if (written.size === 0) return true;
    const ids = [...written.keys()].sort((a, b) => a - b);
    // The server may still be committing: its locks are gone only when it has decided.
    await lockConversations(tx, ids);
    const { sql, values } = inTuples(
      tx,
      'conversation_id, seq',
      [...written].map(([id, { stored }]) => [id, stored.seq]),
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
      const entry = written.get(row.conversation_id);
      if (!entry) return false;
      const { draft, stored } = entry;
      return (
        row.sender_id === draft.sender.userId &&
        row.client_id === (draft.clientId ?? null) &&
        (row.body === draft.body || row.change_seq !== null) &&
        fromMoment(row.created_at).getTime() === stored.timestamp.getTime()
      );
    });
  }

  private async eachKind<E extends Entry>(
    entries: E[],
    work: (kind: ChatKind, mine: E[]) => Promise<void>,
  ): Promise<void> {
    for (const name of this.kinds.names) {
      const mine = entries.filter(({ draft }) => draft.kind === name);
      if (mine.length > 0) await work(this.kinds.get(name), mine);
    }
  }

  /** In the order of their ids, so that two batches never wait for each other. */
  private async lockHeads(entries: Located[]): Promise<Map<number, Head>> {
    const heads = new Map<number, Head>();
    if (entries.length === 0) return heads;
    const ids = unique(entries.map(({ conversationId }) => conversationId));
    const { free, held } = await lockFreeConversations(this.tx, ids);
    for (const { id, last_seq, last_message_at } of free) {
      heads.set(id, {
        lastSeq: last_seq,
        lastMessageAt: last_message_at === null ? 0 : fromMoment(last_message_at).getTime(),
      });
    }
    const heldIds = new Set(held.map(({ id }) => id));
    for (const entry of entries) {
      if (heldIds.has(entry.conversationId)) entry.hold(heldKey.chat(entry));
      else if (!heads.has(entry.conversationId)) entry.refuse(new NotFound('chat'));
    }
    return heads;
  }

  /** A session that ended before this point sends nothing more. One that ends now waits for this batch. */
  private async checkSessions(all: Located[]): Promise<void> {
    const entries = all.filter(isPersons);
    if (entries.length === 0) return;
    const ids = unique(entries.map(({ draft }) => draft.sender.sessionId));
    const { refusalOf, held } = await freeSessionRefusals(this.tx, ids, this.now);
    // All that these people write: they may have another session, and what they wrote first comes first.
    const people = new Set(
      entries.filter(({ draft }) => held.has(draft.sender.sessionId)).map(({ draft }) => draft.sender.userId),
    );
    for (const entry of entries) {
      if (people.has(entry.draft.sender.userId)) {
        entry.hold(heldKey.sender(entry));
        continue;
      }
      const refusal = refusalOf(entry.draft.sender.sessionId);
      if (refusal) entry.refuse(refusal);
    }
  }

  /** Answers what was sent before, in an earlier batch or in this one, and returns the rest, each of which is new. */
  private async settleRepeats(entries: Located[]): Promise<Located[]> {
    const known = await this.findByClientId(entries);
    const first = new Map<string, Located>();
    return entries.filter((entry) => {
      const { conversationId, draft } = entry;
      if (draft.clientId === undefined) return true;
      const key = repeatKey(conversationId, draft.sender.userId, draft.clientId);
      const before = known.get(key);
      if (before) {
        // What it said at first is known no more once it was edited or deleted.
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

  /**
   * Writes the messages, and with them how far their senders have read: who writes has read what stands above. Read marks lie in rows
   * that others may hold without holding the chat.
   * @returns what is written; the others are held
   */
  private async numberAndMark(fresh: Located[], heads: ReadonlyMap<number, Head>): Promise<Written[]> {
    const noWait = refuseToWait(this.tx);
    if (noWait === undefined) await this.holdMarks(fresh);
    let { written, after } = this.number(accepted(fresh), heads);
    try {
      await this.mark(written, noWait);
    } catch (error) {
      if (!noWait || !isLockTimeout(error)) throw error;
      // Somebody holds one of these rows: which one is asked only now, since it is rare.
      await this.holdMarks(fresh);
      for (const entry of fresh) if (entry.heldBy) delete entry.stored;
      ({ written, after } = this.number(accepted(fresh), heads));
      await this.mark(written, noWait);
    }
    for (const [entry, original] of this.duplicates) {
      if (original.stored) entry.stored = { ...original.stored, isRepeat: true };
      else if (original.heldBy) entry.hold(original.heldBy);
      else if (original.refusal) entry.refuse(original.refusal);
    }
    if (written.length > 0) await this.write(written, after);
    return written;
  }

  private number(
    fresh: Located[],
    before: ReadonlyMap<number, Head>,
  ): { written: Written[]; after: Map<number, Head> } {
    const heads = new Map<number, Head>();
    const written = fresh.map((entry): Written => {
      const id = entry.conversationId;
      const head = heads.get(id) ?? { ...locked(before, id) };
      heads.set(id, head);
      head.lastSeq += 1;
      // Later than the message before, also when the clock was set back: paging by timestamp skips and repeats nothing.
      head.lastMessageAt = Math.max(this.now.getTime(), head.lastMessageAt + 1);
      const stored: Stored = {
        conversationId: id,
        seq: head.lastSeq,
        timestamp: new Date(head.lastMessageAt),
        isRepeat: false,
      };
      return Object.assign(entry, { stored });
    });
    return { written, after: heads };
  }

  private async write(written: Written[], heads: ReadonlyMap<number, Head>): Promise<void> {
    await insertRows(
      this.tx,
      'messages',
      'conversation_id, seq, sender_id, body, created_at, client_id',
      written.map(({ draft, stored }) => {
        const { conversationId, seq, timestamp } = stored;
        return [conversationId, seq, draft.sender.userId, draft.body, toMoment(timestamp), draft.clientId ?? null];
      }),
    );
    await upsertRows(
      this.tx,
      'conversations',
      // All of a row's columns, since MySQL demands those without a default; only two are ever written here.
      'id, kind, last_seq, last_message_at, created_at',
      [...heads].map(([id, { lastSeq, lastMessageAt }]) => {
        const moment = toMoment(new Date(lastMessageAt));
        return [id, '', lastSeq, moment, moment];
      }),
      'id',
      'last_seq = new(last_seq), last_message_at = new(last_message_at)',
    );
  }

  /** Holds those whose place in the chat somebody else holds. */
  private async holdMarks(entries: Located[]): Promise<void> {
    const senders = canSkipLocked(this.tx) ? entries.filter(isPersons) : [];
    if (senders.length === 0) return;
    const places = new Map<string, [number, number]>(
      senders.map((entry) => [heldKey.mark(entry), [entry.conversationId, entry.draft.sender.userId]]),
    );
    const take = async (lock: string): Promise<void> => {
      const { sql, values } = inTuples(this.tx, 'conversation_id, user_id', [...places.values()]);
      const rows = await this.tx.query<{ conversation_id: number; user_id: number }[]>(
        `SELECT conversation_id, user_id FROM members WHERE ${sql} ${lock}`,
        values,
      );
      const found = new Set(rows.map((row) => `mark ${row.conversation_id} ${row.user_id}`));
      for (const key of places.keys()) if (found.has(key) === (lock !== '')) places.delete(key);
    };
    await take(forUpdateFree(this.tx));
    // Left are those that somebody holds, and those that are not there: a chat with the bot has none before its first question.
    if (places.size > 0) await take('');
    for (const entry of senders) if (places.has(heldKey.mark(entry))) entry.hold(heldKey.mark(entry));
  }

  private async mark(written: Written[], prefix?: string): Promise<void> {
    const marks = new Map(written.filter(isPersons).map((entry) => [heldKey.mark(entry), entry]));
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
      prefix,
    );
  }
}

/** The bot has no session, and no read mark. */
const isPersons = ({ draft }: Entry): boolean => draft.sender.userId !== BOT_USER_ID;

const accepted = <E extends Entry>(entries: E[]): E[] =>
  entries.filter(({ refusal, heldBy }) => !refusal && heldBy === undefined);

/** Stored by this batch, and not by an earlier one. */
export const isFresh = (entry: Entry): entry is Written => isWritten(entry) && !entry.stored.isRepeat;

function locked(heads: ReadonlyMap<number, Head>, id: number): Head {
  const head = heads.get(id);
  if (!head) throw new Error(`Chat ${id} is to be numbered and not locked.`);
  return head;
}

const unique = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
