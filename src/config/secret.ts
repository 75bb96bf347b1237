import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError } from './config.js';
import { makeDataFolder } from './data-folder.js';

/** Nest's injection token for the secret that signs tokens and encrypts mails. */
export const SECRET = Symbol('secret');

/**
 * The secret that signs tokens: JWT_SECRET, or a file in DATA_DIR that the first start makes, readable only by its owner. The loss of the file
 * ends all sessions and makes mails that wait unreadable; nothing else.
 * @throws ConfigError where it cannot be made, or read, or is too short
 */
export function loadSecret(config: Pick<Config, 'jwtSecret' | 'dataDir'>): string {
  if (config.jwtSecret) return config.jwtSecret;
  makeDataFolder(config);
  const file = join(config.dataDir, 'jwt-secret');
  try {
    // `wx` fails where the file exists, so that two starts at once cannot both write one.
    writeFileSync(file, randomBytes(48).toString('base64url'), { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const secret = readSecret(file);
  if (Buffer.byteLength(secret) < 32)
    throw new ConfigError(`${file} holds less than 32 bytes. Delete it: a new one is made (all sessions end).`);
  return secret;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { message } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      `The secret cannot be read (${message}). Start the server as the user whose file that is, or set JWT_SECRET.`,
    );
  }
}
