import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from '../common/metrics.js';
import type { ParleyServer, ParleySocket } from './events.js';
import { BEHIND_ROOM } from './rooms.js';
import { connectionOf } from './transport/engine-io.js';

/*
 * What is sent to a client that does not read piles up: first in the kernel, which limits it to some megabytes; then in the WebSocket's
 * `bufferedAmount`; then in Engine.IO's `writeBuffer`, where thousands of packets may wait behind one small frame. A client that reads has
 * nothing in the latter two between two turns of the event loop.
 */

/** Past these a socket does not keep up: it gets no notices of who enters and leaves, and no presence, which are of no use later. */
const BEHIND_PACKETS = 100;
const BEHIND_BYTES = 64 * 1024;

/** Past these it is dropped. That is ten pages of history, which its client fetches faster than it would receive them. */
const DROP_PACKETS = 1_000;
/** A hundred of the longest messages. (Packets to many sockets are in memory once, packets to one socket once for each.) */
const DROP_BYTES = 1024 * 1024;

/** How often all sockets are checked: a tenth of a microsecond for each where nothing waits, so a millisecond for ten thousand. */
const LOOK_EVERY_MS = 1_000;
/** They are also checked after so many publishes: a busy second brings thousands of packets. */
const LOOK_AFTER_PUBLISHES = 500;

/** Bounds the memory that a client costs which does not read. */
@Injectable()
export class SlowReceivers implements OnApplicationShutdown {
  /** Sockets that were dropped since the start. */
  dropped = 0;
  private server?: ParleyServer;
  private timer?: NodeJS.Timeout;
  private publishes = 0;
  /** Those in `BEHIND_ROOM`. */
  private readonly behind = new Set<ParleySocket>();

  constructor(metrics: Metrics) {
    metrics.counter(
      'parley_slow_sockets_closed_total',
      'Sockets that were closed because their clients did not read.',
      () => this.dropped,
    );
    metrics.gauge('parley_sockets', 'Open sockets.', () => this.server?.sockets.sockets.size ?? 0);
  }

  /** Before the first socket. */
  attach(server: ParleyServer): void {
    this.server = server;
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** A packet is about to be published, to any number of sockets. */
  published(): void {
    this.publishes++;
    // Not in this turn, in which clients that read have packets waiting, too.
    if (this.publishes === LOOK_AFTER_PUBLISHES) setImmediate(() => this.look());
  }

  /** Drops a socket that has too much waiting. @returns whether it did */
  dropIfSlow(socket: ParleySocket): boolean {
    const { packets, bytes } = backlogOf(socket);
    if (packets <= DROP_PACKETS && bytes <= DROP_BYTES) return false;
    const connection = connectionOf(socket);
    const { socket: webSocket } = connection.transport;
    // A WebSocket that is closing has a timeout of 30 seconds, and would get all packets meanwhile.
    if (!webSocket || webSocket.readyState === webSocket.OPEN) this.dropped++;
    // As if the network broke: a stock client connects again by itself, which it does not after `disconnect(true)`. An orderly close would
    // wait behind all that is not read.
    if (webSocket) webSocket.terminate();
    else connection.close(true);
    return true;
  }

  /** Whether the socket can take a packet right now: nothing waits, and on polling, its client has a request open. */
  isIdle(socket: ParleySocket): boolean {
    const { writeBuffer, transport } = connectionOf(socket);
    return transport.writable && writeBuffer.length === 0;
  }

  private look(): void {
    this.publishes = 0;
    for (const socket of this.behind) if (!socket.connected || !isBehind(socket)) this.mark(socket, false);
    for (const socket of this.server!.sockets.sockets.values()) {
      const { writeBuffer, transport } = connectionOf(socket);
      if (writeBuffer.length === 0 && !transport.socket?.bufferedAmount) continue;
      if (!this.dropIfSlow(socket) && isBehind(socket)) this.mark(socket, true);
    }
  }

  private mark(socket: ParleySocket, asBehind: boolean): void {
    if (asBehind) {
      this.behind.add(socket);
      void socket.join(BEHIND_ROOM);
    } else {
      this.behind.delete(socket);
      void socket.leave(BEHIND_ROOM);
    }
  }
}

function backlogOf(socket: ParleySocket): { packets: number; bytes: number } {
  const { writeBuffer, transport } = connectionOf(socket);
  let bytes = transport.socket?.bufferedAmount ?? 0;
  for (const { data } of writeBuffer) bytes += data?.length ?? 0;
  return { packets: writeBuffer.length, bytes };
}

/** Whether a socket does not keep up, as of now. */
export function isBehind(socket: ParleySocket): boolean {
  const { packets, bytes } = backlogOf(socket);
  return packets > BEHIND_PACKETS || bytes > BEHIND_BYTES;
}
