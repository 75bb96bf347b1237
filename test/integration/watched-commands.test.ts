// What becomes of a statement, and of whoever waits for its connection, where the connection breaks.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2';
import { createConnection } from 'mysql2/promise';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../src/database/data-source.js';
import { STATEMENT_WITHIN_MS } from '../../src/database/mysql/watched-pool.js';
import { poolOf } from '../../src/database/typeorm-internals.js';
import { emptyDatabase, onServers } from '../support/app.js';
import { nodeEnvironment, openDatabase } from '../support/nodes.js';
import { TcpProxy } from '../support/tcp-proxy.js';

onServers('a statement that is watched', (kind) => {
  let database: Database;
  let proxy: TcpProxy;
  let url: string;
  let drop: () => Promise<void>;

  beforeEach(async () => {
    ({ url, drop } = await emptyDatabase(kind));
    const { port, pathname } = new URL(url);
    proxy = await TcpProxy.start(Number(port));
    database = await openDatabase({ ...nodeEnvironment(proxy.urlOf(pathname.slice(1))), DATABASE_POOL: '4' });
  });
  afterEach(async () => {
    proxy.speak();
    await database.destroy();
    await proxy.close();
    await drop();
  });

  const connection = (): Promise<PoolConnection> =>
    new Promise((resolve, reject) =>
      poolOf(database).getConnection((error, one) => (error ? reject(error) : resolve(one))),
    );
  const inTime = <T>(promise: Promise<T>): Promise<T> =>
    Promise.race([
      promise,
      sleep(2 * STATEMENT_WITHIN_MS, undefined, { ref: false }).then(() => {
        throw new Error('no answer');
      }),
    ]);

  it('is answered once on a connection that has ended', async () => {
    const one = await connection();
    one.destroy();
    const answers: unknown[] = [];
    await inTime(new Promise<void>((resolve) => one.query('SELECT 1', (error) => resolve(void answers.push(error)))));
    await new Promise(setImmediate);
    expect(answers).toEqual([expect.any(Error)]);
  });

  it('gives its connection back to nobody where that broke: who waits gets another one', async () => {
    const holders = await Promise.all([connection(), connection(), connection()]);
    const broken = database.query('SELECT SLEEP(20)').catch((error: unknown) => error);
    const killer = await createConnection(url);
    const id = async (): Promise<number | undefined> => {
      const [rows] = await killer.query(
        "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(20%'",
      );
      return (rows as { id?: number; ID?: number }[]).map((row) => row.id ?? row.ID)[0];
    };
    let sleeping: number | undefined;
    while (!(sleeping = await id())) await sleep(20);
    const waiting = database.query<{ one: number }[]>('SELECT 1 AS one');
    await killer.query(`KILL ${sleeping}`);
    expect(await inTime(broken)).toBeInstanceOf(Error);
    expect(await inTime(waiting)).toEqual([{ one: 1 }]);
    for (const one of holders) one.release();
    await killer.end();
  });

  it('leaves its connection alone where it cannot be sent at all', async () => {
    const bad = {
      toString: () => {
        throw new Error('no text');
      },
    };
    await expect(database.query('SELECT ?', [bad])).rejects.toThrow();
    const one = await connection();
    await sleep(STATEMENT_WITHIN_MS + 500);
    expect(await inTime(new Promise((resolve) => one.query('SELECT 1', (error) => resolve(error))))).toBeNull();
    one.release();
  });

  it('has a deadline, as a ping has', async () => {
    const [one, other] = await Promise.all([connection(), connection()]);
    proxy.mute();
    const answers = [
      new Promise((resolve) => one.query('SELECT 1', (error) => resolve(error))),
      new Promise((resolve) => other.ping((error) => resolve(error))),
    ];
    for (const error of await inTime(Promise.all(answers))) expect(error).toBeInstanceOf(Error);
  });
});
