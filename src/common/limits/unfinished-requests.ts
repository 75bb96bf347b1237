import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { canonicalAddress, networkOf } from './client-network.js';

/** Most connections whose request is not complete, of one network and of all. Beyond these, the one that takes longest is closed. */
const MOST_OF_ONE = 100;
const MOST = 500;

/**
 * Limits connections that have not sent a whole request. Each takes a descriptor, and a client that opens hundreds and sends nothing would
 * keep all others out. Behind a proxy that waits for the whole request, as nginx does, there are hardly any.
 */
export class UnfinishedRequests {
  /** Connections that were closed for it, since the start. */
  dropped = 0;
  /** By network, the oldest first. Local to a node. */
  private readonly waiting = new Map<Socket, string>();
  private readonly counts = new Map<string, number>();
  private readonly watched = new WeakSet<Socket>();
  /** One for all connections, which are many: Node calls it with the connection as `this`. */
  private readonly onClose: (this: Socket) => void;

  constructor() {
    const closed = this.delete.bind(this);
    this.onClose = function () {
      closed(this);
    };
  }

  /** Call it after Engine.IO, which replaces the listeners before it, and before the server listens. */
  attach(server: Server): void {
    server.on('connection', (socket: Socket) => this.add(socket));
    server.prependListener('request', (request: IncomingMessage) => {
      const hasBody = Number(request.headers['content-length']) > 0 || 'transfer-encoding' in request.headers;
      if (!hasBody) return this.delete(request.socket);
      // The next request of the connection is timed anew.
      this.add(request.socket);
      request.once('end', () => this.delete(request.socket));
    });
    // Without listeners, Node answers these as plain requests.
    if (server.listenerCount('upgrade') > 0)
      server.prependListener('upgrade', ({ socket }: IncomingMessage) => this.delete(socket));
  }

  private add(socket: Socket): void {
    // A request for an upgrade comes here a second time, and a refused connection is closed.
    if (this.waiting.has(socket) || socket.destroyed) return;
    const network = networkOf(canonicalAddress(socket.remoteAddress ?? '') ?? '');
    this.waiting.set(socket, network);
    const count = (this.counts.get(network) ?? 0) + 1;
    this.counts.set(network, count);
    if (!this.watched.has(socket)) socket.on('close', this.onClose);
    this.watched.add(socket);
    if (count > MOST_OF_ONE || this.waiting.size > MOST) this.dropOldest(count > MOST_OF_ONE ? network : undefined);
  }

  private dropOldest(network: string | undefined): void {
    for (const [socket, from] of this.waiting) {
      if (network !== undefined && from !== network) continue;
      this.dropped++;
      this.delete(socket);
      socket.destroy();
      return;
    }
  }

  private delete(socket: Socket): void {
    const network = this.waiting.get(socket);
    if (network === undefined) return;
    this.waiting.delete(socket);
    const count = this.counts.get(network)! - 1;
    if (count > 0) this.counts.set(network, count);
    else this.counts.delete(network);
  }
}
