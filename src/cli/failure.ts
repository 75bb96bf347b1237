import type { CommanderError } from 'commander';
import { ConfigError } from '../config/config.js';
import { StartError } from '../common/start-error.js';
import { CopyError } from '../database/copy/copy-tables.js';
import { driverProblem } from '../database/sqlite/sqlite-driver.js';

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** A command cannot do what it was asked for; the message is one line with what the operator can do. */
export class CommandError extends Error {}

/** The command line is wrong in a way that its parser cannot see. */
export class UsageError extends CommandError {}

const DAMAGED = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);
const LOST = new Set(['PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE']);
const FULL = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS', 'SQLITE_READONLY', 'SQLITE_CANTOPEN']);

/** Their messages are lines for operators. */
const EXPECTED = [CommandError, ConfigError, StartError, CopyError];

/** What the parser of the command line has found wrong. Where a command is missing, it has printed the help, and no sentence. */
export const parserLine = ({ code, message }: CommanderError): string =>
  code === 'commander.help' ? 'name one of these commands' : message.replace(/^error: /, '');

/** What operators are told of an error. */
export function failureLine(error: unknown, isVerbose: boolean): string {
  if (isVerbose && error instanceof Error) return error.stack ?? error.message;
  if (EXPECTED.some((kind) => error instanceof kind)) return (error as Error).message;
  const { message = String(error), code } = (error ?? {}) as { message?: string; code?: string };
  const line = message.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
  if (driverProblem({ message, code })) return driverProblem({ message, code })!.message;
  if (code !== undefined && FULL.has(code)) return `The disk is full (${line}). Make room, and run the command again.`;
  if (code !== undefined && FORBIDDEN.has(code))
    return `This user may not do that (${line}). Run the command as the user of the server.`;
  if (code !== undefined && LOST.has(code))
    return `The connection to the database server was lost (${line}). Run the command again when it is back.`;
  if (code !== undefined && DAMAGED.has(code))
    return `The database in DATA_DIR is damaged, or none at all (${line}). Move it away, and restore a backup.`;
  return `It failed: ${line}. With --verbose, the command says where.`;
}
