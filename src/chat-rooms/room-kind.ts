import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import { holdAccounts } from '../identity/accounts.js';
import { Clock } from '../common/timing/clock.js';
import { type DomainError, Forbidden, NotFound } from '../common/errors.js';
import { blocked, Blocks } from '../people/blocks.js';
import { type ChangeRequest, ChatKinds, type EditableChatKind, type Verdict } from '../conversations/chat-kind.js';
import type { Entry, Located } from '../conversations/draft.js';
import { makeConversations } from '../conversations/new-conversations.js';
import { type Pair, pairKey } from '../people/pair.js';
import { inIds, insertRows, inTuples, toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { ChatRoom } from './chat-room.entity.js';

/** Rooms remembered by their pair; a room, once made, stays. */
const REMEMBERED_ROOMS = 100_000;

/** Pairs without a room, by their keys: why some may have none, and which must wait for another transaction. */
interface Refusals {
  refused: Map<string, DomainError>;
  held: Set<string>;
}
const NONE: Refusals = { refused: new Map(), held: new Set() };

/** Direct rooms: finds the room of a pair, makes it with the first message, and refuses blocked users. */
@Injectable()
export class RoomKind implements EditableChatKind<'room'>, OnModuleInit {
  /** Filled from committed rows only: what a batch makes may be rolled back. */
  private readonly known = new LRUCache<string, number>({ max: REMEMBERED_ROOMS });

  constructor(
    private readonly kinds: ChatKinds,
    private readonly blocks: Blocks,
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.kinds.register('room', this);
  }

  /** Remembers a room that is committed. */
  remember(pair: Pair, conversationId: number): void {
    const key = pairKey(pair);
    // With each message: most are remembered, and were asked for a moment ago.
    if (this.known.peek(key) !== conversationId) this.known.set(key, conversationId);
  }

  /** Whether the two have a room. Asks the database only where none is remembered. */
  async exists(pair: Pair): Promise<boolean> {
    if (this.known.has(pairKey(pair))) return true;
    const conversationId = (await this.find(this.unitOfWork.read, [pair])).get(pairKey(pair));
    if (conversationId !== undefined) this.remember(pair, conversationId);
    return conversationId !== undefined;
  }

  /** The two people of a room never change. */
  async targetOf(tx: EntityManager, conversationId: number): Promise<Pair> {
    const { userLow: low, userHigh: high } = await tx.findOneByOrFail(ChatRoom, { conversationId });
    return { low, high };
  }

  /** The sender alone; and not where one of the two has blocked the other, since an edit is one more way to write. */
  async mayEdit(tx: EntityManager, request: ChangeRequest<'room'>): Promise<void> {
    assertSender(request);
    await this.assertNoBlock(tx, request.target);
  }

  /** The sender alone, also where one of the two has blocked the other: a deletion says nothing. */
  mayDelete(_tx: EntityManager, request: ChangeRequest<'room'>): Promise<void> {
    return Promise.resolve(assertSender(request));
  }

  /** Not where one of the two has blocked the other: a reaction says something. */
  mayReact(tx: EntityManager, pair: Pair): Promise<void> {
    return this.assertNoBlock(tx, pair);
  }

  heldKeyOf(pair: Pair): string {
    return `room of ${pairKey(pair)}`;
  }

  async locate(tx: EntityManager, entries: Entry<'room'>[]): Promise<void> {
    const unknown = new Map<string, Pair>();
    for (const entry of entries) {
      const { target } = entry.draft;
      entry.conversationId = this.known.get(pairKey(target));
      if (entry.conversationId === undefined) unknown.set(pairKey(target), target);
    }
    if (unknown.size === 0) return;
    const rooms = await this.find(tx, [...unknown.values()]);
    // Where there is no room, there is nothing to answer: a reply alone makes none.
    const plain = entries.filter(({ draft }) => draft.extras?.reply_to === undefined);
    const wanted = new Set(plain.map(({ draft }) => pairKey(draft.target)));
    const missing = [...unknown].filter(([key]) => !rooms.has(key) && wanted.has(key)).map(([, pair]) => pair);
    const { refused, held } = missing.length > 0 ? await this.make(tx, missing, rooms) : NONE;
    for (const entry of entries) {
      const key = pairKey(entry.draft.target);
      entry.conversationId ??= rooms.get(key);
      const refusal = refused.get(key);
      if (refusal) entry.refuse(refusal);
      else if (held.has(key)) entry.hold(this.heldKeyOf(entry.draft.target));
      else if (entry.conversationId === undefined) entry.refuse(new NotFound('message to reply to'));
    }
  }

  /**
   * Refuses messages to erased accounts, and where one of the two has blocked the other. Only new messages are refused: a repeat is
   * answered with the place of the first, which was stored before.
   */
  async checkNew(tx: EntityManager, entries: Located<'room'>[]): Promise<Verdict<'room'>> {
    // The rooms are locked, as they are by an erasure and a block: what is read here stays true.
    const { sql, values } = inIds('r.conversation_id', [
      ...new Set(entries.map(({ conversationId }) => conversationId)),
    ]);
    // By the rooms' keys: where it is asked for all pairs at once, MariaDB takes two milliseconds to plan the look-up.
    const rows = await tx.query<{ id: number; is_gone: number }[]>(
      `SELECT r.conversation_id AS id, low.erased_at IS NOT NULL OR high.erased_at IS NOT NULL AS is_gone
       FROM chat_rooms r
       JOIN users low ON low.id = r.user_low
       JOIN users high ON high.id = r.user_high
       LEFT JOIN blocks mine ON mine.blocker_id = r.user_low AND mine.blocked_id = r.user_high
       LEFT JOIN blocks theirs ON theirs.blocker_id = r.user_high AND theirs.blocked_id = r.user_low
       WHERE ${sql} AND (low.erased_at IS NOT NULL OR high.erased_at IS NOT NULL
         OR mine.blocker_id IS NOT NULL OR theirs.blocker_id IS NOT NULL)`,
      values,
    );
    const closed = new Map(rows.map(({ id, is_gone }) => [id, is_gone ? new NotFound('user') : blocked()]));
    return (left) => {
      for (const entry of closed.size > 0 ? left : []) {
        const refusal = closed.get(entry.conversationId);
        if (refusal) entry.refuse(refusal);
      }
    };
  }

  private async assertNoBlock(tx: EntityManager, pair: Pair): Promise<void> {
    const isBlocked = await this.blocks.among(tx, [pair]);
    if (isBlocked(pair)) throw blocked();
  }

  /** Why some pairs may not have a room, and of which pairs another transaction holds a user. */
  private async refusals(tx: EntityManager, pairs: Pair[]): Promise<Refusals> {
    // Users are locked, since there is no conversation yet to lock: a block that comes now waits, or is seen here.
    const ids = [...new Set(pairs.flatMap(({ low, high }) => [low, high]))].sort((a, b) => a - b);
    const { free, held } = await holdAccounts(tx, ids);
    const isBlocked = await this.blocks.among(tx, pairs);
    const refusals: Refusals = { refused: new Map(), held: new Set() };
    for (const pair of pairs) {
      const people = [pair.low, pair.high];
      const key = pairKey(pair);
      if (people.some((id) => !free.has(id) && !held.has(id))) refusals.refused.set(key, new NotFound('user'));
      else if (people.some((id) => held.has(id))) refusals.held.add(key);
      else if (isBlocked(pair)) refusals.refused.set(key, blocked());
    }
    return refusals;
  }

  private async find(tx: EntityManager, pairs: Pair[]): Promise<Map<string, number>> {
    const { sql, values } = inTuples(
      tx,
      'user_low, user_high',
      pairs.map(({ low, high }) => [low, high]),
    );
    const rows = await tx.query<{ conversation_id: number; user_low: number; user_high: number }[]>(
      `SELECT conversation_id, user_low, user_high FROM chat_rooms WHERE ${sql}`,
      values,
    );
    return new Map(
      rows.map(({ conversation_id, user_low: low, user_high: high }) => [pairKey({ low, high }), conversation_id]),
    );
  }

  /**
   * Makes the rooms of pairs that may have one, and returns why the others may not. Where two nodes make the room of one pair at once,
   * the second hits the unique key, and its transaction runs again.
   */
  private async make(tx: EntityManager, pairs: Pair[], rooms: Map<string, number>): Promise<Refusals> {
    const { refused, held } = await this.refusals(tx, pairs);
    const allowed = pairs.filter((pair) => !refused.has(pairKey(pair)) && !held.has(pairKey(pair)));
    if (allowed.length > 0) {
      const now = this.clock.now();
      const ids = await makeConversations(tx, 'room', 'chat_rooms', allowed.length, now);
      const made = allowed.map(({ low, high }, i): [number, number, number] => [ids[i]!, low, high]);
      await insertRows(tx, 'chat_rooms', 'conversation_id, user_low, user_high', made);
      const joined = toMoment(now);
      const members = made.flatMap(([id, low, high]) => [low, high].map((userId) => [id, userId, 0, joined]));
      await insertRows(tx, 'members', 'conversation_id, user_id, last_read_seq, joined_at', members);
      for (const [id, low, high] of made) rooms.set(pairKey({ low, high }), id);
    }
    return { refused, held };
  }
}

function assertSender({ me, senderId }: ChangeRequest<'room'>): void {
  if (senderId !== me.userId) throw new Forbidden('Only who sent a message can edit or delete it.');
}
