import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions, Socket } from 'socket.io';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { EXPOSED_HEADERS, headersForPage, isOriginAllowed, originRefused } from '../../common/http/origin.js';
import { OpenConnections } from '../../common/limits/open-connections.js';
import { Stopping } from '../../common/stopping.js';
import { UnfinishedRequests } from '../../common/limits/unfinished-requests.js';
import { NodeBus } from '../../cluster/node-bus.js';
import type { Config } from '../../config/config.js';
import type { ParleyServer } from '../events.js';
import { carriedAdapter } from './carried-adapter.js';
import { Connections, SOCKET_WITHIN_MS } from './connections.js';
import { connectionOf, handshaken, letGo } from './engine-io.js';
import { waysToWrite } from './gathered-writes.js';
import { boundedWebSockets } from './bounded-web-sockets.js';
import { Incoming, MAX_REFUSED_BYTES } from './incoming.js';
import { SocketDrain } from './socket-drain.js';
import { PING_EVERY_MS } from './traffic.js';
import { type Refusal, upgradeOnlyWebSockets } from './upgrades.js';
import { refuseBadBodies } from './polled-bodies.js';

export const SOCKET_PATH = '/socket';

/** How long open requests may take at the stop: a client that never finishes one must not keep the process from ending. */
const DRAIN_MS = 5_000;

const NO_HANDSHAKE = Object.freeze({ headers: {}, query: {}, auth: {} });

/**
 * Frees the first request of a connection, which takes some kilobytes with its headers. Socket.IO keeps it for handlers to read; ours have
 * read it by now. Polling needs requests on, and keeps its first.
 */
function forgetHandshake(socket: Socket): void {
  const connection = connectionOf(socket);
  if (connection.transport.name !== 'websocket') return;
  connection.request = undefined;
  // Engine.IO leaves this one behind on a connection that began as a WebSocket, and with it all that its function can see.
  const webSocket = connection.transport.socket;
  for (const listener of webSocket?.listeners('error') ?? [])
    if (listener.name === 'onUpgradeError') webSocket!.off('error', listener);
  handshaken(socket).handshake = NO_HANDSHAKE;
}

/** Socket.IO with Parley's path, limits and handshake checks. */
export class SocketAdapter extends IoAdapter {
  private static readonly log = new CalmLogger('Socket');
  private readonly incoming: Incoming;
  private readonly connections: Connections;
  private readonly openConnections: OpenConnections;
  private readonly stopping: Stopping;
  private readonly drain: SocketDrain;
  private readonly bus: NodeBus;
  private hasWarnedOfVersion = false;
  /** One for all sockets, which are many: Socket.IO calls it with the socket as `this`. */
  private readonly onDisconnect: (this: Socket) => void;

  constructor(
    app: INestApplicationContext,
    private readonly config: Config,
    private readonly onOriginRefused: (origin: string, request: IncomingMessage) => void,
  ) {
    super(app);
    this.incoming = app.get(Incoming);
    this.connections = app.get(Connections);
    this.openConnections = app.get(OpenConnections);
    this.stopping = app.get(Stopping);
    this.drain = app.get(SocketDrain);
    this.bus = app.get(NodeBus);
    const { connections } = this;
    this.onDisconnect = function () {
      connections.hasLeft(this);
    };
  }

  override createIOServer(port: number, options?: ServerOptions): ReturnType<IoAdapter['createIOServer']> {
    const writes = waysToWrite();
    const { carrier, nodeId } = this.bus;
    const server = super.createIOServer(port, {
      ...options!,
      path: SOCKET_PATH,
      serveClient: false,
      // A transport that never becomes a socket has as long as a socket that never sends a token.
      connectTimeout: SOCKET_WITHIN_MS,
      pingInterval: PING_EVERY_MS,
      transports: [...this.config.socketTransports],
      maxHttpBufferSize: MAX_REFUSED_BYTES,
      wsEngine: boundedWebSockets,
      // No compression: chat messages are small, and it costs memory for each connection.
      perMessageDeflate: false,
      // Those for other paths are none: see `upgrades.ts`.
      destroyUpgrade: false,
      // For polling. WebSockets have no CORS: `allowRequest` checks both.
      cors: {
        origin: (origin, done) => done(null, isOriginAllowed(this.config, origin)),
        exposedHeaders: EXPOSED_HEADERS,
      },
      allowRequest: (request, done) => {
        const refusal = this.refusalOf(request);
        if (refusal === undefined) done(null, true);
        else refuseHandshake(request, refusal, done);
      },
      adapter: carrier ? carriedAdapter(writes.adapter, carrier, nodeId) : writes.adapter,
    }) as ParleyServer;
    const http = this.httpServer as HttpServer;
    upgradeOnlyWebSockets(http, (request) => this.upgradeRefusal(request));
    this.openConnections.attach(http);
    if (this.config.rateLimits) new UnfinishedRequests().attach(http);
    server.engine.use(onlyGetAndPost);
    this.incoming.attach(server);
    this.connections.attach(server);
    writes.attach(server);
    this.drain.attach(server);
    server.use((socket, next) => {
      this.incoming.charge(socket.conn, 'join');
      next();
    });
    refuseBadBodies(server, ({ headers }) => headersForPage(this.config, headers.origin));
    return server;
  }

