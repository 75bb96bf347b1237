import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { DomainEvents } from '../domain-events/domain-events.js';
import { User } from '../identity/user.entity.js';
import { growing } from '../common/timing/backoff.js';
import { NotFound, Unavailable } from '../common/errors.js';
import { logLine } from '../common/logs/log-line.js';
import { isVisible } from '../common/text/text.js';
import { BOT_USER_ID } from '../conversations/draft.js';
import { MessageLog } from '../conversations/message-log.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import type { BotMessage } from '../sockets/events.js';
import { Publisher } from '../sockets/publisher.js';
import { BotChats, type QuestionPlace, toBotMessage } from './bot-chats.js';
import type { BotQuestion } from './bot-question.entity.js';
import { type BotEngine, BotUnavailable } from './engines/engine.js';
import { FairTurns } from './fair-turns.js';
import { FormingAnswer } from './forming-answer.js';
import { unlessAborted } from './engines/unless-aborted.js';

/** Nest's injection token for the BotEngine. */
export const BOT_ENGINE = Symbol('bot engine');

/** When the database was away in the middle of an answer, the question still waits: it is tried again after about this. */
const TRY_AGAIN_MS = 5_000;
/** And after longer and longer pauses, up to this. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** Between two lines in the log about answers that gave way to others. */
const SAY_EVERY_MS = 60_000;

/** How a question has ended, if it has. */
interface Ending {
  place: QuestionPlace;
  /** What the bot has said behind this message is the answer; undefined where there can be none. */
  since?: number | undefined;
  /** Why the bot had nothing to say. */
  failure?: BotUnavailable | undefined;
}

/** What is under way for one person. */
interface ChatState {
  /** Their questions are being answered; `again` where one came in the meantime. */
  work?: { again: boolean; done: Promise<void> } | undefined;
  /** The answer that they get right now, or that was stopped and is still to be stored. */
  forming?: FormingAnswer | undefined;
  /** How questions may have ended, of which that is not known: the database did not answer. By the numbers of the questions. */
  readonly untold: Map<number, Ending>;
  /** Tries that failed in a row, for reasons that are not the bot's. */
  failures: number;
}

