// People on three nodes, while nodes, Redis and the database are killed and paused. CHAOS_MINUTES, CHAOS_SEED and CHAOS_REDIS: `npm run test:chaos`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seeded, seedOf } from '../../client/src/testing/random.js';
import { TestApp } from '../support/app.js';
import { call, eventually } from '../support/client.js';
import {
  canStart,
  DatabaseServer,
  freePort,
  type ServerKind,
  SERVER_KINDS,
  TITLES,
} from '../support/database-server.js';
import { CompletionsServer } from '../support/completions-server.js';
import { hasGalera } from '../support/galera.js';
import { hasHaproxy } from '../support/haproxy.js';
import { MailServer } from '../support/mail-server.js';
import { RedisClusterServers } from '../support/redis-cluster.js';
import { REDIS_KINDS, REDIS_TITLES, type RedisKind, startRedis } from '../support/redis-kinds.js';
import { hasRedis, type PrivateRedis, RedisServer } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { AppUser } from './app-user.js';
import { answersSlowly } from './chat-with-bot.js';
import { check } from './check.js';
import { environmentOf } from './environment.js';
import { type ChaosDatabase, Machinery } from './faults.js';
import { GaleraDatabase } from './galera-database.js';
import { Actor, Record } from './people.js';

const MINUTES = Number(process.env['CHAOS_MINUTES'] ?? 0.5);
const SEED = Number(process.env['CHAOS_SEED'] ?? 1);
/** Without a wish, a short run over a Redis Cluster as well, on one database. */
const redisKinds = (kind: ServerKind | 'galera'): readonly RedisKind[] => {
  const wished = REDIS_KINDS.filter((one) => one === process.env['CHAOS_REDIS']);
  if (wished.length > 0) return wished;
  return kind === 'mariadb' ? ['single', 'cluster'] : ['single'];
};
/** A shard that is killed has a replica, which takes over. */
const openRedis = (kind: RedisKind): Promise<PrivateRedis> =>
  kind === 'cluster' ? RedisClusterServers.start({ withReplicas: true }) : startRedis(kind);
const NODES = 3;
const PEOPLE = 6;
/** Further ones, with parley-client. */
const APP_USERS = 2;
const GROUPS = 3;
const PASSWORD = 'nobody knows';

/** What stands in the log only where somebody watches: a long run. */
const say = (line: string): void => {
  if (MINUTES > 1) console.log(`${(performance.now() / 1_000).toFixed(1)} ${line}`);
};

