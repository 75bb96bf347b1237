import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Claims } from '../../cluster/claims.js';
import { CLAIMED_BY_NOBODY } from '../../database/lease-rows.js';
import { upsertRows } from '../../database/dialect.js';
import { onlyRow } from '../../database/only-row.js';
import { UnitOfWork } from '../../database/unit-of-work.js';
import type { ConversationKind } from '../conversation.entity.js';
import { ConversationRemoval } from '../conversation-removal.js';
import { messageColumns, type MessageRow } from '../message.view.js';
import { ConsumerMark } from './consumer-mark.entity.js';

/** Most messages, and most changed messages, that a consumer is given at once. */
export const AT_ONCE = 200;
/** Chats whose ids are compared with the marks by one statement. */
const CHATS_AT_ONCE = 2_000;
/** No chat has this id: see `ConsumerMark`. */
const BEGUN = 0;

/** How far a consumer has come in a chat: up to which message, and up to which change. */
export interface Mark {
  readonly seq: number;
  readonly change: number;
}

/** What a consumer has not seen yet of one chat, or the beginning of it. */
export interface Slice {
  readonly conversationId: number;
  readonly kind: ConversationKind;
  /** Oldest first, without a gap, as they are now: one that was edited or deleted meanwhile is among `changed` as well, sooner or later. */
  readonly messages: readonly MessageRow[];
  /** Messages that were changed, as they are now, in the order of their latest changes. */
  readonly changed: readonly (MessageRow & { readonly change_seq: number })[];
}

export interface ClaimedSlice extends Slice {
  readonly from: Mark;
  readonly to: Mark;
}

/** Another node has moved the mark, or it was set back: what was done counts for nothing, and is done again. */
export class MarkMoved extends Error {
  constructor() {
    super('The mark of a consumer was moved meanwhile.');
  }
}

