import type { IncomingMessage } from 'node:http';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ClientNetworks } from '../../common/limits/client-network.js';
import { DomainError, RateLimited } from '../../common/errors.js';
import { PACKET_COSTS } from '../../common/limits/limits.js';
import { RateLimits } from '../../common/limits/rate-limits.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import { CONFIG, type Config } from '../../config/config.js';
import { type Connection, cutOff, engineOf, type Transport, type WebSocketEnd } from './engine-io.js';
import type { Exception, ParleyServer } from '../events.js';
import { carriedBy, carry, costOf, now, type PacketLimit, Traffic, trafficOf } from './traffic.js';

/*
 * Limits what connections send. Everything passes here before it is parsed: packets of every kind, known or not, with a token or without,
 * and WebSocket's own pings. Refusing costs as much as storing, so all of it counts.
 */

/** Largest packet that is read. */
export const MAX_PACKET_BYTES = 64 * 1024;
/** Up to this size a packet that is too large is refused alone; a larger one closes its connection, since the transport cannot skip it. */
export const MAX_REFUSED_BYTES = 256 * 1024;

/** The burst: so many seconds' worth may come at once. */
const BURST_SECONDS = 4;
/** How long the last packet has to be sent before the connection is cut. */
const LAST_WORD_MS = 100;
/** For how long connections of a network get a tenth of the burst after one was cut off. */
const REMEMBERED_MS = 60_000;
const REMEMBERED = 10_000;
const SHARE_AFTERWARDS = 0.1;
/** Shortest time between two lines in the log. */
const LOG_EVERY_MS = 10_000;

