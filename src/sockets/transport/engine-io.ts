import type { IncomingMessage } from 'node:http';

/*
 * What Engine.IO and `ws` have and do not show in their types, as far as it is used here. `engine-internals.ts` looks at the start
 * whether it is there.
 */

export interface WebSocketEnd {
  listeners(event: string): unknown[];
  removeAllListeners(event: string): void;
  on(event: string, listener: (data: Buffer, isBinary: boolean) => void): void;
  prependOnceListener(event: 'close', listener: (code: number) => void): void;
  bufferedAmount: number;
  pause(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export interface Transport {
  name: string;
  /** Polling has none of its own. */
  socket?: WebSocketEnd;
  onData(data: string): void;
  on(event: 'ready', listener: () => void): void;
}

export interface Connection {
  readyState: string;
  request: IncomingMessage;
  writeBuffer: unknown[];
  transport: Transport;
  write(packet: string): void;
  sendPacket(type: 'ping'): void;
  close(discard: true): void;
  once(event: 'upgrade' | 'close', listener: () => void): void;
}

export interface Engine {
  createTransport?(name: string, request: IncomingMessage): Transport;
  on(event: 'connection', listener: (connection: Connection) => void): void;
}

/** Ends a connection as if the network had broken: a stock client comes back by itself, and a dead one costs nothing more. */
export function cutOff(connection: { close(discard: true): unknown; transport: object }): void {
  const { socket } = connection.transport as Transport;
  connection.close(true);
  socket?.terminate();
}
