import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { inIds } from '../database/dialect.js';
import type { Extras } from '../domain-events/message-extras.js';
import { Erasure } from '../identity/erasure.js';
import { ConversationRemoval } from './conversation-removal.js';
import { parseExtras } from './extras.js';
import { EVERYONE } from './mention.entity.js';

/** Most unread mentions that are counted: more show as this many. */
export const MOST_UNREAD_MENTIONS = 100;

const unread = (userId: string, mentions: string): string =>
  `${mentions}.conversation_id = c.id AND ${mentions}.user_id = ${userId} AND ${mentions}.seq > mine.last_read_seq`;

/**
 * SQL: whether a member is told of a message that names everyone, as they are of one that names them: not of their own, nor where one of the two
 * has blocked the other. Asked when it is read, since one row stands for all members. `mention` is its alias, `userId` a column.
 */
export const isOfOthers = (mention: string, userId: string): string =>
  `EXISTS (SELECT 1 FROM messages said
     WHERE said.conversation_id = ${mention}.conversation_id AND said.seq = ${mention}.seq AND said.sender_id <> ${userId}
       AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker_id = ${userId} AND b.blocked_id = said.sender_id)
       AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker_id = said.sender_id AND b.blocked_id = ${userId}))`;

/** Those up to the hundredth, so that many cost no more than a hundred. */
const counted = (userId: string, and = (_mentions: string): string => ''): string =>
  `(SELECT COUNT(*) FROM mentions x WHERE ${unread(userId, 'x')} ${and('x')}
     AND x.seq <= COALESCE((SELECT y.seq FROM mentions y WHERE ${unread(userId, 'y')} ${and('y')}
                            ORDER BY y.seq LIMIT 1 OFFSET ${MOST_UNREAD_MENTIONS - 1}), c.last_seq))`;

/**
 * SQL, for a list of chats: how often a member is named in what they have not read, or all are; may be somewhat more than
 * MOST_UNREAD_MENTIONS. `c` is the chat's row, `mine` the member's. Where nothing is unread, nothing is looked up.
 */
export const UNREAD_MENTIONS = `CASE WHEN mine.last_read_seq < c.last_seq THEN ${counted('mine.user_id')} + ${counted(
  String(EVERYONE),
  // One message may name a member and all.
  (mentions) =>
    `AND NOT EXISTS (SELECT 1 FROM mentions z
       WHERE z.conversation_id = c.id AND z.user_id = mine.user_id AND z.seq = ${mentions}.seq)
     AND ${isOfOthers(mentions, 'mine.user_id')}`,
)} ELSE 0 END`;

/** The field `unread_mentions` of a list; missing where there are none. */
export const unreadMentionsField = (count: number | string | null): { unread_mentions?: number } =>
  Number(count) > 0 ? { unread_mentions: Math.min(Number(count), MOST_UNREAD_MENTIONS) } : {};

/** Deletes mentions: with the message, with the account, with the chat, and where an edit takes them back. */
@Injectable()
export class Mentions implements OnModuleInit {
  constructor(
    private readonly erasure: Erasure,
    private readonly removal: ConversationRemoval,
  ) {}

  onModuleInit(): void {
    this.erasure.onErase(async (tx, { id }) => {
      await tx.query('DELETE FROM mentions WHERE user_id = ?', [id]);
    });
    this.removal.alsoDeletes('mentions', 'user_id');
  }

  /** In the transaction of the edit or the deletion, which holds the chat. @param after undefined where the message is deleted */
  async forget(
    tx: EntityManager,
    conversationId: number,
    { seq, extras }: { seq: number; extras: string | null },
    after?: Extras,
  ): Promise<void> {
    const before = parseExtras(extras);
    if (!before) return;
    const gone = new Set(before.mentions);
    if (before.everyone && !after?.everyone) gone.add(EVERYONE);
    for (const id of after?.mentions ?? []) gone.delete(id);
    // Who wrote what is answered stays named for as long as the answer is there.
    const author = await this.authorOf(tx, conversationId, before);
    if (author !== undefined && after) gone.delete(author);
    else if (author !== undefined) gone.add(author);
    if (gone.size === 0) return;
    const { sql, values } = inIds('user_id', [...gone]);
    await tx.query(`DELETE FROM mentions WHERE conversation_id = ? AND ${sql} AND seq = ?`, [
      conversationId,
      ...values,
      seq,
    ]);
  }

  private async authorOf(
    tx: EntityManager,
    conversationId: number,
    { reply_to, is_silent }: Extras,
  ): Promise<number | undefined> {
    if (reply_to === undefined || is_silent) return undefined;
    const [row] = await tx.query<{ sender_id: number }[]>(
      'SELECT sender_id FROM messages WHERE conversation_id = ? AND seq = ?',
      [conversationId, reply_to],
    );
    return row?.sender_id;
  }
}
