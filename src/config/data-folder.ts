import {
  accessSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, ConfigError } from './config.js';

type Folder = Pick<Config, 'dataDir'>;

/** The embedded database. */
export const sqliteFile = ({ dataDir }: Folder): string => join(dataDir, 'parley.sqlite');

/** The embedded database with the files that SQLite keeps beside it while somebody has it open. */
export const sqliteFiles = (config: Folder): string[] => ['', '-wal', '-shm'].map((end) => sqliteFile(config) + end);

/** With these, every file of SQLite that is not empty begins. */
const MAGIC = 'SQLite format 3\0';
const FORBIDDEN = new Set(['EACCES', 'EPERM']);

/**
 * Whether DATA_DIR is there. Changes nothing. "Not there" is said only where that is known: a folder that this user may not look into, or that
 * is a file, would otherwise pass for a server that was never started.
 * @throws ConfigError where it is no folder, or not for this user
 */
export function isDataFolderThere({ dataDir }: Folder): boolean {
  const found = look(dataDir);
  if (!found) {
    assertNoDeadLink(dataDir);
    return false;
  }
  if (!found.isDirectory()) throw new ConfigError(`${dataDir} is a file, and not a folder. Correct DATA_DIR.`);
  allow(dataDir, constants.X_OK, () => mayNotLook(dataDir));
  return true;
}

/**
 * What the embedded database is, before it is opened. Changes nothing. `empty` is a file without a byte, in which SQLite sees a new database.
 * @param forWriting whether this user is going to write to it
 * @throws ConfigError as `isDataFolderThere`, and where there is something that is no database, or not for this user
 */
export function lookAtDatabase(config: Folder, forWriting = false): 'none' | 'empty' | 'there' {
  if (!isDataFolderThere(config)) return 'none';
  const file = sqliteFile(config);
  const found = look(file);
  if (!found) return 'none';
  if (!found.isFile()) throw new ConfigError(`${file} is no file. Move it away, or correct DATA_DIR.`);
  for (const one of sqliteFiles(config)) {
    if (!look(one)) continue;
    allow(one, constants.R_OK, () => mayNot('read', one));
    if (forWriting) allow(one, constants.W_OK, () => mayNot('write to', one));
  }
  if (found.size === 0) return 'empty';
  if (beginningOf(file) !== MAGIC)
    throw new ConfigError(
      `${file} is no database: it was damaged, or is something else. Move it away, and restore a backup.`,
    );
  return 'there';
}

/** Makes DATA_DIR where it is not there. @throws ConfigError as `isDataFolderThere`, and where this user may not make it, or write to it */
export function makeDataFolder(config: Folder): void {
  const { dataDir } = config;
  if (!isDataFolderThere(config)) {
    try {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    } catch (error) {
      assertNotReadOnly(dataDir, error);
      if (!isForbidden(error)) throw error;
      throw new ConfigError(
        `There is no folder ${dataDir}, and this user may not make it. Make it for the user of the server, or correct DATA_DIR.`,
      );
    }
  }
  allow(dataDir, constants.W_OK | constants.X_OK, () => mayNot('write to', dataDir));
}

/** Why there is nothing to look at in DATA_DIR, for what needs a database. */
export function noDatabase(config: Folder): ConfigError {
  const { dataDir } = config;
  const why = look(dataDir) ? '' : ': the folder is not there';
  return new ConfigError(`There is no database in ${dataDir}${why}. Check DATA_DIR and DATABASE_URL.`);
}

/** It, and the folders that it would stand in. @throws ConfigError where one is a link that leads nowhere: a disk is not mounted, mostly */
function assertNoDeadLink(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink() && !look(path))
    throw new ConfigError(`${path} is a link to a folder that is not there. Mount it, or correct DATA_DIR.`);
  if (!found && dirname(path) !== path) assertNoDeadLink(dirname(path));
}

/** What stands at a path; undefined where that is nothing, for certain. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (isForbidden(error)) throw mayNotLook(dirname(path));
    if (code === 'ENOTDIR') throw new ConfigError(`${path} lies below a file, and not a folder. Correct DATA_DIR.`);
    throw new ConfigError(`${path} cannot be used (${message}). Correct DATA_DIR.`);
  }
}

function allow(path: string, mode: number, refusal: () => ConfigError): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    assertNotReadOnly(path, error);
    throw isForbidden(error) ? refusal() : error;
  }
}

/** As a disk is after an error. */
function assertNotReadOnly(path: string, error: unknown): void {
  if ((error as NodeJS.ErrnoException).code === 'EROFS')
    throw new ConfigError(`Nobody may write to ${path}: its disk is mounted for reading alone. Mount it for writing.`);
}

const isForbidden = (error: unknown): boolean => FORBIDDEN.has((error as NodeJS.ErrnoException).code ?? '');

const mayNotLook = (folder: string): ConfigError => mayNot('look into', folder);

const mayNot = (what: string, path: string): ConfigError =>
  new ConfigError(`This user may not ${what} ${path}. Run it as the user of the server, or correct DATA_DIR.`);

function beginningOf(file: string): string {
  const bytes = Buffer.alloc(MAGIC.length);
  const opened = openSync(file, 'r');
  try {
    return bytes.toString('latin1', 0, readSync(opened, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(opened);
  }
}
