import { ParleyClient } from '../client.js';
import { fromWire, ParleyError } from '../errors.js';
import type { Message } from '../data.js';
import { frozen } from '../store.js';
import type { ParleyOptions, SendOptions } from '../types.js';
import type { House, Identity } from './house.js';
import { answer } from './http.js';
import type { FakeDevice } from './network.js';
import { Refusal } from './refusal.js';
import type { Connection } from './sockets.js';
import { BOT_ID, type Chat, type Person, type StoredMessage } from './state.js';
import { messageView } from './views.js';

/** A person, or a group by its id. */
export type Where = FakePerson | { readonly group: number };

/** What a person needs of their server. */
export interface PersonsServer {
  readonly house: () => House;
  readonly url: string;
  readonly device: () => FakeDevice;
}

/**
 * Somebody with an account. What they do by the test's hand happens at once, needs no session, and is not counted among the rates; it is
 * refused as a client's would be, with a ParleyError.
 */
export class FakePerson {
  readonly id: number;
  readonly email: string;
  readonly password: string;
  private readonly hand: Identity;
  private connection: Connection | undefined;

  constructor(
    { id, email, password }: Person,
    private readonly server: PersonsServer,
  ) {
    this.id = id;
    this.email = email;
    this.password = password;
    this.hand = { user_id: id, session_id: 0 };
  }

  /** Signed in on a new device, or on the one whose options are given. */
  async client(options?: ParleyOptions): Promise<ParleyClient> {
    const client = new ParleyClient(this.server.url, { ...this.server.device().options, ...options });
    await client.login(this.email, this.password);
    return client;
  }

  /** Writes to somebody, or to a group that they are a member of; answers a message, and names people. @throws ParleyError */
  async says(to: Where, message: string, asked?: Omit<SendOptions, 'client_id'>): Promise<Message> {
    return this.does(({ messages, state }) => {
      const { seq } =
        to instanceof FakePerson
          ? messages.sendToPerson(this.hand, to.id, message, undefined, asked)
          : messages.sendToGroup(this.hand, to.group, message, undefined, asked);
      const chat = (to instanceof FakePerson ? state.room(this.id, to.id) : state.group(to.group))!;
      return toMessage(chat, chat.messages[seq - 1]!, this.id);
    });
  }

  /** Reacts to a message with one emoji, or takes that back. @throws ParleyError */
  reacts(where: Where, seq: number, emoji: string, is_on = true): void {
    this.does(({ reactions, state }) => {
      if (where instanceof FakePerson)
        reactions.set(this.hand, 'room', state.room(this.id, where.id)?.id ?? 0, seq, emoji, is_on);
      else reactions.set(this.hand, 'group', where.group, seq, emoji, is_on);
    });
  }

  /** In a group they must be in: see `enters`. @throws ParleyError */
  types(to: Where): void {
    this.does(({ typing }) =>
      to instanceof FakePerson ? typing.inRoom(this.hand, to.id) : typing.inGroup(this.hand, to.group),
    );
  }

  /** Has read a chat: up to `seq`, or up to the newest message. @throws ParleyError */
  reads(where: Where, seq?: number): void {
    this.does(({ notifications, state }) => {
      const place =
        where instanceof FakePerson
          ? { chat_room_id: state.room(this.id, where.id)?.id ?? 0 }
          : { chat_group_id: where.group };
      notifications.read(this.hand, { ...place, ...(seq !== undefined && { seq }) });
    });
  }

  /** Who is not online has five seconds to come, and is taken out again. @throws ParleyError */
  enters(group: number): void {
    this.does(({ attendance }) => attendance.enter(this.id, group));
  }

  /** Stays a member. @throws ParleyError */
  leaves(group: number): void {
    this.does(({ attendance }) => attendance.leave(this.id, group));
  }

  /** Whatever else can be done by HTTP: `bob.calls('PUT', `/http/users/${ada.id}/block`)`. @returns the answer's body @throws ParleyError */
  async calls(method: string, path: string, body?: object): Promise<unknown> {
    const request = {
      method,
      url: new URL(path, this.server.url),
      headers: new Headers({ 'content-type': 'application/json' }),
      body: body === undefined ? '' : JSON.stringify(body),
    };
    const { status, body: told } = answer(this.server.house(), request, this.hand);
    if (status >= 400) throw fromWire(told, status);
    return told;
  }

  /** On a device that nobody looks at; they come back by themselves where the server is restarted. */
  goesOnline(): void {
    this.connection ??= this.server.house().handshakes.openSilent(this.hand);
  }

  /** Others hear of it when they have been away for five seconds. */
  goesOffline(): void {
    if (this.connection) this.server.house().handshakes.disconnected(this.connection, true);
    this.connection = undefined;
  }

  /** The server was restarted. */
  comesBack(): void {
    if (!this.connection) return;
    this.connection = undefined;
    this.goesOnline();
  }

  private does<T>(work: (house: House) => T): T {
    try {
      return work(this.server.house());
    } catch (error) {
      throw error instanceof Refusal ? fromWire(error.body(), error.status) : ParleyError.from(error);
    }
  }
}

/** As clients show it. */
export function toMessage(chat: Chat, stored: StoredMessage, readerId?: number): Message {
  const { user_id, reply_to, ...view } = messageView(chat, stored, readerId);
  const by = (id: number): number | null => (id === BOT_ID ? null : id);
  return frozen({
    ...view,
    user_id: by(user_id),
    ...(reply_to && { reply_to: { ...reply_to, user_id: by(reply_to.user_id) } }),
  });
}
