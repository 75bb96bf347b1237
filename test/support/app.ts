import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ConsoleLogger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createConnection } from 'mysql2/promise';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, inject } from 'vitest';
import { Passwords } from '../../src/identity/passwords.js';
import { Sessions } from '../../src/identity/sessions.js';
import { nameColumns, User } from '../../src/identity/user.entity.js';
import { type Config, loadConfig } from '../../src/config/config.js';
import { createApp } from '../../src/create-app.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { canStart, DatabaseServer, SERVER_KINDS, type ServerKind, TITLES } from './database-server.js';

export type Dialect = 'sqlite' | ServerKind;

const urls = inject('databaseUrls');

/** Files about the database itself, which `TEST_SERVERS=one` leaves on both servers. */
const ON_BOTH =
  /^(admin-races|cli-(backup|move|verify)|consumers|database|edit-races|gathered-statements|held-rows|leases|message-log|neighbours|outage|properties|reaction-races|references|survival-commit|upgrade)\b/;

/** With `TEST_SERVERS=one`, each other file runs on one of the two: the same one each time, half of all files on either. */
function isLeftOut(kind: ServerKind): boolean {
  if (process.env['TEST_SERVERS'] !== 'one') return false;
  const file = basename(expect.getState().testPath ?? '');
  if (ON_BOTH.test(file)) return false;
  // They have parts that are for one server alone.
  if (/^(nodes|nodes-missed|nodes-shards|redis-\w+)\./.test(file)) return kind !== 'mariadb';
  const sum = [...file].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return SERVER_KINDS[sum % SERVER_KINDS.length] !== kind;
}

/** The same tests on the embedded database, on MariaDB and on MySQL; skipped where the machine has none of these. */
export function onAllDialects(name: string, tests: (dialect: Dialect) => void): void {
  describe(`${name} on SQLite`, () => tests('sqlite'));
  onServers(name, tests);
}

/** The same tests on MariaDB and on MySQL. */
export function onServers(name: string, tests: (kind: ServerKind) => void): void {
  for (const kind of SERVER_KINDS)
    describe.skipIf(!urls[kind] || isLeftOut(kind))(`${name} on ${TITLES[kind]}`, () => tests(kind));
}

/**
 * The same tests on a private MariaDB and on a private MySQL, which they may kill; skipped where the machine has none.
 * @param options of the servers: `UNFLUSHED` where nobody kills them
 */
export function onPrivateServers(
  name: string,
  tests: (server: () => DatabaseServer, kind: ServerKind) => void,
  options: Partial<Record<ServerKind, string[]>> = {},
): void {
  for (const kind of SERVER_KINDS)
    describe.skipIf(!canStart(kind) || isLeftOut(kind))(`${name} on ${TITLES[kind]}`, () => {
      let server: DatabaseServer | undefined;
      beforeAll(async () => {
        server = await DatabaseServer.start(kind, options[kind]);
      }, 120_000);
      afterAll(() => server?.stop());
      tests(() => server!, kind);
    });
}

/** A folder that is there for one test. */
export const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'parley-test-'));

/** An empty database on the shared server of the kind; with the function that removes it. */
export async function emptyDatabase(kind: ServerKind): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `parley_${crypto.randomUUID().replaceAll('-', '')}`;
  const connection = await createConnection(urls[kind]!);
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.end();
  return {
    url: `${urls[kind]}/${name}`,
    drop: async () => {
      const again = await createConnection(urls[kind]!);
      await again.query(`DROP DATABASE ${name}`);
      await again.end();
    },
  };
}

/** The variables that put an app on an empty database of the dialect. */
export async function emptyEnvironment(
  dialect: Dialect,
): Promise<{ env: Record<string, string>; cleanUp: () => Promise<void> }> {
  const folder = temporaryFolder();
  const database = dialect === 'sqlite' ? undefined : await emptyDatabase(dialect);
  // Without the web client, which may be built in this folder or not: tests of it say which one they serve.
  const env: Record<string, string> = {
    DATA_DIR: folder,
    PORT: '0',
    PUBLIC_URL: 'http://localhost:3000',
    WEB_CLIENT: 'off',
  };
  if (database)
    Object.assign(env, { DATABASE_URL: database.url, JWT_SECRET: 'a secret for tests, longer than 32 bytes' });
  return {
    env,
    cleanUp: async () => {
      await database?.drop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Made once: hashing is what takes the time. */
let passwordHash: Promise<string> | undefined;

/** The real application on a free port, with an empty database. */
export class TestApp {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly url: string,
    readonly env: Record<string, string>,
    /** Every HTTP route that the app has, as `GET /http/users`. */
    readonly routes: string[],
    /** Removes its data, once it has ended. */
    readonly removeData: () => Promise<void>,
  ) {}

  /** Rates are off unless `env` says otherwise: tests are busier than people. */
  static async start(dialect: Dialect, env: Record<string, string> = {}, webClientFolder?: string): Promise<TestApp> {
    const environment = await emptyEnvironment(dialect);
    return TestApp.startIn({ ...environment.env, ...env }, environment.cleanUp, false, webClientFolder);
  }

  /** On a free port, unless `env` says otherwise: tests run side by side. */
  static async startIn(
    env: Record<string, string>,
    cleanUp: () => Promise<void> = async () => {},
    logger: ConsoleLogger | false = false,
    webClientFolder?: string,
  ): Promise<TestApp> {
    const config: Config = { ...loadConfig({ RATE_LIMITS: 'off', PORT: '0', ...env }), webClientFolder };
    const app = await createApp(config, logger);
    const routes: string[] = [];
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRoute', ({ method, url }) => void routes.push(...[method].flat().map((one) => `${one} ${url}`)));
    await app.listen(config.port, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return new TestApp(app, `http://127.0.0.1:${port}`, env, routes, cleanUp);
  }

  get<T>(type: abstract new (...args: never[]) => T): T {
    return this.app.get(type, { strict: false });
  }

  /** The connection that writes, to look at what is stored. */
  get database(): DataSource {
    return this.get(DataSource);
  }

  async createUser(email: string, firstName: string): Promise<{ id: number; token: string }> {
    const { identifiers } = await this.database.manager.insert(User, {
      email,
      passwordHash: await (passwordHash ??= this.get(Passwords).hash('nobody knows', 'owner')),
      ...nameColumns(firstName, 'Lovelace'),
      createdAt: new Date(),
      lastSeen: null,
      erasedAt: null,
    });
    const { id } = identifiers[0] as { id: number };
    return { id, token: await this.createSession(id) };
  }

  createSession(userId: number): Promise<string> {
    return this.get(UnitOfWork).run((tx) => this.get(Sessions).start(tx, userId, 'test'));
  }

  /** Stops it, and starts it again on the same data. */
  async restart(): Promise<TestApp> {
    await this.app.close();
    return TestApp.startIn(this.env, this.removeData);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.removeData();
  }
}
