import { BaseChat, type Row } from './chat.js';
import type { Core } from './core.js';
import { ParleyError } from './errors.js';
import { deferred } from './promises.js';
import { Value, type Store, type Until } from './store.js';
import type { Item, Message } from './data.js';
import type { Answer, AnswerPart, Bot, May, SendOptions } from './types.js';
import type { WireBotMessage, WireDelta } from './wire.js';

/**
 * After a connection broke, an answer may have failed while nobody here heard of it: the server says so once. What forms is heard
 * again from its beginning; of what says nothing for so long, nothing will come.
 */
const SILENT_MS = 120_000;

const FAILURE_WITHIN_MS = 1_000;

/** An answer that forms, of whichever device's question. */
interface Forming {
  readonly text: Value<string>;
  /** How often it began. */
  starts: number;
}

interface Open {
  readonly name: string;
  seq: number | undefined;
  readonly text: Value<string>;
  starts: number;
  done(outcome: Message | null | ParleyError): void;
}

export class BotChat extends BaseChat implements Bot {
  readonly may: Store<May> = new Value({ write: true });
  /** By the number of the question. */
  private readonly forming = new Map<number, Forming>();
  /** Of the answer → of its question: it keeps the key that it formed under. */
  private readonly questionOf = new Map<number, number>();
  /** Asked by `ask`, and not answered yet. */
  private readonly open = new Set<Open>();
  private endSilence: (() => void) | undefined;

  constructor(core: Core) {
    super(core, { type: 'bot' });
    this.isListed = true;
  }

  get address(): object {
    return { chat_type: 'bot' };
  }

  get path(): string {
    return 'chat_bot';
  }

  get place(): undefined {
    return undefined;
  }

  get title(): string {
    return 'Helper';
  }

  /** The server keeps no marks here: who asks, reads. */
  override get unread(): number {
    return 0;
  }

  override toMessage(row: Row | WireBotMessage): Message {
    if (!('is_user' in row)) return super.toMessage(row);
    const { reply_to, ...rest } = row;
    const by = (is_user: boolean): number | null => (is_user ? this.core.userId : null);
    return super.toMessage({
      ...rest,
      user_id: by(rest.is_user),
      ...(reply_to && { reply_to: { ...reply_to, user_id: by(reply_to.is_user) } }),
    });
  }

  override keyOf(message: Message): string {
    const question = message.user_id === null ? this.questionOf.get(message.seq) : undefined;
    return question === undefined ? super.keyOf(message) : `answer:${question}`;
  }

  override extraItems(): readonly Item[] {
    return [...this.forming].map(([question, { text }]) =>
      Object.freeze({
        kind: 'message',
        key: `answer:${question}`,
        mine: false,
        state: 'streaming',
        user_id: null,
        message: '',
        timestamp: this.loaded.window.at(question)?.timestamp ?? new Date(this.core.clock.now()).toISOString(),
        live: text,
      }),
    );
  }

  /** The newest messages, as asked for with the lists. */
  async readNewest(): Promise<void> {
    const isCurrent = this.core.guard();
    const [last] = await this.core.http.ask<WireBotMessage[]>('GET', this.path, { query: { limit: 1 } });
    if (!isCurrent()) return;
    this.isListed = true;
    if (last && last.seq >= this.lastSeq) {
      this.lastSeq = last.seq;
      this.lastMessage = this.toMessage(last);
    }
    this.bump();
  }

  /** A question that is done with: with its answer, or alone. */
  onAnswer(rows: readonly WireBotMessage[]): void {
    const [question, answer] = rows.map((row) => this.toMessage(row));
    if (!question) return;
    this.forming.delete(question.seq);
    if (answer) this.questionOf.set(answer.seq, question.seq);
    for (const message of answer ? [question, answer] : [question])
      if (this.heard(message)) this.core.isNew(this, message);
    for (const one of this.open) {
      if (one.seq !== question.seq && one.name !== question.client_id) continue;
      if (answer) one.done(answer);
      // Alone, it was stopped; or the bot failed, which an exception says that comes behind it.
      else this.core.clock.after(FAILURE_WITHIN_MS, () => one.done(null));
    }
    this.bump();
  }

  onDelta({ question_seq, offset, text }: WireDelta): void {
    let forming = this.forming.get(question_seq);
    const isNew = forming === undefined;
    if (!forming) this.forming.set(question_seq, (forming = { text: new Value(''), starts: 0 }));
    if (offset === 0) forming.starts++;
    forming.text.set(forming.text.get().slice(0, offset) + text);
    for (const one of this.open) if (one.seq === question_seq) this.follow(one);
    this.lastSeq = Math.max(this.lastSeq, question_seq);
    this.loaded.reachFor();
    if (isNew) this.bump();
  }

