import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { create } from 'tar';
import type { Config } from '../../config/config.js';
import { isDataFolderThere, sqliteFile } from '../../config/data-folder.js';
import { VERSION } from '../../common/version.js';
import { compareTables, copyTables } from '../../database/copy/copy-tables.js';
import { readFrom } from '../../database/copy/source.js';
import { flushed, Target } from '../../database/copy/target.js';
import { openToRead } from '../../database/open-to-read.js';
import { schemaState } from '../../database/schema-state.js';
import { sqliteDriver } from '../../database/sqlite/sqlite-driver.js';
import { sizesOf } from '../../database/table-sizes.js';
import { outboxFolder } from '../../mail/transport.js';
import { engineOf } from '../checks/database.js';
import { CommandError } from '../failure.js';
import { assertNew } from '../given-files.js';
import { openAnyTables } from '../open-tables.js';
import { temporaryFolder } from '../temporary-folder.js';
import { DATABASE, isPart, MANIFEST, type Manifest, OUTBOX, partOf, SECRET } from './manifest.js';

/** Pages of a file of SQLite that are copied before others get a turn. */
const PAGES_AT_ONCE = 2_000;

/** Who is told of what goes on. */
interface Told {
  onStep: (text: string) => void;
  /** What the operator should know of the backup. */
  warn: (sentence: string) => void;
}

/**
 * Writes a backup of everything that is stored at this moment, while a server may run. The file is there when it is whole, and not before.
 * @throws CommandError, StartError, ConfigError
 */
export async function backUp(config: Config, file: string, to: Told): Promise<Manifest> {
  assertNew(file);
  // Also where the database is on a server: the secret and the mails are in the folder.
  isDataFolderThere(config);
  const engine = await engineIn(config, to.warn);
  // Beside the file, so that it can be renamed into place.
  const folder = temporaryFolder(join(dirname(file), `.${basename(file)}-unfinished-`));
  try {
    to.onStep('copying the database');
    if (config.databaseUrl) await copyFromServer(config, folder.path);
    else await copyOnline(config, folder.path);
    const { migrations, rows } = await contentsOf(folder.path);
    const paths = [DATABASE, ...(await copySecret(config, folder.path)), ...(await copyOutbox(config, folder.path))];
    const parts = [];
    for (const path of paths) parts.push(await partOf(folder.path, path));
    const created_at = new Date().toISOString();
    const manifest: Manifest = { format: 1, parley: VERSION, created_at, engine, migrations, rows, parts };
    await writeFile(join(folder.path, MANIFEST), JSON.stringify(manifest, null, 2));
    to.onStep('packing');
    const packed = join(folder.path, 'packed');
    await create({ gzip: true, file: packed, cwd: folder.path, portable: true, mode: 0o600 }, [MANIFEST, ...paths]);
    const handle = await open(packed, 'r+');
    await handle.chmod(0o600);
    await handle.sync();
    await handle.close();
    await rename(packed, file);
    await flushed(dirname(file));
    return manifest;
  } finally {
    folder.remove();
  }
}

/** Also where tables are older than this program: a backup comes before `parley migrate`. */
async function engineIn(config: Config, warn: (sentence: string) => void): Promise<string> {
  const meaning = 'Only a version that does restores this backup.';
  // From a server, rows go into tables that this program makes: `readFrom` refuses what it does not know.
  const newer = { refuses: true, meaning, warn: config.databaseUrl ? () => undefined : warn };
  const { source } = await openAnyTables(config, newer);
  try {
    return await engineOf(source);
  } finally {
    await source.destroy();
  }
}

/** SQLite's own online backup. The read transaction keeps it from beginning anew whenever the server writes. */
async function copyOnline(config: Config, folder: string): Promise<void> {
  const Database = sqliteDriver();
  const source = new Database(sqliteFile(config), { readonly: true });
  try {
    source.exec('BEGIN');
    source.prepare('SELECT 1 FROM sqlite_master').all();
    await source.backup(join(folder, DATABASE), { progress: () => PAGES_AT_ONCE });
    source.exec('COMMIT');
  } finally {
    source.close();
  }
  const copy = new Database(join(folder, DATABASE));
  try {
    const [found] = copy.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
    if (found?.quick_check !== 'ok')
      throw new CommandError(
        `The database in ${config.dataDir} is damaged: ${found?.quick_check}. Restore an older backup.`,
      );
    // One file: what it is read by needs no other beside it.
    copy.pragma('journal_mode = DELETE');
  } finally {
    copy.close();
  }
}

/** A server's tables, as they are at one moment, in a file of SQLite: it can be restored into any database. */
async function copyFromServer(config: Config, folder: string): Promise<void> {
  const from = await readFrom(config);
  try {
    const target = await Target.make({ dataDir: folder, databaseUrl: undefined });
    try {
      await copyTables(from, target.store);
      await compareTables(from, target.store);
      await target.finish();
    } catch (error) {
      await target.abandon();
      throw error;
    }
  } finally {
    await from.close();
  }
}

async function contentsOf(folder: string): Promise<Pick<Manifest, 'migrations' | 'rows'>> {
  const source = await openToRead({ dataDir: folder, databaseUrl: undefined });
  if (!source) throw new CommandError('The copy of the database is gone.');
  try {
    return { migrations: (await schemaState(source)).done, rows: (await sizesOf(source)).rows };
  } finally {
    await source.destroy();
  }
}

/** Without it all sessions end, and mails that wait cannot be read. */
async function copySecret({ jwtSecret, dataDir }: Config, folder: string): Promise<string[]> {
  if (jwtSecret !== undefined) await writeFile(join(folder, SECRET), jwtSecret);
  else if (existsSync(join(dataDir, SECRET))) await copyFile(join(dataDir, SECRET), join(folder, SECRET));
  else return [];
  return [SECRET];
}

async function copyOutbox(config: Config, folder: string): Promise<string[]> {
  const names = await readdir(outboxFolder(config)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const paths = names.map((name) => `${OUTBOX}/${name}`).filter(isPart);
  if (paths.length > 0) await mkdir(join(folder, OUTBOX));
  const copied: string[] = [];
  for (const path of paths) {
    // An erasure deletes mails meanwhile.
    const isThere = await copyFile(join(config.dataDir, path), join(folder, path)).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && Promise.reject(error),
    );
    if (isThere) copied.push(path);
  }
  return copied;
}
