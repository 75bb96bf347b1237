// Which request it was: in its answer, and in the log.
import { ConsoleLogger } from '@nestjs/common';
import { afterEach, expect, it } from 'vitest';
import { UsersService } from '../../src/users/users.service.js';
import { TestApp, emptyEnvironment } from '../support/app.js';
import { call, eventually, next, open, Person } from '../support/client.js';

class Recorder extends ConsoleLogger {
  readonly lines: string[] = [];
  override printMessages(messages: unknown[], context?: string): void {
    this.lines.push(...messages.map((message) => `${context}: ${String(message)}`));
  }
}

let app: TestApp | undefined;
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

async function start(): Promise<{ app: TestApp; lines: string[]; told: (part: string) => Promise<string> }> {
  const log = new Recorder();
  const { env, cleanUp } = await emptyEnvironment('sqlite');
  app = await TestApp.startIn({ ...env, CORS_ORIGINS: 'https://example.com' }, cleanUp, log);
  const told = (part: string) => eventually(() => log.lines.find((line) => line.includes(part)), part);
  return { app, lines: log.lines, told };
}

const idOf = async (target: TestApp, path: string, given?: string): Promise<string | null> =>
  (await call(target, 'GET', path, given === undefined ? {} : { headers: { 'x-request-id': given } })).headers.get(
    'x-request-id',
  );

it('is what came with it, if that is plain; otherwise a new one, on every answer', async () => {
  const { app: target } = await start();
  for (const given of ['a', 'A'.repeat(64), '4bf92f35-77b3/4da6', '10.0.0.1:443_x@y.z~1+2='])
    expect(await idOf(target, '/http/server', given)).toBe(given);
  const made = new Set<string | null>();
  for (const given of [undefined, '', 'A'.repeat(65), 'a b', 'a"b', 'a{b}', 'a\\b', 'ä', 'a,b'])
    made.add(await idOf(target, '/http/server', given));
  // Not found, not allowed, not a path.
  for (const path of ['/nowhere', '/http/users', '/%zz', '/%ff']) made.add(await idOf(target, path));
  expect(made.size).toBe(13);
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
  const { headers } = await call(target, 'GET', '/http/server', { headers: { origin: 'https://example.com' } });
  expect(headers.get('access-control-expose-headers')).toContain('x-request-id');
});

it('stands in the log where a request fails or is refused, and the id of the socket where it was one', async () => {
  const { app: target, lines, told } = await start();
  const ada = await Person.known(target);
  target.get(UsersService).list = () => Promise.reject(new TypeError('broken'));
  const headers = { 'x-request-id': 'one-of-many' };
  const ask = () => call(target, 'GET', '/http/users', { token: ada.token, headers });
  expect((await ask()).status).toBe(500);
  expect(await told('GET /http/users failed')).toContain('HTTP: [one-of-many] GET /http/users failed: TypeError');

  await call(target, 'GET', '/http/users/profile', { token: 'forged', headers: { 'x-request-id': 'refused-one' } });
  expect(await told('token_refused')).toMatch(/ request_id=refused-one$/);

  // Nobody can put a field of theirs into a line.
  await call(target, 'GET', '/http/users/profile', {
    token: 'forged',
    headers: { 'x-request-id': 'x network=1.2.3.4' },
  });
  const socket = open(target, { auth: { token: 'forged' } });
  await next(socket, 'connect_error');
  expect(await told(' socket_id=')).toMatch(/token_refused .* socket_id=[\w-]{20}/);
  expect(lines.filter((line) => line.includes('1.2.3.4'))).toEqual([]);
});