const SEPARATOR = '\x1e';
/** An event as Engine.IO carries it: its acknowledgement's number, if any, and its name. */
const EVENT_HEAD = /^42(\d{0,10})\["([\w ]{1,64})"/;

/** One of each for all WebSockets, which are many: they are called with the WebSocket as `this`. */
interface WebSocketListeners {
  message: (this: WebSocketEnd, data: Buffer, isBinary: boolean) => void;
  control: (this: WebSocketEnd, data: Buffer) => void;
  close: (this: WebSocketEnd, code: number) => void;
}

/** Hands packets on to Engine.IO as long as a connection stays within its limit. */
@Injectable()
export class Incoming implements OnApplicationShutdown {
  /** Connections that were closed for what they sent, since the start. */
  cutOffs = 0;
  private readonly logger = new Logger('Socket');
  private readonly limit: PacketLimit | undefined;
  /** Networks of which a connection was cut off a moment ago. Local to a node. */
  private readonly flooders = new LRUCache<string, true>({ max: REMEMBERED, ttl: REMEMBERED_MS });
  private readonly webSocketListeners: WebSocketListeners;
  private logTimer?: NodeJS.Timeout | undefined;

  constructor(
    @Inject(CONFIG) { rateLimits, socketPacketsPerSecond: perSecond }: Config,
    private readonly networks: ClientNetworks,
    private readonly security: SecurityLog,
    private readonly rates: RateLimits,
  ) {
    this.limit = rateLimits ? { perSecond, burst: perSecond * BURST_SECONDS } : undefined;
    this.webSocketListeners = this.makeWebSocketListeners();
  }

  /** Before the first connection. */
  attach(server: ParleyServer): void {
    const engine = engineOf(server);
    const create = engine.createTransport.bind(engine);
    engine.createTransport = (name, request) => {
      const transport = create(name, request);
      this.watch(transport, this.networks.networkOf(request));
      return transport;
    };
    engine.on('connection', (connection) => {
      belongsTo(connection);
      if (!connection.transport.socket) connection.once('upgrade', () => belongsTo(connection));
    });
  }

  onApplicationShutdown(): void {
    clearTimeout(this.logTimer);
  }

  /** The network that a connection came from. */
  networkOf(connection: { transport: object }): string {
    return trafficOf(connection)?.network ?? 'unknown';
  }

  /** Whether the network that a handshake comes from has flooded so often that it must wait. */
  isFlooding(request: IncomingMessage): boolean {
    return this.rates.isFlooding(this.networks.networkOf(request));
  }

  /** Counts the cost of a packet beyond its size. */
  charge(connection: { transport: object }, kind: 'join' | 'refusal'): void {
    const traffic = trafficOf(connection);
    if (traffic) this.take(traffic, PACKET_COSTS[kind].cost);
  }

  private watch(transport: Transport, network: string): void {
    const traffic = new Traffic(transport, network, this.limit, this.flooders.has(network) ? SHARE_AFTERWARDS : 1);
    carry(transport, traffic);
    if (transport.socket) this.watchWebSocket(transport.socket, traffic);
    else this.watchPolling(transport, traffic);
  }

  private watchWebSocket(socket: WebSocketEnd, traffic: Traffic): void {
    const { message, control, close } = this.webSocketListeners;
    carry(socket, traffic);
    // The transport's own, which hands what it gets to `onData`.
    socket.removeAllListeners('message');
    socket.on('message', message);
    socket.on('ping', control);
    socket.on('pong', control);
    socket.prependListener('close', close);
  }

  private makeWebSocketListeners(): WebSocketListeners {
    const isWithin = this.isWithin.bind(this);
    const read = this.read.bind(this);
    return {
      message(data, isBinary) {
        const traffic = carriedBy(this)!;
        if (isWithin(traffic, data)) read(traffic, data, isBinary);
      },
      control(data) {
        isWithin(carriedBy(this)!, data);
      },
      // A close frame is the last sign of life; 1006 stands for none.
      close(code) {
        if (code !== 1006) hears(carriedBy(this)!);
      },
    };
  }

  private isWithin(traffic: Traffic, { length }: Buffer): boolean {
    if (traffic.isSpent) return false;
    hears(traffic);
    if (traffic.takes(costOf(1, length))) return true;
    if (traffic.connection) this.end(traffic);
    else traffic.transport.socket?.terminate();
    return false;
  }

  private read(traffic: Traffic, data: Buffer, isBinary: boolean): void {
    const { transport } = traffic;
    if (data.length <= MAX_PACKET_BYTES) transport.onData(isBinary ? data : data.toString());
    else if (isBinary) transport.onData(this.refuse(traffic, ''));
    else this.refuse(traffic, data.toString('latin1', 0, 128));
  }

  private watchPolling(transport: Transport, traffic: Traffic): void {
    const read = transport.onData.bind(transport);
    transport.onData = (data: string) => {
      if (traffic.isSpent) return;
      hears(traffic);
      const cost = costOf(countPackets(data, this.limit?.burst), Buffer.byteLength(data));
      if (traffic.takes(PACKET_COSTS.request.cost + cost)) {
        const small = data.length > MAX_PACKET_BYTES ? this.withoutLarge(traffic, data) : data;
        if (small !== '') read(small);
        return;
      }
      // Behind the answer to this request.
      setImmediate(() => this.end(traffic));
    };
    // A poll: the client has received what was sent before.
    transport.on('ready', () => void (traffic.heardAt = now()));
  }

  private withoutLarge(traffic: Traffic, data: string): string {
    const packets = data.split(SEPARATOR).flatMap((packet) => {
      if (packet.length <= MAX_PACKET_BYTES / 4 || Buffer.byteLength(packet) <= MAX_PACKET_BYTES) return [packet];
      this.refuse(traffic, packet.slice(0, 128));
      return packet.startsWith('b') ? ['b'] : [];
    });
    return packets.join(SEPARATOR);
  }

  /** Refuses a packet that is too large, also in its acknowledgement. @returns nothing, to be read in place of a binary piece */
  private refuse(traffic: Traffic, head: string): Buffer {
    const { connection } = traffic;
    const [, id, event] = EVENT_HEAD.exec(head) ?? [];
    const error = new DomainError('too_large', 'too_large', 'The packet is larger than 64 KiB. Send less.').toBody();
    connection?.write(eventPacket({ ...error, ...(event !== undefined && { request: { event } }) }));
    if (id) connection?.write(`3${id}${JSON.stringify([{ ok: false, error }])}`);
    this.take(traffic, PACKET_COSTS.refusal.cost);
    return Buffer.alloc(0);
  }

  private take(traffic: Traffic, cost: number): void {
    if (!traffic.isSpent && !traffic.takes(cost)) this.end(traffic);
  }

  /** Sends the reason, and ends the connection. */
  private end(traffic: Traffic): void {
    const { connection, network } = traffic;
    traffic.isSpent = true;
    this.flooders.set(network, true);
    this.rates.flooded(network);
    this.security.log('limit_reached', { network });
    this.cutOffs++;
    this.log();
    if (!connection) return;
    connection.transport.socket?.pause();
    connection.write(eventPacket(tooMuch().toBody()));
    setTimeout(() => {
      connection.transport.socket?.close(1008, 'rate_limited');
      cutOff(connection);
    }, LAST_WORD_MS).unref();
  }

  private log(): void {
    const before = this.cutOffs - 1;
    this.logTimer ??= setTimeout(() => {
      this.logTimer = undefined;
      this.logger.warn(
        `${this.cutOffs - before} connections were closed, since they sent more than ${this.limit?.perSecond} packets a second (SOCKET_PACKETS_PER_SECOND).`,
      );
    }, LOG_EVERY_MS).unref();
  }
}

export const tooMuch = (): RateLimited => new RateLimited('This socket sends too much.', 1);

/** Where packets wait for the client, a packet from it does not show that it has received what was sent. */
function hears(traffic: Traffic): void {
  const { connection } = traffic;
  traffic.cameAt = now();
  if (connection && (connection.writeBuffer.length > 0 || connection.transport.socket?.bufferedAmount)) return;
  traffic.heardAt = traffic.cameAt;
}

function belongsTo(connection: Connection): void {
  const traffic = trafficOf(connection);
  if (traffic) traffic.connection = connection;
}

/** `exception` to a client, which ignores it where it has no socket yet. */
const eventPacket = (exception: Exception): string => `2${JSON.stringify(['exception', exception])}`;

/** Counts up to the limit. */
function countPackets(data: string, most = 0): number {
  let count = 1;
  for (let i = data.indexOf(SEPARATOR); i !== -1 && count <= most; i = data.indexOf(SEPARATOR, i + 1)) count++;
  return count;
}
