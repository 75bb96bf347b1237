// What else the machine does: figures taken beside somebody else's work are worth little, and have to say so.
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { sleep } from './stats.js';

/** Clock ticks a second in /proc; 100 wherever Linux runs today (`getconf CLK_TCK`). */
const TICKS = 100;

/** Seconds of CPU since the machine started, over all cores: of all processes, and kept back by the hypervisor. */
export interface MachineTimes {
  processes: number;
  stolen: number;
}

/** NaN where there is no /proc. */
export function machineTimes(): MachineTimes {
  try {
    // proc(5): user, nice, system, idle, iowait, irq, softirq, steal. Interrupts belong to no process.
    const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n')[0]
      .replace(/^cpu +/, '')
      .split(' ')
      .map((ticks) => Number(ticks) / TICKS);
    return { processes: user + nice + system, stolen: steal };
  } catch {
    return { processes: NaN, stolen: NaN };
  }
}

/** In cores: 1 is a whole one. */
export interface Busy {
  others: number;
  stolen: number;
}

/** @param own seconds of CPU that the benchmark's own processes took meanwhile */
export const busyBetween = (before: MachineTimes, after: MachineTimes, seconds: number, own: number): Busy => ({
  // Ticks are coarse: a little less than nothing is nothing.
  others: Math.max(0, (after.processes - before.processes - own) / seconds),
  stolen: Math.max(0, (after.stolen - before.stolen) / seconds),
});

/** Above these, in cores, somebody else's work is part of the figures. */
export const MOST_OTHERS = 0.1;
export const MOST_STOLEN = 0.02;

const LOOKS_FOR_MS = 1_000;

export interface MachineBefore extends Busy {
  cores: number;
  cpu: string;
  /** Of the last minute. */
  loadAverage: number;
}

/** What others do while the benchmark does nothing yet. */
export async function machineBefore(): Promise<MachineBefore> {
  const [times, own] = [machineTimes(), process.cpuUsage()];
  await sleep(LOOKS_FOR_MS);
  const { user, system } = process.cpuUsage(own);
  const busy = busyBetween(times, machineTimes(), LOOKS_FOR_MS / 1000, (user + system) / 1e6);
  return { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', loadAverage: loadavg()[0], ...busy };
}

const percent = (cores: number): string => `${Math.round(cores * 100)} %`;

/** A sentence where the machine is not free, before anything is measured. */
export function warnBefore({ others, stolen, loadAverage, cores }: MachineBefore): string | undefined {
  if (!(others > MOST_OTHERS || stolen > MOST_STOLEN)) return undefined;
  const load = `load average ${loadAverage.toFixed(1)} on ${cores} cores`;
  return `The machine is busy before anything is measured: other processes take ${percent(others)} of a core and the hypervisor ${percent(stolen)} (${load}).`;
}

/** A sentence where it was not free while something was measured. */
export function warnDuring(what: string, { others, stolen }: Busy): string | undefined {
  if (!(others > MOST_OTHERS || stolen > MOST_STOLEN)) return undefined;
  return `${what}: other processes took up to ${percent(others)} of a core meanwhile, and the hypervisor ${percent(stolen)}.`;
}
