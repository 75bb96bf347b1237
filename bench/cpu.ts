// Which process runs on which core, and how busy each was. Linux with taskset; elsewhere nothing is pinned and /proc is not read.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const hasTaskset = ((): boolean => {
  try {
    execFileSync('taskset', ['-p', String(process.pid)], { stdio: 'ignore' });
    return availableParallelism() > 1;
  } catch {
    return false;
  }
})();

/** The server and its database share the first core, whatever loads them has the second. */
export const SERVER_CORE = 0;
export const GENERATOR_CORE = 1;
export const isPinned = hasTaskset;

/** Moves a process with all of its threads to one core; what it starts later stays there, too. */
export function pin(pid: number, core: number): void {
  if (hasTaskset) execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
}

/** Clock ticks a second in /proc; 100 wherever Linux runs today (`getconf CLK_TCK`). */
const TICKS = 100;

/** Seconds of CPU that a process has used, in user and kernel mode (proc(5), fields 14 and 15). NaN where there is no /proc. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return NaN;
  }
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return NaN;
  }
}
