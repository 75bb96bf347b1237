// What libraries have inside and promise nobody: each part that is used is looked at at the start, and named where it has changed.
import { createRequire } from 'node:module';
import { expect, it, vi } from 'vitest';
import { assertUnchanged, changedIn } from '../../src/common/library-internals.js';
import { StartError } from '../../src/common/start-error.js';
import { createApp, createLogger } from '../../src/create-app.js';
import { loadConfig } from '../../src/config/config.js';
import { Database } from '../../src/database/data-source.js';
import { mysqlInternals } from '../../src/database/mysql/mysql-internals.js';
import { typeormInternals } from '../../src/database/typeorm-internals.js';
import * as engine from '../../src/sockets/transport/engine-internals.js';
import { connectionOf } from '../../src/sockets/transport/engine-io.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { next, Person, send, sendTo } from '../support/client.js';

vi.mock('../../src/sockets/transport/engine-internals.js', async (importOriginal) => {
  const original = await importOriginal<typeof engine>();
  return {
    ...original,
    changedForGathering: vi.fn<typeof original.changedForGathering>(original.changedForGathering),
    assertEngine: vi.fn<typeof original.assertEngine>(original.assertEngine),
  };
});

const require = createRequire(import.meta.url);

/** Classes of which nothing is as it was. */
class Other {}
const others = {
  Server: Other,
  Connection: Other,
  Client: Other,
  Socket: Other,
  Adapter: Other,
  WebSocket: Other,
} as never;

it('are all there, in the versions that are installed', () => {
  expect(changedIn(engine.engineInternals())).toEqual([]);
  expect(changedIn(engine.socketIoInternals())).toEqual([]);
  expect(engine.changedForGathering()).toEqual([]);
  expect(changedIn(mysqlInternals())).toEqual([]);
});

onAllDialects('internals of TypeORM', (dialect) => {
  it('are all there, in the version that is installed', async () => {
    const app = await TestApp.start(dialect);
    expect(changedIn(typeormInternals(app.get(Database)))).toEqual([]);
    await app.stop();
  });
});

it('are missed where they are gone, each of them', () => {
  for (const internals of [
    engine.engineInternals(others),
    engine.socketIoInternals(others),
    mysqlInternals({ createConnection: () => new Other(), createPool: () => new Other() } as never),
    ...(['better-sqlite3', 'mysql'] as const).map((type) =>
      typeormInternals({ driver: {}, options: { type }, createQueryRunner: () => new Other() } as never),
    ),
  ])
    expect(changedIn(internals)).toEqual(Object.keys(internals));
  expect(engine.changedForGathering(others)).toHaveLength(4);
});

it('are named with the version of the library, and with a cure', () => {
  const { version } = require('mysql2/package.json') as { version: string };
  const check = () => assertUnchanged('mysql2', require, { 'a pool is round': () => false, 'and blue': () => true });
  expect(check).toThrow(StartError);
  expect(check).toThrow(
    `mysql2 ${version} has changed, and Parley cannot run with it. This is true no longer: a pool is round. Run \`npm ci\`, which installs the versions that were tested.`,
  );
});

it('keep the server from starting where it would not be safe without them', async () => {
  const { env, cleanUp } = await emptyEnvironment('sqlite');
  vi.mocked(engine.assertEngine).mockImplementationOnce(() =>
    assertUnchanged('socket.io', require, engine.socketIoInternals(others)),
  );
  await expect(createApp(loadConfig(env), false)).rejects.toThrow(/^socket\.io 4\.\S+ has changed/);
  await cleanUp();
});

it('are done without where writes are gathered by them, and the log says so', async () => {
  const { env, cleanUp } = await emptyEnvironment('sqlite');
  vi.mocked(engine.changedForGathering).mockReturnValueOnce(['it has `flush` (engine.io 7.0.0)']);
  const logger = createLogger(loadConfig(env));
  const warnings: unknown[] = [];
  for (const level of ['log', 'error', 'warn'] as const) logger[level] = (line: unknown) => void warnings.push(line);
  const app = await TestApp.startIn(env, cleanUp, logger);
  expect(warnings.filter((line) => String(line).includes('it has `flush` (engine.io 7.0.0)'))).toHaveLength(1);
  const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
  const [a, b] = [await ada.connect(), await bob.connect()];
  const got = next<{ message: string }>(b, 'message');
  expect((await sendTo(a, bob.id, 'as ever')).ok).toBe(true);
  expect((await got).message).toBe('as ever');
  expect(await send(b, {})).toEqual({ ok: true, user_id: bob.id });
  await app.stop();
});

it('leave nothing of the first request behind on a WebSocket', async () => {
  const app = await TestApp.start('sqlite');
  const socket = await (await Person.known(app)).connect();
  const [ours] = app.get(Publisher)['server'].sockets.sockets.values();
  const { request, transport } = connectionOf(ours);
  expect(request).toBeUndefined();
  // Engine.IO's transport has one, and what its server puts there before is gone.
  expect(transport.socket!.listeners('error')).toHaveLength(1);
  socket.close();
  await app.stop();
});
