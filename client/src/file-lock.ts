import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ParleyError } from './errors.js';

/** How often a holder touches its lock, for those who cannot ask whether its process lives. */
const TOUCH_EVERY_MS = 5_000;
/** A lock that nobody touched for as long, while somebody watched it, belongs to nobody. */
const WATCH_MS = 15_000;
/** Another start that takes over a dead process's lock needs a moment, and no more. */
const TRIES = 250;
const PAUSE_MS = 20;

interface Owner {
  pid: number;
  host: string;
  /** Which process of that number; '' where this system does not tell. */
  start: string;
}

interface Seen {
  text: string;
  /** Changes with each touch. */
  mark: string;
}

export interface FileLock {
  /** @throws ParleyError `storage_failed`, where it was taken away */
  check(): Promise<void>;
  release(): Promise<void>;
}

/**
 * One process at a time. A lock is a file that names its process. Of a process of this machine that has died, it is taken over at once;
 * of one on another machine (or container) that shares the folder, after 15 s in which it was not touched.
 * @param what the lock is for, in messages
 * @throws ParleyError `storage_failed`, where a living process holds it
 */
export async function takeFileLock(path: string, what: string, watch_ms = WATCH_MS): Promise<FileLock> {
  const mine = await take(path, what, watch_ms);
  const check = async (): Promise<void> => {
    if ((await look(path))?.text !== mine)
      throw new ParleyError('storage_failed', `${what}: its lock ${path} was taken away or deleted.`);
  };
  const touching = setInterval(() => {
    const now = new Date();
    check()
      .then(() => utimes(path, now, now))
      .catch(() => clearInterval(touching));
  }, TOUCH_EVERY_MS).unref();
  return {
    check,
    release: async () => {
      clearInterval(touching);
      if ((await look(path))?.text === mine) await rm(path, { force: true });
    },
  };
}

/** @returns what stands in it */
async function take(path: string, what: string, watch_ms: number): Promise<string> {
  const me: Owner = { pid: process.pid, host: hostname(), start: await startOf(process.pid) };
  const mine = JSON.stringify({ ...me, id: randomUUID() });
  for (let tries = 0; tries < TRIES; tries++) {
    if (await create(path, mine)) {
      // Whoever saw it between its making and its writing may have watched it for too long.
      if ((await look(path))?.text === mine) return mine;
      continue;
    }
    const seen = await look(path);
    if (!seen) continue;
    if (await isHeld(path, seen, me, watch_ms)) throw new InUse(path, what, seen);
    // Two that find it dead must not both remove it: the second would remove the first one's new lock. So that right is a lock, too.
    const right = `${path}~`;
    try {
      await take(right, what, watch_ms);
    } catch (error) {
      if (!(error instanceof InUse)) throw error;
      await sleep(PAUSE_MS);
      continue;
    }
    try {
      const now = await look(path);
      if (now?.text === seen.text && now.mark === seen.mark) await rm(path, { force: true });
    } finally {
      await rm(right, { force: true });
    }
  }
  throw new ParleyError('storage_failed', `${what}: others take its lock ${path} again and again.`);
}

class InUse extends ParleyError {
  constructor(path: string, what: string, { text }: Seen) {
    const owner = parse(text);
    const by = owner ? `process ${owner.pid} on ${owner.host}` : 'another process';
    super('storage_failed', `${what} is in use by ${by}: one at a time. If there is no such process, delete ${path}.`);
  }
}

async function create(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function look(path: string): Promise<Seen | undefined> {
  try {
    const [text, { ino, mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { text, mark: `${ino} ${mtimeMs}` };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function isHeld(path: string, seen: Seen, me: Owner, watch_ms: number): Promise<boolean> {
  const owner = parse(seen.text);
  if (owner?.host === me.host) {
    if (!isAlive(owner.pid)) return false;
    if (owner.start && me.start) return (await startOf(owner.pid)) === owner.start;
  }
  for (let watched = 0; watched < watch_ms; watched += PAUSE_MS) {
    await sleep(PAUSE_MS);
    const now = await look(path);
    // Gone, or another's: the next look decides.
    if (now?.text !== seen.text) return false;
    if (now.mark !== seen.mark) return true;
  }
  return false;
}

function parse(text: string): Owner | undefined {
  try {
    const { pid, host, start } = JSON.parse(text) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' && typeof start === 'string'
      ? { pid, host, start }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Numbers of processes come again, after a reboot or in a new container the same ones. Linux tells when each began. */
async function startOf(pid: number): Promise<string> {
  try {
    const [boot, process] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ]);
    // The name in brackets may hold anything. Behind it the 20th is the time of its start.
    return `${boot.trim()} ${process.slice(process.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return '';
  }
}
