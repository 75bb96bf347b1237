import { Logger } from '@nestjs/common';
import { type ConnectionOptions, createConnection, type RowDataPacket, type SslOptions } from 'mysql2/promise';
import type { DatabaseUrl } from '../../config/database-url.js';
import { isLoopbackName } from '../../config/loopback.js';
import { driverCode } from '../../common/lost-connection.js';
import { onlyRow } from '../only-row.js';
import { SESSION } from './mysql-session.js';
import { StartError } from '../../common/start-error.js';
import { mysqlProblem, oneLine } from '../start-problem.js';

const CONNECT_WITHIN_MS = 10_000;

/** The server offers no TLS, or none that we accept. */
const NO_TLS = new Set(['HANDSHAKE_NO_SSL_SUPPORT', 'HANDSHAKE_SSL_ERROR']);

/** The options of every connection: the first one, which asks what the server is, those of the pool, and the one that holds the lock. */
export const connectionOptions = (url: DatabaseUrl, ssl: SslOptions | undefined): ConnectionOptions => ({
  host: url.host,
  port: url.port,
  ...(url.user !== undefined && { user: url.user }),
  ...(url.password !== undefined && { password: url.password }),
  database: url.database,
  connectTimeout: CONNECT_WITHIN_MS,
  ...(ssl && { ssl }),
});

function tlsOf({ sslMode, sslCa }: DatabaseUrl): SslOptions | undefined {
  if (sslMode === 'DISABLED') return undefined;
  return {
    ...(sslCa && { ca: sslCa }),
    rejectUnauthorized: sslMode === 'VERIFY_CA' || sslMode === 'VERIFY_IDENTITY',
    verifyIdentity: sslMode === 'VERIFY_IDENTITY',
  };
}

export interface Reached {
  /** As the server says it: `10.11.6-MariaDB`, `9.7.4`. */
  version: string;
  /** Undefined: in clear text. */
  ssl: SslOptions | undefined;
}

/** Connects once, and tries the settings of every connection. @throws StartError where that fails */
export async function reach(url: DatabaseUrl): Promise<Reached> {
  const ssl = tlsOf(url);
  try {
    return { version: await ask(url, ssl), ssl };
  } catch (error) {
    if (url.sslMode !== 'PREFERRED' || !NO_TLS.has(driverCode(error))) throw problem(error, url);
  }
  const version = await ask(url, undefined).catch((error: unknown) => {
    throw problem(error, url);
  });
  if (!isLoopbackName(url.host))
    new Logger('Database').warn(
      `The database server at ${url.host} offers no TLS: everything goes there in clear text. Turn TLS on there, or say ssl-mode=DISABLED in DATABASE_URL.`,
    );
  return { version, ssl: undefined };
}

async function ask(url: DatabaseUrl, ssl: SslOptions | undefined): Promise<string> {
  const connection = await createConnection(connectionOptions(url, ssl));
  try {
    const [rows] = await connection.query<({ version: string } & RowDataPacket)[]>('SELECT VERSION() AS version');
    const { version } = onlyRow(rows);
    for (const statement of [...SESSION.all, ...(version.includes('MariaDB') ? SESSION.mariadb : SESSION.mysql)])
      await connection.query(statement).catch((error: unknown) => {
        throw new StartError(
          `The server in DATABASE_URL refuses \`${statement}\`, which Parley needs: ${oneLine(error)}. Allow it to the user of DATABASE_URL.`,
        );
      });
    return version;
  } finally {
    connection.destroy();
  }
}

const problem = (error: unknown, url: DatabaseUrl): Error =>
  error instanceof StartError
    ? error
    : (mysqlProblem(error, url) ?? new StartError(`The database in DATABASE_URL cannot be used: ${oneLine(error)}.`));
