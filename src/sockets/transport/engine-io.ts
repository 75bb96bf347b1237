import { type IncomingMessage, OutgoingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'socket.io';
import type { Adapter } from 'socket.io-adapter';
import type { ParleyServer } from '../events.js';

/*
 * Internals of Socket.IO, Engine.IO and `ws` that Parley uses and their types do not show: no other file uses them.
 * `engine-internals.ts` checks at the start whether they are as expected.
 */

export interface WebSocketEnd {
  listeners(event: string): (() => void)[];
  removeAllListeners(event: string): void;
  off(event: string, listener: () => void): void;
  on(event: string, listener: (data: Buffer, isBinary: boolean) => void): void;
  prependListener(event: 'close', listener: (code: number) => void): void;
  readonly readyState: number;
  readonly OPEN: number;
  bufferedAmount: number;
  /** The stream below it. */
  _socket?: { cork(): void; uncork(): void } | null;
  pause(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface Transport {
  name: string;
  writable: boolean;
  /** None on polling. */
  socket?: WebSocketEnd;
  onData(data: string | Buffer): void;
  on(event: 'ready', listener: () => void): void;
  on(event: 'packet', listener: (packet: { data?: unknown }) => void): void;
}

export interface Connection {
  readyState: string;
  request: IncomingMessage | undefined;
  writeBuffer: { data?: string | Buffer }[];
  transport: Transport;
  write(packet: string): void;
  sendPacket(type: 'ping'): void;
  flush(): void;
  /** Without `discard`, once the transport has taken what waits. */
  close(discard?: true): void;
  once(event: 'upgrade', listener: () => void): void;
  on(event: 'close', listener: (this: Connection) => void): void;
}

export interface Engine {
  /** Open connections by their session ids. */
  clients: Record<string, Connection | undefined>;
  createTransport(name: string, request: IncomingMessage): Transport;
  on(event: 'connection', listener: (connection: Connection) => void): void;
}

/** Encodes packets. `wsPreEncodedFrame` is a WebSocket's frame that is made once for many receivers: its head and its body. */
export interface Encoder {
  _encode(packet: unknown, options: { wsPreEncodedFrame?: Buffer[] }): unknown;
}

/** What a socket keeps of its first request, for handlers to read. */
interface Handshaken {
  handshake: unknown;
}

export const engineOf = (server: ParleyServer): Engine => server.engine as unknown as Engine;

export const connectionOf = (socket: Pick<Socket, 'conn'>): Connection => socket.conn as unknown as Connection;

export const encoderOf = (adapter: Adapter): Encoder => adapter as unknown as Encoder;

export const handshaken = (socket: Socket): Handshaken => socket;

/** Whether the connection has a socket, this one or another. */
export const hasSocket = (socket: Pick<Socket, 'client'>): boolean =>
  (socket.client as unknown as { sockets: Map<string, Socket> }).sockets.size > 0;

/**
 * Engine.IO makes something like an answer to each WebSocket's request, for middlewares. Its stream keeps it, and with it the request with
 * its headers. For the last middleware.
 */
export function letGo(response: ServerResponse): void {
  if (!(response instanceof OutgoingMessage)) (response as { req: unknown }).req = undefined;
}

/** Ends a connection as if the network had broken: a stock client connects again by itself. */
export function cutOff(connection: Pick<Connection, 'close' | 'transport'>): void {
  const { socket } = connection.transport;
  connection.close(true);
  socket?.terminate();
}
