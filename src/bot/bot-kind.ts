import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager, In } from 'typeorm';
import { holdAccounts } from '../identity/accounts.js';
import { Erasure } from '../identity/erasure.js';
import { Clock } from '../common/timing/clock.js';
import { DomainError, NotFound } from '../common/errors.js';
import { ConversationRemoval } from '../conversations/conversation-removal.js';
import { type ChatKind, ChatKinds } from '../conversations/chat-kind.js';
import { type Entry, heldKey, type Located, type Written } from '../conversations/draft.js';
import { Member } from '../conversations/member.entity.js';
import type { ChatTargets } from '../domain-events/events.js';
import { makeConversations } from '../conversations/new-conversations.js';
import { canSkipLocked, forUpdateFree, insertRows, inTuples, placeholders, toMoment } from '../database/dialect.js';
import { BotBudget } from './bot-budget.js';
import { BotChat } from './bot-chat.entity.js';
import { BotQuestion } from './bot-question.entity.js';

/** Questions of one person that may wait. */
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
  ) {}

  onModuleInit(): void {
    this.kinds.register('bot', this);
    this.erasure.onErase((tx, { id }) => this.erase(tx, id));
  }

  placeOf({ userId }: ChatTargets['bot']): string {
    return `bot of ${userId}`;
  }

  async locate(tx: EntityManager, entries: Entry<'bot'>[]): Promise<void> {
    const userIds = [...new Set(entries.map(({ draft }) => draft.target.userId))];
    const rows = await tx.find(BotChat, { where: { userId: In(userIds) } });
    const chats = new Map(rows.map(({ userId, conversationId }) => [userId, conversationId]));
    // An answer whose chat is gone comes too late: its person is, too.
    const first = entries.filter(({ draft: { target } }) => !chats.has(target.userId) && target.answers === undefined);
    const held = first.length > 0 ? await this.make(tx, first, chats) : new Set();
    for (const entry of entries) {
      const { userId } = entry.draft.target;
      entry.conversationId = chats.get(userId);
      if (held.has(userId)) entry.hold(this.placeOf(entry.draft.target));
      else if (entry.conversationId === undefined) entry.refuse(new NotFound('user'));
    }
  }

  /** An answer is only taken while its question waits: whoever comes second answers nothing. */
  async authorize(tx: EntityManager, entries: Located<'bot'>[]): Promise<void> {
    const answers = entries.filter(({ draft }) => draft.target.answers !== undefined);
    if (answers.length === 0) return;
    const { sql, values } = inTuples(tx, 'conversation_id, seq', answers.map(questionKey));
    const find = async (lock: string): Promise<Set<string>> => {
      const rows = await tx.query<{ conversation_id: number; seq: number }[]>(
        `SELECT conversation_id, seq FROM bot_questions WHERE ${sql} ${lock}`,
        values,
      );
      return new Set(rows.map(({ conversation_id, seq }) => `${conversation_id},${seq}`));
    };
    const waiting = await find(forUpdateFree(tx));
    const isMissing = answers.some((entry) => !waiting.has(questionKey(entry).join()));
    const held = isMissing && canSkipLocked(tx) ? await find('') : new Set();
    for (const entry of answers) {
      const key = questionKey(entry).join();
      if (waiting.delete(key)) held.delete(key);
      else if (held.has(key)) entry.hold(heldKey.chat(entry));
      else entry.refuse(new NotFound('question'));
    }
  }

  /** At most so many wait per person, and a day has its budget; a question that was stored before is answered as it was then, however many do. */
  async admit(tx: EntityManager, entries: Located<'bot'>[]): Promise<void> {
    const questions = entries.filter(({ draft }) => draft.target.answers === undefined);
    if (questions.length === 0) return;
    const ids = [...new Set(questions.map(({ conversationId }) => conversationId))];
    const rows = await tx.query<{ conversation_id: number; waiting: number | string }[]>(
      `SELECT conversation_id, COUNT(*) AS waiting FROM bot_questions
       WHERE conversation_id IN (${placeholders(ids)}) GROUP BY conversation_id`,
      ids,
    );
    const waiting = new Map(rows.map((row) => [row.conversation_id, Number(row.waiting)]));
    const { refusalOf } = this.budget.look();
    for (const entry of questions) {
      const count = waiting.get(entry.conversationId) ?? 0;
      const refusal =
        count >= MAX_QUESTIONS ? tooManyQuestions() : refusalOf(entry.draft.sender.userId, entry.draft.body);
      if (refusal) entry.refuse(refusal);
      else waiting.set(entry.conversationId, count + 1);
    }
  }

  async stored(tx: EntityManager, entries: Written<'bot'>[]): Promise<void> {
    const questions = entries.filter(({ draft }) => draft.target.answers === undefined);
    const answers = entries.filter(({ draft }) => draft.target.answers !== undefined);
    if (questions.length > 0) {
      const now = toMoment(this.clock.now());
      const rows = questions.map(({ draft, stored }) => [stored.conversationId, stored.seq, draft.target.userId, now]);
      await insertRows(tx, 'bot_questions', 'conversation_id, seq, user_id, created_at', rows);
    }
    if (answers.length > 0) {
      const { sql, values } = inTuples(tx, 'conversation_id, seq', answers.map(questionKey));
      await tx.query(`DELETE FROM bot_questions WHERE ${sql}`, values);
    }
  }

  /** Everything that somebody and the bot have said to each other. */
  private async erase(tx: EntityManager, userId: number): Promise<readonly number[] | void> {
    const chat = await tx.findOneBy(BotChat, { userId });
    if (!chat) return;
    const { conversationId } = chat;
    for (const table of [BotQuestion, BotChat, Member]) await tx.delete(table, { conversationId });
    await this.removal.mark(tx, [conversationId]);
    return [conversationId];
  }

  /** Makes the chats of those who have none, and puts them into `chats`. @returns people whom another transaction holds */
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

/** Of the question that an answer belongs to. */
const questionKey = ({ conversationId, draft }: Located<'bot'>): [number, number] => [
  conversationId,
  draft.target.answers ?? 0,
];
