import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { lockConversation } from '../conversations/conversation-locks.js';
import { BOT_USER_ID } from '../conversations/draft.js';
import { History, type ReadableChat } from '../conversations/history.js';
import type { MessageView } from '../conversations/message.view.js';
import { Claims } from '../cluster/claims.js';
import { PER_STATEMENT } from '../database/chunks.js';
import { placeholders } from '../database/dialect.js';
import { CLAIMED_BY_NOBODY } from '../database/lease-rows.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { BotMessage } from '../sockets/events.js';
import { BotChat } from './bot-chat.entity.js';
import { BotQuestion } from './bot-question.entity.js';
import type { Turn } from './engines/engine.js';

/** Where a question stands. */
export type QuestionPlace = Pick<BotQuestion, 'conversationId' | 'seq'>;

/** Reads chats with the bot, and the questions that wait. */
@Injectable()
export class BotChats {
  constructor(
    private readonly history: History,
    private readonly unitOfWork: UnitOfWork,
    private readonly claims: Claims,
  ) {}

  async of(userId: number): Promise<ReadableChat | undefined> {
    const [row] = await this.unitOfWork.read.query<{ id: number; last_seq: number }[]>(
      'SELECT c.id, c.last_seq FROM bot_chats b JOIN conversations c ON c.id = b.conversation_id WHERE b.user_id = ?',
      [userId],
    );
    return row && { id: row.id, lastSeq: row.last_seq };
  }

  async message({ conversationId, seq }: QuestionPlace): Promise<MessageView | undefined> {
    const [message] = await this.history.page({ id: conversationId, lastSeq: seq }, { limit: 1 });
    return message;
  }

  /** Users with a question that waits. */
  async waiting(): Promise<number[]> {
    const rows = await this.unitOfWork.readUnhurried((manager) =>
      manager.query<{ user_id: number }[]>('SELECT DISTINCT user_id FROM bot_questions'),
    );
    return rows.map((row) => row.user_id);
  }

  /** Of those that are this node's to answer. */
  nextQuestion(userId: number): Promise<BotQuestion | null> {
    const where = { userId, ...(this.claims.isShared && { claimedBy: this.claims.claimer }) };
    return this.unitOfWork.read.findOne(BotQuestion, { where, order: { seq: 'ASC' } });
  }

  /** Inside the caller's transaction, which has ended the user's sessions: none of their questions is answered from its commit on. */
  async giveUpAll(tx: EntityManager, userId: number): Promise<void> {
    const chat = await tx.findOneBy(BotChat, { userId });
    if (!chat) return;
    // An answer that is being stored holds it.
    await lockConversation(tx, chat.conversationId);
    await tx.delete(BotQuestion, { userId });
  }

  /** The node that answers the question; null where none has claimed it, undefined where it does not wait any more. */
  async claimerOf({ conversationId, seq }: QuestionPlace): Promise<number | null | undefined> {
    return (await this.unitOfWork.read.findOneBy(BotQuestion, { conversationId, seq }))?.claimedBy;
  }

  /** Claims questions that no node answers any more, all of a user's together. @returns the users */
  async claimOrphans(): Promise<number[]> {
    const rows = await this.unitOfWork.read.query<{ user_id: number }[]>(
      `SELECT DISTINCT user_id FROM bot_questions WHERE ${CLAIMED_BY_NOBODY} LIMIT ${PER_STATEMENT}`,
    );
    const userIds = rows.map((row) => row.user_id);
    if (userIds.length > 0) await this.claim(`user_id IN (${placeholders(userIds)})`, userIds);
    return userIds;
  }

  /** Claims a question that no node answers any more. @returns whether it is this node's now */
  async claimOrphan({ conversationId, seq }: QuestionPlace): Promise<boolean> {
    await this.claim('conversation_id = ? AND seq = ?', [conversationId, seq]);
    return (await this.claimerOf({ conversationId, seq })) === this.claims.claimer;
  }

  private async claim(where: string, values: readonly number[]): Promise<void> {
    await this.unitOfWork.run((tx) =>
      tx.query(`UPDATE bot_questions SET claimed_by = ? WHERE ${where} AND ${CLAIMED_BY_NOBODY}`, [
        this.claims.claimer,
        ...values,
      ]),
    );
  }

  /** The newest message of the chat, while the question waits; undefined where it does not any more. */
  async newestWhileWaiting({ conversationId, seq }: QuestionPlace): Promise<number | undefined> {
    const [row] = await this.unitOfWork.read.query<{ last_seq: number }[]>(
      `SELECT c.last_seq FROM bot_questions q JOIN conversations c ON c.id = q.conversation_id
       WHERE q.conversation_id = ? AND q.seq = ?`,
      [conversationId, seq],
    );
    return row?.last_seq;
  }

  isWaiting({ conversationId, seq }: QuestionPlace): Promise<boolean> {
    return this.unitOfWork.read.existsBy(BotQuestion, { conversationId, seq });
  }

  /** The conversation up to the question, which is last. Questions that wait behind it are left out. */
  async turns({ conversationId, seq, userId }: BotQuestion): Promise<Turn[]> {
    const waiting = await this.unitOfWork.read.findBy(BotQuestion, { conversationId });
    const notYet = new Set([seq, ...waiting.map((question) => question.seq)]);
    const said = await this.history.page((await this.of(userId))!, {});
    const question = await this.message({ conversationId, seq });
    return [...said.filter((message) => !notYet.has(message.seq)), question!].map((message) => ({
      isUser: message.user_id !== BOT_USER_ID,
      text: message.message,
    }));
  }

  /** The question, and its answer if there is one; empty where the chat is deleted. */
  async ended({ conversationId, seq }: QuestionPlace, userId: number, since = Infinity): Promise<BotMessage[]> {
    const chat = await this.of(userId);
    const asked = chat && (await this.message({ conversationId, seq }));
    if (!asked) return [];
    const said = since < chat.lastSeq ? await this.history.page(chat, { after: since }) : [];
    const answer = said.find((message) => message.user_id === BOT_USER_ID);
    return (answer ? [asked, answer] : [asked]).map(toBotMessage);
  }

  /** Ends a question without an answer. @returns false where it did not wait any more */
  giveUp({ conversationId, seq }: QuestionPlace): Promise<boolean> {
    return this.unitOfWork.run(async (tx) => {
      // The lock that the message log takes: an answer that is being stored right now comes before this, or not at all.
      await lockConversation(tx, conversationId);
      const { affected } = await tx.delete(BotQuestion, { conversationId, seq });
      return affected === 1;
    });
  }
}

export const toBotMessage = ({ seq, user_id, message, timestamp, client_id, reply_to }: MessageView): BotMessage => ({
  seq,
  is_user: user_id !== BOT_USER_ID,
  message,
  timestamp,
  ...(client_id !== undefined && { client_id }),
  ...(reply_to && {
    reply_to: { seq: reply_to.seq, is_user: reply_to.user_id !== BOT_USER_ID, message: reply_to.message },
  }),
});
