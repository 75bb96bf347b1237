import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { Identity } from '../common/identity.js';
import type { BotStopped, Bound, Entered, Exception, Refused, Stored } from './events/answers.js';
import type { AccessRequestUpdate, GroupNotice, GroupNotification, GroupUpdate } from './events/groups.js';
import type { GroupMessageUpdate, RoomMessageUpdate } from './events/message-updates.js';
import type { BotDelta, BotMessages, GroupMessage, RoomMessage } from './events/messages.js';

/*
 * Every event that crosses a socket, in both directions. The server, its tests and clients in TypeScript share this file, with
 * `import type`: it is types alone. What the events carry are the documented classes in events/, which are known from here, too:
 * a client needs no other file. Names are the wire's own: snake_case.
 */
export type * from './events/answers.js';
export type * from './events/groups.js';
export type * from './events/message-updates.js';
export type * from './events/messages.js';

export interface ServerEvents {
  message: (event: RoomMessage | GroupMessage | GroupNotice | BotMessages) => void;
  message_update: (event: RoomMessageUpdate | GroupMessageUpdate) => void;
  notification: (event: GroupNotification) => void;
  group_update: (event: GroupUpdate) => void;
  access_request: (event: AccessRequestUpdate) => void;
  bot_delta: (event: BotDelta) => void;
  exception: (event: Exception) => void;
}

export interface ClientEvents {
  message: (payload: ClientMessage, acknowledge?: Acknowledge<Bound | Stored | Entered>) => void;
  bot_stop: (payload: ClientBotStop, acknowledge?: Acknowledge<BotStopped>) => void;
}

export type Acknowledge<T> = (answer: T | Refused) => void;

/** What a client may send as `message`. The token is needed once per socket; later payloads may leave it out. */
export interface ClientMessage {
  token?: string | null;
  chat_type?: 'room' | 'group' | 'bot';
  other_user_id?: number;
  chat_group_id?: number;
  is_enter?: boolean;
  message?: string;
  client_id?: string | null;
}

/** What a client may send as `bot_stop`. */
export interface ClientBotStop {
  token?: string | null;
  question_seq: number;
}

/** What the server remembers of a socket. */
export interface SocketData {
  /** Set once its token has been checked. */
  identity: Identity;
  token: string;
  /** When its session ends, in milliseconds since 1970. */
  expiresAt: number;
  /** The check of its first token: messages behind that one wait for it. */
  binding: Promise<void>;
  /** Messages that came before any token. */
  withoutToken: number;
  /** Closes a socket that shows no token. */
  deadline: NodeJS.Timeout;
}

export type ParleyServer = Server<ClientEvents, ServerEvents, DefaultEventsMap, Partial<SocketData>>;
export type ParleySocket = Socket<ClientEvents, ServerEvents, DefaultEventsMap, Partial<SocketData>>;
