import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { Claims } from '../cluster/claims.js';
import { NodeBus } from '../cluster/node-bus.js';
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
import { AnswerNews } from './answer-news.js';
import { BotChats, type QuestionPlace, toBotMessage } from './bot-chats.js';
import type { BotQuestion } from './bot-question.entity.js';
import { type BotEngine, BotUnavailable } from './engines/engine.js';
import { FairTurns } from './fair-turns.js';
import { FormingAnswer } from './forming-answer.js';
import { unlessAborted } from './engines/unless-aborted.js';

/** Nest's injection token for the BotEngine. */
export const BOT_ENGINE = Symbol('bot engine');

/** First pause before a question is tried again, whose answer could not be stored because the database was away. */
const TRY_AGAIN_MS = 5_000;
/** Longest such pause. */
const LONGEST_PAUSE_MS = 5 * 60_000;
/** Shortest time between two warnings about answers that were given up for others. */
const SAY_EVERY_MS = 60_000;

/** How long the node that answers a question has to end that for another node. */
const STOPPED_WITHIN_MS = 5_000;

/** What nodes ask of each other: the end of an answer. */
interface AskedStop {
  userId: number;
  place: QuestionPlace;
}

/** How a question may have ended. */
interface Ending {
  place: QuestionPlace;
  /** The bot's first message after this one is the answer; undefined where there can be none. */
  since?: number | undefined;
  /** Why the bot had no answer. */
  failure?: BotUnavailable | undefined;
}

/** What is under way for one user. */
interface ChatState {
  /** Their questions are being answered; `again` where one came in the meantime. */
  work?: { again: boolean; done: Promise<void> } | undefined;
  /** The answer that forms right now, or that was stopped and is still to be stored. */
  forming?: FormingAnswer | undefined;
  /** By number, questions that may have ended, which is not known because the database did not answer. */
  readonly unpublished: Map<number, Ending>;
  /** Tries that failed in a row for other reasons than the bot. */
  failures: number;
}

