import { performance } from 'node:perf_hooks';
import { BYTES_OF_ONE, PACKET_COSTS } from '../../common/limits/limits.js';
import type { Connection, Transport, WebSocketEnd } from './engine-io.js';

/** How often each client is pinged. */
export const PING_EVERY_MS = 25_000;
/** A client that lives sends something within this time, with some seconds for a slow network. */
export const DEAD_AFTER_MS = PING_EVERY_MS + 5_000;

/** How much a connection may send, in packets or their equivalent. */
export interface PacketLimit {
  perSecond: number;
  /** At once: what a client has gathered while it was offline, say. */
  burst: number;
}

/** The cost of packets by their number and total bytes. */
export const costOf = (packets: number, bytes: number): number =>
  packets * PACKET_COSTS.packet.cost + Math.floor(bytes / BYTES_OF_ONE) * PACKET_COSTS.bytes.cost;

/**
 * How much one transport of a connection has sent, and when its client was last heard. Local to a node: it ends with its connection.
 */
export class Traffic {
  /** When it was last certain that the client had received what was sent to it, on the clock of `now()`. */
  heardAt = now();
  /** When anything last came from the client. */
  cameAt = this.heardAt;
  /** Nothing of it is read any more: it has sent more than it may, or this process is about to end. */
  isSpent = false;
  /** Its connection; undefined while a WebSocket is tried beside polling. */
  connection?: Connection;
  private credit: number;
  private refilledAt: number;

  constructor(
    readonly transport: Transport,
    readonly network: string,
    private readonly limit: PacketLimit | undefined,
    share = 1,
  ) {
    this.credit = limit ? limit.burst * share : Infinity;
    this.refilledAt = this.heardAt;
  }

  /** Counts a cost in packets. @returns false once it is too much */
  takes(cost: number): boolean {
    this.credit -= cost;
    if (this.credit >= 0) return true;
    const { perSecond, burst } = this.limit!;
    const time = now();
    this.credit = Math.min(burst, this.credit + ((time - this.refilledAt) * perSecond) / 1_000);
    this.refilledAt = time;
    this.isSpent = this.credit < 0;
    return !this.isSpent;
  }
}

/** Milliseconds of a monotonic clock. */
export const now = (): number => performance.now();

const TRAFFIC = Symbol('traffic');

interface Carrier {
  [TRAFFIC]?: Traffic;
}

/** Lets a transport, or its WebSocket, have it at hand. */
export const carry = (carrier: Transport | WebSocketEnd, traffic: Traffic): void =>
  void ((carrier as Carrier)[TRAFFIC] = traffic);

export const carriedBy = (carrier: object): Traffic | undefined => (carrier as Carrier)[TRAFFIC];

/** The traffic of a connection, by the transport that it uses now. */
export const trafficOf = ({ transport }: { transport: object }): Traffic | undefined => carriedBy(transport);

/** What comes from now on is not read, as if it had not come before the connection broke. */
export function readNoMore(connection: { transport: object }): void {
  const traffic = trafficOf(connection);
  if (traffic) traffic.isSpent = true;
}

/** When the client was last heard: what was sent later may not have reached it. */
export const heardAt = (socket: { conn: { transport: object } }): number => trafficOf(socket.conn)?.heardAt ?? now();

/** It gave a sign of life by other means. */
export function hear(socket: { conn: { transport: object } }): void {
  const traffic = trafficOf(socket.conn);
  if (traffic) traffic.heardAt = now();
}
