import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from 'socket.io';
import { type Connection, connectionOf, cutOff } from './engine-io.js';
import { now, trafficOf } from './traffic.js';

/** How long a client has to answer: a phone that wakes its radio up takes a second or two. */
export const ANSWER_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 100;

/**
 * Pings clients, and cuts off those that send nothing in time. Engine.IO pings each every 25 seconds anyway: clients answer one more, and any
 * other packet counts as an answer. Resolves when all have answered or are cut off.
 */
export async function cutOffUnlessAnswered(sockets: readonly Pick<Socket, 'conn'>[]): Promise<void> {
  const connections = sockets.map(connectionOf);
  const askedAt = now();
  for (const connection of connections) connection.sendPacket('ping');
  // Counted in looks, not by the clock: after a pause of this process, answers that have arrived are read before the next look.
  for (let looks = ANSWER_WITHIN_MS / LOOK_EVERY_MS; looks > 0; looks--) {
    if (silentSince(connections, askedAt).length === 0) return;
    await sleep(LOOK_EVERY_MS, undefined, { ref: false });
  }
  silentSince(connections, askedAt).forEach(cutOff);
}

const silentSince = (connections: readonly Connection[], time: number): Connection[] =>
  connections.filter(
    (connection) => connection.readyState === 'open' && (trafficOf(connection)?.cameAt ?? Infinity) < time,
  );
