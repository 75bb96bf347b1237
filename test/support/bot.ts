import type { BotDelta, BotMessages, Exception } from '../../src/sockets/events.js';
import { type ChatSocket, eventually, send } from './client.js';

export const ask = (socket: ChatSocket, message: string, clientId?: string) =>
  send(socket, { chat_type: 'bot', message, ...(clientId !== undefined && { client_id: clientId }) });

/** Asks for an end of the answer, and waits for the acknowledgement, whatever it says. */
export const stop = (socket: ChatSocket, payload: unknown): Promise<any> =>
  socket.timeout(15_000).emitWithAck('bot_stop', payload);

/** A client that shows answers as they form, in the way that the protocol tells it to. */
export class BotReader {
  readonly deltas: BotDelta[] = [];
  readonly messages: BotMessages['messages'][] = [];
  readonly exceptions: Exception[] = [];
  /** Deltas that did not go on where the text ended, or came when the message was there. */
  readonly wrong: BotDelta[] = [];
  private readonly texts = new Map<number, string>();

  constructor(socket: ChatSocket) {
    socket.on('bot_delta', (delta) => {
      const { question_seq, offset, text } = delta;
      const before = this.texts.get(question_seq) ?? '';
      const isLate = this.messages.some(([question]) => question.seq === question_seq);
      if (isLate || !text || (offset !== 0 && offset !== before.length)) this.wrong.push(delta);
      this.deltas.push(delta);
      this.texts.set(question_seq, before.slice(0, offset) + text);
    });
    socket.on('message', (event) => void (event.chat_type === 'bot' && this.messages.push(event.messages)));
    socket.on('exception', (event) => void this.exceptions.push(event));
  }

  /** The text of an answer that forms. */
  text(questionSeq: number): string {
    return this.texts.get(questionSeq) ?? '';
  }

  /** Waits until this much of an answer is there. */
  reads(questionSeq: number, text: string): Promise<true> {
    return eventually(() => this.text(questionSeq) === text || undefined, `“${text}”`);
  }

  /** Waits for the message that ends an answer: what was said by both, in order. */
  ended(questionSeq: number): Promise<string[]> {
    return eventually(
      () => this.messages.find(([question]) => question.seq === questionSeq)?.map(({ message }) => message),
      `the end of answer ${questionSeq}`,
    );
  }
}
