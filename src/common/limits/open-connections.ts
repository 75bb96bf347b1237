import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG, type Config } from '../../config/config.js';
import { canonicalAddress, ClientNetworks, networkOf, siteOf } from './client-network.js';
import { NETWORKS_OF_SITE } from './limits.js';
import { SecurityLog } from '../logs/security-log.js';

/** Most idle connections of all networks. Each saves its client some milliseconds, and takes a descriptor. */
export const MOST_IDLE = 2_000;

/** The open connections of one network, or of the site around it. */
interface Share {
  key: string;
  most: number;
  open: number;
  /** The idle ones, the longest first. */
  readonly idle: Set<Socket>;
}

interface Known {
  shares: readonly Share[];
  /** Requests that are not answered yet. A WebSocket is one that never is. */
  busy: number;
}

/**
 * Limits TCP connections of all kinds by network. Where a network has as many as it may, the one that has been idle for longest is closed:
 * clients open another one without noticing. Only where none is idle is the new one refused, before anything of it is read. Trusted proxies
 * may have any number, since theirs belong to many clients.
 */
@Injectable()
export class OpenConnections {
  /** New connections that were refused, since the start. */
  refused = 0;
  private readonly logger = new Logger('HTTP');
  /** By network and by site. Local to a node: a balancer that spreads a network over nodes lets it have as many on each. */
  private readonly shares = new Map<string, Share>();
  private readonly known = new Map<Socket, Known>();
  /** The idle ones of all networks, the longest first. */
  private readonly idle = new Set<Socket>();
  private readonly most: number;
  private hasWarned = false;
  /** One for all connections, which are many: Node calls it with the connection as `this`. */
  private readonly onClose: (this: Socket) => void;

  constructor(
    @Inject(CONFIG) { rateLimits, connectionsPerNetwork }: Pick<Config, 'rateLimits' | 'connectionsPerNetwork'>,
    private readonly networks: ClientNetworks,
    private readonly security: SecurityLog,
  ) {
    this.most = rateLimits ? connectionsPerNetwork : Infinity;
    const closed = this.delete.bind(this);
    this.onClose = function () {
      closed(this);
    };
  }

  /** Connections that are counted now. */
  get size(): number {
    return this.known.size;
  }

  /** Call it after Engine.IO, which replaces the listeners before it, and before the server listens. */
  attach(server: Server): void {
    if (this.most === Infinity) return;
    server.on('connection', (socket: Socket) => this.add(socket));
    server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      if (!this.begins(socket)) return;
      response.once('close', () => this.ends(socket));
    });
    // Without listeners, Node answers these as plain requests.
    if (server.listenerCount('upgrade') > 0)
      server.prependListener('upgrade', ({ socket }: IncomingMessage) => void this.begins(socket));
  }

  private add(socket: Socket): void {
    const known = this.known.get(socket);
    // A request for an upgrade that is ignored is read once more.
    if (known) return void (known.busy = 0);
    const address = canonicalAddress(socket.remoteAddress ?? '');
    // Closed already, or a trusted proxy's.
    if (address === undefined || this.networks.isProxy(address)) return;
    const network = networkOf(address);
    const site = siteOf(network);
    const shares = [this.shareOf(network, this.most)];
    if (site !== undefined) shares.push(this.shareOf(site, this.most * NETWORKS_OF_SITE));
    const full = shares.filter(({ open, most }) => open >= most);
    if (full.some(({ idle }) => idle.size === 0)) return this.refuse(socket, network);
    for (const { idle, open, most } of full) if (open >= most) this.close(idle);
    this.known.set(socket, { shares, busy: 0 });
    for (const share of shares) {
      share.open++;
      this.shares.set(share.key, share);
    }
    socket.on('close', this.onClose);
  }

  /** @returns whether it is counted */
  private begins(socket: Socket): boolean {
    const known = this.known.get(socket);
    if (!known) return false;
    known.busy++;
    this.idle.delete(socket);
    for (const { idle } of known.shares) idle.delete(socket);
    return true;
  }

  private ends(socket: Socket): void {
    const known = this.known.get(socket);
    if (!known || --known.busy > 0) return;
    this.idle.add(socket);
    for (const { idle } of known.shares) idle.add(socket);
    if (this.idle.size > MOST_IDLE) this.close(this.idle);
  }

  /** Closes the first of these. */
  private close(idle: ReadonlySet<Socket>): void {
    const [longest] = idle;
    if (!longest) return;
    this.delete(longest);
    longest.destroy();
  }

  private refuse(socket: Socket, network: string): void {
    this.refused++;
    this.security.log('limit_reached', { network });
    if (!this.hasWarned)
      this.logger.warn(
        `${network} has ${this.most} connections that are in use, as many as CONNECTIONS_PER_NETWORK allows, and gets no more. Where this is a proxy of yours, set TRUST_PROXY.`,
      );
    this.hasWarned = true;
    socket.destroy();
  }

  private shareOf(key: string, most: number): Share {
    return this.shares.get(key) ?? { key, most, open: 0, idle: new Set() };
  }

  private delete(socket: Socket): void {
    const known = this.known.get(socket);
    if (!known) return;
    this.known.delete(socket);
    this.idle.delete(socket);
    for (const share of known.shares) {
      share.idle.delete(socket);
      if (--share.open === 0) this.shares.delete(share.key);
    }
  }
}