  /** The bot failed; the question is kept. Where nobody asked by `ask`, the message that follows says all there is to say. */
  onFailure(error: ParleyError, client_id: string | undefined): void {
    for (const one of this.open) if (client_id !== undefined && one.name === client_id) one.done(error);
  }

  /** What formed when the connection broke is heard again, from its beginning. */
  disconnected(): void {
    this.forming.clear();
    this.bump();
  }

  override async synced(): Promise<void> {
    await super.synced();
    this.endSilence?.();
    if (this.open.size > 0) await this.lookForAnswers();
  }

  override forget(): void {
    super.forget();
    this.isListed = true;
    this.forming.clear();
    this.questionOf.clear();
    this.endSilence?.();
    for (const one of this.open) one.done(new ParleyError('signed_out', 'Nobody is signed in.'));
  }

  ask(question: string, options?: Until & Pick<SendOptions, 'client_id' | 'reply_to'>): Answer {
    const sending = this.send(question, options);
    const text = new Value('');
    const { promise: done, resolve, reject } = deferred<Message | null>();
    const one: Open = {
      name: sending.client_id,
      seq: undefined,
      text,
      starts: 0,
      done: (outcome) => {
        if (!this.open.delete(one)) return;
        if (outcome instanceof ParleyError) return reject(outcome);
        if (outcome) text.set(outcome.message);
        resolve(outcome);
      },
    };
    this.open.add(one);
    sending.then(
      ({ seq }) => {
        one.seq = seq;
        this.follow(one);
      },
      (error: unknown) => one.done(ParleyError.from(error)),
    );
    return {
      question: sending,
      text,
      done,
      stop: async () => {
        if (this.discard(sending.client_id) !== undefined) return;
        await this.stop((await sending).seq);
      },
      [Symbol.asyncIterator]: () => parts(one, done),
    };
  }

  async stop(question_seq: number): Promise<void> {
    await this.core.link.emit('bot_stop', { question_seq });
  }

  private follow(one: Open): void {
    const forming = one.seq === undefined ? undefined : this.forming.get(one.seq);
    if (!forming) return;
    one.starts = forming.starts;
    one.text.set(forming.text.get());
  }

  /** Answers that came while there was no connection: they stand in the order of their questions. */
  private async lookForAnswers(): Promise<void> {
    const isCurrent = this.core.guard();
    const asked = [...this.open].filter((one) => one.seq !== undefined).sort((a, b) => a.seq! - b.seq!);
    const first = asked[0]?.seq;
    if (first === undefined) return;
    try {
      const page = await this.history({ after: first });
      if (!isCurrent()) return;
      const taken = new Set(this.questionOf.keys());
      for (const message of page) {
        if (message.user_id !== null || taken.has(message.seq)) continue;
        const one = asked.find((open) => this.open.has(open) && open.seq! < message.seq);
        if (!one) continue;
        this.questionOf.set(message.seq, one.seq!);
        one.done(message);
      }
    } catch (error) {
      this.core.log('debug', 'Answers could not be looked for.', { error: String(error) });
    }
    this.endSilence = this.core.clock.after(SILENT_MS, () => {
      for (const one of asked)
        if (!this.forming.has(one.seq!))
          one.done(new ParleyError('bot_unavailable', 'No answer came after the connection broke.'));
    });
  }
}

/** Pieces that come while nobody asks for the next are handed over as one. */
async function* parts(one: Open, done: Promise<Message | null>): AsyncGenerator<AnswerPart> {
  let [shown, starts] = ['', 0];
  let isDone = false;
  const finished = done.then(
    () => (isDone = true),
    (error: unknown) => {
      isDone = true;
      throw error;
    },
  );
  finished.catch(() => {});
  for (;;) {
    const [text, start] = [one.text.get(), one.starts];
    if (text !== shown || start > Math.max(starts, 1)) {
      // The whole answer counts, and may differ from what formed.
      const restarted = shown !== '' && (start > starts || !text.startsWith(shown));
      const added = restarted ? text : text.slice(shown.length);
      [shown, starts] = [text, start];
      if (added !== '') yield { text, added, restarted };
      continue;
    }
    if (isDone) {
      await finished;
      return;
    }
    await new Promise<void>((resolve) => {
      const end = one.text.listen(next);
      function next(): void {
        end();
        resolve();
      }
      finished.then(next, next);
      if (one.text.get() !== shown) next();
    });
  }
}
