import { existsSync, readdirSync, rmSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { extract } from 'tar';
import { DataSource } from 'typeorm';
import type { Config } from '../../config/config.js';
import { makeDataFolder } from '../../config/data-folder.js';
import { VERSION } from '../../common/version.js';
import { compareTables, copyTables } from '../../database/copy/copy-tables.js';
import { readFrom } from '../../database/copy/source.js';
import { flushed, Target } from '../../database/copy/target.js';
import { sqliteOptions } from '../../database/data-source-options.js';
import { migrations } from '../../database/migrations/all.js';
import { storeFloors } from '../../database/schema-floors.js';
import { schemaState } from '../../database/schema-state.js';
import type { Finding } from '../../integrity/finding.js';
import { CommandError } from '../failure.js';
import { faultsIn } from '../faults.js';
import { assertReadable } from '../given-files.js';
import { temporaryFolder } from '../temporary-folder.js';
import { checkedManifest, isPart, type Manifest, SECRET } from './manifest.js';

const PREFIX = '.restore-';

export interface Restored {
  manifest: Manifest;
  /** Faults that were in the backup already. */
  findings: Finding[];
  /** What the operator has to do about the secret. */
  advice: string | undefined;
}

/** Brings a backup into the database of the settings, which must be empty. @throws CommandError, StartError, ConfigError */
export async function restore(config: Config, file: string, onStep: (text: string) => void): Promise<Restored> {
  assertReadable(file);
  makeDataFolder(config);
  // The folder of an empty database is found to be empty, or not, before anything is unpacked; it is made last.
  const target = await Target.make(config);
  const folder = temporaryFolder(join(config.dataDir, PREFIX));
  try {
    deleteOthers(folder.path);
    onStep('unpacking');
    await unpack(file, folder.path);
    const manifest = await checkedManifest(folder.path, file);
    const unknown = manifest.migrations.filter((name) => !KNOWN.has(name));
    if (unknown.length > 0)
      throw new CommandError(
        `${file} was made by a newer Parley (${manifest.parley}): its tables are those of ${unknown.at(-1)}, and this one (${VERSION}) knows those up to ${LAST}. Restore it with a program that knows ${unknown.at(-1)}.`,
      );
    const advice = await restoreSecret(config, folder.path);
    onStep('restoring the database');
    await bringUpToDate(folder.path);
    const findings = await faultsIn({ dataDir: folder.path, databaseUrl: undefined });
    await restoreOutbox(config, folder.path, manifest);
    const from = await readFrom({ dataDir: folder.path, databaseUrl: undefined });
    try {
      await copyTables(from, target.store);
      await compareTables(from, target.store);
    } finally {
      await from.close();
    }
    await target.finish();
    return { manifest, findings, advice };
  } catch (error) {
    await target.abandon();
    throw error;
  } finally {
    folder.remove();
  }
}

/** What restores have left that were killed: this one holds the lock. */
function deleteOthers(folder: string): void {
  const [around, own] = [dirname(folder), basename(folder)];
  for (const name of readdirSync(around))
    if (name.startsWith(PREFIX) && name !== own) rmSync(join(around, name), { recursive: true, force: true });
}

const NAMES = migrations.map((Migration) => new Migration().name);
const KNOWN = new Set(NAMES);
const LAST = NAMES.at(-1);

async function unpack(file: string, folder: string): Promise<void> {
  try {
    await extract({
      file,
      cwd: folder,
      strict: true,
      // Nothing else is ever written, nor outside of the folder, nor a link.
      filter: (path, entry) => isPart(path) && 'type' in entry && entry.type === 'File',
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw error;
    throw new CommandError(`${file} cannot be unpacked (${message}): it is damaged, or no backup. Take another one.`);
  }
}

/** Runs what migrations there are since the backup, on the copy. */
async function bringUpToDate(folder: string): Promise<void> {
  const source = await new DataSource(sqliteOptions({ dataDir: folder })).initialize();
  try {
    const { pending } = await schemaState(source);
    if (pending.length === 0) return;
    await storeFloors(source.manager, pending);
    await source.runMigrations({ transaction: 'each' });
  } finally {
    await source.destroy();
  }
}

/** @returns what is left to do */
async function restoreSecret({ dataDir, jwtSecret }: Config, folder: string): Promise<string | undefined> {
  const from = join(folder, SECRET);
  if (!existsSync(from)) return undefined;
  const secret = (await readFile(from, 'utf8')).trim();
  if (jwtSecret !== undefined)
    return jwtSecret.trim() === secret
      ? undefined
      : 'JWT_SECRET is not that of the backup: all sessions end, and mails that wait cannot be sent. Set JWT_SECRET_PREVIOUS to the former one.';
  const to = join(dataDir, SECRET);
  if (existsSync(to) && (await readFile(to, 'utf8')).trim() !== secret)
    throw new CommandError(`${to} is there already, and is another one than in the backup. Move it away.`);
  await placed(from, to);
  return undefined;
}

async function restoreOutbox({ dataDir }: Config, folder: string, { parts }: Manifest): Promise<void> {
  for (const { path } of parts) {
    if (!path.endsWith('.eml') || existsSync(join(dataDir, path))) continue;
    await mkdir(dirname(join(dataDir, path)), { recursive: true, mode: 0o700 });
    await placed(join(folder, path), join(dataDir, path));
  }
}

/** The file is there when it is whole. */
async function placed(from: string, to: string): Promise<void> {
  const draft = `${to}.unfinished`;
  await copyFile(from, draft);
  const handle = await open(draft, 'r+');
  await handle.chmod(0o600);
  await handle.sync();
  await handle.close();
  await rename(draft, to);
  await flushed(dirname(to));
}
