import { setTimeout as sleep } from 'node:timers/promises';
import { between, seeded, seedOf } from '../../client/src/testing/random.js';
import { call, type ChatSocket, open } from '../support/client.js';
import type { Machinery } from './faults.js';

/** How long one waits for an answer. Without one, the same is asked again elsewhere. */
const ANSWER_WITHIN_MS = 8_000;
/** Pauses of a person between two deeds. */
const PAUSE_MS = [0, 120] as const;

export interface Sent {
  readonly by: Actor;
  readonly chat: string;
  readonly text: string;
  readonly clientId: string;
  /** The number that was acknowledged. */
  seq?: number;
  /** It was refused for good: it must not be stored. */
  refused?: string;
}

/** A time in which a member must get nothing of a group: from the answer to their removal until somebody asks to add them again. */
export interface Ban {
  readonly userId: number;
  readonly groupId: number;
  readonly from: number;
  to: number;
}

/** A message that came live. */
interface Heard {
  readonly userId: number;
  readonly chat: string;
  readonly seq: number;
  readonly text: string;
  readonly at: number;
  /** When the session had ended of the socket on which it came. */
  readonly life: Life;
}

/** Of a socket: from when on nothing may be sent to it. */
interface Life {
  endedAt: number;
}

/** What everybody did and was told, for the check. */
export class Record {
  readonly sent: Sent[] = [];
  readonly bans: Ban[] = [];
  readonly heard: Heard[] = [];
  /** What must never happen, in words. */
  readonly wrong: string[] = [];
  /** By what was done, how often it was answered. */
  readonly done = new Map<string, number>();
  refusals = new Map<string, number>();

  count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }
}

export const roomOf = (a: number, b: number): string => `room ${Math.min(a, b)}:${Math.max(a, b)}`;
export const groupOf = (id: number): string => `group ${id}`;

/** What is read of a message that comes live, of either kind. */
interface Wire {
  seq: number;
  user_id: number;
  other_user_id: number;
  chat_group_id: number;
  message: string;
}

/** Refusals that another try may heal. */
const PASSING = new Set(['busy', 'unavailable', 'rate_limited', 'internal', 'timeout']);

interface Known {
  id: number;
  email: string;
  password: string;
  token: string;
}

/** Somebody with one device, on whichever node takes it, who does one thing after the other. */
export class Actor {
  readonly id: number;
  token: string;
  private socket: ChatSocket | undefined;
  private life: Life = { endedAt: Infinity };
  private readonly random: () => number;
  private count = 0;

  constructor(
    private readonly known: Known,
    readonly name: string,
    private readonly machinery: Machinery,
    private readonly record: Record,
    private readonly world: { actors: Actor[]; groups: number[]; owner: () => Actor },
    seed: number,
  ) {
    this.id = known.id;
    this.token = known.token;
    this.random = seeded(seedOf(seed, known.id));
  }

  /** Does things until then. */
  async live(until: number): Promise<void> {
    while (performance.now() < until) {
      await sleep(between(this.random, PAUSE_MS));
      const draw = this.random();
      if (draw < 0.6) await this.say(until);
      else if (draw < 0.75) await this.attend();
      else if (draw < 0.85) await this.change();
      else if (draw < 0.92) this.hangUp();
      else if (draw < 0.96 && this === this.world.owner()) await this.removeAndAdd();
      else if (draw < 0.98 && this !== this.world.owner()) await this.logOutAndIn();
      else await this.read();
    }
  }

  hangUp(): void {
    this.socket?.disconnect();
    this.socket = undefined;
  }

  /** Asks any node over HTTP until one answers with something that lasts. */
  async ask(method: string, path: string, body?: unknown, token = this.token): Promise<{ status: number; body: any }> {
    for (;;) {
      const given = { token, ...(body !== undefined && { body }) };
      const answer = await within(call(this.node(), method, path, given));
      if (answer && answer.status < 500 && answer.status !== 429) return answer;
      await sleep(between(this.random, [50, 300]));
    }
  }

