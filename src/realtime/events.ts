import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { ErrorBody } from '../common/errors.js';
import type { Identity } from '../common/identity.js';

/*
 * Every event that crosses a socket, in both directions. The server, its tests and clients in TypeScript share this file.
 * Names are the wire's own: snake_case.
 */

/** A direct message, on each socket of both people. */
export interface RoomMessage {
  chat_type: 'room';
  /** The sender. */
  user_id: number;
  /** The one it was sent to. */
  other_user_id: number;
  chat_room_id: number;
  /** 1, 2, 3 … within the room. */
  seq: number;
  message: string;
  /** ISO 8601, UTC, milliseconds. */
  timestamp: string;
  /** As the sender gave it. */
  client_id?: string;
}

/** A message to a group, on every socket of everybody who is in it. */
export interface GroupMessage {
  chat_type: 'group';
  /** The sender. */
  user_id: number;
  chat_group_id: number;
  seq: number;
  message: string;
  timestamp: string;
  client_id?: string;
}

/** One side's words in a chat with the bot. */
export interface BotMessage {
  seq: number;
  is_user: boolean;
  message: string;
  timestamp: string;
  client_id?: string;
}

/** A question and its answer, on each socket of the person who asked; the question alone where the bot failed. */
export interface BotMessages {
  chat_type: 'bot';
  messages: BotMessage[];
}

/** Who came and went, to those who are in the group: a sentence, not a message. It has no number and is not stored. */
export interface GroupNotice {
  chat_type: 'group';
  chat_group_id: number;
  /** `Ada Lovelace entered the group` */
  message: string;
  notice: { kind: 'entered' | 'left'; user_ids: number[] };
}

/** There is something new in a group that one is a member of, and not in. At most one a second and group. */
export interface GroupNotification {
  chat_type: 'group';
  chat_group_id: number;
  last_seq: number;
  /** Who wrote the newest message, which follows. */
  user_id: number;
  message: string;
  timestamp: string;
}

/** On one device a person entered or left a group; the others follow. */
export interface GroupUpdate {
  chat_group_id: number;
  is_in: boolean;
}

/** Something that the client sent was refused; `request` tells what, where it said so. */
export interface Exception extends ErrorBody {
  request?: { event: string; chat_type?: string; client_id?: string };
}

export interface ServerEvents {
  message: (event: RoomMessage | GroupMessage | GroupNotice | BotMessages) => void;
  notification: (event: GroupNotification) => void;
  group_update: (event: GroupUpdate) => void;
  exception: (event: Exception) => void;
}

/** The session that the socket now speaks for. */
export interface Bound {
  ok: true;
  user_id: number;
}

/** The message is on disk, under this number in its chat: a room, a group, or the chat with the bot. */
export interface Stored {
  ok: true;
  chat_room_id?: number;
  chat_group_id?: number;
  seq: number;
  timestamp: string;
  client_id?: string;
}

/** The person is in the group now, or is not. */
export interface Entered {
  ok: true;
  chat_group_id: number;
  is_in: boolean;
}

export interface Refused {
  ok: false;
  error: ErrorBody;
}

export type Acknowledge<T> = (answer: T | Refused) => void;

/** What a client may send as `message`. The token is needed once per socket; later payloads may leave it out. */
export interface ClientMessage {
  token?: string;
  chat_type?: 'room' | 'group' | 'bot';
  other_user_id?: number;
  chat_group_id?: number;
  is_enter?: boolean;
  message?: string;
  client_id?: string;
}

export interface ClientEvents {
  message: (payload: ClientMessage, acknowledge?: Acknowledge<Bound | Stored | Entered>) => void;
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
