import type { EntityManager } from 'typeorm';
import { freeSessionRefusals, type RefusalOf } from '../identity/live-sessions.js';
import { NotFound } from '../common/errors.js';
import { isLockTimeout } from '../common/lost-connection.js';
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
import type { ChatKindName } from '../domain-events/events.js';
import { askExtras, insertMentions } from './batch-extras.js';
import { lockFreeConversations } from './conversation-locks.js';
import type { ChatKind, ChatKinds, Verdict } from './chat-kind.js';
import { type AppendResult, BOT_USER_ID, type Entry, heldKey, isLocated, type Located, type Written } from './draft.js';
import { storedExtras } from './extras.js';
import { Repeats } from './repeats.js';

/** The newest message of a conversation: its number, and when it was sent. Both are 0 where there is none. */
interface LastMessage {
  seq: number;
  at: number;
}

/**
 * The messages of one transaction: the same handful of statements for one message and for hundreds. It never waits for a lock: an entry
 * that needs a row which another transaction holds (its chat, its sender's session or member's row, a user of a room that is to be made) is
 * held back, and the others are stored.
 */
export class AppendBatch {
  private readonly repeats = new Repeats(this.tx);

  constructor(
    private readonly tx: EntityManager,
    private readonly kinds: ChatKinds,
    private readonly now: Date,
    /** Keys that drafts outside of this batch are held by, with the number of the first such draft: later ones wait behind it. */
    private readonly closed: ReadonlyMap<string, number> = new Map(),
  ) {}

  /** Gives each entry `stored`, `refusal` or `heldBy`. */
  async append(entries: Entry[]): Promise<void> {
    if (this.closed.size > 0) this.holdUnlocated(entries);
    await this.eachKind(accepted(entries), (kind, mine) => kind.locate(this.tx, mine));
    const located = accepted(entries).filter(isLocated);
    if (this.closed.size > 0) this.holdLocated(located);
    const { before, fresh } = await this.check(accepted(located));
    const written = await this.numberAndMark(fresh, before);
    this.repeats.follow();
    if (written.length === 0) return;
    await this.eachKind(written, async (kind, mine) => kind.afterInsert?.(this.tx, mine));
  }

  /**
   * Locks the conversations, and asks at once all that decides what may be stored in them: so a server gets these statements together, and runs
   * them one after another, the lock first. Until the commit no other transaction numbers messages there: what the others answer stays true.
   */
  private async check(asked: Located[]): Promise<{ before: Map<number, LastMessage>; fresh: Located[] }> {
    const [before, sessions, authorizations, known, news, extras] = await Promise.all([
      this.lockLastMessages(asked),
      this.checkSessions(asked),
      this.verdict(asked, (kind, mine) => kind.authorize?.(this.tx, mine)),
      this.repeats.find(asked),
      this.verdict(asked, (kind, mine) => kind.checkNew?.(this.tx, mine)),
      askExtras(this.tx, asked),
    ]);
    sessions(accepted(asked));
    authorizations(accepted(asked));
    const fresh = this.repeats.settle(accepted(asked), known);
    news(accepted(fresh));
    extras(accepted(fresh));
    return { before, fresh: accepted(fresh) };
  }

  private isBehind({ number }: Entry, key: string): boolean {
    return (this.closed.get(key) ?? Infinity) < number;
  }

