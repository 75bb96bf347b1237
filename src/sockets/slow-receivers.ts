import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ParleyServer, ParleySocket } from './events.js';
import { BEHIND_ROOM } from './rooms.js';

/*
 * What is sent to a client that does not read piles up: first in the kernel, some megabytes that are none of ours; then in the
 * WebSocket's `bufferedAmount`, what it has taken and the kernel has not; then in Engine.IO's `writeBuffer`, where thousands of
 * packets may wait behind one small frame. Between two turns of the event loop, a client that reads has nothing in either.
 */

/** Past these a socket is told only what lasts: who came and went some time ago is of no use to one who reads it late. */
const BEHIND_PACKETS = 100;
const BEHIND_BYTES = 64 * 1024;

/** Past these it is dropped. Ten pages of history: its client fetches them sooner than they would get through. */
const DROP_PACKETS = 1_000;
/** A hundred of the longest messages. (What goes to many sockets is in memory once; what goes to one alone is not.) */
const DROP_BYTES = 1024 * 1024;

/** How often all sockets are looked at: a tenth of a microsecond each where nothing waits, so a millisecond for ten thousand. */
const LOOK_EVERY_MS = 1_000;
/** And after so many publishes: a busy second brings thousands of packets. */
const LOOK_AFTER_PUBLISHES = 500;

/** What Engine.IO does not show in its types. Polling has no socket of its own. */
interface Connection {
  writeBuffer: { data?: string | Buffer }[];
  transport: {
    writable: boolean;
    socket?: { bufferedAmount: number; readyState: number; OPEN: number; terminate(): void };
  };
  close(discard: true): void;
}

/** Sees to it that a client which does not read costs a bounded piece of memory, and the others nothing. */
@Injectable()
export class SlowReceivers implements OnApplicationShutdown {
  /** Sockets that were dropped since the start. */
  dropped = 0;
  private server!: ParleyServer;
  private timer?: NodeJS.Timeout;
  private publishes = 0;
  /** Those in `BEHIND_ROOM`. */
  private readonly behind = new Set<ParleySocket>();

  /** Before the first socket. */
  attach(server: ParleyServer): void {
    this.server = server;
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Something is about to be told, to any number of sockets. */
  published(): void {
    this.publishes++;
    // Not in this turn, in which also those who read have packets waiting.
    if (this.publishes === LOOK_AFTER_PUBLISHES) setImmediate(() => this.look());
  }

  /** Drops a socket that leaves too much unread; true where it did. */
  dropIfSlow(socket: ParleySocket): boolean {
    const { packets, bytes } = backlogOf(socket);
    if (packets <= DROP_PACKETS && bytes <= DROP_BYTES) return false;
    const { socket: webSocket } = connection(socket).transport;
    // A WebSocket that is closing has a timeout of 30 seconds, and is sent all that time what is sent to the others.
    if (!webSocket || webSocket.readyState === webSocket.OPEN) this.dropped++;
    // As if the network broke: a stock client comes back by itself, which it does not after `disconnect(true)`. An orderly close
    // would stand in line behind all that is not read.
    if (webSocket) webSocket.terminate();
    else connection(socket).close(true);
    return true;
  }

  /** Takes a packet right now: what was sent before has left, and on polling, its client asks for more. */
  isIdle(socket: ParleySocket): boolean {
    const { writeBuffer, transport } = connection(socket);
    return transport.writable && writeBuffer.length === 0;
  }

  private look(): void {
    this.publishes = 0;
    for (const socket of this.behind) if (!socket.connected || !isBehind(socket)) this.mark(socket, false);
    for (const socket of this.server.sockets.sockets.values()) {
      const { writeBuffer, transport } = connection(socket);
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

const connection = (socket: ParleySocket): Connection => socket.conn as unknown as Connection;

function backlogOf(socket: ParleySocket): { packets: number; bytes: number } {
  const { writeBuffer, transport } = connection(socket);
  let bytes = transport.socket?.bufferedAmount ?? 0;
  for (const { data } of writeBuffer) bytes += data?.length ?? 0;
  return { packets: writeBuffer.length, bytes };
}

/** Whether a socket is to be told only what lasts, as of now. */
export function isBehind(socket: ParleySocket): boolean {
  const { packets, bytes } = backlogOf(socket);
  return packets > BEHIND_PACKETS || bytes > BEHIND_BYTES;
}
