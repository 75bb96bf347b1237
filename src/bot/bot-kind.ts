import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { Claims } from '../cluster/claims.js';
import { holdAccounts } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { Clock } from '../common/timing/clock.js';
import { DomainError, NotFound } from '../common/errors.js';
import { ConversationRemoval } from '../conversations/conversation-removal.js';
import { type ChatKind, ChatKinds, type Verdict } from '../conversations/chat-kind.js';
import { type Entry, heldKey, type Located, type Written } from '../conversations/draft.js';
import { Member } from '../conversations/member.entity.js';
import type { ChatTargets } from '../domain-events/events.js';
import { makeConversations } from '../conversations/new-conversations.js';
import { insertRows, inTuples, placeholders, toMoment } from '../database/dialect.js';
import { lockFree } from '../database/row-locks.js';
import { BotBudget } from './bot-budget.js';
import { BotChat } from './bot-chat.entity.js';
import { BotQuestion } from './bot-question.entity.js';

/** Most questions of one user that may wait. */
export const MAX_QUESTIONS = 5;

const tooManyQuestions = () =>
  new DomainError(
    'unavailable',
    'busy',
    `${MAX_QUESTIONS} questions wait for the bot already. Wait for an answer, then ask again.`,
    {
      retry_after: 1,
    },
  );

/** Chats with the bot: the first question makes one, and answers belong to questions. */
@Injectable()
export class BotKind implements ChatKind<'bot'>, OnModuleInit {
  constructor(
    private readonly kinds: ChatKinds,
    private readonly erasure: Erasure,
    private readonly removal: ConversationRemoval,
    private readonly budget: BotBudget,
    private readonly clock: Clock,
    private readonly claims: Claims,
  ) {}

  onModuleInit(): void {
    this.kinds.register('bot', this);
    this.erasure.onErase((tx, { id }) => this.erase(tx, id));
  }

  heldKeyOf({ userId }: ChatTargets['bot']): string {
    return `bot of ${userId}`;
  }

  async locate(tx: EntityManager, entries: Entry<'bot'>[]): Promise<void> {
    const userIds = [...new Set(entries.map(({ draft }) => draft.target.userId))];
    const rows = await tx.find(BotChat, { where: { userId: In(userIds) } });
    const chats = new Map(rows.map(({ userId, conversationId }) => [userId, conversationId]));
    // An answer without a chat comes too late: the account was erased.
    const first = entries.filter(({ draft: { target } }) => !chats.has(target.userId) && target.answers === undefined);
    const held = first.length > 0 ? await this.make(tx, first, chats) : new Set();
    for (const entry of entries) {
      const { userId } = entry.draft.target;
      entry.conversationId = chats.get(userId);
      if (held.has(userId)) entry.hold(this.heldKeyOf(entry.draft.target));
      else if (entry.conversationId === undefined) entry.refuse(new NotFound('user'));
    }
  }

  /** Refuses answers whose question does not wait any more: it has been answered or given up. */
  async authorize(tx: EntityManager, entries: Located<'bot'>[]): Promise<Verdict<'bot'>> {
    const answers = entries.filter(isAnswer);
    if (answers.length === 0) return () => {};
    const { sql, values } = inTuples(tx, 'conversation_id, seq', answers.map(questionKey));
    const rows = { columns: 'conversation_id, seq', table: 'bot_questions', where: sql, values };
    const keyOf = (row: { conversation_id: number; seq: number }): string => `${row.conversation_id},${row.seq}`;
    const count = new Set(answers.map((entry) => questionKey(entry).join())).size;
    const { free, held } = await lockFree(tx, rows, keyOf, 'update', count);
    const waiting = new Set(free.map(keyOf));
    const heldQuestions = new Set(held.map(keyOf));
    return (left) => {
      for (const entry of left.filter(isAnswer)) {
        const key = questionKey(entry).join();
        if (waiting.delete(key)) continue;
        if (heldQuestions.has(key)) entry.hold(heldKey.chat(entry));
        else entry.refuse(new NotFound('question'));
      }
    };
  }

