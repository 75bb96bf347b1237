// What a client learns before anybody logs in, and that it is true.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { TestApp } from '../support/app.js';
import { call, Person, send, sendTo } from '../support/client.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

describe('GET /http/server', () => {
  let app: TestApp;
  afterEach(() => app.stop());
  const start = async (env: Record<string, string> = {}) => (app = await TestApp.start('sqlite', env));
  const ask = async () => (await call(app, 'GET', '/http/server')).body;

  it('says what the server is, to everybody, with a token that is good for nothing, too', async () => {
    await start();
    const answer = await call(app, 'GET', '/http/server');
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      name: 'Parley',
      version,
      protocol: 1,
      public_url: 'http://localhost:3000',
      features: expect.arrayContaining(['bot', 'groups', 'rooms']),
      limits: expect.any(Object),
      registration: 'open',
      dev_mail: true,
      bot: true,
      motd: null,
    });
    expect(answer.body.features).toEqual([...new Set<string>(answer.body.features)].sort());
    for (const number of Object.values(answer.body.limits)) expect(number).toBeGreaterThan(0);
    expect((await call(app, 'GET', '/http/server', { token: 'x.y.z' })).body).toEqual(answer.body);
  });

  it('says what the operator has set', async () => {
    await start({
      PUBLIC_URL: 'https://chat.example.com/our/chat/',
      MOTD: '  Away on Sunday,\nfrom 6 to 7. 🦊 ',
      RATE_LIMITS: 'on',
      MESSAGES_PER_DAY: '7',
    });
    expect(await ask()).toMatchObject({
      public_url: 'https://chat.example.com/our/chat',
      motd: 'Away on Sunday,\nfrom 6 to 7. 🦊',
      dev_mail: false,
      limits: { message_rate: 60, message_rate_seconds: 6, messages_per_day: 7 },
    });
    expect((await call(app, 'GET', '/dev/mail')).status).toBe(404);
  });

  it('names no rate where there is none', async () => {
    await start({ RATE_LIMITS: 'off' });
    const names = Object.keys((await ask()).limits);
    expect(names).toContain('message_length');
    expect(names.filter((name) => name.startsWith('message_rate') || name === 'messages_per_day')).toEqual([]);
  });

  it('may be kept for a minute, and a refusal may not', async () => {
    await start({ RATE_LIMITS: 'on' });
    const kept = await call(app, 'GET', '/http/server');
    expect(kept.headers.get('cache-control')).toBe('public, max-age=60');
    expect(kept.headers.get('vary')?.toLowerCase()).toContain('origin');
    expect(kept.headers.get('set-cookie')).toBeNull();
    const used = () => app.get(RateLimits).document('127.0.0.1');
    expect(() => Array.from({ length: 300 }, used)).toThrow('Too many requests');
    const refused = await call(app, 'GET', '/http/server');
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.headers.get('cache-control')).toBe('no-store');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('names bounds that are enforced where it says', async () => {
    await start();
    const { limits } = await ask();
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await ada.connect();
    const x = (length: number) => 'x'.repeat(length);
    const status = async (method: string, path: string, body?: object) =>
      (await call(app, method, path, { token: ada.token, ...(body && { body }) })).status;
    const register = (fields: object) =>
      status('POST', '/http/register', {
        email: 'eve@example.com',
        password: 'correct horse battery',
        first_name: 'Eve',
        last_name: '',
        ...fields,
      });
    const domain = `@${`${x(60)}.`.repeat(3)}example.com`;
    const address = (length: number) => x(length - domain.length) + domain;
    const fits: [name: string, isFine: (length: number) => Promise<boolean>][] = [
      ['message_length', async (length) => (await sendTo(socket, bob.id, x(length))).ok],
      ['client_id_length', async (length) => (await sendTo(socket, bob.id, 'x', x(length))).ok],
      ['name_length', async (length) => (await register({ first_name: x(length) })) === 202],
      ['email_length', async (length) => (await register({ email: address(length) })) === 202],
      [
        'group_name_length',
        async (length) => (await status('POST', '/http/chat_groups', { chat_group_name: x(length) })) === 201,
      ],
      ['query_length', async (length) => (await status('GET', `/http/users?query=${x(length)}`)) === 200],
      ['password_max', async (length) => (await register({ password: `correct horse ${x(length - 14)}` })) === 202],
    ];
    for (const [name, isFine] of fits)
      expect([await isFine(limits[name]), await isFine(limits[name] + 1)], name).toEqual([true, false]);
    const password = (length: number) => register({ password: 'zqjvmwkh'.slice(0, length) });
    expect([await password(limits.password_min), await password(limits.password_min - 1)]).toEqual([202, 400]);
    const body = (bytes: number) => {
      const empty = JSON.stringify({ chat_group_name: 'x', is_private: null });
      return call(app, 'POST', '/http/chat_groups', {
        token: ada.token,
        body: empty + ' '.repeat(bytes - empty.length),
      });
    };
    expect([(await body(limits.body_bytes)).status, (await body(limits.body_bytes + 1)).status]).toEqual([201, 413]);
    const large = await send(socket, { chat_type: 'room', other_user_id: bob.id, message: x(limits.packet_bytes) });
    expect(large.error.code).toBe('too_large');
  });
});
