// How each subject is started: the baselines, and Parley of some build on some database, filled before.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canStart, DatabaseServer, freePort } from '../test/support/database-server.js';
import { RedisServer } from '../test/support/redis-server.js';
import { type Build, here, nodeOptionsOf, OWN } from './builds.js';
import { undoAtTheEnd } from './cleanup.js';
import { pin, SERVER_CORE } from './cpu.js';
import type { Population, Seeded } from './seed.js';
import { sleep } from './stats.js';
import type { BaselineName, DatabaseName, Launch, Subject } from './subject.js';

/** For tokens of people who only exist here; the same for all builds, whatever their seed calls it. */
const SECRET = 'a secret for the benchmark, longer than 32 bytes';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  undoAtTheEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Undefined where this machine has no such database. */
export async function parley(build: Build, name: DatabaseName, population: Population): Promise<Launch | undefined> {
  if (name !== 'sqlite' && !canStart(name)) return undefined;
  const { folder, database, env, seeded } = await filled(build, name, population);
  const port = await freePort();
  const label = build.revision === undefined ? name : `${name}@${build.revision}`;
  const program = {
    label,
    file: join(build.root, 'dist/main.js'),
    args: [],
    nodeOptions: nodeOptionsOf(build),
    folder,
    port,
  };
  return { name, label, programs: [{ ...program, env: { ...env, PORT: String(port) } }], database, seeded };
}

/** Several nodes that share a database and a Redis of their own; of one without Redis, `count` is 1. */
export async function parleyNodes(
  build: Build,
  name: Exclude<DatabaseName, 'sqlite'>,
  population: Population,
  { label, count, hasRedis }: { label: string; count: number; hasRedis: boolean },
): Promise<Launch> {
  const { folder, database, env, seeded } = await filled(build, name, population);
  const redis = hasRedis ? await RedisServer.start() : undefined;
  if (redis) {
    undoAtTheEnd(() => redis.stop());
    pin(redis.pid, SERVER_CORE);
  }
  // The same for all, also for the one that needs less.
  const common = { ...env, SMTP_URL: 'smtp://127.0.0.1:1', PUBLIC_URL: 'http://localhost:3000' };
  const nodes = await Promise.all(
    Array.from({ length: count }, async () => ({ port: await freePort(), metricsPort: await freePort() })),
  );
  const programs = nodes.map(({ port, metricsPort }) => ({
    label,
    file: join(build.root, 'dist/main.js'),
    args: [],
    nodeOptions: nodeOptionsOf(build),
    folder,
    port,
    standstill: /"message":"Redis is away/,
    env: {
      ...common,
      ...(redis && { REDIS_URL: redis.url }),
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
    },
  }));
  const joined = (): Promise<void> => hearEachOther(nodes.map(({ metricsPort }) => metricsPort));
  return { name, label, programs, database, redis, seeded, ...(redis && { joined }) };
}

const JOIN_WITHIN_MS = 30_000;
/** So long they must go on hearing each other: a connection of before may still turn out to be dead. */
const JOINED_FOR_MS = 2_000;

/** Waits until each node says of itself that it has heard all others lately. Those that stood still find each other anew. */
async function hearEachOther(metricsPorts: readonly number[]): Promise<void> {
  let since = Infinity;
  for (const until = performance.now() + JOIN_WITHIN_MS; performance.now() < until; await sleep(100)) {
    const all = await Promise.all(metricsPorts.map((port) => hears(port, metricsPorts.length)));
    since = all.every(Boolean) ? Math.min(since, performance.now()) : Infinity;
    if (performance.now() - since >= JOINED_FOR_MS) return;
  }
  throw new Error(`${metricsPorts.length} nodes do not hear each other within ${JOIN_WITHIN_MS / 1_000} s`);
}

async function hears(metricsPort: number, nodes: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`).catch(() => undefined);
  const text = (await response?.text()) ?? '';
  return text.includes(`\nparley_nodes ${nodes}\n`) && text.includes('\nparley_redis_up 1\n');
}

interface Filled {
  folder: string;
  database: DatabaseServer | undefined;
  /** Of whoever serves it, but for the port. */
  env: Record<string, string>;
  seeded: Seeded;
}

async function filled(build: Build, name: DatabaseName, population: Population): Promise<Filled> {
  const folder = temporaryFolder();
  const database = name === 'sqlite' ? undefined : await DatabaseServer.start(name);
  const isStopped = database && undoAtTheEnd(() => database.stop());
  await database?.query('CREATE DATABASE bench');
  const env: Record<string, string> = {
    DATA_DIR: folder,
    JWT_SECRET: SECRET,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'error',
    NODE_ENV: 'production',
    ...(database && { DATABASE_URL: `${database.url}/bench` }),
  };
  const seeded = await seedBy(build, env, population).catch(async (error: unknown) => {
    // Nobody measures it, and it would take time from those that are measured.
    isStopped?.();
    await database?.stop();
    throw error;
  });
  if (database) pin(database.pid, SERVER_CORE);
  return { folder, database, env, seeded };
}

/** In a process of its own, by the build itself: it knows its tables and its tokens. */
function seedBy(build: Build, env: Record<string, string>, population: Population): Promise<Seeded> {
  const child = fork(here('./seed-by.js'), [build.root, JSON.stringify(env), JSON.stringify(population)]);
  const hasEnded = undoAtTheEnd(() => void child.kill());
  return new Promise<Seeded>((resolve, reject) => {
    child.once('message', (seeded) => resolve(seeded as Seeded));
    child.once('exit', (code) => reject(new Error(`the seeding of ${build.root} ended with ${code ?? 'a signal'}`)));
  }).finally(hasEnded);
}

/**
 * A baseline, whose connections join as many rooms as Parley's.
 * @param page what `fastify` sends; the others need none
 */
export function baseline(name: BaselineName, population: Population, page?: Page): Launch {
  const { sockets, groups, membersPerGroup } = population;
  const memberships = JSON.stringify({ sockets, groups, membersPerGroup });
  const folder = temporaryFolder();
  const [file, ...args] = {
    ws: ['ws', 'each', memberships],
    limit: ['ws', 'gathered', memberships],
    'socket.io-relay': ['socket-io', 'relay', memberships],
    'socket.io': ['socket-io', 'deliver', memberships],
    fastify: ['fastify', join(folder, 'page.json')],
  }[name];
  if (page) writeFileSync(join(folder, 'page.json'), JSON.stringify(page));
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
  const seeded = { tokens: range(sockets).map(String), historyRoomId: 1, groupIds: range(groups) };
  const program = {
    label: name,
    file: here(`./baselines/${file}.js`),
    args,
    nodeOptions: nodeOptionsOf(OWN),
    folder,
    env: {},
  };
  return { name, label: name, programs: [program], seeded };
}

export interface Page {
  headers: Record<string, string>;
  body: string;
}

/** Of each connection, or set by whoever sends. */
const NOT_OF_THE_PAGE = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']);

/** What Parley answers in W4. */
export async function pageOf({ port, seeded }: Subject): Promise<Page> {
  const url = `http://127.0.0.1:${port}/http/chat_rooms/${seeded.historyRoomId}`;
  const response = await fetch(url, { headers: { authentication: seeded.tokens[0] } });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const headers = [...response.headers].filter(([name]) => !NOT_OF_THE_PAGE.has(name));
  return { headers: Object.fromEntries(headers), body: await response.text() };
}
