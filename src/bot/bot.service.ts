import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import pLimit from 'p-limit';
import { User } from '../auth/user.entity.js';
import type { Identity } from '../common/identity.js';
import { logLine } from '../common/log-line.js';
import { BOT_USER_ID } from '../conversations/draft.js';
import { History, type ReadableChat } from '../conversations/history.js';
import type { MessageView } from '../conversations/message.view.js';
import { MessageLog } from '../conversations/message-log.js';
import type { PageQuery } from '../conversations/page.dto.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { BotMessage, Stored } from '../realtime/events.js';
import { Publisher } from '../realtime/publisher.js';
import { BotQuestion } from './bot-question.entity.js';
import type { BotTarget } from './bot-rules.js';
import type { AskBot } from './dto/bot.dto.js';
import { type BotEngine, BotUnavailable, type Turn } from './engine.js';

/** Nest's injection token for the BotEngine. */
export const BOT_ENGINE = Symbol('bot engine');

/** When the database was away in the middle of an answer, the question still waits: it is tried again after this. */
const TRY_AGAIN_MS = 5_000;
/** And after longer and longer pauses. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** People answered at the same time: after a start, everybody who waited is answered at once. */
const MAX_THINKING = 64;

/** Questions to the bot, answered one after another for each person, and for all people at once. */
@Injectable()
export class BotService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Bot');
  /** People whose questions are being answered; `again` where one came in the meantime. */
  private readonly answering = new Map<number, { again: boolean; done: Promise<void> }>();
  /** Tries that failed in a row, for reasons that are not the bot's. */
  private readonly failures = new Map<number, number>();
  private readonly thinking = pLimit(MAX_THINKING);
  private readonly stopping = new AbortController();

  constructor(
    private readonly log: MessageLog,
    private readonly history: History,
    private readonly unitOfWork: UnitOfWork,
    private readonly publisher: Publisher,
    @Inject(BOT_ENGINE) private readonly engine: BotEngine,
  ) {}

  /** What was asked before the last stop is answered now. */
  async onApplicationBootstrap(): Promise<void> {
    const rows = await this.unitOfWork.read.query<{ user_id: number }[]>('SELECT DISTINCT user_id FROM bot_questions');
    for (const row of rows) this.answerSoon(row.user_id);
  }

  /** Answers that are not finished stay questions, for the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all([...this.answering.values()].map(({ done }) => done));
    await this.engine.close();
  }

  /** A page of the caller's chat with the bot; empty where there is none yet. @throws Invalid */
  async messages(me: Identity, page: PageQuery): Promise<BotMessage[]> {
    const chat = await this.chat(me.userId);
    return chat ? (await this.history.page(chat, page)).map(toView) : [];
  }

  /** Stores a question; its answer follows by itself. @throws `busy` where five wait; as for rooms */
  async ask(me: Identity, { message, client_id }: AskBot): Promise<Stored> {
    const clientId = client_id ?? undefined;
    const target: BotTarget = { userId: me.userId };
    // Nothing is awaited before this line: two questions of one socket enter the queue in the order in which they came.
    const { seq, timestamp, isRepeat } = await this.log.append({
      kind: 'bot',
      sender: me,
      target,
      body: message,
      clientId,
    });
    if (!isRepeat) this.answerSoon(me.userId);
    return {
      ok: true,
      seq,
      timestamp: timestamp.toISOString(),
      ...(clientId !== undefined && { client_id: clientId }),
    };
  }

  private answerSoon(userId: number): void {
    if (this.stopping.signal.aborted) return;
    const present = this.answering.get(userId);
    if (present) {
      present.again = true;
      return;
    }
    const work = { again: false, done: Promise.resolve() };
    this.answering.set(userId, work);
    work.done = this.answerAll(userId, work).catch((error: unknown) => {
      this.answering.delete(userId);
      // Broken off by the stop: the question waits for the next start.
      if (this.stopping.signal.aborted) return;
      this.logger.error(`A question was not answered: ${logLine(error)}`);
      const tries = (this.failures.get(userId) ?? 0) + 1;
      this.failures.set(userId, tries);
      setTimeout(() => this.answerSoon(userId), Math.min(TRY_AGAIN_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS)).unref();
    });
  }

  private async answerAll(userId: number, work: { again: boolean }): Promise<void> {
    do {
      work.again = false;
      for (let question = await this.nextQuestion(userId); question; question = await this.nextQuestion(userId)) {
        await this.answer(question).catch((error: unknown) => this.ignoreWhereGone(question, error));
        if (this.stopping.signal.aborted) return;
      }
    } while (work.again);
    this.failures.delete(userId);
    this.answering.delete(userId);
  }

  /** Whoever asked may have erased their account while the bot thought: then there is nothing to answer, and nobody to tell. */
  private async ignoreWhereGone({ conversationId, seq }: BotQuestion, error: unknown): Promise<void> {
    if (await this.unitOfWork.read.existsBy(BotQuestion, { conversationId, seq })) throw error;
  }

  private nextQuestion(userId: number): Promise<BotQuestion | null> {
    return this.unitOfWork.read.findOne(BotQuestion, { where: { userId }, order: { seq: 'ASC' } });
  }

  private async answer(question: BotQuestion): Promise<void> {
    const { userId, seq } = question;
    const asked = await this.message(question.conversationId, seq);
    const text = await this.thinking(() => this.think(question)).catch((error: unknown) => {
      if (this.stopping.signal.aborted || !(error instanceof BotUnavailable)) throw error;
      return error;
    });
    if (text instanceof BotUnavailable) {
      await this.unitOfWork.run((tx) => tx.delete(BotQuestion, { conversationId: question.conversationId, seq }));
      this.publisher.botMessages(userId, { chat_type: 'bot', messages: [toView(asked)] });
      const { client_id } = asked;
      this.publisher.userException(userId, text, {
        event: 'message',
        chat_type: 'bot',
        ...(client_id !== undefined && { client_id }),
      });
      return;
    }
    const target: BotTarget = { userId, answers: seq };
    const answer = await this.log.append({
      kind: 'bot',
      sender: { userId: BOT_USER_ID, sessionId: 0 },
      target,
      body: text,
    });
    const answered = { seq: answer.seq, is_user: false, message: text, timestamp: answer.timestamp.toISOString() };
    this.publisher.botMessages(userId, { chat_type: 'bot', messages: [toView(asked), answered] });
  }

  /** @throws BotUnavailable; the abort's reason while the server stops */
  private async think(question: BotQuestion): Promise<string> {
    const { firstName } = await this.unitOfWork.read.findOneByOrFail(User, { id: question.userId });
    let text = '';
    for await (const piece of this.engine.answer(await this.turns(question), {
      firstName,
      signal: this.stopping.signal,
    })) {
      text += piece;
    }
    return text;
  }

  /** What was said until now, the question last: others that wait behind it are not said yet. */
  private async turns({ conversationId, seq, userId }: BotQuestion): Promise<Turn[]> {
    const waiting = await this.unitOfWork.read.findBy(BotQuestion, { conversationId });
    const notYet = new Set(waiting.map((question) => question.seq));
    const said = await this.history.page((await this.chat(userId))!, {});
    const question = await this.message(conversationId, seq);
    return [...said.filter((message) => !notYet.has(message.seq)), question].map((message) => ({
      isUser: message.user_id !== BOT_USER_ID,
      text: message.message,
    }));
  }

  private async message(conversationId: number, seq: number): Promise<MessageView> {
    const [message] = await this.history.page({ id: conversationId, lastSeq: seq }, { limit: 1 });
    return message;
  }

  private async chat(userId: number): Promise<ReadableChat | undefined> {
    const [row] = await this.unitOfWork.read.query<{ id: number; last_seq: number }[]>(
      'SELECT c.id, c.last_seq FROM bot_chats b JOIN conversations c ON c.id = b.conversation_id WHERE b.user_id = ?',
      [userId],
    );
    return row && { id: row.id, lastSeq: row.last_seq };
  }
}

const toView = ({ seq, user_id, message, timestamp, client_id }: MessageView): BotMessage => ({
  seq,
  is_user: user_id !== BOT_USER_ID,
  message,
  timestamp,
  ...(client_id !== undefined && { client_id }),
});
