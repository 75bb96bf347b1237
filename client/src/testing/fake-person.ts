import { ParleyClient } from '../client.js';
import { fromWire, ParleyError } from '../errors.js';
import type { Message, ParleyOptions } from '../types.js';
import type { House, Identity } from './house.js';
import { answer } from './http.js';
import type { FakeDevice } from './network.js';
import { Refusal } from './refusal.js';
import type { Connection } from './sockets.js';
import type { Person, StoredMessage } from './state.js';
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

  /** Writes to somebody, or to a group that they are a member of. @throws ParleyError */
  async says(to: Where, message: string): Promise<Message> {
    return this.does(({ messages, state }) => {
      const { seq } =
        to instanceof FakePerson
          ? messages.sendToPerson(this.hand, to.id, message)
          : messages.sendToGroup(this.hand, to.group, message);
      const chat = to instanceof FakePerson ? state.room(this.id, to.id) : state.group(to.group);
      return toMessage(chat!.messages[seq - 1]!);
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
export function toMessage(stored: StoredMessage): Message {
  const { user_id, ...view } = messageView(stored);
  return Object.freeze({ ...view, user_id: user_id === 0 ? null : user_id });
}
