import { createRequire } from 'node:module';
import { type Duplex, PassThrough } from 'node:stream';
import { type Connection, createConnection, createPool, type Pool } from 'mysql2';
import type { Connection as PromiseConnection } from 'mysql2/promise';
import { assertUnchanged, type Internals } from '../../common/library-internals.js';

/*
 * What mysql2 has and does not show in its types: no other file looks into it.
 */

/** A command of a connection: a statement or a COMMIT. */
export interface Command {
  onResult?: (error: Error | null, ...rest: unknown[]) => void;
  /** Read when its turn comes: until then it may be replaced. */
  sql?: string;
}

/** The method by which a connection takes every command; it may be replaced. mysql2 itself does so once the connection has ended. */
interface Commanded {
  addCommand(command: Command): Command;
}

/** The callers that wait for a connection of a pool, in order. */
interface Waiting {
  length: number;
  pop(): unknown;
  unshift(one: unknown): unknown;
}

export const commandsOf = (connection: Connection): Commanded => connection as unknown as Commanded;

/** The stream to the server, encrypted or not. Its end is the end of the connection. */
export const streamOf = (connection: Connection): Duplex => (connection as unknown as { stream: Duplex }).stream;

/** The same of a connection with promises. */
export const streamOfPromised = (connection: PromiseConnection): Duplex =>
  streamOf((connection as unknown as { connection: Connection }).connection);

export const waitingFor = (pool: Pool): Waiting => (pool as unknown as { _connectionQueue: Waiting })._connectionQueue;

/** What must be true of mysql2. @param mysql for tests */
export function mysqlInternals(mysql = { createConnection, createPool }): Internals {
  // Nobody answers at the other end, and nobody waits for that.
  const unanswered = () => ({ stream: new PassThrough(), connectTimeout: 0 });
  return {
    'a statement passes `addCommand`, with its callback as `onResult`': () => {
      const connection = mysql.createConnection(unanswered());
      let added: Command = {};
      commandsOf(connection).addCommand = (command) => (added = command);
      connection.query('SELECT 1', () => undefined);
      return typeof added.onResult === 'function';
    },
    'a connection has its `stream`': () => {
      const options = unanswered();
      return streamOf(mysql.createConnection(options)) === options.stream;
    },
    'a connection that speaks in promises has the other one as `connection`': () => {
      const options = unanswered();
      return streamOfPromised(mysql.createConnection(options).promise()) === options.stream;
    },
    'those who wait for a connection stand in `_connectionQueue`': () => {
      const pool = mysql.createPool({ ...unanswered(), connectionLimit: 1 });
      for (let i = 0; i < 2; i++) pool.getConnection(() => undefined);
      const waiting = waitingFor(pool);
      const last = waiting.pop();
      const isOut = waiting.length === 0;
      waiting.unshift(last);
      return typeof last === 'function' && isOut && waiting.length === 1;
    },
  };
}

/** @throws StartError */
export const assertMysql = (): void => assertUnchanged('mysql2', createRequire(import.meta.url), mysqlInternals());
