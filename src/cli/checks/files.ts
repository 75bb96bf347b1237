import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/config.js';
import { isDataFolderThere } from '../../config/data-folder.js';
import { openFiles } from '../../config/file-modes.js';
import { size } from '../output.js';
import { type Check, fail, type Found, ok, warn } from './check.js';

const MIB = 1024 * 1024;
/** With less, the database soon cannot store anything. */
const HARDLY_ANY_BYTES = 100 * MIB;
const LITTLE_BYTES = 1_024 * MIB;

/** The folder itself, or the nearest one above it that is there. */
function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder));
}

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export const files: Check = {
  name: 'files',
  // Not to be awaited, but so that what it throws is what is found.
  async look(config) {
    const { dataDir } = config;
    const isThere = isDataFolderThere(config);
    if (!canWrite(existing(dataDir)))
      return [fail(`This user cannot write to ${dataDir}. Run parley as the user of the server, or set DATA_DIR.`)];
    if (!isThere) return [ok(`There is no ${dataDir} yet, and the first start makes it.`)];
    const found = [...openFiles(config).map(warn), ...secret(config)];
    return found.length > 0 ? found : [ok(`What is in ${dataDir} belongs to its owner alone.`)];
  },
};

function secret({ dataDir, jwtSecret }: Config): Found[] {
  const file = join(dataDir, 'jwt-secret');
  if (jwtSecret !== undefined || !existsSync(file)) return [];
  return Buffer.byteLength(readFileSync(file, 'utf8').trim()) < 32
    ? [fail(`${file} holds less than 32 bytes. Delete it: a new one is made (all sessions end).`)]
    : [];
}

export const disk: Check = {
  name: 'disk',
  async look({ dataDir }) {
    const { bavail, blocks, bsize } = await statfs(existing(dataDir));
    const free = bavail * bsize;
    const text = `${size(free)} of ${size(blocks * bsize)} are free at ${dataDir}.`;
    if (free < HARDLY_ANY_BYTES) return [fail(`${text} Make room: soon nothing can be stored.`)];
    return [free < LITTLE_BYTES ? warn(`${text} Make room.`) : ok(text)];
  },
};
