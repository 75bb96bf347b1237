import { type Asked, toExtras } from './extras.js';
import type { House, Identity } from './house.js';
import { notFound, Refusal } from './refusal.js';
import type { Connection } from './sockets.js';
import { BOT_ID, type BotChat, newMember } from './state.js';
import { isVisible } from './texts.js';
import { assertOneCursor, type PageQuery } from './messages.js';
import { botMessageView, placeView } from './views.js';

/** Questions of one person that may wait. */
const MOST_QUESTIONS = 5;
/** What is said within this time goes out in one packet. */
const GATHER_MS = 100;
/** Code points of an answer. */
const MOST_CHARACTERS = 4_000;

/**
 * What the bot says to a question: pieces, the first after one tick of the server's and each of the others after one more; an error, or
 * one that comes after some pieces, where it fails; or pieces that come whenever the test says them.
 */
export type BotScript = (question: string) => readonly string[] | Error | AsyncIterable<string>;

/** An answer that forms. */
interface Forming {
  readonly userId: number;
  /** Of the question. */
  readonly seq: number;
  text: string;
  /** UTF-16 units that each socket was told. */
  readonly told: Map<Connection, number>;
  endTimer?: (() => void) | undefined;
  /** Nothing more is said or told. */
  isOver: boolean;
}

/** Answers the questions that wait, one after another for each person. */
export class BotAnswers {
  private readonly forming = new Map<number, Forming>();

  constructor(private readonly house: House) {}

  /** A page of the caller's chat with the bot; empty where there is none yet. @throws Refusal */
  page({ user_id }: Identity, query: PageQuery) {
    const chat = this.house.state.botChat(user_id);
    if (!chat) return [];
    assertOneCursor(query);
    return this.house.messages.page(chat, query).map((one) => botMessageView(chat, one));
  }

  /** Stores a question; its answer follows. @throws Refusal */
  ask({ user_id }: Identity, question: string, clientId?: string, asked: Asked = {}) {
    const chat = this.house.state.botChat(user_id) ?? this.makeChat(user_id);
    const { stored, isNew } = this.house.messages.store(chat, user_id, question, clientId, toExtras(asked), () => {
      if (chat.waiting.length < MOST_QUESTIONS) return;
      throw new Refusal(
        'busy',
        `${MOST_QUESTIONS} questions wait for the bot already. Wait for an answer, then ask again.`,
        { retry_after: 1 },
      );
    });
    if (isNew) {
      chat.waiting.push(stored.seq);
      this.answerSoon(user_id);
    }
    return { ok: true, ...placeView(stored, clientId) };
  }

  /** Ends the answer to a question, and keeps what was said; does nothing where it has ended. @throws Refusal */
  stop({ user_id }: Identity, seq: number) {
    const chat = this.house.state.botChat(user_id);
    const asked = chat?.messages[seq - 1];
    if (!chat || asked?.user_id !== user_id) throw notFound('question');
    const answer = this.forming.get(user_id);
    if (answer?.seq === seq) this.settle(answer, chat, answer.text);
    else if (chat.waiting.includes(seq)) {
      chat.waiting.splice(chat.waiting.indexOf(seq), 1);
      this.tell(user_id, [botMessageView(chat, asked)]);
    }
    return { ok: true, question_seq: seq };
  }

  /** One more socket of somebody's: it gets what was said so far. */
  connected({ user_id }: Identity): void {
    const answer = this.forming.get(user_id);
    if (answer) this.tellSoon(answer);
  }

  /** Somebody has erased their account. */
  forget(userId: number): void {
    const answer = this.forming.get(userId);
    if (answer) this.end(answer);
  }

  answerThoseBefore(): void {
    for (const { user_id } of this.house.state.ofKind('bot')) this.answerSoon(user_id);
  }

  stopAll(): void {
    for (const answer of this.forming.values()) this.end(answer);
  }

