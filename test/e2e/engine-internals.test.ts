// What writes are gathered by belongs to others, and may go with any of their releases: noticed at the start, and lived without.
import { expect, it, vi } from 'vitest';
import { createLogger } from '../../src/create-app.js';
import { loadConfig } from '../../src/config/config.js';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { next, Person, send, sendTo } from '../support/client.js';
import type { missingInternals } from '../../src/sockets/transport/engine-internals.js';

vi.mock('../../src/sockets/transport/engine-internals.js', () => ({ missingInternals: () => ['it has `flush`'] }));
const { missingInternals: really } = await vi.importActual<{ missingInternals: typeof missingInternals }>(
  '../../src/sockets/transport/engine-internals.js',
);

it('are all there, in the versions that are installed', () => {
  expect(really()).toEqual([]);
});

it('are missed where they are gone', () => {
  class Engine {}
  class Other {}
  expect(really(Engine, Other, Other)).toHaveLength(4);
});

it('are done without, and the log says so', async () => {
  const { env, cleanUp } = await emptyEnvironment('sqlite');
  const logger = createLogger(loadConfig(env));
  const warnings: unknown[] = [];
  for (const level of ['log', 'error', 'warn'] as const) logger[level] = (line: unknown) => void warnings.push(line);
  const app = await TestApp.startIn(env, cleanUp, logger);
  expect(warnings.filter((line) => String(line).includes('it has `flush`'))).toHaveLength(1);
  const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
  const [a, b] = [await ada.connect(), await bob.connect()];
  const got = next<{ message: string }>(b, 'message');
  expect((await sendTo(a, bob.id, 'as ever')).ok).toBe(true);
  expect((await got).message).toBe('as ever');
  expect(await send(b, {})).toEqual({ ok: true, user_id: bob.id });
  await app.stop();
});
