import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { canonicalAddress, networkOf } from './client-network.js';

/** Connections whose request is not here yet: so many of one network, and of all. Beyond, the one that takes longest has to go. */
const MOST_OF_ONE = 100;
const MOST = 500;

/**
 * Connections that have not sent a whole request. Each takes a descriptor, and those who open them by the hundred and say nothing
 * would keep all others out. Behind a proxy that waits for the whole request, as nginx does, there are hardly any.
 */
export class UnfinishedRequests {
  /** Those that had to go since the start. */
  dropped = 0;
  /** Local, by network, the oldest first. */
  private readonly waiting = new Map<Socket, string>();
  private readonly counts = new Map<string, number>();
  private readonly watched = new WeakSet<Socket>();

  /** Behind Engine.IO, which keeps its requests from those who listened before it; before the server listens. */
  attach(server: Server): void {
    server.on('connection', (socket: Socket) => this.add(socket));
    server.prependListener('request', (request: IncomingMessage) => {
      const hasBody = Number(request.headers['content-length']) > 0 || 'transfer-encoding' in request.headers;
      if (!hasBody) return this.delete(request.socket);
      // A later one of its connection begins to wait anew.
      this.add(request.socket);
      request.once('end', () => this.delete(request.socket));
    });
    // Where nobody listens, Node answers these as plain requests.
    if (server.listenerCount('upgrade') > 0)
      server.prependListener('upgrade', ({ socket }: IncomingMessage) => this.delete(socket));
  }

  private add(socket: Socket): void {
    // One that asked for an upgrade comes by again, and one that was refused is gone.
    if (this.waiting.has(socket) || socket.destroyed) return;
    const network = networkOf(canonicalAddress(socket.remoteAddress ?? '') ?? '');
    this.waiting.set(socket, network);
    const count = (this.counts.get(network) ?? 0) + 1;
    this.counts.set(network, count);
    if (!this.watched.has(socket)) socket.once('close', () => this.delete(socket));
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
