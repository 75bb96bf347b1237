import { Inject, Injectable, Logger } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'socket.io';
import { ClientNetworks, siteOf } from '../../common/limits/client-network.js';
import { NETWORKS_OF_SITE } from '../../common/limits/limits.js';
import { SecurityLog } from '../../common/logs/security-log.js';
import { CONFIG, type Config } from '../../config/config.js';
import { type Connection, connectionOf, cutOff, engineOf, hasSocket } from './engine-io.js';
import type { ParleyServer } from '../events.js';

/** How long a connection may stay without a socket, also once its socket has left. */
export const SOCKET_WITHIN_MS = 10_000;

const NETWORK = Symbol('network');

/** The network that a connection is counted for: the one that it came from, also where its WebSocket comes from another. */
interface Counted extends Connection {
  [NETWORK]?: string;
}

const keysOf = (network: string): string[] => {
  const site = siteOf(network);
  return site === undefined ? [network] : [network, site];
};

/** Limits the number of connections, and the time that one may stay without a socket. Engine.IO by itself keeps those for ever. */
@Injectable()
export class Connections {
  /** Connections that were closed for having no socket, since the start. */
  closedUnused = 0;
  private readonly logger = new Logger('Socket');
  /** Local, by network and by the site around it: a load balancer that spreads one network over many nodes lets it have as many on each. */
  private readonly open = new Map<string, number>();
  private readonly left = new Map<object, NodeJS.Timeout>();
  private readonly most: number;
  private hasWarned = false;
  /** One for all connections, which are many: Engine.IO calls it with the connection as `this`. */
  private readonly onClose: (this: Connection) => void;

  constructor(
    @Inject(CONFIG) { rateLimits, socketsPerNetwork }: Config,
    private readonly networks: ClientNetworks,
    private readonly security: SecurityLog,
  ) {
    this.most = rateLimits ? socketsPerNetwork : Infinity;
    const closed = this.closed.bind(this);
    this.onClose = function () {
      closed(this);
    };
  }

  /** Before the first connection. */
  attach(server: ParleyServer): void {
    engineOf(server).on('connection', (connection) => this.count(connection));
  }

  /** Whether the network that a handshake comes from has as many connections as it may. */
  isFull(request: IncomingMessage): boolean {
    if (this.most === Infinity) return false;
    const network = this.networks.networkOf(request);
    const site = siteOf(network);
    const isSiteFull = site !== undefined && (this.open.get(site) ?? 0) >= this.most * NETWORKS_OF_SITE;
    if ((this.open.get(network) ?? 0) < this.most && !isSiteFull) return false;
    this.security.log('limit_reached', { network });
    if (!this.hasWarned)
      this.logger.warn(
        `${network} has ${this.most} connections, as many as SOCKETS_PER_NETWORK allows, and gets no more. Where this is a proxy of yours, set TRUST_PROXY.`,
      );
    this.hasWarned = true;
    return true;
  }

  /** A socket has left. Where its connection stays, it has some time to open another. */
  hasLeft(socket: Socket): void {
    const connection = connectionOf(socket);
    if (connection.readyState !== 'open') return;
    clearTimeout(this.left.get(connection));
    const timer = setTimeout(() => {
      this.left.delete(connection);
      if (hasSocket(socket)) return;
      this.closedUnused++;
      cutOff(connection);
    }, SOCKET_WITHIN_MS).unref();
    this.left.set(connection, timer);
  }

  private count(connection: Connection): void {
    const network = this.networks.networkOf(connection.request!);
    (connection as Counted)[NETWORK] = network;
    for (const key of keysOf(network)) this.open.set(key, (this.open.get(key) ?? 0) + 1);
    connection.on('close', this.onClose);
  }

  private closed(connection: Connection): void {
    clearTimeout(this.left.get(connection));
    this.left.delete(connection);
    for (const key of keysOf((connection as Counted)[NETWORK]!)) {
      const others = this.open.get(key)! - 1;
      if (others > 0) this.open.set(key, others);
      else this.open.delete(key);
    }
  }
}
