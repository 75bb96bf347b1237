import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { type DomainError, NotFound } from '../common/errors.js';
import { blocked, Blocks } from '../conversations/blocks.js';
import { Conversation } from '../conversations/conversation.entity.js';
import type { Entry, KindRules } from '../conversations/draft.js';
import { MessageLog } from '../conversations/message-log.js';
import { type Pair, pairKey } from '../conversations/pair.js';
import { forShare, inIds, insertRows, inTuples, placeholders, toMoment } from '../database/dialect.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { Audience } from '../realtime/audience.js';
import { ChatRoom } from './chat-room.entity.js';

/** Rooms remembered by their pair; a room, once made, stays. */
const REMEMBERED_ROOMS = 100_000;

/** What the message log needs to know about direct rooms: which room a pair has, that the first message makes it, and who is blocked. */
@Injectable()
export class RoomRules implements KindRules<Pair>, OnModuleInit {
  /** Filled from committed rows only: what a batch makes may be rolled back. */
  private readonly known = new LRUCache<string, number>({ max: REMEMBERED_ROOMS });

  constructor(
    private readonly log: MessageLog,
    private readonly blocks: Blocks,
    private readonly unitOfWork: UnitOfWork,
    private readonly audience: Audience,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.log.register('room', this);
    this.audience.meetBy((userIds) => this.partners(userIds));
  }

  /** Remembers a room that is committed. */
  remember(pair: Pair, conversationId: number): void {
    this.known.set(pairKey(pair), conversationId);
  }

  /** Whether the two have a room. Asks the database only where nobody knows of one. */
  async exists(pair: Pair): Promise<boolean> {
    if (this.known.has(pairKey(pair))) return true;
    const conversationId = (await this.find(this.unitOfWork.read, [pair])).get(pairKey(pair));
    if (conversationId !== undefined) this.remember(pair, conversationId);
    return conversationId !== undefined;
  }

  /** Everybody who has a room with one of these. */
  private async partners(userIds: readonly number[]): Promise<[seen: number, viewer: number][]> {
    const rows = await this.unitOfWork.read.query<{ user_id: number; user_low: number; user_high: number }[]>(
      `SELECT mine.user_id, r.user_low, r.user_high FROM members mine
       JOIN chat_rooms r ON r.conversation_id = mine.conversation_id WHERE mine.user_id IN (${placeholders(userIds)})`,
      [...userIds],
    );
    return rows.map(({ user_id: id, user_low: low, user_high: high }) => [id, id === low ? high : low]);
  }

  async locate(tx: EntityManager, entries: Entry<Pair>[]): Promise<void> {
    const unknown = new Map<string, Pair>();
    for (const entry of entries) {
      const { target } = entry.draft;
      entry.conversationId = this.known.get(pairKey(target));
      if (entry.conversationId === undefined) unknown.set(pairKey(target), target);
    }
    if (unknown.size === 0) return;
    const rooms = await this.find(tx, [...unknown.values()]);
    const missing = [...unknown.values()].filter((pair) => !rooms.has(pairKey(pair)));
    const refused = missing.length > 0 ? await this.make(tx, missing, rooms) : new Map<string, DomainError>();
    for (const entry of entries) {
      const key = pairKey(entry.draft.target);
      entry.conversationId ??= rooms.get(key);
      const refusal = refused.get(key);
      if (refusal) entry.refuse(refusal);
    }
  }

  /**
   * Nobody writes to who has erased their account, nor where one of the two has blocked the other. Only what is new is refused: a
   * repeat tells where the first one stands, which was stored before.
   */
  async admit(tx: EntityManager, entries: Entry<Pair>[]): Promise<void> {
    // The rooms are locked, and so they are while somebody is erased or blocked: what is read here stays true.
    const { sql, values } = inIds('r.conversation_id', [
      ...new Set(entries.map(({ conversationId }) => conversationId!)),
    ]);
    // By the rooms' keys: asked for all pairs at once, MariaDB thinks for two milliseconds about how to look them up.
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
    if (rows.length === 0) return;
    const closed = new Map(rows.map(({ id, is_gone }) => [id, is_gone ? new NotFound('user') : blocked()]));
    for (const entry of entries) {
      const refusal = closed.get(entry.conversationId!);
      if (refusal) entry.refuse(refusal);
    }
  }

  /** Why the people of a pair may not have a room, if so. */
  private async refusals(tx: EntityManager, pairs: Pair[]): Promise<(pair: Pair) => DomainError | undefined> {
    // People are locked, since there is no conversation yet that could be: a block that comes now waits, or is seen here.
    const ids = [...new Set(pairs.flatMap(({ low, high }) => [low, high]))].sort((a, b) => a - b);
    const rows = await tx.query<{ id: number }[]>(
      `SELECT id FROM users WHERE id IN (${placeholders(ids)}) AND erased_at IS NULL ORDER BY id ${forShare(tx)}`,
      ids,
    );
    const existing = new Set(rows.map(({ id }) => id));
    const isBlocked = await this.blocks.among(tx, pairs);
    return (pair) => {
      if (!existing.has(pair.low) || !existing.has(pair.high)) return new NotFound('user');
      return isBlocked(pair) ? blocked() : undefined;
    };
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
   * Makes the rooms of pairs that may have one, and says why the others may not. Two nodes that make one pair's room at once: the
   * second hits the unique key, and its transaction runs again.
   */
  private async make(tx: EntityManager, pairs: Pair[], rooms: Map<string, number>): Promise<Map<string, DomainError>> {
    const refused = new Map<string, DomainError>();
    const refusalOf = await this.refusals(tx, pairs);
    const now = this.clock.now();
    for (const pair of pairs) {
      const { low, high } = pair;
      const refusal = refusalOf(pair);
      if (refusal) {
        refused.set(pairKey(pair), refusal);
        continue;
      }
      const { identifiers } = await tx.insert(Conversation, {
        kind: 'room',
        lastSeq: 0,
        lastMessageAt: null,
        createdAt: now,
      });
      const { id: conversationId } = identifiers[0] as { id: number };
      await tx.insert(ChatRoom, { conversationId, userLow: low, userHigh: high });
      const members = [low, high].map((userId) => [conversationId, userId, 0, toMoment(now)]);
      await insertRows(tx, 'members', 'conversation_id, user_id, last_read_seq, joined_at', members);
      rooms.set(pairKey(pair), conversationId);
    }
    return refused;
  }
}
