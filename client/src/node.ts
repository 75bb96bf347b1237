import { open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ParleyError } from './errors.js';
import { type FileLock, takeFileLock } from './file-lock.js';
import type { ParleyStorage } from './seams.js';

/** What the file begins with, so that no other JSON file is taken for one of these, and overwritten. */
const FORMAT = 'parley-client/1';

/** Each value as JSON: so what is read is nobody else's object, and what did not change is not written out again. */
type Rows = ReadonlyMap<string, string>;
type Changes = Map<string, string | undefined>;

/**
 * One JSON file, for programs that must not lose what they were about to say. It is written beside and renamed, and a write resolves when
 * both are on the disk: whatever happens to the process or the machine, the file holds all writes that resolved, and no half of one.
 * Only its owner can read it (mode 0600). Nothing is touched before the first `read` or `write`; its folder must be there.
 *
 * One process at a time: `PATH.lock` names it. `close` lets go of it; of a process that has died, the next one takes it over.
 * @throws ParleyError from `read` and `write`: `storage_failed` where another process uses the file, or where it is none of these (it is
 * left as it is); `storage_full`; `closed` after `close`
 */
export function fileStorage(path: string): ParleyStorage {
  const storage = new JsonFile(path);
  return {
    read: (prefix) => storage.read(prefix),
    write: (changes) => storage.write(changes),
    close: () => storage.close(),
  };
}

class JsonFile {
  private opened: Promise<FileLock> | undefined;
  /** As they are on the disk. */
  private rows: Rows = new Map();
  private file = '';
  /** What waits for the write that is under way, all of which will be the next. */
  private next: { changes: Changes; stored: Promise<void> } | undefined;
  /** Settles with the last write; never rejects. */
  private last: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(private readonly path: string) {}

  async read(prefix: string): Promise<Map<string, unknown>> {
    this.refuseIfClosed();
    // What was written before this call is there.
    await this.last;
    await this.open();
    const found = [...this.rows].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(found.map(([key, json]) => [key, JSON.parse(json) as unknown]));
  }

  async write(changes: ReadonlyMap<string, unknown>): Promise<void> {
    this.refuseIfClosed();
    const texts = [...changes].map(
      ([key, value]) => [key, value === undefined ? undefined : this.toJson(value)] as const,
    );
    if (!this.next) {
      const gathered: Changes = new Map();
      const stored = this.last.then(() => {
        this.next = undefined;
        return this.store(gathered);
      });
      this.next = { changes: gathered, stored };
      this.last = stored.catch(() => undefined);
    }
    for (const [key, text] of texts) this.next.changes.set(key, text);
    return this.next.stored;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.last;
    const lock = await this.opened?.catch(() => undefined);
    this.opened = undefined;
    await lock?.release();
  }

  private toJson(value: unknown): string {
    try {
      const text = JSON.stringify(value) as string | undefined;
      if (text !== undefined) return text;
    } catch (error) {
      throw failed(this.path, error);
    }
    throw failed(this.path, new TypeError(`JSON cannot hold a ${typeof value}.`));
  }

  private refuseIfClosed(): void {
    if (this.isClosed) throw new ParleyError('closed', `${this.path} was closed.`);
  }

  private open(): Promise<FileLock> {
    // One that failed is tried again: the other process may have ended, the file may have been mended.
    this.opened ??= this.lockAndLoad().catch((error: unknown) => {
      this.opened = undefined;
      throw failed(this.path, error);
    });
    return this.opened;
  }

  private async lockAndLoad(): Promise<FileLock> {
    const folder = await realpath(dirname(resolve(this.path)));
    const named = join(folder, basename(this.path));
    // What a link leads to is replaced, not the link.
    this.file = await realpath(named).catch(() => named);
    const lock = await takeFileLock(`${this.file}.lock`, this.path);
    try {
      this.rows = await load(this.file);
      return lock;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private async store(changes: Changes): Promise<void> {
    const lock = await this.open();
    const rows = new Map(this.rows);
    for (const [key, text] of changes) {
      if (text === undefined) rows.delete(key);
      else rows.set(key, text);
    }
    try {
      await writeDurably(this.file, toText(rows), lock);
    } catch (error) {
      throw failed(this.path, error);
    }
    this.rows = rows;
  }
}

function toText(rows: Rows): string {
  const lines = [...rows].map(([key, text]) => `\n${JSON.stringify(key)}:${text}`);
  return `{"format":${JSON.stringify(FORMAT)},"rows":{${lines.join(',')}\n}}\n`;
}

async function load(file: string): Promise<Rows> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const { format, rows } = JSON.parse(text) as { format?: unknown; rows?: unknown };
    if (format !== FORMAT || typeof rows !== 'object' || rows === null) throw new Error(`no file of ${FORMAT}`);
    return new Map(Object.entries(rows).map(([key, value]) => [key, JSON.stringify(value)]));
  } catch (error) {
    const why = `is broken, or none of Parley's (${(error as Error).message}). It is left as it is: move it away to begin anew.`;
    throw new ParleyError('storage_failed', `${file} ${why}`, { cause: error });
  }
}

async function writeDurably(file: string, text: string, lock: FileLock): Promise<void> {
  const beside = `${file}.new`;
  // One that a killed process left; or a link that somebody else laid there.
  await rm(beside, { force: true });
  const handle = await open(beside, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await lock.check();
  await rename(beside, file);
  // Windows has no such thing.
  if (process.platform === 'win32') return;
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function failed(path: string, error: unknown): ParleyError {
  if (error instanceof ParleyError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new ParleyError('storage_full', `${path}: no room on the disk.`, { cause: error })
    : new ParleyError('storage_failed', `${path}: ${message}`, { cause: error });
}
