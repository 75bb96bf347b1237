import { Injectable } from '@nestjs/common';
import { lockConversation } from '../conversations/conversation-locks.js';
import { BOT_USER_ID } from '../conversations/draft.js';
import { History, type ReadableChat } from '../conversations/history.js';
import type { MessageView } from '../conversations/message.view.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { BotMessage } from '../sockets/events.js';
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

  nextQuestion(userId: number): Promise<BotQuestion | null> {
    return this.unitOfWork.read.findOne(BotQuestion, { where: { userId }, order: { seq: 'ASC' } });
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

export const toBotMessage = ({ seq, user_id, message, timestamp, client_id }: MessageView): BotMessage => ({
  seq,
  is_user: user_id !== BOT_USER_ID,
  message,
  timestamp,
  ...(client_id !== undefined && { client_id }),
});
