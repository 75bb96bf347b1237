import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandError } from '../failure.js';

export const MANIFEST = 'manifest.json';
export const DATABASE = 'parley.sqlite';
export const SECRET = 'jwt-secret';
export const OUTBOX = 'outbox';

/** What a backup says of itself. */
export interface Manifest {
  format: 1;
  /** The version of Parley that made it. */
  parley: string;
  created_at: string;
  /** What the database was when the backup was made; in the archive, it is always a file of SQLite. */
  engine: string;
  /** Names of all migrations that made its tables. */
  migrations: string[];
  /** Rows by table. */
  rows: Record<string, number>;
  /** All other files, with their SHA-256. */
  parts: { path: string; bytes: number; sha256: string }[];
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

export async function partOf(folder: string, path: string): Promise<Manifest['parts'][number]> {
  const file = join(folder, path);
  return { path, bytes: (await stat(file)).size, sha256: await sha256(file) };
}

/** Whether this is the name of a part: nothing else of an archive is ever written. */
export const isPart = (path: string): boolean =>
  path === MANIFEST || path === DATABASE || path === SECRET || /^outbox\/[\w-]+\.eml$/.test(path);

/** Reads the manifest of a backup that was unpacked, and checks every part against it. @throws CommandError */
export async function checkedManifest(folder: string, name: string): Promise<Manifest> {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Manifest;
  } catch {
    throw new CommandError(`${name} is no backup of Parley: there is no ${MANIFEST} in it.`);
  }
  if (manifest.format !== 1)
    throw new CommandError(`${name} was made by a newer Parley (${manifest.parley}). Restore it with that version.`);
  for (const { path, bytes, sha256: expected } of manifest.parts) {
    const found = isPart(path) ? await partOf(folder, path).catch(() => undefined) : undefined;
    if (found?.bytes !== bytes || found.sha256 !== expected)
      throw new CommandError(`${name} is damaged: ${path} is not what the manifest says. Take another backup.`);
  }
  if (!manifest.parts.some(({ path }) => path === DATABASE))
    throw new CommandError(`${name} is damaged: there is no database in it. Take another backup.`);
  return manifest;
}