  private answerSoon(userId: number): void {
    this.house.timers.soon(() => {
      const chat = this.house.state.botChat(userId);
      const [seq] = chat?.waiting ?? [];
      if (!chat || seq === undefined || this.forming.has(userId)) return;
      const answer: Forming = { userId, seq, text: '', told: new Map(), isOver: false };
      this.forming.set(userId, answer);
      void this.form(answer, chat);
    });
  }

  private async form(answer: Forming, chat: BotChat): Promise<void> {
    try {
      for await (const piece of this.pieces(chat.messages[answer.seq - 1]!.message)) {
        if (answer.isOver) return;
        answer.text = Array.from(answer.text + piece)
          .slice(0, MOST_CHARACTERS)
          .join('');
        this.tellSoon(answer);
      }
      if (!answer.isOver) this.settle(answer, chat, answer.text, !isVisible(answer.text));
    } catch {
      if (!answer.isOver) this.settle(answer, chat, '', true);
    }
  }

  private async *pieces(question: string): AsyncGenerator<string> {
    const said = this.house.settings.botSays(question);
    if (Symbol.asyncIterator in said) {
      yield* said;
      return;
    }
    for (const piece of said instanceof Error ? [] : said) {
      await this.tick();
      yield piece;
    }
    await this.tick();
    if (said instanceof Error) throw said;
  }

  private tick(): Promise<void> {
    return new Promise((resolve) => void this.house.timers.after(this.house.settings.tickMs, resolve));
  }

  /** Sockets that do not have the whole text yet get what they lack, in a moment. */
  private tellSoon(answer: Forming): void {
    answer.endTimer ??= this.house.timers.after(GATHER_MS, () => {
      answer.endTimer = undefined;
      // Half of a surrogate pair waits for its other half.
      const text = answer.text.replace(/[\ud800-\udbff]$/, '');
      for (const connection of this.house.sockets.of(answer.userId)) {
        const offset = answer.told.get(connection) ?? 0;
        if (offset === text.length) continue;
        connection.send('bot_delta', { question_seq: answer.seq, offset, text: text.slice(offset) });
        answer.told.set(connection, text.length);
      }
    });
  }

  private end(answer: Forming): void {
    answer.isOver = true;
    answer.endTimer?.();
    this.forming.delete(answer.userId);
  }

  /** Stores what was said, if anything was, and tells both. */
  private settle(answer: Forming, chat: BotChat, text: string, hasFailed = false): void {
    this.end(answer);
    const { userId, seq } = answer;
    const at = chat.waiting.indexOf(seq);
    // It was taken out of the queue meanwhile, and its person told so.
    if (at < 0) return;
    chat.waiting.splice(at, 1);
    const asked = chat.messages[seq - 1]!;
    const messages = [botMessageView(chat, asked)];
    if (isVisible(text)) messages.push(botMessageView(chat, this.house.messages.store(chat, BOT_ID, text).stored));
    this.tell(userId, messages);
    if (hasFailed) this.tellFailure(userId, asked.client_id);
    this.answerSoon(userId);
  }

  private tell(userId: number, messages: object[]): void {
    this.house.sockets.tell([userId], 'message', { chat_type: 'bot', messages });
  }

  private tellFailure(userId: number, clientId: string | undefined): void {
    const failure = new Refusal(
      'bot_unavailable',
      'The bot cannot answer right now. Your question is kept; ask again in a moment.',
    );
    this.house.sockets.tell([userId], 'exception', {
      ...failure.body(),
      request: { event: 'message', chat_type: 'bot', ...(clientId !== undefined && { client_id: clientId }) },
    });
  }

  private makeChat(userId: number): BotChat {
    const { state } = this.house;
    const members = new Map([[userId, newMember(this.house.now())]]);
    const chat: BotChat = {
      id: state.nextId('chat'),
      kind: 'bot',
      messages: [],
      mentions: [],
      last_change: 0,
      members,
      user_id: userId,
      waiting: [],
    };
    state.chats.set(chat.id, chat);
    return chat;
  }
}
