import type { EventEmitter } from 'node:events';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { type INestApplicationContext, Logger } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { MessageMappingProperties } from '@nestjs/websockets';
import type { Server, ServerOptions, Socket } from 'socket.io';
import { DomainError } from '../common/errors.js';
import { isOriginAllowed, originRefused } from '../common/origin.js';
import type { Config } from '../config/config.js';
import type { ParleyServer } from './events.js';
import { gatherWrites, OnePieceAdapter } from './gathered-writes.js';
import { refuseOtherThanUtf8 } from './polled-bodies.js';

/** Largest packet, and largest HTTP body, in bytes. A larger packet closes the socket: the transport cannot skip it. */
export const MAX_REQUEST_BYTES = 64 * 1024;

export const SOCKET_PATH = '/socket';

/** A client that never finishes its request must not keep the process from ending. */
const DRAIN_MS = 5_000;

type AnyAcknowledge = (answer: unknown) => void;

/** What Socket.IO and Engine.IO keep of a connection's first request, for handlers that may ask. Ours have asked. */
interface Handshaken {
  handshake: unknown;
  conn: { request: unknown; transport: { name: string; socket?: EventEmitter } };
}

const NO_HANDSHAKE = Object.freeze({ headers: {}, query: {}, auth: {} });

/** Headers and all, a request is some kilobytes for each connection. Polling goes on by requests, and keeps its first. */
function forgetHandshake(socket: Socket): void {
  const { conn } = socket as unknown as Handshaken;
  if (conn.transport.name !== 'websocket') return;
  conn.request = undefined;
  // Engine.IO leaves this one behind on a connection that began as a WebSocket, and with it all that its function can see.
  const webSocket = conn.transport.socket;
  for (const listener of webSocket?.listeners('error') ?? [])
    if (listener.name === 'onUpgradeError') webSocket!.off('error', listener as () => void);
  (socket as unknown as Handshaken).handshake = NO_HANDSHAKE;
}

/** Socket.IO as Parley serves it: where, to whom, and with handlers bound the plain way. */
export class SocketAdapter extends IoAdapter {
  private static readonly log = new Logger('Socket');
  private readonly known = new Set<string>();

  constructor(
    app: INestApplicationContext,
    private readonly config: Config,
    private readonly onOriginRefused: (origin: string) => void,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): ReturnType<IoAdapter['createIOServer']> {
    this.refuseForeignUpgrades();
    const server = super.createIOServer(port, {
      ...options!,
      path: SOCKET_PATH,
      serveClient: false,
      // A transport that never becomes a socket has as long as a socket that never shows a token.
      connectTimeout: 10_000,
      transports: [...this.config.socketTransports],
      maxHttpBufferSize: MAX_REQUEST_BYTES,
      // Chat messages are smaller than what compressing them costs in memory for each connection.
      perMessageDeflate: false,
      // For polling. WebSocket knows no CORS: `allowRequest` is what guards both.
      cors: { origin: (origin, done) => done(null, isOriginAllowed(this.config, origin)) },
      allowRequest: (request, done) => {
        const { origin } = request.headers;
        if (isOriginAllowed(this.config, origin)) return done(null, true);
        this.onOriginRefused(origin!);
        done(originRefused(origin!).message, false);
      },
      adapter: OnePieceAdapter,
    }) as ParleyServer;
    gatherWrites(server);
    refuseOtherThanUtf8(server);
    return server;
  }

  /** The stock adapter builds an rxjs pipeline per event and socket: 7 KiB and an eighth of the rate. */
  override bindMessageHandlers(socket: Socket, handlers: MessageMappingProperties[]): void {
    for (const { message, callback } of handlers) {
      this.known.add(message as string);
      socket.on(message as string, (...given: unknown[]) => {
        const acknowledge = typeof given.at(-1) === 'function' ? (given.pop() as AnyAcknowledge) : undefined;
        // Handlers never reject: the gateway's filter answers every error.
        void (callback(given[0], acknowledge) as Promise<unknown>).then(
          (answer) => answer !== undefined && acknowledge?.(answer),
          (error: unknown) => SocketAdapter.log.error(error),
        );
      });
    }
    socket.onAny(this.answerUnknown);
    forgetHandshake(socket);
  }

  /** Closes all sockets and the HTTP server; a request that is not answered by then is cut off. */
  override async close(server: Server): Promise<void> {
    const http = this.httpServer as HttpServer;
    const cutOff = setTimeout(() => http.closeAllConnections(), DRAIN_MS);
    // Node closes those that are idle once; the others would be kept alive after their answer.
    const sweeper = setInterval(() => http.closeIdleConnections(), 50);
    await super.close(server).finally(() => {
      clearTimeout(cutOff);
      clearInterval(sweeper);
    });
  }

  /** An event that nobody handles would leave its sender waiting for an acknowledgement for ever. */
  private readonly answerUnknown = (event: string, ...given: unknown[]): void => {
    const acknowledge = given.at(-1);
    if (this.known.has(event) || typeof acknowledge !== 'function') return;
    const error = new DomainError('invalid', 'unknown_event', 'There is no such event. See /http/docs/events.');
    (acknowledge as AnyAcknowledge)({ ok: false, error: error.toBody() });
  };

  /** Engine.IO answers a refused upgrade with 400; it is a 403, on both transports. */
  private refuseForeignUpgrades(): void {
    const server = this.httpServer as HttpServer;
    server.prependListener('upgrade', (request: IncomingMessage, stream: Duplex) => {
      const { origin } = request.headers;
      if (isOriginAllowed(this.config, origin)) return;
      const { message } = originRefused(origin!);
      stream.on('error', () => stream.destroy());
      stream.end(
        `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
      );
    });
  }
}
