import { setTimeout as sleep } from 'node:timers/promises';
import { between } from '../../client/src/testing/random.js';
import { call, type ChatSocket, open } from '../support/client.js';
import { type Doer, groupOf, type Life, type Place, type Record, roomOf, type Sent } from './record.js';

/** How long one waits for an answer. Without one, the same is asked again elsewhere. */
const ANSWER_WITHIN_MS = 8_000;

/** What is read of a message that comes live, of any kind. */
interface Wire {
  seq: number;
  user_id: number;
  other_user_id: number;
  chat_group_id: number;
  message: string;
  messages: { seq: number; is_user: boolean; message: string }[];
}

/** An acknowledgement. */
interface Answer {
  ok: boolean;
  error?: { code: string };
  seq?: number;
  chat_room_id?: number;
}

/** Refusals that another try may heal. */
const PASSING = new Set(['busy', 'unavailable', 'rate_limited', 'internal', 'timeout']);
export const isPassing = (answer: Answer | undefined): boolean =>
  answer?.error?.code === undefined ? !answer?.ok : PASSING.has(answer.error.code);

/** One device of somebody, with a stock client, on whichever node takes it. */
export class Device implements Doer {
  protected socket: ChatSocket | undefined;
  life: Life = { endedAt: Infinity };
  private count = 0;

  constructor(
    readonly id: number,
    readonly name: string,
    /** Of the session; without one, only what needs none can be asked. */
    public token: string | undefined,
    protected readonly place: Place,
    readonly record: Record,
    protected readonly random: () => number,
  ) {}

  hangUp(): void {
    this.socket?.disconnect();
    this.socket = undefined;
  }

  /**
   * Asks any node over HTTP until one answers with something that lasts.
   * @returns `mayComeLate`: a try had no answer, and may be carried out after this one
   */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    token = this.token,
  ): Promise<{ status: number; body: any; mayComeLate: boolean }> {
    for (let mayComeLate = false; ; mayComeLate = true) {
      const given = { ...(token !== undefined && { token }), ...(body !== undefined && { body }) };
      const answer = await within(call(this.node(), method, path, given));
      if (answer && answer.status < 500 && answer.status !== 429) return { ...answer, mayComeLate };
      await sleep(between(this.random, [50, 300]));
    }
  }

  /** One that is not the same as the one before. */
  nextText(): string {
    return `${this.name} ${++this.count}`;
  }

  nextClientId(): string {
    return `${this.id}-${this.count}-${Math.floor(this.random() * 1e9)}`;
  }

  pick<T>(those: readonly T[]): T {
    return those[Math.floor(this.random() * those.length)];
  }

  /** @param more what the message says beside its text */
  sayInGroup(groupId: number, until: number, more: object = {}): Promise<Sent> {
    return this.say(groupOf(groupId), { chat_type: 'group', chat_group_id: groupId, ...more }, until);
  }

  sayTo(userId: number, until: number, more: object = {}): Promise<Sent> {
    return this.say(roomOf(this.id, userId), { chat_type: 'room', other_user_id: userId, ...more }, until);
  }

  /** The answer to one event; none where none came in time. */
  async emit(payload: object, event: 'message' | 'bot_stop' | 'react' = 'message'): Promise<Answer | undefined> {
    const socket = await this.connected();
    const answer = await within(socket.emitWithAck(event, payload as never) as Promise<Answer>);
    // A socket that does not answer is given up.
    if (!answer && this.socket === socket) this.hangUp();
    return answer;
  }

  /** Tries to write with a session that has ended, on the socket that it still has. */
  async assertMute(toUserId: number): Promise<void> {
    if (!this.socket?.connected) return;
    const payload = { chat_type: 'room', other_user_id: toUserId, message: 'by a session that has ended' } as const;
    const answer = await within(this.socket.emitWithAck('message', payload) as Promise<Answer>, 2_000);
    if (answer?.ok) this.record.wrong.push(`${this.name} sent by a session that had ended`);
  }

  /** Whether any node that answers still takes a token. */
  async assertDead(token: string): Promise<void> {
    const answers = await Promise.all(
      this.place.nodes.map((node) => within(call(node, 'GET', '/http/users/profile', { token }), 3_000)),
    );
    for (const [i, answer] of answers.entries())
      if (answer && answer.status < 400)
        this.record.wrong.push(`${this.name}: a token that had ended was taken by node ${i}: ${answer.status}`);
  }

  /** Until it is known what became of it: nobody says the next thing before. */
  private async say(chat: string, target: object, until: number): Promise<Sent> {
    const text = this.nextText();
    const sent: Sent = { by: this, chat, text, clientId: this.nextClientId() };
    this.record.sent.push(sent);
    // Long after the last fault, so that each is answered.
    for (const giveUpAt = until + 60_000; performance.now() < giveUpAt;) {
      const answer = await this.emit({ ...target, message: text, client_id: sent.clientId });
      if (answer?.ok) {
        sent.seq = answer.seq!;
        if (answer.chat_room_id !== undefined) sent.roomId = answer.chat_room_id;
        this.record.count(chat.startsWith('group') ? 'group message' : 'direct message');
        return sent;
      }
      if (!isPassing(answer)) {
        sent.refused = answer!.error!.code;
        this.record.count(`refused: ${sent.refused}`);
        return sent;
      }
      await sleep(between(this.random, [20, 300]));
    }
    this.record.wrong.push(`${text} to ${chat} was neither taken nor refused a minute after the last fault`);
    return sent;
  }

  private node(): { url: string } {
    return this.pick(this.place.nodes);
  }

  /** A socket that lives, on whichever node takes it. */
  private async connected(): Promise<ChatSocket> {
    for (;;) {
      if (this.socket?.connected) return this.socket;
      this.socket?.disconnect();
      const socket = open(this.node(), { auth: { token: this.token }, timeout: 3_000 });
      const life: Life = { endedAt: Infinity };
      socket.on('message', (message) => this.hear(message as Partial<Wire>, life));
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('connect_error', () => resolve(false));
        setTimeout(() => resolve(false), 5_000).unref();
      });
      if (isOpen) {
        this.life = life;
        return (this.socket = socket);
      }
      socket.disconnect();
      await sleep(between(this.random, [50, 300]));
    }
  }

  private hear(wire: Partial<Wire>, life: Life): void {
    const { seq, user_id, other_user_id, chat_group_id, messages } = wire;
    if (messages) {
      const [question, answer] = messages;
      this.record.answered.push({ userId: this.id, questionSeq: question.seq, answer: answer?.message });
      return;
    }
    if (seq === undefined || user_id === undefined) return;
    const chat = chat_group_id === undefined ? roomOf(user_id, other_user_id!) : groupOf(chat_group_id);
    this.record.heard.push({ userId: this.id, chat, seq, text: wire.message!, at: performance.now(), life });
  }
}

/** What comes of it in that time; nothing where it fails, or takes longer. */
export const within = <T>(work: Promise<T>, ms = ANSWER_WITHIN_MS): Promise<T | undefined> =>
  Promise.race([work.catch(() => undefined), sleep(ms, undefined, { ref: false })]);
