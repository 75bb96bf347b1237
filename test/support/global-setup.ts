import { execFileSync } from 'node:child_process';
import { createConnection } from 'mysql2/promise';
import type { TestProject } from 'vitest/node';
import {
  canStart,
  CURES,
  DatabaseServer,
  isChosen,
  SERVER_KINDS,
  type ServerKind,
  TITLES,
  UNFLUSHED,
} from './database-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrls: Partial<Record<ServerKind, string>>;
  }
}

/** A server that was named, whichever of the two variables names it, counts for what it says it is. */
async function named(): Promise<Partial<Record<ServerKind, string>>> {
  const urls: Partial<Record<ServerKind, string>> = {};
  for (const url of [process.env['TEST_MARIADB_URL'], process.env['TEST_MYSQL_URL']]) {
    if (!url) continue;
    const connection = await createConnection(url);
    const [rows] = await connection.query('SELECT VERSION() AS version');
    await connection.end();
    const [{ version }] = rows as { version: string }[];
    urls[version.includes('MariaDB') ? 'mariadb' : 'mysql'] = url.replace(/\/+$/, '');
  }
  return urls;
}

/** What all test files share: the built program, and a MariaDB and a MySQL in which each app gets a database of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
  const urls = await named();
  const servers: DatabaseServer[] = [];
  const start = async (kind: ServerKind): Promise<void> => {
    const server = await DatabaseServer.start(kind, UNFLUSHED[kind]);
    servers.push(server);
    urls[kind] = server.url;
  };
  await Promise.all(SERVER_KINDS.filter((kind) => !urls[kind] && canStart(kind)).map(start));
  for (const kind of SERVER_KINDS) {
    if (urls[kind] || !isChosen(kind)) continue;
    const missing = `NO ${TITLES[kind].toUpperCase()} ON THIS MACHINE: ALL TESTS ON ${TITLES[kind].toUpperCase()} ARE SKIPPED. To run them, ${CURES[kind]}.`;
    if (process.env[REQUIRED[kind]] === '1') throw new Error(`${REQUIRED[kind]}=1, but: ${missing}`);
    console.warn(`\n*** ${missing}\n`);
  }
  project.provide('databaseUrls', urls);
  return async () => void (await Promise.all(servers.map((server) => server.stop())));
}

/** The variables that make a missing server an error. */
const REQUIRED = { mariadb: 'REQUIRE_SERVICES', mysql: 'REQUIRE_MYSQL' } as const;
