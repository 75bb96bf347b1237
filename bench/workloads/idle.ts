// W3: connections that do nothing. W5: how fast they come.
import { LightSocket } from '../light-socket.js';
import { sleep } from '../stats.js';
import type { Subject } from '../subjects.js';
import { measured, type Window } from './measure.js';

export interface IdleResult {
  /** Bytes for each connection: live heap and buffers, and resident memory. */
  held: number;
  resident: number;
}

async function openAll(subject: Subject, count: number, atOnce: number): Promise<LightSocket[]> {
  const sockets: LightSocket[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) sockets.push(await LightSocket.open(subject.port, subject.seeded.tokens[next++]));
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return sockets;
}

export async function idle(subject: Subject, count: number): Promise<IdleResult> {
  // What the first connections make grow once (compiled code, caches, pools) is no cost of a connection.
  const first = await openAll(subject, 100, 50);
  await sleep(500);
  const before = await subject.memory();
  first.forEach((socket) => socket.close());
  await sleep(500);
  const base = { ...before, held: (await subject.memory()).held };
  const sockets = await openAll(subject, count, 50);
  await sleep(1_000);
  const after = await subject.memory();
  sockets.forEach((socket) => socket.close());
  return { held: (after.held - base.held) / count, resident: (after.resident - base.resident) / count };
}

export interface ConnectResult {
  window: Window;
  /** Logged-in connections a second. */
  rate: number;
  /** Statements that the database was sent for each, where it counts them. */
  statements: number | undefined;
}

export async function connect(subject: Subject, count: number): Promise<ConnectResult> {
  const before = await subject.statements();
  let sockets: LightSocket[] = [];
  const window = await measured(subject, async () => {
    sockets = await openAll(subject, count, 50);
  });
  const after = await subject.statements();
  sockets.forEach((socket) => socket.close());
  return {
    window,
    rate: count / window.seconds,
    statements: before === undefined || after === undefined ? undefined : (after - before) / count,
  };
}
