// W2: a few write to a group, and everybody who is in it gets each message.
import { assertAccepted, LightSocket } from '../light-socket.js';
import { Durations, sleep } from '../stats.js';
import type { Subject } from '../subjects.js';
import { forSeconds, isDelivery, measured, type Window } from './measure.js';

export const WRITERS = 16;
const TEXT = 'x'.repeat(100);
const WARM_UP_SECONDS = 1;

export interface GroupResult {
  window: Window;
  /** Deliveries a second. */
  rate: number;
  /** From sending until the last member has the message, in ms; only where one is in flight. */
  fanOut: Durations;
  /** Microseconds of the server's and its database's CPU for each delivery. */
  cpuPerDelivery: number;
}

/** @param inFlight messages on their way at any time, spread over the writers */
export async function group(subject: Subject, size: number, inFlight: number, seconds: number): Promise<GroupResult> {
  const groupId = subject.seeded.groupIds[0];
  let deliveries = 0;
  const sockets: LightSocket[] = [];
  let arrived = (): void => {};
  for (let i = 0; i < size; i++) {
    const socket = await LightSocket.open(subject.port, subject.seeded.tokens[i]);
    await socket.ask(`{"chat_type":"group","chat_group_id":${groupId},"is_enter":true}`);
    sockets.push(socket);
  }
  // The notices of so many who come are told and done with.
  await sleep(1_500);
  for (const socket of sockets) {
    socket.onEvent = (packet) => {
      if (!isDelivery(packet)) return;
      deliveries += 1;
      arrived();
    };
  }

  const payload = `{"chat_type":"group","chat_group_id":${groupId},"message":"${TEXT}"}`;
  const fanOut = new Durations();
  let [isRunning, isCounting] = [true, false];
  let [sent, acknowledged] = [0, 0];
  let failure: unknown;
  // The next message leaves when one has been acknowledged and delivered to everybody: no queue grows anywhere.
  let [inTransit, next] = [0, 0];
  let startedAt = performance.now();
  const fill = (): void => {
    while (isRunning && inTransit < inFlight) {
      inTransit += 1;
      sent += 1;
      startedAt = performance.now();
      sockets[next++ % WRITERS].send(payload, (packet) => {
        try {
          assertAccepted(packet);
        } catch (error) {
          failure = error;
          isRunning = false;
        }
        acknowledged += 1;
        settle();
      });
    }
  };
  let settled = 0;
  const settle = (): void => {
    while (settled < acknowledged && deliveries >= (settled + 1) * size) {
      settled += 1;
      inTransit -= 1;
      if (isCounting && inFlight === 1) fanOut.add(performance.now() - startedAt);
    }
    fill();
  };
  arrived = () => {
    if (deliveries % size === 0) settle();
  };
  deliveries = 0;
  fill();
  await sleep(WARM_UP_SECONDS * 1000);
  isCounting = true;
  const before = deliveries;
  const window = await measured(subject, forSeconds(seconds));
  const counted = deliveries - before;
  isRunning = false;
  for (let i = 0; i < 100 && deliveries < sent * size; i++) await sleep(50);
  sockets.forEach((socket) => socket.close());
  if (failure) throw failure;
  if (deliveries !== sent * size) throw new Error(`${subject.name}: ${sent} × ${size} sent, ${deliveries} delivered`);
  const { server, database } = window.load;
  return {
    window,
    rate: counted / window.seconds,
    fanOut,
    cpuPerDelivery: (((server + database) * window.seconds) / counted) * 1e6,
  };
}
