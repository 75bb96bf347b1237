// Everybody comes at once, goes at once, and comes back after a crash: the server answers throughout, and asks its database little.
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LightSocket } from '../../bench/light-socket.js';
import { seed, SECRET, type Seeded } from '../../bench/seed.js';
import { sqliteFile } from '../../src/database/data-source.js';
import { type Dialect, emptyEnvironment } from '../support/app.js';
import { call, eventually } from '../support/client.js';
import { canStart, DatabaseServer, freePort, SERVER_KINDS, UNFLUSHED } from '../support/database-server.js';
import { ServerProcess } from '../support/server-process.js';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';

/** Two of them watch, and the rest storms. */
const PEOPLE = Number(process.env['STORM_PEOPLE'] ?? 2_000) + 2;
const GROUPS = 200;
/** Each person's, all in; so many in a group that nobody hears of presence there. */
const GROUPS_EACH = 20;

const CASES: Dialect[] = ['sqlite', ...SERVER_KINDS];

describe.each(CASES)('a storm of reconnects on %s', (dialect) => {
  const isThere = dialect === 'sqlite' || canStart(dialect);
  // Of its own, so that its statements can be counted.
  let database: DatabaseServer | undefined;
  let env: Record<string, string>;
  let seeded: Seeded;
  let server: ServerProcess;
  let isWatching = true;
  let watching: Promise<unknown>;
  let cleanUp = async (): Promise<void> => {};
  let sockets: LightSocket[] = [];
  const packets = { presence: 0, other: 0 };
  const waits: number[] = [];
  const acknowledged: number[] = [];

  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    if (!database) {
      const Sqlite = sqliteDriver();
      const file = new Sqlite(sqliteFile({ dataDir: env['DATA_DIR'] }), { timeout: 10_000 });
      const statement = file.prepare(sql);
      const rows = statement.reader ? statement.all() : [statement.run()];
      file.close();
      return rows as Record<string, unknown>[];
    }
    const connection = await createConnection(`${database.url}/storm`);
    const [rows] = await connection.query(sql);
    await connection.end();
    return rows as Record<string, unknown>[];
  };
  /** Undefined where nobody counts. */
  const statements = async (): Promise<number | undefined> =>
    database && Number((await database.query("SHOW GLOBAL STATUS LIKE 'Questions'"))[0]['Value']);

  const comeBack = async (token: string): Promise<LightSocket> => {
    for (;;) {
      // As a stock client does: once more where it is refused.
      const socket = await LightSocket.open(server.port, token).catch(() => sleep(100));
      if (!socket) continue;
      socket.onEvent = (packet) => void packets[packet.includes('"presence"') ? 'presence' : 'other']++;
      return socket;
    }
  };
  const allCome = async (): Promise<void> => {
    sockets = await Promise.all(seeded.tokens.slice(2).map(comeBack));
  };
  const allGo = (): void => sockets.splice(0).forEach((socket) => socket.close());

  /** Writes and reads all the time, as somebody does who has nothing to do with the storm. */
  async function watch(): Promise<void> {
    const [token] = seeded.tokens;
    for (let i = 0; isWatching; i++) {
      const socket = await comeBack(token);
      try {
        for (; isWatching; i++) {
          const start = performance.now();
          const answer = (await Promise.race([
            socket.ask(`{"chat_type":"room","other_user_id":2,"message":"${i}","client_id":"w${i}"}`),
            sleep(10_000).then(() => Promise.reject(new Error('no answer within 10 s'))),
            socket.closed,
          ])) as [{ seq: number }] | undefined;
          if (!answer) break;
          acknowledged.push(answer[0].seq);
          const read = await call(server, 'GET', '/http/chat_rooms', { token });
          expect(read.status).toBe(200);
          waits.push(performance.now() - start);
          await sleep(50);
        }
      } catch (error) {
        // Only the kill of the server is an excuse.
        if (!isKilled) throw error;
        await sleep(50);
      } finally {
        socket.close();
      }
    }
  }
  let isKilled = false;

  beforeAll(async () => {
    if (!isThere) return;
    // Only Parley is killed here.
    if (dialect !== 'sqlite') database = await DatabaseServer.start(dialect, UNFLUSHED[dialect]);
    await database?.query('CREATE DATABASE storm');
    const environment = await emptyEnvironment('sqlite');
    cleanUp = environment.cleanUp;
    env = {
      ...environment.env,
      PORT: String(await freePort()),
      JWT_SECRET: SECRET,
      RATE_LIMITS: 'off',
      ...(database && { DATABASE_URL: `${database.url}/storm` }),
    };
    const size = { users: PEOPLE, sockets: PEOPLE, groups: GROUPS, history: 0, background: 0 };
    seeded = await seed(env, { ...size, membersPerGroup: Math.round((PEOPLE * GROUPS_EACH) / GROUPS) });
    await query('UPDATE members SET is_in = 1 WHERE conversation_id > 1');
    server = await ServerProcess.start(env);
    watching = watch();
    // Whoever waits for it below hears of it.
    watching.catch(() => {});
  }, 120_000);
  afterAll(async () => {
    isWatching = false;
    allGo();
    await watching?.catch(() => {});
    await server?.kill();
    await database?.stop();
    await cleanUp();
  });

  it(
    'is answered throughout, by few statements, and without a packet of presence',
    { timeout: 180_000 },
    async (test) => {
      test.skip(!isThere);
      /** What a phase cost, for each of the people. */
      const phase = async (name: string, work: () => Promise<void>, most: number): Promise<void> => {
        const [before, start, seen] = [await statements(), performance.now(), waits.length];
        await work();
        const after = await statements();
        const each = after === undefined ? undefined : (after - before!) / PEOPLE;
        const mine = waits.slice(seen).toSorted((a, b) => a - b);
        console.log(
          `${dialect}: ${name}: ${Math.round(performance.now() - start)} ms; statements for each: ${each?.toFixed(2) ?? 'not counted'}; the watcher waited ${Math.round(mine[mine.length >> 1] ?? 0)} ms, at most ${Math.round(mine.at(-1) ?? 0)}`,
        );
        if (each !== undefined) expect(each, name).toBeLessThan(most);
      };
      const countIn = async (): Promise<number> =>
        Number((await query('SELECT COUNT(DISTINCT user_id) AS count FROM members WHERE is_in = 1'))[0]['count']);

      // The session, the groups; beside them, what the watcher asks.
      await phase('all come', allCome, 1.5);
      // The groups were full when the server started, so they are large from the first who comes. One who takes longer than the 30
      // seconds to come would find small ones.
      await sleep(2_500);
      console.log(`${dialect}: all came: ${packets.presence} packets of presence`);
      expect(packets.presence).toBeLessThan(PEOPLE);
      packets.presence = 0;
      await phase(
        'all drop and return at once',
        async () => {
          allGo();
          await allCome();
        },
        2,
      );
      expect(await countIn()).toBe(PEOPLE);
      // Whatever was to be told of those who dropped would be told by now.
      await sleep(2_500);
      expect(packets.presence).toBe(0);

      await phase(
        'all go for good',
        async () => {
          allGo();
          await eventually(async () => ((await countIn()) <= 2 ? true : undefined), 'that nobody is in', 30_000);
          await eventually(
            async () => {
              const [{ count }] = await query('SELECT COUNT(*) AS count FROM users WHERE last_seen IS NOT NULL');
              return Number(count) >= PEOPLE - 2 || undefined;
            },
            'that all were seen last',
            30_000,
          );
        },
        2,
      );
      await allCome();
      await phase(
        'the server is killed and started, and all return',
        async () => {
          isKilled = true;
          await server.kill();
          allGo();
          server = await ServerProcess.spawn(env);
          await allCome();
          await server.ready();
          isKilled = false;
        },
        1,
      );

      // What the watcher was told is stored, is stored once, and in order.
      isWatching = false;
      await watching;
      const [{ last_seq: last }] = await query('SELECT last_seq FROM conversations WHERE id = 1');
      const rows = await query('SELECT seq FROM messages WHERE conversation_id = 1 ORDER BY seq');
      expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: Number(last) }, (_, i) => i + 1));
      expect(acknowledged.length).toBeGreaterThan(20);
      expect(new Set(acknowledged).size).toBe(acknowledged.length);
      expect(Math.max(...acknowledged)).toBeLessThanOrEqual(Number(last));
    },
  );
});
