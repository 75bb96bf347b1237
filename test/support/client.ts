import { setTimeout as sleep } from 'node:timers/promises';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { TestApp } from './app.js';
import type {
  Bound,
  ClientEvents,
  ClientMessage,
  Refused,
  RoomMessage,
  ServerEvents,
  Stored,
} from '../../src/sockets/events.js';

export interface Answer {
  status: number;
  headers: Headers;
  // Tests say what they expect of it.
  body: any;
}

export interface Target {
  url: string;
}

/** One request as any HTTP client sends it. */
export async function call(
  { url }: Target,
  method: string,
  path: string,
  given: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(given.body !== undefined && { 'content-type': 'application/json' }),
      ...(given.token !== undefined && { authentication: given.token }),
      ...given.headers,
    },
    redirect: 'manual',
    ...(given.body !== undefined && { body: typeof given.body === 'string' ? given.body : JSON.stringify(given.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Asks until there is an answer: for what happens soon, whenever that is. */
export async function eventually<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  what = 'it',
  withinMs = 15_000,
): Promise<T> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(20);
  }
  throw new Error(`${what} did not happen within ${withinMs} ms`);
}

export interface ShownMail {
  file: string;
  to: string;
  subject: string;
  text: string;
  links: string[];
}

/** All mails of the file outbox, newest first. */
export const mails = async (target: Target): Promise<ShownMail[]> => (await call(target, 'GET', '/dev/mail')).body;

/** The newest mail to an address, once there are as many as `count`. */
export const mailTo = (target: Target, email: string, count = 1): Promise<ShownMail> =>
  eventually(async () => {
    const mine = (await mails(target)).filter(({ to }) => to === email);
    return mine.length >= count ? mine[0] : undefined;
  }, `mail ${count} to ${email}`);

/** The path of the link in a mail. */
export const linkPath = (mail: ShownMail): string => new URL(mail.links[0]).pathname;

/** What stands in that link for its request: what a client library is given. */
export const linkToken = (mail: ShownMail): string => linkPath(mail).split('/').at(-1)!;

export type ChatSocket = Socket<ServerEvents, ClientEvents>;

let people = 0;

/** Somebody with an account, and what they do. */
export class Person {
  id!: number;
  token!: string;
  private readonly sockets: ChatSocket[] = [];

  private constructor(
    readonly target: Target,
    readonly email: string,
    readonly firstName: string,
    readonly password: string,
  ) {}

  /** Registers by mail, opens the link and logs in, as everybody does. */
  static async join(target: Target, firstName = 'Ada', email = `person${++people}@example.com`): Promise<Person> {
    const person = new Person(target, email, firstName, 'correct horse battery');
    await call(target, 'POST', '/http/register', {
      body: { email, password: person.password, first_name: firstName, last_name: 'Lovelace' },
    });
    await call(target, 'GET', linkPath(await mailTo(target, email)));
    await person.login();
    person.id = (await person.get('/http/users/profile')).body.id;
    return person;
  }

  /** Somebody who has been here for long: the account and a session, without the mails and the hashing. */
  static async known(target: TestApp, firstName = 'Ada'): Promise<Person> {
    const person = new Person(target, `person${++people}@example.com`, firstName, '');
    const { id, token } = await target.createUser(person.email, firstName);
    return Object.assign(person, { id, token });
  }

  /** The same person at the server that runs now. */
  at(target: Target): Person {
    return Object.assign(new Person(target, this.email, this.firstName, this.password), {
      id: this.id,
      token: this.token,
    });
  }

  /** Opens one more session; returns its token, which becomes the one in use. */
  async login(password = this.password): Promise<string> {
    const { body } = await call(this.target, 'POST', '/http/login', { body: { email: this.email, password } });
    return (this.token = body.token);
  }

  get(path: string): Promise<Answer> {
    return call(this.target, 'GET', path, { token: this.token });
  }

  put(path: string, body: unknown): Promise<Answer> {
    return call(this.target, 'PUT', path, { token: this.token, body });
  }

  /** A live socket; with the token in the handshake unless told otherwise. */
  async connect(token = this.token): Promise<ChatSocket> {
    const socket = open(this.target, { auth: { token } });
    this.sockets.push(socket);
    await Promise.race([
      next(socket, 'connect'),
      next<Error>(socket, 'connect_error').then((error) => Promise.reject(error)),
    ]);
    return socket;
  }

  /** One more session of somebody `known`. */
  async session(app: TestApp): Promise<string> {
    return (this.token = await app.createSession(this.id));
  }

  hangUp(): void {
    for (const socket of this.sockets) socket.disconnect();
  }
}

/** A stock client's socket, on WebSocket alone unless told otherwise. */
export const open = (target: Target, options: Partial<ManagerOptions & SocketOptions> = {}): ChatSocket =>
  io(target.url, { path: '/socket', forceNew: true, transports: ['websocket'], reconnection: false, ...options });

/** The next event of a name, or of a name and a kind. */
export function next<T>(socket: ChatSocket, event: string, isIt: (payload: T) => boolean = () => true): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within 15 s`)), 15_000);
    const listen = (payload: T) => {
      if (!isIt(payload)) return;
      clearTimeout(timer);
      socket.off(event as never, listen as never);
      resolve(payload);
    };
    socket.on(event as never, listen as never);
  });
}

/** Everything of one event that a socket gets from now on. */
export function record<T>(socket: ChatSocket, event: string, isIt: (payload: T) => boolean = () => true): T[] {
  const got: T[] = [];
  socket.on(event as never, ((payload: T) => void (isIt(payload) && got.push(payload))) as never);
  return got;
}

/** Every direct message that a socket gets, from now on. */
export function collect(socket: ChatSocket): RoomMessage[] {
  const got: RoomMessage[] = [];
  socket.on('message', (message) => void (message.chat_type === 'room' && got.push(message)));
  return got;
}

/** Sends and waits for the acknowledgement, whatever it says. */
export const send = (socket: ChatSocket, payload: ClientMessage | Record<string, unknown>): Promise<any> =>
  socket.timeout(15_000).emitWithAck('message', payload) as Promise<Bound | Stored | Refused>;

export const sendTo = (socket: ChatSocket, otherUserId: number, message: string, clientId?: string): Promise<any> =>
  send(socket, {
    chat_type: 'room',
    other_user_id: otherUserId,
    message,
    ...(clientId !== undefined && { client_id: clientId }),
  });
