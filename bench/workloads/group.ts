// W2: a few write to a group, and everybody who is in it gets each message.
import { assertAccepted, LightSocket } from '../light-socket.js';
import { Durations, sleep } from '../stats.js';
import type { Subject } from '../subject.js';
import {
  forSeconds,
  isDelivery,
  measured,
  percentiles,
  TEXT,
  until,
  WARM_UP_SECONDS,
  type Workload,
} from './measure.js';

const SIZES = [200, 1_000];
const WRITERS = 16;
/** Messages on their way at any time, spread over the writers. */
const BUSY = 16;
const ARRIVES_WITHIN_MS = 10_000;

async function enter(subject: Subject, size: number, groupId: number): Promise<LightSocket[]> {
  const sockets: LightSocket[] = [];
  for (let i = 0; i < size; i++) {
    const socket = await LightSocket.open(subject.portOf(i), subject.seeded.tokens[i]);
    await socket.ask(`{"chat_type":"group","chat_group_id":${groupId},"is_enter":true}`);
    sockets.push(socket);
  }
  // The notices of so many who come are told and done with.
  await sleep(1_500);
  return sockets;
}

const group = (size: number, inFlight: number): Workload => ({
  family: 'W2',
  work: `W2 group of ${size}${inFlight === 1 ? ', one in flight' : ''}`,
  receivers: size,
  suits: ({ name }) => name !== 'fastify' && name !== 'socket.io-relay',
  async measure(subject, seconds) {
    const groupId = subject.seeded.groupIds[0];
    const sockets = await enter(subject, size, groupId);
    const payload = `{"chat_type":"group","chat_group_id":${groupId},"message":"${TEXT}"}`;
    const fanOut = new Durations();
    let [isRunning, isCounting] = [true, false];
    let [sent, acknowledged, settled, deliveries] = [0, 0, 0, 0];
    let failure: unknown;
    let startedAt = performance.now();
    // The next message leaves when one has been acknowledged and delivered to everybody: no queue grows anywhere.
    const fill = (): void => {
      while (isRunning && sent - settled < inFlight) {
        startedAt = performance.now();
        sockets[sent++ % WRITERS].send(payload, (packet) => {
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
    const settle = (): void => {
      while (settled < acknowledged && deliveries >= (settled + 1) * size) {
        settled += 1;
        if (isCounting && inFlight === 1) fanOut.add(performance.now() - startedAt);
      }
      fill();
    };
    for (const socket of sockets)
      socket.onEvent = (packet) => {
        if (isDelivery(packet) && ++deliveries % size === 0) settle();
      };
    fill();
    await sleep(WARM_UP_SECONDS * 1000);
    let counted = 0;
    const window = await measured(subject, async () => {
      isCounting = true;
      const before = deliveries;
      await forSeconds(seconds)();
      counted = deliveries - before;
    });
    isRunning = false;
    await until(() => deliveries >= sent * size, ARRIVES_WITHIN_MS);
    sockets.forEach((socket) => socket.close());
    if (failure) throw failure;
    if (deliveries !== sent * size)
      throw new Error(`${subject.label}: ${sent} × ${size} sent, ${deliveries} delivered`);
    return {
      'deliveries/s': counted / window.seconds,
      'µs CPU each': (window.cpu / counted) * 1e6,
      // Until the last member has it.
      ...(inFlight === 1 && percentiles(fanOut)),
      ...window.load,
    };
  },
});

export const groups = (sizes: readonly number[] = SIZES): Workload[] =>
  sizes.flatMap((size) => [group(size, BUSY), group(size, 1)]);
