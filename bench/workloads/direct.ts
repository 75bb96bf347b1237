// W1: people in pairs write to each other. Each message is acknowledged, and delivered to both.
import { assertAccepted, LightSocket } from '../light-socket.js';
import { Durations, sleep } from '../stats.js';
import type { Subject } from '../subjects.js';
import { forSeconds, isDelivery, measured, type Window } from './measure.js';

export const PAIRS = 50;
export const IN_FLIGHT = 8;
const TEXT = 'x'.repeat(100);
const WARM_UP_SECONDS = 1;

export interface DirectResult {
  window: Window;
  /** Messages a second. */
  rate: number;
  /** From sending to the acknowledgement, in ms. */
  latency: Durations;
}

interface Pair {
  writer: LightSocket;
  payload: string;
  /** Calls back with each delivery to the reader. */
  onDelivered: () => void;
}

/** The relay acknowledges nothing: there a message is done when it has arrived. */
const isRelay = (subject: Subject): boolean => subject.name === 'socket.io-relay';

interface Opened {
  pairs: Pair[];
  /** Resolves when everything that was sent has reached all to whom it goes; throws where it does not: one that drops is not fast. */
  arrived: (sent: number) => Promise<void>;
  close: () => void;
}

async function open(subject: Subject): Promise<Opened> {
  // At the readers, and at the writers themselves.
  let [delivered, echoed] = [0, 0];
  const sockets: LightSocket[] = [];
  const connect = async (user: number): Promise<LightSocket> => {
    const socket = await LightSocket.open(subject.port, subject.seeded.tokens[user]);
    sockets.push(socket);
    return socket;
  };
  const pairs: Pair[] = [];
  for (let i = 0; i < PAIRS; i++) {
    // Not the first two users: their room holds the history.
    const [from, to] = [2 * i + 2, 2 * i + 3];
    const [writer, reader] = [await connect(from), await connect(to)];
    const payload = `{"chat_type":"room","other_user_id":${to + 1},"message":"${TEXT}"}`;
    const pair: Pair = { writer, payload, onDelivered: () => {} };
    reader.onEvent = (packet) => {
      if (!isDelivery(packet)) return;
      delivered += 1;
      pair.onDelivered();
    };
    writer.onEvent = (packet) => void (isDelivery(packet) && (echoed += 1));
    if (!isRelay(subject)) await writer.ask(payload);
    pairs.push(pair);
  }
  const toHear = (messages: number) => (isRelay(subject) ? messages : 2 * messages);
  // Each room's first message is there, and counts for nothing.
  while (!isRelay(subject) && delivered + echoed < toHear(PAIRS)) await sleep(10);
  [delivered, echoed] = [0, 0];
  return {
    pairs,
    arrived: async (sent) => {
      for (let i = 0; i < 100 && delivered + echoed < toHear(sent); i++) await sleep(50);
      if (delivered !== sent || delivered + echoed !== toHear(sent))
        throw new Error(`${subject.name}: ${sent} sent, ${delivered} delivered, ${echoed} to their writers`);
    },
    close: () => sockets.forEach((socket) => socket.close()),
  };
}

/** As fast as it goes, with so many unacknowledged messages in each pair. */
export async function direct(subject: Subject, seconds: number): Promise<DirectResult> {
  const { pairs, arrived, close } = await open(subject);
  let isRunning = true;
  let isCounting = false;
  let failure: unknown;
  let [sent, acknowledged] = [0, 0];
  const latency = new Durations();

  for (const pair of pairs) {
    const startedAt: number[] = [];
    const done = (start: number): void => {
      acknowledged += 1;
      if (isCounting) latency.add(performance.now() - start);
      write();
    };
    const write = (): void => {
      if (!isRunning) return;
      const start = performance.now();
      sent += 1;
      if (isRelay(subject)) {
        startedAt.push(start);
        pair.writer.tell(pair.payload);
        return;
      }
      pair.writer.send(pair.payload, (packet) => {
        try {
          assertAccepted(packet);
        } catch (error) {
          failure = error;
          isRunning = false;
        }
        done(start);
      });
    };
    if (isRelay(subject)) pair.onDelivered = () => done(startedAt.shift()!);
    for (let i = 0; i < IN_FLIGHT; i++) write();
  }
  await sleep(WARM_UP_SECONDS * 1000);
  isCounting = true;
  const window = await measured(subject, forSeconds(seconds));
  isCounting = false;
  isRunning = false;
  for (let i = 0; i < 100 && acknowledged < sent && !failure; i++) await sleep(50);
  if (failure) throw failure;
  await arrived(sent);
  close();
  return { window, rate: latency.count / window.seconds, latency };
}

/** At a steady pace. Latency counts from when a message was due, so that a stall is not forgiven. */
export async function paced(subject: Subject, perSecond: number, seconds: number): Promise<DirectResult> {
  const { pairs, arrived, close } = await open(subject);
  const latency = new Durations();
  let [due, acknowledged] = [0, 0];
  const start = performance.now();
  const warm = perSecond * WARM_UP_SECONDS;
  const total = Math.floor(perSecond * (seconds + WARM_UP_SECONDS));
  const window = await measured(subject, async () => {
    while (due < total) {
      const now = performance.now();
      for (; due < total && start + (due / perSecond) * 1000 <= now; due++) {
        const dueAt = start + (due / perSecond) * 1000;
        const isCounted = due >= warm;
        const { writer, payload } = pairs[due % pairs.length];
        writer.send(payload, (packet) => {
          assertAccepted(packet);
          acknowledged += 1;
          if (isCounted) latency.add(performance.now() - dueAt);
        });
      }
      await sleep(1);
    }
    for (let i = 0; i < 200 && acknowledged < total; i++) await sleep(10);
  });
  if (acknowledged < total) throw new Error(`${subject.name}: ${total} due, ${acknowledged} acknowledged`);
  await arrived(total);
  close();
  return { window, rate: total / window.seconds, latency };
}