/** Answers the questions that wait: for each user one after the other, and for all users at the same time. */
@Injectable()
export class BotAnswers implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Bot');
  /** By user, only those for whom something is under way. Local to the node that has claimed the questions, which wait in the database. */
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
    private readonly claims: Claims,
    private readonly bus: NodeBus,
    private readonly news: AnswerNews,
  ) {}

  onModuleInit(): void {
    this.events.on('socketBound', ({ userId }) => this.underWay.get(userId)?.forming?.sendSoon());
    // Their questions were deleted in the same transaction: what forms is stored nowhere.
    const end = ({ userId }: { userId: number }) => this.underWay.get(userId)?.forming?.end();
    for (const name of ['accountErased', 'userSuspended'] as const) {
      this.events.on(name, end);
      this.events.onElsewhere(name, end);
    }
    this.bus.on('bot stop', (asked) => this.stopForOther(asked as AskedStop));
    this.claims.onLost(() => this.endAll(new Unavailable('This node was cut off from the database.')));
  }

  /** Answers the questions that were asked before the last stop; where there are many nodes, those that none of them answers. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.claims.claimsAny) return;
    if (this.claims.isShared)
      this.claims.onOrphans(async () => {
        for (const userId of await this.chats.claimOrphans()) this.answerSoon(userId);
      });
    else for (const userId of await this.chats.waiting()) this.answerSoon(userId);
  }

  /** Questions whose answer is not finished wait for the next start. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    const reason = new Unavailable('The server is shutting down. Try again in a moment.');
    const all = [...this.underWay.values()];
    this.endAll(reason);
    await Promise.all(all.flatMap(({ work }) => work?.done ?? []));
    await this.engine.close();
  }

  private endAll(reason: Error): void {
    for (const { forming } of this.underWay.values()) forming?.end(reason);
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
      // Interrupted by the stop: the question waits for the next start.
      if (this.isStopping) return;
      this.logger.error(`A question to the bot could not be answered, and is tried again: ${logLine(error)}`);
      const pauseMs = growing(TRY_AGAIN_MS, state.failures++, LONGEST_PAUSE_MS);
      setTimeout(() => this.answerSoon(userId), pauseMs).unref();
    });
  }

  /**
   * Ends the answer to a question of the user's: the text so far is stored as the answer, and a question that still waits is not answered at
   * all. Resolves when that is stored; does nothing where it has ended. @throws NotFound; Unavailable
   */
  async stop(userId: number, seq: number): Promise<void> {
    // Before anything is read: the answer stops also while the database is away.
    if (await this.stopForming(userId, seq)) return;
    const chat = await this.chats.of(userId);
    const place = { conversationId: chat?.id ?? 0, seq };
    const asked = chat && (await this.chats.message(place));
    if (asked?.user_id !== userId) throw new NotFound('question');
    if (this.claims.isShared && (await this.stopElsewhere(userId, place))) return;
    const wasUnpublished = this.stateOf(userId).unpublished.has(seq);
    const isGivenUp = await this.chats.giveUp(place).catch((error: unknown) => {
      if (!wasUnpublished) this.stateOf(userId).unpublished.set(seq, { place });
      this.answerSoon(userId);
      throw error;
    });
    // Its answer may have begun while the question was deleted: end that, too.
    await this.stopForming(userId, seq);
    const { unpublished } = this.stateOf(userId);
    if (!isGivenUp) await this.publishUnpublished(userId, unpublished);
    else if (!wasUnpublished || unpublished.delete(seq)) this.publish(userId, [toBotMessage(asked)]);
    this.forgetIdle(userId);
  }

  /**
   * Has the node that answers the question end it. @returns false where this node has to: it answers it, or nobody does any more
   * @throws Unavailable where that node lives and does not hear of it
   */
  private async stopElsewhere(userId: number, place: QuestionPlace): Promise<boolean> {
    const claimer = await this.chats.claimerOf(place);
    if (claimer === undefined || claimer === this.claims.claimer) return false;
    const stop: AskedStop = { userId, place };
    await this.bus.tellAndWait('bot stop', stop, STOPPED_WITHIN_MS);
    if (!(await this.chats.isWaiting(place))) return true;
    if (await this.chats.claimOrphan(place)) return false;
    throw new Unavailable('The node that answers this question cannot be reached right now. Try again in a moment.');
  }

  /** Another node was asked to. */
  private async stopForOther({ userId, place }: AskedStop): Promise<void> {
    if (await this.stopForming(userId, place.seq)) return;
    if ((await this.chats.claimerOf(place)) === this.claims.claimer) await this.stop(userId, place.seq);
  }

  private async stopForming(userId: number, seq: number): Promise<boolean> {
    const answer = this.underWay.get(userId)?.forming;
    if (answer?.seq !== seq) return false;
    answer.stop();
    // Where it was stopped earlier and could not be stored, this tries again.
    this.answerSoon(userId);
    await answer.attempt;
    return true;
  }

  /** From here on `state` stays in the map until `work` is over. */
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
    await this.publishUnpublished(userId, state.unpublished);
    const question = await this.chats.nextQuestion(userId);
    if (!question || this.isStopping) return false;
    const before = state.forming;
    // Stopped while the database was away: its text is still to be stored, and nothing to be added.
    const isKept = before?.seq === question.seq && before.isStopped;
    const answer = isKept ? before : new FormingAnswer(userId, question.seq, this.publisher, this.news);
    state.forming = answer;
    answer.attempt = this.finish(question, answer, state);
    try {
      await answer.attempt;
    } catch (error) {
      answer.end();
      if (!answer.isStopped) state.forming = undefined;
      // Stored all the same, it is published with the others that are unknown. Or the user has erased their account.
      if (await this.chats.isWaiting(question)) throw error;
      state.forming = undefined;
    }
    return true;
  }

  private async finish(question: BotQuestion, answer: FormingAnswer, state: ChatState): Promise<void> {
    const newest = await this.chats.newestWhileWaiting(question);
    const said = newest === undefined ? undefined : await this.form(question, answer, state.unpublished, newest);
    answer.end();
    state.forming = undefined;
    // The question was deleted meanwhile, by `stop`, which has published that.
    if (!said) return;
    state.unpublished.delete(question.seq);
    this.publish(question.userId, said.messages, said.failure);
  }

  private stateOf(userId: number): ChatState {
    let state = this.underWay.get(userId);
    if (!state) this.underWay.set(userId, (state = { unpublished: new Map(), failures: 0 }));
    return state;
  }

  private forgetIdle(userId: number): void {
    const state = this.stateOf(userId);
    if (!state.work && !state.forming && state.unpublished.size === 0 && state.failures === 0)
      this.underWay.delete(userId);
  }

  /** Lets the answer form, and stores it. @returns what to publish; undefined where the question does not wait any more */
  private async form(
    question: BotQuestion,
    answer: FormingAnswer,
    unpublished: ChatState['unpublished'],
    newest: number,
  ): Promise<{ messages: BotMessage[]; failure?: BotUnavailable | undefined } | undefined> {
    const asked = (await this.chats.message(question))!;
    const failure = await this.hear(question, answer);
    try {
      const said = await this.settle(question, failure ? '' : answer.text);
      return said && { messages: [toBotMessage(asked), ...said], failure };
    } catch (error) {
      const since = Math.min(unpublished.get(question.seq)?.since ?? newest, newest);
      unpublished.set(question.seq, { place: question, since, failure });
      throw error;
    }
  }

  /** Publishes how questions have ended of which that was unknown. */
  private async publishUnpublished(userId: number, unpublished: ChatState['unpublished']): Promise<void> {
    for (const [seq, ending] of unpublished) {
      if (await this.chats.isWaiting(ending.place)) continue;
      const messages = await this.chats.ended(ending.place, userId, ending.since);
      if (unpublished.delete(seq) && messages.length > 0) this.publish(userId, messages, ending.failure);
    }
  }

  private publish(userId: number, messages: BotMessage[], failure?: BotUnavailable): void {
    this.publisher.botMessages(userId, { chat_type: 'bot', messages });
    if (!failure) return;
    const client_id = messages[0]?.client_id;
    this.publisher.userException(userId, failure, {
      event: 'message',
      chat_type: 'bot',
      ...(client_id !== undefined && { client_id }),
    });
  }

  /** Lets the answer form, to its end or until it is stopped. @returns why the bot failed @throws what else interrupted it */
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

  /** Others wait, and all places are taken. */
  private giveWay(answer: FormingAnswer): void {
    answer.end(new BotUnavailable('gave way to others'));
    if (performance.now() - this.saidAt < SAY_EVERY_MS) return;
    this.saidAt = performance.now();
    this.logger.warn(
      'The bot is asked more than it can answer at once: the answers that took longest were given up for others. It takes a faster server in BOT_URL, or fewer questions a day (BOT_QUESTIONS_PER_DAY).',
    );
  }

  /** @throws BotUnavailable; the abort's reason */
  private async think(question: BotQuestion, answer: FormingAnswer): Promise<void> {
    const { signal } = answer;
    signal.throwIfAborted();
    const { firstName } = await this.unitOfWork.read.findOneByOrFail(User, { id: question.userId });
    const turns = await this.chats.turns(question);
    for await (const piece of this.engine.answer(turns, { firstName, signal })) answer.add(piece);
  }

  /** Stores the answer, if there is one. @returns what was stored; undefined where the question does not wait any more */
  private async settle(question: BotQuestion, text: string): Promise<BotMessage[] | undefined> {
    // As for users: a text without anything visible is no message.
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
