import type { Figures } from '../figures.js';
import { busyBetween, machineTimes } from '../machine.js';
import { type Durations, sleep } from '../stats.js';
import type { Subject } from '../subject.js';

/** Something that can be measured. */
export interface Workload {
  /** The option that chooses it, and the table it stands in. */
  family: string;
  work: string;
  suits: (subject: Subject) => boolean;
  /** How many get each message; of a work that is about messages. */
  receivers?: number;
  /** In a process that has done nothing yet. */
  isFresh?: boolean;
  /** One round; the first figure is what the work is about. */
  measure: (subject: Subject, seconds: number) => Promise<Figures>;
}

export const TEXT = 'x'.repeat(100);
export const WARM_UP_SECONDS = 1;

export interface Window {
  seconds: number;
  /** Seconds of CPU of the server, its database and its Redis. */
  cpu: number;
  /** How busy everything was, and what it was like inside the server. */
  load: Figures;
}

/** Runs `during` (or simply waits) between two looks at the clock, at everybody's CPU, and into the server. */
export async function measured(subject: Subject, during: () => Promise<void>): Promise<Window> {
  await subject.watch();
  const traffic = await subject.traffic?.soFar();
  const [cpu, own, machine, start] = [subject.cpu(), process.cpuUsage(), machineTimes(), performance.now()];
  await during();
  const seconds = (performance.now() - start) / 1000;
  const [cpuAfter, ownAfter, machineAfter] = [subject.cpu(), process.cpuUsage(own), machineTimes()];
  const trafficAfter = await subject.traffic?.soFar();
  const { loop, gc } = await subject.watched();
  const server = cpuAfter.server - cpu.server;
  const database = cpuAfter.database - cpu.database;
  const redis = cpuAfter.redis - cpu.redis;
  const generator = (ownAfter.user + ownAfter.system) / 1e6;
  return {
    seconds,
    cpu: server + database + redis,
    load: {
      server: server / seconds,
      database: database / seconds,
      ...(traffic &&
        trafficAfter && {
          redis: redis / seconds,
          'Redis commands/s': (trafficAfter.commands - traffic.commands) / seconds,
          'Redis KiB/s': (trafficAfter.bytes - traffic.bytes) / 1024 / seconds,
        }),
      generator: generator / seconds,
      'loop p99 ms': loop.p99,
      'loop max ms': loop.max,
      'GC max ms': gc.max,
      GC: gc.total / 1000 / seconds,
      ...busyBetween(machine, machineAfter, seconds, server + database + redis + generator),
    },
  };
}

export const forSeconds = (seconds: number) => (): Promise<void> => sleep(seconds * 1000);

/** Below so many, the thousandth is one or two, and says nothing. */
const FEWEST_FOR_A_THOUSANDTH = 2_000;

export const percentiles = (latency: Durations): Figures => ({
  'p50 ms': latency.percentile(50),
  'p99 ms': latency.percentile(99),
  ...(latency.count >= FEWEST_FOR_A_THOUSANDTH && { 'p99.9 ms': latency.percentile(99.9) }),
});

const M = 0x6d;
const BRACE = 0x7d;

/**
 * The event is `message`, and not news about who is there, which also arrives: `42["m…`. Nor is it a notice of who came and went in a
 * group, which is a `message` that ends with an object: `…}}]`.
 */
export const isDelivery = (packet: Buffer): boolean => packet[4] === M && packet[packet.length - 3] !== BRACE;

/** Waits for what is on its way, for so many milliseconds at most. */
export async function until(isTrue: () => boolean, within: number): Promise<void> {
  for (const end = performance.now() + within; !isTrue() && performance.now() < end;) await sleep(10);
}