/** Answers the questions that wait: one after another for each person, and for all people at once. */
@Injectable()
export class BotAnswers implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Bot');
  /** By person; only those for whom something is under way. Local to a node: the questions themselves wait in the database. */
  private readonly underWay = new Map<number, ChatState>();
  private readonly turns = new FairTurns();
  private saidAt = -Infinity;
  private isStopping = false;

  constructor(
    private readonly log: MessageLog,
    private readonly chats: BotChats,
    private readonly unitOfWork: UnitOfWork,
    private readonly events: DomainEvents,
    private readonly publisher: Publisher,
    @Inject(BOT_ENGINE) private readonly engine: BotEngine,
  ) {}

  onModuleInit(): void {
    this.events.on('socketBound', ({ userId }) => this.underWay.get(userId)?.forming?.tellSoon());
    this.events.on('accountErased', ({ userId }) => this.underWay.get(userId)?.forming?.end());
  }

  /** What was asked before the last stop is answered now. */
  async onApplicationBootstrap(): Promise<void> {
    for (const userId of await this.chats.waiting()) this.answerSoon(userId);
  }

  /** Answers that are not finished stay questions, for the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    const reason = new Unavailable('The server is shutting down. Try again in a moment.');
    const all = [...this.underWay.values()];
    for (const { forming } of all) forming?.end(reason);
    await Promise.all(all.flatMap(({ work }) => work?.done ?? []));
    await this.engine.close();
  }

  answerSoon(userId: number): void {
    if (this.isStopping) return;
    const state = this.stateOf(userId);
    if (state.work) {
      state.work.again = true;
      return;
    }
    const work = { again: false, done: Promise.resolve() };
    state.work = work;
    work.done = this.answerAll(userId, state, work).catch((error: unknown) => {
      state.work = undefined;
      // Broken off by the stop: the question waits for the next start.
      if (this.isStopping) return;
      this.logger.error(`A question was not answered: ${logLine(error)}`);
      const pauseMs = growing(TRY_AGAIN_MS, state.failures++, LONGEST_PAUSE_MS);
      setTimeout(() => this.answerSoon(userId), pauseMs).unref();
    });
  }

  /**
   * Ends the answer to a question of this person's, wherever it is: what was said is stored as the answer, and one that still waits
   * in the queue is not answered at all. Resolves when that is done; does nothing where it has ended. @throws NotFound; Unavailable
   */
  async stop(userId: number, seq: number): Promise<void> {
    // Before anything is read: the bot falls silent also while the database is away.
    if (await this.stopForming(userId, seq)) return;
    const chat = await this.chats.of(userId);
    const place = { conversationId: chat?.id ?? 0, seq };
    const asked = chat && (await this.chats.message(place));
    if (asked?.user_id !== userId) throw new NotFound('question');
    const wasUntold = this.stateOf(userId).untold.has(seq);
    const isGivenUp = await this.chats.giveUp(place).catch((error: unknown) => {
      if (!wasUntold) this.stateOf(userId).untold.set(seq, { place });
      this.answerSoon(userId);
      throw error;
    });
    // It may have come to be the next one while it was taken away: then nobody waits for its answer.
    await this.stopForming(userId, seq);
    const { untold } = this.stateOf(userId);
    if (!isGivenUp) await this.tellUntold(userId, untold);
    else if (!wasUntold || untold.delete(seq)) this.tell(userId, [toBotMessage(asked)]);
    this.forgetIdle(userId);
  }

  private async stopForming(userId: number, seq: number): Promise<boolean> {
    const answer = this.underWay.get(userId)?.forming;
    if (answer?.seq !== seq) return false;
    answer.stop();
    // Where it was stopped before and could not be stored then, this tries again.
    this.answerSoon(userId);
    await answer.attempt;
    return true;
  }

  /** From here on `state` stays the person's until `work` is over. */
  private async answerAll(userId: number, state: ChatState, work: { again: boolean }): Promise<void> {
    do {
      work.again = false;
      while (await this.answerNext(userId, state));
    } while (work.again);
    state.failures = 0;
    state.forming = undefined;
    state.work = undefined;
    this.forgetIdle(userId);
  }

  /** @returns false where no question waits, or the server stops */
  private async answerNext(userId: number, state: ChatState): Promise<boolean> {
    await this.tellUntold(userId, state.untold);
    const question = await this.chats.nextQuestion(userId);
    if (!question || this.isStopping) return false;
    const before = state.forming;
    // Stopped while the database was away: what was said then is still to be stored, and nothing to be added.
    const isKept = before?.seq === question.seq && before.isStopped;
    const answer = isKept ? before : new FormingAnswer(userId, question.seq, this.publisher);
    state.forming = answer;
    answer.attempt = this.finish(question, answer, state);
    try {
      await answer.attempt;
    } catch (error) {
      answer.end();
      if (!answer.isStopped) state.forming = undefined;
      // Stored all the same, it is told from there. Or whoever asked has erased their account: then nobody is to be told.
      if (await this.chats.isWaiting(question)) throw error;
      state.forming = undefined;
    }
    return true;
  }

  private async finish(question: BotQuestion, answer: FormingAnswer, state: ChatState): Promise<void> {
    const newest = await this.chats.newestWhileWaiting(question);
    const said = newest === undefined ? undefined : await this.form(question, answer, state.untold, newest);
    answer.end();
    state.forming = undefined;
    // It was taken out of the queue meanwhile, and its person told so.
    if (!said) return;
    state.untold.delete(question.seq);
    this.tell(question.userId, said.messages, said.failure);
  }

  private stateOf(userId: number): ChatState {
    let state = this.underWay.get(userId);
    if (!state) this.underWay.set(userId, (state = { untold: new Map(), failures: 0 }));
    return state;
  }

  private forgetIdle(userId: number): void {
    const state = this.stateOf(userId);
    if (!state.work && !state.forming && state.untold.size === 0 && state.failures === 0) this.underWay.delete(userId);
  }

  /** Lets the answer form, and stores it. @returns what to tell; undefined where the question waits no more */
  private async form(
    question: BotQuestion,
    answer: FormingAnswer,
    untold: ChatState['untold'],
    newest: number,
  ): Promise<{ messages: BotMessage[]; failure?: BotUnavailable | undefined } | undefined> {
    const asked = (await this.chats.message(question))!;
    const failure = await this.hear(question, answer);
    try {
      const said = await this.settle(question, failure ? '' : answer.text);
      return said && { messages: [toBotMessage(asked), ...said], failure };
    } catch (error) {
      const since = Math.min(untold.get(question.seq)?.since ?? newest, newest);
      untold.set(question.seq, { place: question, since, failure });
      throw error;
    }
  }

  /** What was stored, and could not be told since the database did not say so, is told now. */
  private async tellUntold(userId: number, untold: ChatState['untold']): Promise<void> {
    for (const [seq, ending] of untold) {
      if (await this.chats.isWaiting(ending.place)) continue;
      const messages = await this.chats.ended(ending.place, userId, ending.since);
      if (untold.delete(seq) && messages.length > 0) this.tell(userId, messages, ending.failure);
    }
  }

  private tell(userId: number, messages: BotMessage[], failure?: BotUnavailable): void {
    this.publisher.botMessages(userId, { chat_type: 'bot', messages });
    if (!failure) return;
    const client_id = messages[0]?.client_id;
    this.publisher.userException(userId, failure, {
      event: 'message',
      chat_type: 'bot',
      ...(client_id !== undefined && { client_id }),
    });
  }

  /** Lets the answer form, to its end or until it is stopped. @returns why the bot failed @throws what broke it off */
  private async hear(question: BotQuestion, answer: FormingAnswer): Promise<BotUnavailable | undefined> {
    try {
      const think = () => this.think(question, answer);
      await unlessAborted(() => this.turns.run(think, () => this.giveWay(answer)), answer.signal);
      return undefined;
    } catch (error) {
      if (answer.isStopped) return undefined;
      if (error instanceof BotUnavailable && !this.isStopping) return error;
      throw error;
    }
  }

  /** Others wait, and all turns are taken. */
  private giveWay(answer: FormingAnswer): void {
    answer.end(new BotUnavailable('gave way to others'));
    if (performance.now() - this.saidAt < SAY_EVERY_MS) return;
    this.saidAt = performance.now();
    this.logger.warn('More people ask the bot than it can answer: those who took longest had to give way to others.');
  }

  /** @throws BotUnavailable; the abort's reason */
  private async think(question: BotQuestion, answer: FormingAnswer): Promise<void> {
    const { signal } = answer;
    signal.throwIfAborted();
    const { firstName } = await this.unitOfWork.read.findOneByOrFail(User, { id: question.userId });
    const turns = await this.chats.turns(question);
    for await (const piece of this.engine.answer(turns, { firstName, signal })) answer.add(piece);
  }

  /** Stores the answer, if there is one. @returns what was stored; undefined where the question waits no more */
  private async settle(question: BotQuestion, text: string): Promise<BotMessage[] | undefined> {
    // As it is with people: what nobody sees is no message.
    if (!isVisible(text)) return (await this.chats.giveUp(question)) ? [] : undefined;
    const target = { userId: question.userId, answers: question.seq };
    const sender = { userId: BOT_USER_ID, sessionId: 0 };
    try {
      const { seq, timestamp } = await this.log.append({ kind: 'bot', sender, target, body: text });
      return [{ seq, is_user: false, message: text, timestamp: timestamp.toISOString() }];
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }
}