  private holdUnlocated(entries: Entry[]): void {
    for (const entry of entries) {
      const place = (this.kinds.get(entry.draft.kind) as ChatKind).heldKeyOf?.(entry.draft.target);
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

  private async eachKind<E extends Entry>(
    entries: E[],
    work: (kind: ChatKind, mine: E[]) => Promise<void>,
  ): Promise<void> {
    for (const name of this.kinds.names) {
      const mine = ofKind(entries, name);
      if (mine.length > 0) await work(this.kinds.get(name), mine);
    }
  }

  /** Asks all kinds at once. */
  private async verdict(
    entries: Located[],
    ask: (kind: ChatKind, mine: Located[]) => Promise<Verdict> | undefined,
  ): Promise<Verdict> {
    const verdicts = await Promise.all(
      this.kinds.names.map(async (name) => {
        const mine = ofKind(entries, name);
        return mine.length > 0 ? ask(this.kinds.get(name), mine) : undefined;
      }),
    );
    return (left) => this.kinds.names.forEach((name, i) => verdicts[i]?.(ofKind(left, name)));
  }

  /** Locks conversations in the order of their ids, so that two batches never wait for each other. @returns the last message of each */
  private async lockLastMessages(entries: Located[]): Promise<Map<number, LastMessage>> {
    const last = new Map<number, LastMessage>();
    if (entries.length === 0) return last;
    const ids = unique(entries.map(({ conversationId }) => conversationId));
    const { free, held } = await lockFreeConversations(this.tx, ids);
    for (const { id, last_seq, last_message_at } of free) {
      const at = last_message_at === null ? 0 : fromMoment(last_message_at).getTime();
      last.set(id, { seq: last_seq, at });
    }
    const heldIds = new Set(held.map(({ id }) => id));
    for (const entry of entries) {
      if (heldIds.has(entry.conversationId)) entry.hold(heldKey.chat(entry));
      else if (!last.has(entry.conversationId)) entry.refuse(new NotFound('chat'));
    }
    return last;
  }

  /** Refuses drafts of sessions that have ended. A session that ends now waits for this batch. */
  private async checkSessions(asked: Located[]): Promise<Verdict> {
    const people = asked.filter(isPersons);
    if (people.length === 0) return () => {};
    const ids = unique(people.map(({ draft }) => draft.sender.sessionId));
    const { refusalOf, held } = await freeSessionRefusals(this.tx, ids, this.now);
    return (left) => this.judgeSessions(left.filter(isPersons), refusalOf, held);
  }

  private judgeSessions(entries: Located[], refusalOf: RefusalOf, held: ReadonlySet<number>): void {
    // All drafts of these senders: they may have another session, and their messages must keep their order.
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

  /**
   * Writes the messages, and moves the read marks of their senders, who have read what was said before. Marks are in members' rows, which
   * other transactions may hold without holding the chat.
   * @returns the entries that are written; the others are held
   */
  private async numberAndMark(fresh: Located[], before: ReadonlyMap<number, LastMessage>): Promise<Written[]> {
    const noWait = refuseToWait(this.tx);
    if (noWait === undefined) await this.holdMarks(fresh);
    let { written, after } = this.number(accepted(fresh), before);
    try {
      await this.write(written, after, noWait);
    } catch (error) {
      if (!noWait || !isLockTimeout(error)) throw error;
      // Another transaction holds one of the members' rows, and nothing was written. Which one is asked only now, since it is rare.
      await this.holdMarks(fresh);
      for (const entry of fresh) if (entry.heldBy) delete entry.stored;
      ({ written, after } = this.number(accepted(fresh), before));
      await this.write(written, after, noWait);
    }
    return written;
  }

  private number(
    fresh: Located[],
    before: ReadonlyMap<number, LastMessage>,
  ): { written: Written[]; after: Map<number, LastMessage> } {
    const after = new Map<number, LastMessage>();
    const written = fresh.map((entry): Written => {
      const id = entry.conversationId;
      const last = after.get(id) ?? { ...locked(before, id) };
      after.set(id, last);
      last.seq += 1;
      // Later than the message before, also when the clock was set back: paging by timestamp skips and repeats nothing.
      last.at = Math.max(this.now.getTime(), last.at + 1);
      const stored: AppendResult = {
        conversationId: id,
        seq: last.seq,
        timestamp: new Date(last.at),
        isRepeat: false,
        ignored: entry.extras?.ignored,
      };
      return Object.assign(entry, { stored });
    });
    return { written, after };
  }

  /** The marks come first: only they can fail since a row is held. */
  private async write(written: Written[], after: ReadonlyMap<number, LastMessage>, noWait?: string): Promise<void> {
    if (written.length === 0) return;
    await Promise.all([
      this.mark(written, noWait),
      this.insert(written),
      this.moveOn(after),
      insertMentions(this.tx, written),
    ]);
  }

  private insert(written: Written[]): Promise<void> {
    return insertRows(
      this.tx,
      'messages',
      'conversation_id, seq, sender_id, body, created_at, client_id, extras',
      written.map(({ draft, stored, extras }) => {
        const { conversationId, seq, timestamp } = stored;
        const { sender, body, clientId } = draft;
        return [conversationId, seq, sender.userId, body, toMoment(timestamp), clientId ?? null, storedExtras(extras)];
      }),
    );
  }

  private moveOn(after: ReadonlyMap<number, LastMessage>): Promise<void> {
    return upsertRows(
      this.tx,
      'conversations',
      // All of a row's columns, since MySQL demands those without a default; only two are ever written here.
      'id, kind, last_seq, last_message_at, created_at',
      [...after].map(([id, { seq, at }]) => {
        const moment = toMoment(new Date(at));
        return [id, '', seq, moment, moment];
      }),
      'id',
      'last_seq = new(last_seq), last_message_at = new(last_message_at)',
    );
  }

  /** Holds back the entries whose member's row another transaction holds. */
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
    // Left are rows that another transaction holds, and rows that do not exist: a chat with the bot has no member before its first question.
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

const ofKind = <E extends Entry>(entries: E[], name: ChatKindName): E[] =>
  entries.filter(({ draft }) => draft.kind === name);

const accepted = <E extends Entry>(entries: E[]): E[] =>
  entries.filter(({ refusal, heldBy }) => !refusal && heldBy === undefined);

function locked(before: ReadonlyMap<number, LastMessage>, id: number): LastMessage {
  const last = before.get(id);
  if (!last) throw new Error(`Chat ${id} is to be numbered and not locked.`);
  return last;
}

const unique = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
