// Who may do what: every route and every event, as nobody, as a stranger, with a token that was revoked.
import { request } from 'node:http';
import { connect } from 'node:net';
import { ConsoleLogger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventRoutesOf } from '../../src/api/gateway/on-event.js';
import { Passwords } from '../../src/identity/passwords.js';
import { DomainError, asDomainError } from '../../src/common/errors.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { logLine } from '../../src/common/logs/log-line.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { trafficOf } from '../../src/sockets/transport/traffic.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { call, linkPath, mailTo, next, open, Person, send, sendTo } from '../support/client.js';
import { LIBRARY_ROUTES, type Route, ROUTES, split } from '../support/routes.js';

interface Ids {
  other: number;
  room: number;
  group: number;
  session: number;
}

/** Every event that a client may send, with each kind of payload that would work; `stranger` is what one outside is answered. */
const EVENTS: Record<string, { payload: (ids: Ids) => object; stranger?: string; isForThoseIn?: boolean }[]> = {
  message: [
    { payload: ({ other }) => ({ chat_type: 'room', other_user_id: other, message: 'x' }) },
    { payload: () => ({ chat_type: 'bot', message: 'x' }) },
    { payload: ({ group }) => ({ chat_type: 'group', chat_group_id: group, message: 'x' }), stranger: 'not_found' },
    { payload: ({ group }) => ({ chat_type: 'group', chat_group_id: group, is_enter: true }), stranger: 'not_found' },
    { payload: ({ group }) => ({ chat_type: 'group', chat_group_id: group, is_enter: false }), stranger: 'not_found' },
  ],
  bot_stop: [{ payload: () => ({ question_seq: 1 }), stranger: 'not_found' }],
  read: [
    { payload: ({ room }) => ({ chat_room_id: room }), stranger: 'not_found' },
    { payload: ({ group }) => ({ chat_group_id: group }), stranger: 'not_found' },
  ],
  react: [
    { payload: ({ room }) => ({ chat_room_id: room, seq: 1, emoji: '👍', is_on: true }), stranger: 'not_found' },
    { payload: ({ group }) => ({ chat_group_id: group, seq: 1, emoji: '👍', is_on: true }), stranger: 'not_found' },
  ],
  typing: [
    { payload: ({ other }) => ({ chat_type: 'room', other_user_id: other }) },
    {
      payload: ({ group }) => ({ chat_type: 'group', chat_group_id: group }),
      stranger: 'not_found',
      isForThoseIn: true,
    },
  ],
};

/** What becomes of people and groups, which everybody may list. */
const OF_LISTS = new Set(['user_update', 'group_update', 'presence']);

