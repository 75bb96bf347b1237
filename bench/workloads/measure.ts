import { GENERATOR_CORE, isPinned } from '../cpu.js';
import { sleep } from '../stats.js';
import type { Subject } from '../subjects.js';

/** How busy each side's core was, 0 … 1; NaN where the machine does not tell. */
export interface Load {
  server: number;
  database: number;
  generator: number;
}

export interface Window {
  seconds: number;
  load: Load;
}

/** Runs `during` (or simply waits) between two looks at the clock and at everybody's CPU. */
export async function measured(subject: Subject, during: () => Promise<void>): Promise<Window> {
  const [cpu, own, start] = [subject.cpu(), process.cpuUsage(), performance.now()];
  await during();
  const seconds = (performance.now() - start) / 1000;
  const [cpuAfter, ownAfter] = [subject.cpu(), process.cpuUsage(own)];
  return {
    seconds,
    load: {
      server: (cpuAfter.server - cpu.server) / seconds,
      database: (cpuAfter.database - cpu.database) / seconds,
      generator: (ownAfter.user + ownAfter.system) / 1e6 / seconds,
    },
  };
}

export const forSeconds = (seconds: number) => (): Promise<void> => sleep(seconds * 1000);

/** Which side had no more to give: then the other's figure is a lower bound. */
export function busySide({ load: { server, database, generator } }: Window): string {
  const serverSide = server + database;
  if (!isPinned || Number.isNaN(serverSide)) return '?';
  if (serverSide < 0.9 && generator < 0.9) return 'neither';
  return serverSide >= generator ? 'server' : `generator (core ${GENERATOR_CORE})`;
}

const M = 0x6d;

/** The event is `message`, and not news about who is there, which also arrives: `42["m…`. */
export const isDelivery = (packet: Buffer): boolean => packet[4] === M;
