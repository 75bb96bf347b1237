import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.js';
import { isDataFolderThere, sqliteFiles } from './data-folder.js';

/** From here on, new files belong to their owner alone. Call it once, before any file is made. */
export const makePrivateFiles = (): void => void process.umask(0o077);

const FOR_OTHERS = 0o007;
const FOR_ALL_BUT_THE_OWNER = 0o077;

/**
 * Warns of existing files that other users of this machine can read, each with the command that mends it. Windows has no such modes. A group
 * may be intended, as on Kubernetes, but never for the secret.
 * @throws ConfigError where DATA_DIR is no folder, or not for this user
 */
export function openFiles(config: Pick<Config, 'dataDir' | 'jwtSecret'>): string[] {
  if (process.platform === 'win32' || !isDataFolderThere(config)) return [];
  const { dataDir, jwtSecret } = config;
  const outbox = join(dataDir, 'outbox');
  const isOpen = (path: string, bits = FOR_OTHERS): boolean =>
    ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & bits) !== 0;
  const open = [
    ...[dataDir, outbox].filter((folder) => isOpen(folder)).map((path) => ({ path, mode: '700' })),
    ...sqliteFiles(config)
      .filter((file) => isOpen(file))
      .map((path) => ({ path, mode: '600' })),
  ];
  const secret = join(dataDir, 'jwt-secret');
  if (!jwtSecret && isOpen(secret, FOR_ALL_BUT_THE_OWNER)) open.push({ path: secret, mode: '600' });
  const mails = existsSync(outbox) ? readdirSync(outbox).filter((name) => isOpen(join(outbox, name))) : [];
  return [
    ...open.map(({ path, mode }) => `Others on this machine can look into ${path}. Run: chmod ${mode} '${path}'`),
    ...(mails.length > 0
      ? [`Others on this machine can read ${mails.length} mails in ${outbox}. Run: chmod -R go= '${outbox}'`]
      : []),
  ];
}
