import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { hasAccount } from '../auth/accounts.js';
import { type AfterErasure, Erasure } from '../auth/erasure.js';
import { Clock } from '../common/clock.js';
import { DomainError, NotFound } from '../common/errors.js';
import { Conversation } from '../conversations/conversation.entity.js';
import { ConversationRemoval } from '../conversations/conversation-removal.js';
import type { Entry, KindRules } from '../conversations/draft.js';
import { Member } from '../conversations/member.entity.js';
import { MessageLog } from '../conversations/message-log.js';
import { insertRows, inTuples, placeholders, toMoment } from '../database/dialect.js';
import { BotBudget } from './bot-budget.js';
import { BotChat } from './bot-chat.entity.js';
import { BotQuestion } from './bot-question.entity.js';

/** Questions of one person that may wait. */
export const MAX_QUESTIONS = 5;

/** Whose chat it is, and for an answer, to which question. */
export interface BotTarget {
  userId: number;
  answers?: number;
}

const tooManyQuestions = () =>
  new DomainError(
    'unavailable',
    'busy',
    `${MAX_QUESTIONS} questions wait for the bot already. Wait for an answer, then ask again.`,
    {
      retry_after: 1,
    },
  );

/** What the message log needs to know about chats with the bot: the first question makes one, and answers belong to questions. */
@Injectable()
export class BotRules implements KindRules<BotTarget>, OnModuleInit {
  constructor(
    private readonly log: MessageLog,
    private readonly erasure: Erasure,
    private readonly removal: ConversationRemoval,
    private readonly budget: BotBudget,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.log.register('bot', this);
    this.erasure.onErase((tx, { id }) => this.erase(tx, id));
  }

  async locate(tx: EntityManager, entries: Entry<BotTarget>[]): Promise<void> {
    const userIds = [...new Set(entries.map(({ draft }) => draft.target.userId))];
    const rows = await tx.find(BotChat, { where: { userId: In(userIds) } });
    const chats = new Map(rows.map(({ userId, conversationId }) => [userId, conversationId]));
    for (const entry of entries) {
      const { userId, answers } = entry.draft.target;
      // An answer whose chat is gone comes too late: its person is, too.
      const isFirst = !chats.has(userId) && answers === undefined && (await hasAccount(tx, userId));
      if (isFirst) chats.set(userId, await this.make(tx, userId));
      entry.conversationId = chats.get(userId);
      if (entry.conversationId === undefined) entry.refuse(new NotFound('user'));
    }
  }

  /** An answer is only taken while its question waits: whoever comes second answers nothing. */
  async authorize(tx: EntityManager, entries: Entry<BotTarget>[]): Promise<void> {
    const answers = entries.filter(({ draft }) => draft.target.answers !== undefined);
    if (answers.length === 0) return;
    const { sql, values } = inTuples(tx, 'conversation_id, seq', answers.map(questionKey));
    const rows = await tx.query<{ conversation_id: number; seq: number }[]>(
      `SELECT conversation_id, seq FROM bot_questions WHERE ${sql}`,
      values,
    );
    const waiting = new Set(rows.map(({ conversation_id, seq }) => `${conversation_id},${seq}`));
    for (const entry of answers) {
      if (!waiting.delete(questionKey(entry).join())) entry.refuse(new NotFound('question'));
    }
  }

  /** At most so many wait per person, and a day has its budget; a question that was stored before is answered as it was then, however many do. */
  async admit(tx: EntityManager, entries: Entry<BotTarget>[]): Promise<void> {
    const questions = entries.filter(({ draft }) => draft.target.answers === undefined);
    if (questions.length === 0) return;
    const ids = [...new Set(questions.map(({ conversationId }) => conversationId!))];
    const rows = await tx.query<{ conversation_id: number; waiting: number | string }[]>(
      `SELECT conversation_id, COUNT(*) AS waiting FROM bot_questions
       WHERE conversation_id IN (${placeholders(ids)}) GROUP BY conversation_id`,
      ids,
    );
    const waiting = new Map(rows.map((row) => [row.conversation_id, Number(row.waiting)]));
    const { refusalOf } = this.budget.look();
    for (const entry of questions) {
      const count = waiting.get(entry.conversationId!) ?? 0;
      const refusal =
        count >= MAX_QUESTIONS ? tooManyQuestions() : refusalOf(entry.draft.sender.userId, entry.draft.body);
      if (refusal) entry.refuse(refusal);
      else waiting.set(entry.conversationId!, count + 1);
    }
  }

  async stored(tx: EntityManager, entries: Entry<BotTarget>[]): Promise<void> {
    const questions = entries.filter(({ draft }) => draft.target.answers === undefined);
    const answers = entries.filter(({ draft }) => draft.target.answers !== undefined);
    if (questions.length > 0) {
      const now = toMoment(this.clock.now());
      const rows = questions.map(({ draft, stored }) => [
        stored!.conversationId,
        stored!.seq,
        draft.target.userId,
        now,
      ]);
      await insertRows(tx, 'bot_questions', 'conversation_id, seq, user_id, created_at', rows);
    }
    if (answers.length > 0) {
      const { sql, values } = inTuples(tx, 'conversation_id, seq', answers.map(questionKey));
      await tx.query(`DELETE FROM bot_questions WHERE ${sql}`, values);
    }
  }

  /** Everything that somebody and the bot have said to each other. */
  private async erase(tx: EntityManager, userId: number): Promise<AfterErasure | void> {
    const chat = await tx.findOneBy(BotChat, { userId });
    if (!chat) return;
    const { conversationId } = chat;
    for (const table of [BotQuestion, BotChat, Member]) await tx.delete(table, { conversationId });
    await this.removal.mark(tx, [conversationId]);
    return () => this.removal.finish([conversationId]);
  }

  private async make(tx: EntityManager, userId: number): Promise<number> {
    const conversation = { kind: 'bot' as const, lastSeq: 0, lastMessageAt: null, createdAt: this.clock.now() };
    const { identifiers } = await tx.insert(Conversation, conversation);
    const { id: conversationId } = identifiers[0] as { id: number };
    await tx.insert(BotChat, { conversationId, userId });
    return conversationId;
  }
}

const questionKey = ({ conversationId, draft }: Entry<BotTarget>): [number, number] => [
  conversationId!,
  draft.target.answers!,
];