  /** Not by `once`, whose wrappers take memory as long as the socket is there: it disconnects once anyway. */
  override bindClientDisconnect(socket: Socket, callback: () => void): void {
    socket.on('disconnect', callback);
    socket.on('disconnect', this.onDisconnect);
  }

  /** The gateway listens to events by itself, without Nest's pipeline. Called once it does. */
  override bindMessageHandlers(socket: Socket): void {
    forgetHandshake(socket);
  }

  /** Closes all sockets and the HTTP server; a request that is not answered by then is cut off. */
  override async close(server: Server): Promise<void> {
    const http = this.httpServer as HttpServer;
    const cutOff = setTimeout(() => http.closeAllConnections(), this.stopping.within(DRAIN_MS));
    // Node closes those that are idle once; the others would be kept alive after their answer.
    const sweeper = setInterval(() => http.closeIdleConnections(), 50);
    await super.close(server).finally(() => {
      clearTimeout(cutOff);
      clearInterval(sweeper);
    });
  }

  /** Why a handshake is refused, if so: the status and the sentence. */
  private refusalOf(request: IncomingMessage): Refusal | undefined {
    const early = this.stopping.hasBegun ? STOPPED : this.foreign(request);
    if (early) return early;
    const version = versionOf(request);
    if (version !== '4') {
      this.warnOfVersion(version);
      return { status: 400, message: WRONG_VERSION };
    }
    if (this.incoming.isFlooding(request))
      return { status: 429, message: 'This network sends too much.', retryAfter: 10 };
    if (this.connections.isFull(request))
      return { status: 429, message: 'Too many connections from this network.', retryAfter: 10 };
    return undefined;
  }

  /** Logged once: such a client tries again and again. */
  private warnOfVersion(version: string | null): void {
    if (!this.hasWarnedOfVersion)
      SocketAdapter.log.warn(`Refused a client that speaks EIO=${String(version).slice(0, 8)}. ${WRONG_VERSION}`);
    this.hasWarnedOfVersion = true;
  }

  /** The same for WebSockets. */
  private upgradeRefusal(request: IncomingMessage): Refusal | undefined {
    if (!request.url?.startsWith(`${SOCKET_PATH}/`))
      return { status: 404, message: `There is no WebSocket here. Connect Socket.IO to ${SOCKET_PATH}.` };
    return this.stopping.hasBegun ? STOPPED : this.foreign(request);
  }

  private foreign(request: IncomingMessage): Refusal | undefined {
    const { origin } = request.headers;
    if (isOriginAllowed(this.config, origin)) return undefined;
    this.onOriginRefused(origin!, request);
    return { status: 403, message: originRefused(origin!).message };
  }
}

/** A stock client tries again by itself, and a balancer may ask another node. */
const STOPPED: Refusal = {
  status: 503,
  message: 'The server is shutting down. Connect again in a moment.',
  retryAfter: 1,
};

const WRONG_VERSION =
  'This server speaks Engine.IO 4 (EIO=4), as the clients of Socket.IO 3 and 4 do. Use socket.io-client 4; a client of Socket.IO 1 or 2 cannot connect.';

const versionOf = ({ url }: IncomingMessage): string | null =>
  new URL(url ?? '', 'http://localhost').searchParams.get('EIO');

/** The status of a refusal on polling: Engine.IO would always answer 403. WebSockets are refused with 400. */
function refuseHandshake(
  request: IncomingMessage & { res?: ServerResponse | null },
  { status, message, retryAfter }: Refusal,
  done: (message: string, isAllowed: false) => void,
): void {
  const { res } = request;
  if (!res) {
    done(message, false);
    return;
  }
  res.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  });
  res.end(JSON.stringify({ code: ENGINE_CODES[status], message }));
}

/** Engine.IO's numbers of errors. */
const ENGINE_CODES: Record<number, number> = { 400: 5, 403: 4, 429: 4, 503: 4 };

/** The last middleware. Methods that are answered; Engine.IO would answer 500 to others. OPTIONS of pages was answered before. */
function onlyGetAndPost(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  if (request.method === 'GET' || request.method === 'POST') {
    letGo(response);
    next();
    return;
  }
  response.writeHead(405, { allow: 'GET, POST' });
  response.end();
}
