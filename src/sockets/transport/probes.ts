import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, cutOff } from './engine-io.js';
import { now, trafficOf } from './traffic.js';

/** How long a client has to answer: a phone that wakes its radio up takes a second or two. */
export const ANSWER_WITHIN_MS = 3_000;
const LOOK_EVERY_MS = 100;

/**
 * Asks clients at once whether they are there, and cuts off those that say nothing in time. Engine.IO asks each every 25 seconds
 * anyway; a client answers one ping more, and anything else that it sends will do. Resolves when nobody is left to wait for.
 */
export async function cutOffUnlessAnswered(sockets: readonly { conn: object }[]): Promise<void> {
  const connections = sockets.map(({ conn }) => conn as Connection);
  const askedAt = now();
  for (const connection of connections) connection.sendPacket('ping');
  // In looks, not by the clock: after a pause of this process, answers that are there already are read before the next look.
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
