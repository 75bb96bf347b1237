// W1: people in pairs write to each other as fast as it goes. Each message is checked, stored, acknowledged, and delivered to both.
import { assertAccepted } from '../light-socket.js';
import { Durations, sleep } from '../stats.js';
import type { Subject } from '../subject.js';
import { forSeconds, measured, percentiles, until, WARM_UP_SECONDS, type Workload } from './measure.js';
import { isRelay, openPairs, RECEIVERS } from './pairs.js';

/** Unacknowledged messages of each pair: the next one leaves when one is acknowledged. */
const IN_FLIGHT = 8;
const ANSWERS_WITHIN_MS = 10_000;

export const direct: Workload = {
  family: 'W1',
  work: 'W1 direct',
  receivers: RECEIVERS,
  suits: ({ name }) => name !== 'fastify',
  async measure(subject: Subject, seconds: number) {
    const { pairs, arrived, close } = await openPairs(subject);
    let [isRunning, isCounting] = [true, false];
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
    const window = await measured(subject, async () => {
      isCounting = true;
      await forSeconds(seconds)();
      isCounting = false;
    });
    isRunning = false;
    await until(() => acknowledged >= sent || failure !== undefined, ANSWERS_WITHIN_MS);
    if (failure) throw failure;
    await arrived(sent);
    close();
    return {
      'messages/s': latency.count / window.seconds,
      'µs CPU each': (window.cpu / latency.count) * 1e6,
      ...percentiles(latency),
      ...window.load,
    };
  },
};
