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

/** Something that the client sent was refused; `request` tells what, where it said so. */
export interface Exception extends ErrorBody {
  request?: { event: string; chat_type?: string; client_id?: string };
}

export interface ServerEvents {
  message: (event: RoomMessage) => void;
  exception: (event: Exception) => void;
}

/** The session that the socket now speaks for. */
export interface Bound {
  ok: true;
  user_id: number;
}

/** The message is on disk, under this number. */
export interface Stored {
  ok: true;
  chat_room_id: number;
  seq: number;
  timestamp: string;
  client_id?: string;
}

export interface Refused {
  ok: false;
  error: ErrorBody;
}

export type Acknowledge<T> = (answer: T | Refused) => void;

/** What a client may send as `message`. The token is needed once per socket; later payloads may leave it out. */
export interface ClientMessage {
  token?: string;
  chat_type?: 'room';
  other_user_id?: number;
  message?: string;
  client_id?: string;
}

export interface ClientEvents {
  message: (payload: ClientMessage, acknowledge?: Acknowledge<Bound | Stored>) => void;
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
  /** Closes a socket that shows no token. */
  deadline: NodeJS.Timeout;
}

export type ParleyServer = Server<ClientEvents, ServerEvents, DefaultEventsMap, Partial<SocketData>>;
export type ParleySocket = Socket<ClientEvents, ServerEvents, DefaultEventsMap, Partial<SocketData>>;
