// How each subject is started: the baselines, and Parley of some build on some database, filled before.
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canStart, DatabaseServer, freePort } from '../test/support/database-server.js';
import { type Build, here } from './builds.js';
import { undoAtTheEnd } from './cleanup.js';
import { pin, SERVER_CORE } from './cpu.js';
import type { Population, Seeded } from './seed.js';
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
  const folder = temporaryFolder();
  const database = name === 'sqlite' ? undefined : await DatabaseServer.start(name);
  const isStopped = database && undoAtTheEnd(() => database.stop());
  await database?.query('CREATE DATABASE bench');
  const port = await freePort();
  const env: Record<string, string> = {
    DATA_DIR: folder,
    JWT_SECRET: SECRET,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'error',
    NODE_ENV: 'production',
    PORT: String(port),
    ...(database && { DATABASE_URL: `${database.url}/bench` }),
  };
  const seeded = await seedBy(build, env, population).catch(async (error: unknown) => {
    // Nobody measures it, and it would take time from those that are measured.
    isStopped?.();
    await database?.stop();
    throw error;
  });
  if (database) pin(database.pid, SERVER_CORE);
  const label = build.revision === undefined ? name : `${name}@${build.revision}`;
  return { name, label, file: join(build.root, 'dist/main.js'), args: [], folder, env, port, database, seeded };
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
  return { name, label: name, file: here(`./baselines/${file}.js`), args, folder, env: {}, seeded };
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