  private node(): { url: string } {
    const { nodes } = this.machinery;
    return nodes[Math.floor(this.random() * nodes.length)];
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

  private hear(message: Partial<Wire>, life: Life): void {
    const { seq, user_id, other_user_id, chat_group_id } = message;
    if (seq === undefined || user_id === undefined) return;
    const chat = chat_group_id === undefined ? roomOf(user_id, other_user_id!) : groupOf(chat_group_id);
    this.record.heard.push({ userId: this.id, chat, seq, text: message.message!, at: performance.now(), life });
  }

  private async emit(payload: object): Promise<{ ok: boolean; error?: { code: string }; seq?: number } | undefined> {
    const socket = await this.connected();
    const answer = await within(socket.emitWithAck('message', payload as never));
    // A socket that does not answer is given up.
    if (!answer && this.socket === socket) this.hangUp();
    return answer;
  }

  /** Until it is known what became of it: nobody says the next thing before. */
  private async say(until: number): Promise<void> {
    const { actors, groups } = this.world;
    const inGroup = this.random() < 0.6;
    const groupId = groups[Math.floor(this.random() * groups.length)];
    const others = actors.filter((one) => one !== this);
    const other = others[Math.floor(this.random() * others.length)];
    const text = `${this.name} ${++this.count}`;
    const sent: Sent = {
      by: this,
      chat: inGroup ? groupOf(groupId) : roomOf(this.id, other.id),
      text,
      clientId: `${this.id}-${this.count}-${Math.floor(this.random() * 1e9)}`,
    };
    this.record.sent.push(sent);
    const target = inGroup
      ? { chat_type: 'group', chat_group_id: groupId }
      : { chat_type: 'room', other_user_id: other.id };
    // Long after the last fault, so that each is answered.
    for (const giveUpAt = until + 60_000; performance.now() < giveUpAt;) {
      const answer = await this.emit({ ...target, message: text, client_id: sent.clientId });
      if (answer?.ok) {
        sent.seq = answer.seq!;
        this.record.count(inGroup ? 'group message' : 'direct message');
        return;
      }
      const code = answer?.error?.code;
      if (code !== undefined && !PASSING.has(code)) {
        // An earlier try, whose answer was lost, may have been stored before they were removed.
        sent.refused = code;
        this.record.count(`refused: ${code}`);
        return;
      }
      await sleep(between(this.random, [20, 300]));
    }
    this.record.wrong.push(`${text} to ${sent.chat} was neither taken nor refused a minute after the last fault`);
  }

  private async attend(): Promise<void> {
    const { groups } = this.world;
    const groupId = groups[Math.floor(this.random() * groups.length)];
    const answer = await this.emit({ chat_type: 'group', chat_group_id: groupId, is_enter: this.random() < 0.7 });
    if (answer?.ok) this.record.count('entered or left');
  }

  /** Edits or deletes one of their own. */
  private async change(): Promise<void> {
    const own = this.record.sent.filter(
      (one) => one.by === this && one.seq !== undefined && one.chat.startsWith('group'),
    );
    const one = own[Math.floor(this.random() * own.length)];
    if (!one) return;
    const path = `/http/chat_groups/${one.chat.slice(6)}/messages/${one.seq}`;
    const { status } =
      this.random() < 0.5
        ? await this.ask('PUT', path, { message: `${one.text} (edited)` })
        : await this.ask('DELETE', path);
    if (status < 300) this.record.count('edited or deleted');
  }

  private async read(): Promise<void> {
    const { groups } = this.world;
    const groupId = groups[Math.floor(this.random() * groups.length)];
    await this.ask('PUT', '/http/notifications', { chat_group_id: groupId });
    this.record.count('marked as read');
  }

  /** The owner takes somebody out of a private group; from the answer on they must get and write nothing, until they are added again. */
  private async removeAndAdd(): Promise<void> {
    const groupId = this.world.groups[0];
    const others = this.world.actors.filter((one) => one !== this);
    const { id: userId } = others[Math.floor(this.random() * others.length)];
    const { status } = await this.ask('DELETE', `/http/chat_groups/${groupId}/members/${userId}`);
    if (status >= 300) return;
    const ban: Ban = { userId, groupId, from: performance.now(), to: Infinity };
    this.record.bans.push(ban);
    this.record.count('removed');
    await sleep(between(this.random, [100, 3_000]));
    ban.to = performance.now();
    await this.ask('POST', `/http/chat_groups/${groupId}/members`, { user_id: userId });
  }

  /** From the answer on, the session can do nothing, on any node. */
  private async logOutAndIn(): Promise<void> {
    const { token, socket, life } = this;
    const { status } = await this.ask('POST', '/http/logout', undefined, token);
    // A repeat of a logout whose answer was lost finds no session.
    if (status >= 300 && status !== 401) return;
    life.endedAt = performance.now();
    this.record.count('logged out');
    const other = this.world.actors.find((one) => one !== this)!;
    if (socket?.connected) {
      const answer = (await within(
        socket.emitWithAck('message', {
          chat_type: 'room',
          other_user_id: other.id,
          message: 'by a session that has ended',
        }),
        2_000,
      )) as { ok: boolean } | undefined;
      if (answer?.ok) this.record.wrong.push(`${this.name} sent by a session that had ended`);
    }
    // Long enough for others to write to it.
    await sleep(between(this.random, [0, 300]));
    const again = await this.ask('GET', '/http/users/profile', undefined, token);
    if (again.status !== 401)
      this.record.wrong.push(`${this.name}: a token that was revoked was taken: ${again.status}`);
    this.hangUp();
    const { email, password } = this.known;
    const login = await this.ask('POST', '/http/login', { email, password });
    this.token = login.body.token;
    if (!this.token) this.record.wrong.push(`${this.name} could not log in again: ${login.status}`);
  }
}

const within = <T>(work: Promise<T>, ms = ANSWER_WITHIN_MS): Promise<T | undefined> =>
  Promise.race([work.catch(() => undefined), sleep(ms, undefined, { ref: false })]);
