import type { DatabaseUrl } from '../config/database-url.js';
import { driverCode, isDeadlock, isLockTimeout, isOutOfService, isReadOnly } from '../common/lost-connection.js';
import { StartError } from '../common/start-error.js';

const AWAY = new Set([
  'ECONNREFUSED',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNRESET',
  'PROTOCOL_CONNECTION_LOST',
]);
const TOO_MANY = new Set(['ER_CON_COUNT_ERROR', 'ER_TOO_MANY_USER_CONNECTIONS', 'ER_USER_LIMIT_REACHED']);
const WRONG_LOGIN = new Set(['ER_ACCESS_DENIED_ERROR', 'ER_ACCESS_DENIED_NO_PASSWORD_ERROR']);
const NO_RIGHT = new Set([
  'ER_DBACCESS_DENIED_ERROR',
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_COLUMNACCESS_DENIED_ERROR',
  'ER_SPECIFIC_ACCESS_DENIED_ERROR',
]);
const FULL = new Set(['ER_DISK_FULL', 'ER_RECORD_FILE_FULL']);

/** The error message of a server, without line breaks. */
export function oneLine(error: unknown): string {
  const { message } = (error ?? {}) as { message?: string };
  return (message || driverCode(error)).replace(/\s+/g, ' ').replace(/\.$/, '');
}

/** The sentence for operators about the server in DATABASE_URL, with what to do; undefined where it is our fault. */
export function mysqlProblem(error: unknown, url: DatabaseUrl): StartError | undefined {
  const line = lineOf(driverCode(error), error, url);
  return line === undefined ? undefined : new StartError(line);
}

function lineOf(
  code: string,
  error: unknown,
  { host, port, user, database, sslMode }: DatabaseUrl,
): string | undefined {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const said = oneLine(error);
  if (AWAY.has(code))
    return `The database in DATABASE_URL cannot be used: no server answers at ${where} (${code}). Start it, or correct DATABASE_URL.`;
  if (TOO_MANY.has(code))
    return `The server in DATABASE_URL has no connection left (${said}). Raise its max_connections (or the user's), or lower DATABASE_POOL.`;
  if (WRONG_LOGIN.has(code)) {
    // MariaDB answers the same where it takes encrypted connections only.
    const orTls = sslMode === 'DISABLED' ? ', or it demands TLS, and ssl-mode is DISABLED' : '';
    return `The server in DATABASE_URL refuses the user ${user ?? '(none)'}: wrong name or password${orTls} (${code}). Correct DATABASE_URL.`;
  }
  if (NO_RIGHT.has(code))
    return `The user in DATABASE_URL may not do what Parley needs (${said}). As an administrator: GRANT ALL ON \`${database}\`.* TO that user.`;
  if (code === 'ER_BAD_DB_ERROR')
    return `There is no database ${database} at ${where}. CREATE DATABASE \`${database}\`, or correct DATABASE_URL.`;
  if (code === 'ER_SECURE_TRANSPORT_REQUIRED')
    return `The server in DATABASE_URL takes encrypted connections only, and ssl-mode is ${sslMode}. Say ssl-mode=REQUIRED, VERIFY_CA or VERIFY_IDENTITY.`;
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT')
    return `The server in DATABASE_URL offers no TLS, and ssl-mode=${sslMode} demands it. Turn it on there, or change ssl-mode.`;
  if (code === 'HANDSHAKE_SSL_ERROR')
    return `TLS with the server in DATABASE_URL failed (${said}). Check its certificate, ssl-mode=${sslMode} and ssl-ca.`;
  if (isOutOfService(error))
    return `The server in DATABASE_URL serves nobody (${said}): its cluster has no majority, or it is still joining it. Start the other servers, or name one that serves.`;
  if (isLockTimeout(error) || isDeadlock(error))
    return `The server in DATABASE_URL did not get to it in time (${said}): another transaction was in the way, or its cluster was changing. Start Parley again.`;
  if (isReadOnly(error)) return `The server in DATABASE_URL is read-only (${said}). Name the one that takes writes.`;
  if (FULL.has(code)) return `The disk of the server in DATABASE_URL is full (${said}). Make room.`;
  // Vitess, where tables are changed only by deploy requests.
  if (code === 'ER_UNKNOWN_ERROR' && /ddl/i.test(said))
    return `The server in DATABASE_URL lets nobody change tables like this (${said}). Run \`parley migrate\` where it is allowed, and set MIGRATE_AT_START=off.`;
  return undefined;
}
