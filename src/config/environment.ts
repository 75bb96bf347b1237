import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type Config, ConfigError, loadConfig } from './config.js';
import { variables } from './variables.js';

/** Whether npm started the process: `npm start` and others put npm and a shell above it. */
export const isStartedByNpm = (): boolean => process.env['npm_lifecycle_event'] !== undefined;

/** Whether the operator wants to see where errors arise: any DEBUG will do. */
export const isDebugged = (): boolean => Boolean(process.env['DEBUG']);

/** Variables of other programs in the same file: Node, npm, the C library. Not `UV_…`, which has an effect only before the file is read. */
const NOT_OURS = /^(NODE_|npm_|TZ$|LANG$|LC_|DEBUG$|NO_COLOR$|FORCE_COLOR$|SSL_CERT_|HTTPS?_PROXY$|NO_PROXY$)/i;

/**
 * The process's environment, with a `.env` file in the current folder beneath it.
 * @param warn called with a sentence about names in the file that have no meaning here
 * @throws ConfigError
 */
export function loadEnvironment(warn: (sentence: string) => void = () => {}): Config {
  const given = existsSync('.env') ? parseEnv(readText('.env')) : {};
  const unknown = Object.keys(given).filter((name) => !(name in variables) && !NOT_OURS.test(name));
  if (unknown.length > 0)
    warn(`.env sets what Parley does not read: ${unknown.join(', ')}. Compare the spelling with .env.example.`);
  for (const [name, content] of Object.entries(given)) process.env[name] ??= content;
  return loadConfig(process.env);
}

/** Reads it as UTF-8, without a byte order mark. */
function readText(file: string): string {
  const bytes = readFileSync(file);
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  try {
    if (!isUtf16 && !bytes.includes(0)) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Refused below.
  }
  throw new ConfigError(`${file} is not UTF-8${isUtf16 ? ', but UTF-16' : ''}: save it as UTF-8, and start again.`);
}
