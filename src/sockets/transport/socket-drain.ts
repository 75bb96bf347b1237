import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { shuffled } from '../../common/shuffled.js';
import { Stopping } from '../../common/stopping.js';
import type { ParleyServer } from '../events.js';
import { type Connection, cutOff, engineOf, type WebSocketEnd } from './engine-io.js';
import { now, readNoMore } from './traffic.js';

/*
 * Stock clients come back by themselves when their transport closes, and do not after `socket.disconnect()`. So a stop closes transports, as
 * a broken network does, but only once what came on them has been answered and the answers have been handed over.
 */

/** Connections that are closed in a millisecond, so that not all come back, to another node or to the next process, at once. */
const CLOSED_PER_MS = 1;
/** All are closed after so long, however many they are. */
const SPREAD_MS = 2_000;
/** How long what came on a connection may take to be answered. Most take milliseconds; the rest is sent again under its client_id. */
const ANSWERED_WITHIN_MS = 2_000;
/** How long a client has to take its last packets, and to say goodbye. */
const TAKEN_WITHIN_MS = 1_000;
const LOOK_EVERY_MS = 10;

const UNDER_WAY = Symbol('under way');

/** A connection with the number of its events that are being handled. */
type Counted = Connection & { [UNDER_WAY]?: number };

/** Counts an event whose handling begins (1), or has ended, its acknowledgement included (-1). */
export function countUnderWay(connection: Connection, by: 1 | -1): void {
  (connection as Counted)[UNDER_WAY] = ((connection as Counted)[UNDER_WAY] ?? 0) + by;
}

/** Sends all clients away, in a random order and one after another. */
@Injectable()
export class SocketDrain {
  private server?: ParleyServer;

  constructor(private readonly stopping: Stopping) {}

  /** Before the first socket. */
  attach(server: ParleyServer): void {
    this.server = server;
  }

  /**
   * Resolves when all connections are closed: within two seconds where clients take what they are sent, within five whatever they do.
   * Handshakes are refused by then.
   */
  async sendAway(): Promise<void> {
    if (!this.server) return;
    const staying = shuffled(Object.values(engineOf(this.server).clients)) as Connection[];
    const spreadMs = this.stopping.within(Math.min(SPREAD_MS, staying.length / CLOSED_PER_MS));
    const perMs = staying.length / Math.max(1, spreadMs);
    const answeredBy = now() + this.stopping.within(spreadMs + ANSWERED_WITHIN_MS);
    let leaving: Connection[] = [];
    const webSockets: WebSocketEnd[] = [];
    for (let looked = now(); staying.length + leaving.length > 0; await sleep(LOOK_EVERY_MS)) {
      const count = Math.floor((now() - looked) * perMs) + 1;
      looked = now();
      for (const connection of staying.splice(0, count)) {
        readNoMore(connection);
        leaving.push(connection);
      }
      const isLate = now() >= answeredBy;
      // Behind what was written in this turn.
      for (const connection of leaving) {
        if (!isLate && (connection as Counted)[UNDER_WAY]) continue;
        if (connection.transport.socket) webSockets.push(connection.transport.socket);
        connection.close();
      }
      leaving = leaving.filter(({ readyState }) => readyState === 'open');
    }
    await this.untilTaken(webSockets);
  }

  private async untilTaken(webSockets: WebSocketEnd[]): Promise<void> {
    const { clients } = engineOf(this.server!);
    const areLeft = (): boolean => Object.keys(clients).length > 0 || webSockets.some((one) => !isClosed(one));
    for (const until = now() + this.stopping.within(TAKEN_WITHIN_MS); areLeft() && now() < until;)
      await sleep(LOOK_EVERY_MS);
    for (const connection of Object.values(clients)) cutOff(connection!);
    for (const webSocket of webSockets) if (!isClosed(webSocket)) webSocket.terminate();
  }
}

const CLOSED = 3;
const isClosed = ({ readyState }: WebSocketEnd): boolean => readyState === CLOSED;