  /** Refuses questions beyond MAX_QUESTIONS that wait, and beyond the daily budget. */
  async checkNew(tx: EntityManager, entries: Located<'bot'>[]): Promise<Verdict<'bot'>> {
    const questions = entries.filter((entry) => !isAnswer(entry));
    if (questions.length === 0) return () => {};
    const ids = [...new Set(questions.map(({ conversationId }) => conversationId))];
    const rows = await tx.query<{ conversation_id: number; waiting: number | string }[]>(
      `SELECT conversation_id, COUNT(*) AS waiting FROM bot_questions
       WHERE conversation_id IN (${placeholders(ids)}) GROUP BY conversation_id`,
      ids,
    );
    const waiting = new Map(rows.map((row) => [row.conversation_id, Number(row.waiting)]));
    return (left) => {
      const { refusalOf } = this.budget.look();
      for (const entry of left.filter((one) => !isAnswer(one))) {
        const count = waiting.get(entry.conversationId) ?? 0;
        const refusal =
          count >= MAX_QUESTIONS ? tooManyQuestions() : refusalOf(entry.draft.sender.userId, entry.draft.body);
        if (refusal) entry.refuse(refusal);
        else waiting.set(entry.conversationId, count + 1);
      }
    };
  }

  async afterInsert(tx: EntityManager, entries: Written<'bot'>[]): Promise<void> {
    const questions = entries.filter((entry) => !isAnswer(entry));
    const answers = entries.filter(isAnswer);
    if (questions.length > 0) {
      const now = toMoment(this.clock.now());
      const claimers = await this.claimersOf(tx, questions);
      const rows = questions.map(({ draft: { target }, stored: { conversationId, seq } }) => [
        conversationId,
        seq,
        target.userId,
        now,
        claimers.get(conversationId) ?? this.claims.claimer,
      ]);
      await insertRows(tx, 'bot_questions', 'conversation_id, seq, user_id, created_at, claimed_by', rows);
    }
    if (answers.length > 0) {
      const { sql, values } = inTuples(tx, 'conversation_id, seq', answers.map(questionKey));
      await tx.query(`DELETE FROM bot_questions WHERE ${sql}`, values);
    }
  }

  /**
   * By chat, the node that answers those of its questions that wait already: it answers the new one, too, or a user would get two answers at
   * once. It finds them, since it looks again after each answer, whose transaction locks the chat as this one does.
   */
  private async claimersOf(tx: EntityManager, questions: Written<'bot'>[]): Promise<ReadonlyMap<number, number>> {
    if (!this.claims.isShared) return new Map();
    const ids = [...new Set(questions.map(({ stored }) => stored.conversationId))];
    const rows = await tx.query<{ conversation_id: number; claimed_by: number | null }[]>(
      `SELECT conversation_id, MAX(claimed_by) AS claimed_by FROM bot_questions
       WHERE conversation_id IN (${placeholders(ids)}) GROUP BY conversation_id`,
      ids,
    );
    return new Map(rows.flatMap((row) => (row.claimed_by === null ? [] : [[row.conversation_id, row.claimed_by]])));
  }

  /** Deletes the user's chat with the bot. */
  private async erase(tx: EntityManager, userId: number): Promise<readonly number[] | void> {
    const chat = await tx.findOneBy(BotChat, { userId });
    if (!chat) return;
    const { conversationId } = chat;
    for (const table of [BotQuestion, BotChat, Member]) await tx.delete(table, { conversationId });
    await this.removal.mark(tx, [conversationId]);
    return [conversationId];
  }

  /** Makes the chats of users who have none, and puts them into `chats`. @returns users whose row another transaction holds */
  private async make(
    tx: EntityManager,
    entries: Entry<'bot'>[],
    chats: Map<number, number>,
  ): Promise<ReadonlySet<number>> {
    const userIds = [...new Set(entries.map(({ draft }) => draft.target.userId))].sort((a, b) => a - b);
    const { free, held } = await holdAccounts(tx, userIds);
    const people = [...free];
    if (people.length === 0) return held;
    const ids = await makeConversations(tx, 'bot', 'bot_chats', people.length, this.clock.now());
    const made = people.map((userId, i): [number, number] => [ids[i]!, userId]);
    await insertRows(tx, 'bot_chats', 'conversation_id, user_id', made);
    for (const [id, userId] of made) chats.set(userId, id);
    return held;
  }
}

const isAnswer = ({ draft }: Entry<'bot'>): boolean => draft.target.answers !== undefined;

/** The key of the question that an answer belongs to. */
const questionKey = ({ conversationId, draft }: Located<'bot'>): [number, number] => [
  conversationId,
  draft.target.answers ?? 0,
];