onAllDialects('access', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  /** Like Eve, but her sessions end now and then. */
  let mallory: Person;
  let ids: Ids;
  const idOf = ({ of = 'room' }: Route) => ids[of];

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    mallory = await Person.known(app, 'Mallory');
    const socket = await ada.connect();
    const { chat_room_id: room } = await sendTo(socket, bob.id, 'between us');
    // Private: an open group lets a stranger in by design.
    const secret = { chat_group_name: 'Secret', is_private: true };
    const { id: group } = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body: secret })).body;
    await send(socket, { chat_type: 'group', chat_group_id: group, message: 'between us' });
    await send(socket, { chat_type: 'bot', message: 'between us' });
    const [{ id: session }] = (await ada.get('/http/sessions')).body;
    ids = { other: bob.id, room, group, session };
  });
  afterAll(() => app.stop());

  it('is decided here for every route and every event', () => {
    const listed = ROUTES.map(({ route }) => route);
    expect(app.routes.filter((route) => !LIBRARY_ROUTES.test(route)).sort()).toEqual([...listed].sort());

    const providers = [...app.app.get(ModulesContainer).values()].flatMap(({ providers: own }) => [...own.values()]);
    const events = providers.flatMap(({ instance }) =>
      instance instanceof Object ? [...eventRoutesOf(instance).keys()] : [],
    );
    expect([...new Set(events)].sort()).toEqual(Object.keys(EVENTS).sort());
  });

  describe.each(ROUTES.filter(({ isPublic }) => !isPublic))('$route', (route) => {
    it('is closed to nobody, to rubbish and to a token that was revoked', async () => {
      const { method, url, body } = split(route, idOf(route));
      expect(await call(app, method, url, { body })).toMatchObject({ status: 401, body: { code: 'token_missing' } });
      expect(await call(app, method, url, { body, token: 'x.y.z' })).toMatchObject({
        status: 401,
        body: { code: 'token_invalid' },
      });
      const revoked = await app.createSession(ada.id);
      await call(app, 'GET', '/http/logout', { token: revoked });
      expect(await call(app, method, url, { body, token: revoked })).toMatchObject({
        status: 401,
        body: { code: 'session_revoked' },
      });
    });

    it('shows a stranger nothing of others', async () => {
      const { method, url, body } = split(route, idOf(route));
      const answer = await call(app, method, url, { body, token: await app.createSession(mallory.id) });
      expect(answer.status).toBe(route.of && !route.isForStrangers ? 404 : (route.answers ?? 200));
      expect(JSON.stringify(answer.body)).not.toContain('between us');
      expect(JSON.stringify(answer.body)).not.toContain(ada.email);
      if (!route.of || route.isForStrangers) return;
      const missing = split(route, 1_999_999_999);
      expect((await call(app, method, missing.url, { body: missing.body, token: eve.token })).body).toEqual(
        answer.body,
      );
    });
  });

  const cases = Object.entries(EVENTS).flatMap(([event, payloads]) => payloads.map((one, i) => ({ event, i, ...one })));
  describe.each(cases)('the event $event, payload $i', ({ event, payload, stranger, isForThoseIn }) => {
    const emit = (socket: any, given: object) => socket.timeout(10_000).emitWithAck(event, given);

    it('is closed to nobody and to a token that was revoked', async () => {
      const socket = open(app);
      await next(socket, 'connect');
      expect((await emit(socket, payload(ids))).error.code).toBe('token_missing');
      const revoked = await app.createSession(ada.id);
      await call(app, 'GET', '/http/logout', { token: revoked });
      expect((await emit(socket, { ...payload(ids), token: revoked })).error.code).toBe('session_revoked');
    });

    it('works for those it is for, and reaches no stranger', async () => {
      const outside = await eve.connect();
      const got: unknown[] = [];
      outside.onAny((name, content) => {
        if (OF_LISTS.has(name)) expect(JSON.stringify(content)).not.toMatch(/@|between us/);
        else if (name !== 'exception') got.push(content);
      });
      if (isForThoseIn) await ada.get(`/http/chat_groups/${ids.group}`);
      expect((await emit(await ada.connect(), payload(ids))).ok).toBe(true);
      if (stranger) expect((await emit(outside, payload(ids))).error.code).toBe(stranger);
      const marker = next(outside, 'message');
      await sendTo(await bob.connect(), eve.id, 'marker');
      await marker;
      expect(got.map((content) => (content as { message: string }).message)).toEqual(['marker']);
      eve.hangUp();
    });
  });

  describe('an Origin', () => {
    const login = (origin?: string) =>
      call(app, 'POST', '/http/register', {
        body: { email: 'origin@example.com', password: 'long enough', first_name: 'O', last_name: 'O' },
        headers: origin === undefined ? {} : { origin },
      });
    const upgrade = (origin?: string) =>
      new Promise<number>((resolve, reject) => {
        const headers = {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
          ...(origin && { Origin: origin }),
        };
        const sent = request(`${app.url}/socket/?EIO=4&transport=websocket`, { headers }, (answer) =>
          resolve(answer.statusCode!),
        );
        sent.on('upgrade', (answer, socket) => resolve((socket.destroy(), answer.statusCode!)));
        sent.on('error', reject).end();
      });
    const polling = async (origin?: string) =>
      (await call(app, 'GET', '/socket/?EIO=4&transport=polling', { headers: origin ? { origin } : {} })).status;

    it.each([
      'https://evil.example',
      'http://localhost:3001',
      'https://localhost:3000',
      'null',
      'http://localhost:3000.evil.example',
    ])('%s is refused on both transports, before anything happens', async (origin) => {
      const refused = await login(origin);
      expect(refused).toMatchObject({ status: 403, body: { code: 'origin_refused' } });
      expect(refused.body.message).toContain('CORS_ORIGINS');
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
      expect(await upgrade(origin)).toBe(403);
      expect(await polling(origin)).toBe(403);
      const rows = await app.database.query('SELECT id FROM registrations WHERE email = ?', ['origin@example.com']);
      expect(rows).toEqual([]);
    });

    it('of our own, or none, passes', async () => {
      expect(await upgrade('http://localhost:3000')).toBe(101);
      expect(await upgrade()).toBe(101);
      expect(await polling('http://localhost:3000')).toBe(200);
      expect((await login('http://localhost:3000')).status).toBe(202);
    });

    it('that is allowed by name gets what a page needs to call us', async () => {
      const environment = await emptyEnvironment('sqlite');
      const other = await TestApp.startIn(
        { ...environment.env, CORS_ORIGINS: 'https://page.example,capacitor://localhost,null' },
        environment.cleanUp,
      );
      const preflight = await call(other, 'OPTIONS', '/http/users', {
        headers: {
          origin: 'https://page.example',
          'access-control-request-method': 'PUT',
          'access-control-request-headers':
            'authentication,content-type,sentry-trace,baggage,traceparent,x-requested-with',
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin')).toBe('https://page.example');
      expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authentication.*traceparent.*x-requested/);
      // The shells of apps, and pages without an origin, where they are named.
      for (const origin of ['capacitor://localhost', 'null']) {
        const asked = await call(other, 'OPTIONS', '/http/login', {
          headers: { origin, 'access-control-request-method': 'POST' },
        });
        expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
        expect((await call(other, 'GET', '/socket/?EIO=4&transport=polling', { headers: { origin } })).status).toBe(
          200,
        );
      }
      expect((await call(other, 'GET', '/http/users', { headers: { origin: 'ionic://localhost' } })).status).toBe(403);
      expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
      await other.stop();
    });

    it('that is allowed by name reads where a list goes on, and how long to wait, whatever refuses', async () => {
      const environment = await emptyEnvironment('sqlite');
      const other = await TestApp.startIn(
        { ...environment.env, CORS_ORIGINS: 'https://page.example', RATE_LIMITS: 'on', SOCKETS_PER_NETWORK: '1' },
        environment.cleanUp,
      );
      const origin = 'https://page.example';
      const mine = await Person.known(other);
      const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
        const answer = await call(other, method, path, { token: mine.token, headers: { origin, ...headers } });
        /** As a browser hands it to the page. */
        const read = (name: string): string | null => {
          if (answer.headers.get('access-control-allow-origin') !== origin)
            throw new Error(`${path} is kept from the page`);
          const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase().split(/, */) ?? [];
          return exposed.includes(name) ? answer.headers.get(name) : null;
        };
        return { ...answer, read };
      };
      const people = Array.from({ length: 1_001 }, (_, i) => `('p${i}', 'x', 'M', 'M', 'm', 'm', '2026-01-01')`);
      const columns = 'email, password_hash, first_name, last_name, first_name_key, last_name_key, created_at';
      await other.database.query(`INSERT INTO users (${columns}) VALUES ${people.join(',')}`);
      expect((await ask('/http/users')).read('link')).toMatch(/^<http.*cursor=.*>; rel="next"$/);

      const server = await ask('/http/server');
      expect([server.status, server.read('cache-control')]).toEqual([200, null]);
      // A cache in between must not give one origin's answer to another.
      expect(server.headers.get('vary')?.toLowerCase()).toContain('origin');
      const foreign = await call(other, 'GET', '/http/server', { headers: { origin: 'https://evil.example' } });
      expect([foreign.status, foreign.headers.get('cache-control')]).toEqual([403, 'no-store']);

      const limits = other.get(RateLimits);
      const spend = (take: () => void) => expect(() => Array.from({ length: 1_000 }, take)).toThrow('Too many');
      spend(() => limits.document('127.0.0.1'));
      spend(() => limits.read(mine.id, 1));
      const handshake = '/socket/?EIO=4&transport=polling';
      const { sid } = JSON.parse(String((await ask(handshake)).body).slice(1));
      trafficOf((other.get(Publisher) as any).server.engine.clients[sid])!.isSpent = true;
      const refusals = [
        await ask('/http/server'),
        await ask('/http/docs-json'),
        await ask('/http/users/profile'),
        await ask(handshake),
        await ask(`${handshake}&sid=${sid}`, {}, 'POST'),
      ];
      for (const refused of refusals) {
        expect(refused.status).toBe(429);
        expect(Number(refused.read('retry-after'))).toBeGreaterThan(0);
      }
      // What no route is looked for is told to the page as well.
      const malformed = await ask('/http/%zz');
      expect([malformed.status, malformed.read('link')]).toEqual([400, null]);
      await other.stop();
    });
  });

  it('comes with the headers of helmet, on answers and on refusals', async () => {
    for (const path of ['/http/users', '/nowhere', '/http/docs']) {
      const { headers } = await call(app, 'GET', path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('set-cookie')).toBeNull();
    }
  });

  it('to an unknown address costs the same hash as to a known one', async () => {
    const matches = vi.spyOn(app.get(Passwords), 'matches');
    await call(app, 'POST', '/http/login', { body: { email: 'nobody@example.com', password: 'x' } });
    expect(matches).toHaveBeenCalledWith('x', undefined, 'login');
    matches.mockRestore();
  });

  it('is refused in a way that programs and people can read', async () => {
    expect((await call(app, 'GET', '/http/nowhere')).body).toEqual({
      statusCode: 404,
      error: 'Not Found',
      code: 'not_found',
      message: 'There is no such route. See /http/docs.',
    });
    expect((await call(app, 'POST', '/http/login', { body: '{"email":' })).body).toMatchObject({
      statusCode: 400,
      code: 'invalid',
    });
    expect((await call(app, 'POST', '/http/login', { body: '{"__proto__":{"x":1}}' })).status).toBe(400);
    expect((await call(app, 'POST', '/http/login', { body: 'x'.repeat(70_000) })).body).toMatchObject({
      statusCode: 413,
      code: 'too_large',
    });
    const form = await call(app, 'POST', '/http/login', {
      body: 'email=a&password=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(form.body).toMatchObject({ statusCode: 415, code: 'unsupported_media_type' });
    expect((await call(app, 'GET', '/%zz')).body).toMatchObject({ statusCode: 400, code: 'invalid' });
    expect((await call(app, 'DELETE', '/http/users')).status).toBe(404);
    // What would cost more to refuse than to send.
    const crowd = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`f${i}`, 1]));
    const many = await call(app, 'POST', '/http/login', { body: crowd });
    expect(many).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(JSON.stringify(many.body).length).toBeLessThan(500);
    const deep = `{"email":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    expect((await call(app, 'POST', '/http/login', { body: deep })).body).toMatchObject({
      statusCode: 400,
      code: 'invalid',
    });
    const socket = await ada.connect();
    expect(JSON.stringify(await send(socket, crowd)).length).toBeLessThan(500);
    for (const id of ['01', '1.0', '0x1', '1e0', '%201', '-1', '0'])
      expect((await ada.get(`/http/chat_rooms/${id}`)).status).toBe(400);
    expect((await ada.get('/http/chat_rooms/99999999999999999999')).status).toBe(404);
    const raw = connect(Number(new URL(app.url).port), '127.0.0.1');
    const garbage = new Promise<string>((resolve) => raw.on('data', (data: Buffer) => resolve(data.toString())));
    raw.write('rubbish\r\n\r\n');
    expect(await garbage).toMatch(/^HTTP\/1\.1 400 [^]*"code":"invalid"/);
    raw.destroy();
    expect((await ada.get('/http/users')).headers.get('cache-control')).toBe('no-store');
    expect(
      (await fetch(`${app.url}/http/logout`, { method: 'HEAD', headers: { authentication: ada.token } })).status,
    ).toBe(404);
    expect((await ada.get('/http/users/profile')).status).toBe(200);
  });

  it('is forgiven a slash at the end, and asked by HEAD where that does nothing', async () => {
    const { status, body } = await ada.get('/http/users/profile/?');
    expect([status, body]).toEqual([200, (await ada.get('/http/users/profile')).body]);
    expect((await ada.get('/http/users/')).status).toBe(200);
    for (const path of ['/health/live', '/health/ready', '/health/ready/'])
      expect((await fetch(app.url + path, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(app.url, { method: 'HEAD', redirect: 'manual' })).headers.get('location')).toBe('/http/docs');
    for (const page of ['', '/http/docs/events', '/http/docs-json'])
      expect((await fetch(app.url + page, { method: 'HEAD' })).status, page).toBe(200);
  });

  it.each([
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
    ['text/html', 'text/html'],
    ['text/*', 'text/html'],
    ['application/json, text/html;q=0.1', 'application/json'],
    ['text/html;q=0, application/json', 'application/json'],
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    [undefined, 'application/json'],
  ])('answers Accept: %s with %s', async (accept, type) => {
    const answer = await new Promise<string | undefined>((resolve, reject) =>
      request(`${app.url}/http/register/nope`, { headers: accept ? { accept } : {} }, (answered) => {
        answered.resume();
        resolve(answered.headers['content-type']);
      })
        .on('error', reject)
        .end(),
    );
    expect(answer).toContain(type);
  });
});

describe('the log', () => {
  it('holds no token, link, password or text of a message', async () => {
    const lines: string[] = [];
    class Recorder extends ConsoleLogger {
      override printMessages(...args: Parameters<ConsoleLogger['printMessages']>) {
        lines.push(JSON.stringify(args[0]));
      }
    }
    const environment = await emptyEnvironment('sqlite');
    const app = await TestApp.startIn({ ...environment.env, LOG_LEVEL: 'debug' }, environment.cleanUp, new Recorder());
    const person = await Person.join(app);
    const link = linkPath(await mailTo(app, person.email));
    const other = await Person.known(app);
    const socket = await person.connect();
    await sendTo(socket, other.id, 'words between us');
    await send(socket, { token: 'a secret token' });
    await call(app, 'POST', '/http/login', { body: { email: person.email, password: 'wrong password' } });
    // A database that fails in the middle of everything.
    await app.database.query('DROP TABLE messages');
    expect(await sendTo(other.id ? await other.connect() : socket, person.id, 'words in an error')).toMatchObject({
      error: { code: 'internal' },
    });
    await app.stop();

    const log = lines.join('\n');
    expect(log).toContain('Mail 1 is written to');
    expect(log).toContain('could not be stored');
    for (const secret of [
      person.token,
      link,
      link.split('/').at(-1)!,
      person.password,
      'wrong password',
      'words between us',
      'words in an error',
      'a secret token',
      person.email,
    ]) {
      expect(log).not.toContain(secret);
    }
  });

  it("keeps a driver's message out, which repeats values", () => {
    const error = Object.assign(new Error("Duplicate entry 'ada@example.com'"), {
      driverError: { code: 'ER_DUP_ENTRY' },
    });
    expect(logLine(error)).toMatch(/^Error ER_DUP_ENTRY\n +at /);
    expect(logLine(error)).not.toContain('ada@');
    expect(logLine('ada@example.com')).not.toContain('ada@');
  });

  it('takes for our own fault what no client could have caused', () => {
    expect(asDomainError(new Error('x'))).toBeUndefined();
    expect(asDomainError({ statusCode: 500 })).toBeUndefined();
    // No framework of ours says so, and there is no code for it.
    expect(asDomainError({ status: 401 })).toBeUndefined();
    expect(asDomainError({ statusCode: 413 })).toBeInstanceOf(DomainError);
  });
});