/** The rows of `consumer_marks`. */
@Injectable()
export class ConsumerMarks implements OnModuleInit {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly claims: Claims,
    private readonly removal: ConversationRemoval,
  ) {}

  onModuleInit(): void {
    // A row for each consumer: a few.
    this.removal.alsoRemoves(async (conversationId) => {
      await this.unitOfWork.run((tx) => tx.delete(ConsumerMark, { conversationId }));
    });
  }

  /**
   * Sets the marks of a consumer that begins with what is new to the end of each chat there is; page by page, so that a start that was
   * interrupted goes on where it was. Chats that come later are new as a whole. Only one node may do this at a time.
   */
  async begin(name: string, isOver: () => boolean): Promise<void> {
    const read = () => this.unitOfWork.read.findOneBy(ConsumerMark, { conversationId: BEGUN, name });
    // `change` is the last chat that there was, `seq` the last one whose mark is set.
    let begun = await read();
    if (!begun) {
      const last = await this.unitOfWork.read.query<{ id: number | null }[]>('SELECT MAX(id) AS id FROM conversations');
      await this.unitOfWork.run((tx) =>
        tx.insert(ConsumerMark, { conversationId: BEGUN, name, seq: 0, change: last[0]?.id ?? 0, claimedBy: null }),
      );
      begun = (await read())!;
    }
    for (let { seq: after } = begun; after < begun.change && !isOver();) {
      const upTo = Math.min(after + CHATS_AT_ONCE, begun.change);
      const range = [after, upTo];
      await this.unitOfWork.run(async (tx) => {
        await tx.query(
          `INSERT INTO consumer_marks (conversation_id, name, seq, change_seq, claimed_by)
           SELECT c.id, ?, c.last_seq, COALESCE(c.last_change, 0), NULL FROM conversations c
           WHERE c.id > ? AND c.id <= ? AND NOT EXISTS
             (SELECT 1 FROM consumer_marks k WHERE k.conversation_id = c.id AND k.name = ?)`,
          [name, ...range, name],
        );
        await tx.update(ConsumerMark, { conversationId: BEGUN, name }, { seq: upTo });
      });
      after = upTo;
    }
  }

  /**
   * Chats in which there is something that the consumer has not seen, among those with an id above `after`.
   * @returns `next` is where the next page begins; undefined: this was the last one
   */
  async behind(name: string, after: number): Promise<{ ids: number[]; next: number | undefined }> {
    const page = await this.unitOfWork.read.query<{ id: number; is_behind: number | string }[]>(
      `SELECT c.id, c.last_seq > COALESCE(k.seq, 0) OR COALESCE(c.last_change, 0) > COALESCE(k.change_seq, 0) AS is_behind
       FROM conversations c LEFT JOIN consumer_marks k ON k.conversation_id = c.id AND k.name = ?
       WHERE c.id > ? ORDER BY c.id LIMIT ${CHATS_AT_ONCE}`,
      [name, after],
    );
    const ids = page.flatMap(({ id, is_behind: isBehind }) => (Number(isBehind) === 1 ? [id] : []));
    return { ids, next: page.length < CHATS_AT_ONCE ? undefined : page.at(-1)!.id };
  }

  /**
   * Claims a chat for this node, and reads what comes next in it.
   * @returns `held`: another node works on it; undefined: there is nothing more to do
   */
  async claim(name: string, conversationId: number): Promise<ClaimedSlice | 'held' | undefined> {
    const { claimer, isShared } = this.claims;
    const where = 'conversation_id = ? AND name = ?';
    const mark = await this.unitOfWork.run(async (tx) => {
      const key = 'conversation_id, name';
      await upsertRows(
        tx,
        'consumer_marks',
        `${key}, seq, change_seq`,
        [[conversationId, name, 0, 0]],
        key,
        'seq = seq',
      );
      // Only now: the end of a chat deletes its marks after it was marked, and would not see one that comes later.
      const [chat] = await tx.query<object[]>(
        `SELECT 1 FROM conversations WHERE id = ? AND NOT EXISTS
           (SELECT 1 FROM deleted_conversations d WHERE d.conversation_id = ?)`,
        [conversationId, conversationId],
      );
      if (!chat) {
        await tx.delete(ConsumerMark, { conversationId, name });
        return undefined;
      }
      // Nobody else can have claimed what a node serves alone: then a claim is what the process before has left.
      await tx.query(
        `UPDATE consumer_marks SET claimed_by = ? WHERE ${where}${isShared ? ` AND ${CLAIMED_BY_NOBODY}` : ''}`,
        [claimer, conversationId, name],
      );
      return onlyRow(
        await tx.query<{ seq: number; change_seq: number; claimed_by: number | null }[]>(
          `SELECT seq, change_seq, claimed_by FROM consumer_marks WHERE ${where}`,
          [conversationId, name],
        ),
      );
    });
    if (!mark) return undefined;
    if (mark.claimed_by !== claimer) return 'held';
    const slice = await this.read(conversationId, { seq: mark.seq, change: mark.change_seq });
    if (!slice) await this.release(name, conversationId);
    return slice;
  }

  /** In the transaction of what the consumer writes. @throws MarkMoved */
  async move(tx: EntityManager, name: string, { conversationId, from, to }: ClaimedSlice): Promise<void> {
    const where = { conversationId, name, ...from, claimedBy: this.claims.claimer };
    const { affected } = await tx.update(ConsumerMark, where, { ...to, claimedBy: null });
    if (affected !== 1) throw new MarkMoved();
  }

  /** Leaves the chat to whoever comes next; its mark stays. */
  async release(name: string, conversationId: number): Promise<void> {
    const mine = { conversationId, name, claimedBy: this.claims.claimer };
    await this.unitOfWork.run((tx) => tx.update(ConsumerMark, mine, { claimedBy: null }));
  }

  /** Sets a mark anywhere, and takes the chat from whoever works on it: what they do counts for nothing (`MarkMoved`). */
  async set(name: string, conversationId: number, to: Mark): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { affected } = await tx.update(ConsumerMark, { conversationId, name }, { ...to, claimedBy: null });
      if (affected !== 1) await tx.insert(ConsumerMark, { conversationId, name, ...to, claimedBy: null });
    });
  }

  private async read(conversationId: number, from: Mark): Promise<ClaimedSlice | undefined> {
    const { read } = this.unitOfWork;
    // Before the messages: what comes meanwhile is for the next slice.
    const [chat] = await read.query<{ kind: ConversationKind; last_change: number | null }[]>(
      'SELECT kind, last_change FROM conversations WHERE id = ?',
      [conversationId],
    );
    if (!chat) return undefined;
    const messages = await read.query<MessageRow[]>(
      `SELECT ${messageColumns('m')} FROM messages m
       WHERE m.conversation_id = ? AND m.seq > ? ORDER BY m.seq LIMIT ${AT_ONCE}`,
      [conversationId, from.seq],
    );
    const lastChange = chat.last_change ?? 0;
    const changed =
      lastChange > from.change
        ? await read.query<(MessageRow & { change_seq: number })[]>(
            `SELECT ${messageColumns('m')} FROM message_changes ch
             JOIN messages m ON m.conversation_id = ch.conversation_id AND m.seq = ch.seq
             WHERE ch.conversation_id = ? AND ch.change_seq > ? ORDER BY ch.change_seq LIMIT ${AT_ONCE}`,
            [conversationId, from.change],
          )
        : [];
    const lastRead = changed.at(-1)?.change_seq ?? from.change;
    const to = {
      seq: messages.at(-1)?.seq ?? from.seq,
      // The number of a change is missing once the same message was changed again; and one may have come since `last_change` was read.
      change: changed.length < AT_ONCE ? Math.max(lastChange, lastRead) : lastRead,
    };
    if (to.seq === from.seq && to.change === from.change) return undefined;
    return { conversationId, kind: chat.kind, messages, changed, from, to };
  }
}