async function run(kind: string, database: ChaosDatabase, redis: PrivateRedis): Promise<void> {
  const mails = await new MailServer(await freePort()).start();
  const model = await CompletionsServer.start();
  model.behave(answersSlowly);
  await database.query('CREATE DATABASE chaos');
  const databaseUrl = `${database.url}/chaos`;
  const common = environmentOf({ databaseUrl, redisUrl: redis.url, mailPort: mails.port, botUrl: model.url });
  // A node of this process makes people and groups.
  const maker = await TestApp.startIn(common);
  const known = [];
  for (let i = 0; i < PEOPLE + APP_USERS; i++) {
    const email = `chaos${i}@example.com`;
    known.push({ ...(await maker.createUser(email, `P${i}`)), email, password: PASSWORD });
  }
  const groups: number[] = [];
  for (let i = 0; i < GROUPS; i++) {
    const body = { chat_group_name: `G${i}`, is_private: i === 0 };
    const { id } = (await call(maker, 'POST', '/http/chat_groups', { token: known[0].token, body })).body;
    groups.push(id);
    for (const { id: user_id } of known.slice(1))
      await call(maker, 'POST', `/http/chat_groups/${id}/members`, { token: known[0].token, body: { user_id } });
  }
  await maker.app.close();

  const envs: globalThis.Record<string, string>[] = [];
  const lines = [];
  for (let i = 0; i < NODES; i++) {
    const toDatabase = await TcpProxy.start(database.portOf?.(i) ?? database.port);
    const toRedis = redis instanceof RedisServer ? await TcpProxy.start(redis.port) : undefined;
    lines.push({ database: toDatabase, ...(toRedis && { redis: toRedis }) });
    const own = { DATABASE_URL: toDatabase.urlOf('chaos'), PORT: String(await freePort()) };
    envs.push({ ...common, ...own, ...(toRedis && { REDIS_URL: `redis://127.0.0.1:${toRedis.port}` }) });
  }
  const nodes = await Promise.all(envs.map((env) => ServerProcess.start(env)));
  const machinery = new Machinery(nodes, envs, database, redis, lines, seeded(seedOf(SEED, 0)), say);
  const record = new Record();
  const appUsers: AppUser[] = [];
  try {
    const actors: Actor[] = [];
    const people = known.map(({ id }, i) => ({ id, name: `P${i}` }));
    const world = { actors, people, groups, mails, owner: () => actors[0] };
    for (const [i, one] of known.slice(0, PEOPLE).entries())
      actors.push(new Actor(one, `P${i}`, machinery, record, world, SEED));
    for (const [i, one] of known.slice(PEOPLE).entries()) {
      // The open groups, some actors, and each other.
      const others = [...people.slice(0, 2), ...people.slice(PEOPLE)].filter(({ id }) => id !== one.id);
      const name = people[PEOPLE + i].name;
      appUsers.push(await AppUser.start(one, name, machinery, record, groups.slice(1), others, SEED));
    }
    const until = performance.now() + MINUTES * 60_000;
    const lives = [...actors, ...appUsers].map((one) => one.live(until));
    await Promise.all([machinery.breakUntil(until), ...lives]);
    await Promise.all(nodes.map((_, i) => machinery.nodes[i].ready()));
    say(JSON.stringify(Object.fromEntries(record.done)));
    const wrong = await check(databaseUrl, record, machinery, actors, appUsers, groups);
    const faults = machinery.faults.map(({ what, from, to }) => `${from.toFixed(0)} to ${to.toFixed(0)}: ${what}`);
    const outputs = machinery.nodes.map(({ output }, i) => `node ${i}: ${output.slice(-2_000)}`);
    expect(wrong, `seed ${SEED} on ${kind}\n${faults.join('\n')}\n${outputs.join('\n')}`).toEqual([]);
    // Something was done at all, and something broke.
    expect(record.sent.filter(({ seq }) => seq !== undefined).length).toBeGreaterThan(20);
    expect(machinery.faults.length).toBeGreaterThan(0);
    await eventually(
      async () => {
        const lists = await Promise.all(
          machinery.nodes.map((node) => call(node, 'GET', '/http/users', { token: actors[0].token })),
        );
        const states = lists.map(({ body }) =>
          JSON.stringify((body as { is_online: boolean }[]).map((u) => u.is_online)),
        );
        return new Set(states).size === 1 || undefined;
      },
      'that all nodes agree on who is online',
      60_000,
    );
    for (const actor of actors) actor.hangUp();
  } finally {
    for (const user of appUsers) await user.close();
    for (const node of machinery.nodes) await node.kill();
    for (const line of lines) for (const proxy of [line.database, line.redis]) await proxy?.close();
    await mails.stop();
    await model.close();
  }
}

describe.skipIf(!hasRedis)('people on three nodes lose nothing, and get nothing that is not for them', () => {
  for (const [kind, redisKind] of SERVER_KINDS.flatMap((one) => redisKinds(one).map((redis) => [one, redis] as const)))
    describe.skipIf(!canStart(kind))(`on ${TITLES[kind]}, over ${REDIS_TITLES[redisKind]}`, () => {
      let database: DatabaseServer;
      let redis: PrivateRedis;
      beforeAll(async () => {
        database = await DatabaseServer.start(kind);
        redis = await openRedis(redisKind);
      }, 120_000);
      afterAll(async () => {
        await redis?.stop();
        await database?.stop();
      });
      // oxlint-disable-next-line vitest/expect-expect -- it is in there
      it('whatever breaks', () => run(TITLES[kind], database, redis), MINUTES * 60_000 + 480_000);
    });

  // Half a minute of it tells little, and takes a minute to begin: only where somebody asks for it.
  describe.skipIf(!process.env['TEST_DIALECTS']?.includes('galera') || !hasGalera || !hasHaproxy)('on Galera', () => {
    let database: GaleraDatabase;
    let redis: PrivateRedis;
    beforeAll(async () => {
      [database, redis] = [await GaleraDatabase.start(NODES), await openRedis(redisKinds('galera')[0])];
    }, 240_000);
    afterAll(async () => {
      await redis?.stop();
      await database?.stop();
    });
    // oxlint-disable-next-line vitest/expect-expect -- it is in there
    it('whatever breaks', () => run('Galera', database, redis), MINUTES * 60_000 + 480_000);
  });
});
