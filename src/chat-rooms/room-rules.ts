import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from 'typeorm';
import { Clock } from '../common/clock.js';
import { NotFound } from '../common/errors.js';
import { Conversation } from '../conversations/conversation.entity.js';
import type { Entry, KindRules } from '../conversations/draft.js';
import { MessageLog } from '../conversations/message-log.js';
import { forShare, insertRows, inTuples, placeholders, toMoment } from '../database/dialect.js';
import { ChatRoom } from './chat-room.entity.js';

/** The two people of a room. */
export interface Pair {
  low: number;
  high: number;
}

export const pairOf = (one: number, other: number): Pair => ({ low: Math.min(one, other), high: Math.max(one, other) });

const keyOf = ({ low, high }: Pair): string => `${low}:${high}`;

/** Rooms remembered by their pair; a room, once made, stays. */
const REMEMBERED_ROOMS = 100_000;

/** What the message log needs to know about direct rooms: which room a pair has, and that the first message makes it. */
@Injectable()
export class RoomRules implements KindRules<Pair>, OnModuleInit {
  /** Filled from committed rows only: what a batch makes may be rolled back. */
  private readonly known = new LRUCache<string, number>({ max: REMEMBERED_ROOMS });

  constructor(
    private readonly log: MessageLog,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.log.register('room', this);
  }

  /** Remembers a room that is committed. */
  remember(pair: Pair, conversationId: number): void {
    this.known.set(keyOf(pair), conversationId);
  }

  async locate(tx: EntityManager, entries: Entry<Pair>[]): Promise<void> {
    const unknown = new Map<string, Pair>();
    for (const entry of entries) {
      const { target } = entry.draft;
      entry.conversationId = this.known.get(keyOf(target));
      if (entry.conversationId === undefined) unknown.set(keyOf(target), target);
    }
    if (unknown.size === 0) return;
    const rooms = await this.find(tx, [...unknown.values()]);
    const missing = [...unknown.values()].filter((pair) => !rooms.has(keyOf(pair)));
    if (missing.length > 0) await this.make(tx, missing, rooms);
    for (const entry of entries) {
      entry.conversationId ??= rooms.get(keyOf(entry.draft.target));
      if (entry.conversationId === undefined) entry.refuse(new NotFound('user'));
    }
  }

  /** Nobody writes to who has erased their account. Repeats have their place already. */
  async admit(tx: EntityManager, entries: Entry<Pair>[]): Promise<void> {
    // The rooms are locked, and so they are while somebody is erased: what is read here stays true.
    const existing = await this.existing(
      tx,
      entries.map(({ draft }) => draft.target),
    );
    for (const entry of entries) {
      const { low, high } = entry.draft.target;
      if (!existing.has(low) || !existing.has(high)) entry.refuse(new NotFound('user'));
    }
  }

  private async existing(tx: EntityManager, pairs: Pair[], lock = ''): Promise<Set<number>> {
    const ids = [...new Set(pairs.flatMap(({ low, high }) => [low, high]))].sort((a, b) => a - b);
    const rows = await tx.query<{ id: number }[]>(
      `SELECT id FROM users WHERE id IN (${placeholders(ids)}) AND erased_at IS NULL ORDER BY id ${lock}`,
      ids,
    );
    return new Set(rows.map(({ id }) => id));
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
      rows.map(({ conversation_id, user_low: low, user_high: high }) => [keyOf({ low, high }), conversation_id]),
    );
  }

  /** Two nodes that make one pair's room at once: the second hits the unique key, and its transaction runs again. */
  private async make(tx: EntityManager, pairs: Pair[], rooms: Map<string, number>): Promise<void> {
    const existing = await this.existing(tx, pairs, forShare(tx));
    const now = this.clock.now();
    for (const pair of pairs) {
      const { low, high } = pair;
      if (!existing.has(low) || !existing.has(high)) continue;
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
      rooms.set(keyOf(pair), conversationId);
    }
  }
}
