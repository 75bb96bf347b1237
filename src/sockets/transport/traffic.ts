import { performance } from 'node:perf_hooks';
import { BYTES_OF_ONE, PACKET_COSTS } from '../../common/limits/limits.js';
import type { Connection, Transport } from './engine-io.js';

/** How often each client is asked whether it is there. */
export const PING_EVERY_MS = 25_000;
/** A client that lives is heard once in each such time; one with a slow network some seconds later. */
export const DEAD_AFTER_MS = PING_EVERY_MS + 5_000;

/** How much a connection may send, in packets or what costs as much. */
export interface PacketLimit {
  perSecond: number;
  /** At once: what a client has gathered while it was offline, for one. */
  burst: number;
}

/** What so many packets cost that have so many bytes in all. */
export const costOf = (packets: number, bytes: number): number =>
  packets * PACKET_COSTS.packet.cost + Math.floor(bytes / BYTES_OF_ONE) * PACKET_COSTS.bytes.cost;

/**
 * What comes in by one transport of a connection: how much, and when the client was last heard. Local: it ends with its connection,
 * and the others see only what it does.
 */
export class Traffic {
  /** When it was last clear that the client had got what it was told, on the clock of `now()`. */
  heardAt = now();
  /** When anything last came, whatever waits for the client. */
  cameAt = this.heardAt;
  /** Sent more than it may: nothing of it is read any more. */
  isSpent = false;
  /** Whose it is; none yet while a WebSocket is tried beside polling. */
  connection?: Connection;
  private credit: number;
  private refilledAt: number;

  constructor(
    readonly network: string,
    private readonly limit: PacketLimit | undefined,
    share = 1,
  ) {
    this.credit = limit ? limit.burst * share : Infinity;
    this.refilledAt = this.heardAt;
  }

  /** Counts what costs as much as so many packets. @returns false from when it is too much */
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

/** Milliseconds of a clock that never jumps. */
export const now = (): number => performance.now();

const TRAFFIC = Symbol('traffic');

interface Carrier {
  [TRAFFIC]?: Traffic;
}

export const carry = (transport: Transport, traffic: Traffic): void => void ((transport as Carrier)[TRAFFIC] = traffic);

/** Of a connection, by the transport that it uses now. */
export const trafficOf = ({ transport }: { transport: object }): Traffic | undefined => (transport as Carrier)[TRAFFIC];

/** When the client at the other end was last heard: what was told later may not have reached it. */
export const heardAt = (socket: { conn: { transport: object } }): number => trafficOf(socket.conn)?.heardAt ?? now();

/** It was heard just now, by another way. */
export function hear(socket: { conn: { transport: object } }): void {
  const traffic = trafficOf(socket.conn);
  if (traffic) traffic.heardAt = now();
}
