// Where somebody is logged in, and the end of it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, next, Person, sendTo } from '../support/client.js';

onAllDialects('sessions', (dialect) => {
  let app: TestApp;
  let offset = 0;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
  });

  const list = async (token = ada.token) => (await call(app, 'GET', '/http/sessions', { token })).body;
  const end = (id: unknown, token = ada.token) => call(app, 'DELETE', `/http/sessions/${String(id)}`, { token });
  const endOthers = (token = ada.token) => call(app, 'DELETE', '/http/sessions', { token });
  const isRefused = async (token: string) =>
    (await call(app, 'GET', '/http/users', { token })).body.code === 'session_revoked';

  it('are listed, the newest first, with the device that logged in', async () => {
    const person = await Person.join(app);
    const first = person.token;
    const device = `Lynx ${'x'.repeat(300)}`;
    const { body } = await call(app, 'POST', '/http/login', {
      body: { email: person.email, password: person.password },
      headers: { 'user-agent': device },
    });
    const shown = await list(body.token);
    expect(shown).toEqual([
      {
        id: expect.any(Number),
        device: device.slice(0, 200),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        expires_at: expect.stringMatching(/Z$/),
        current: true,
      },
      {
        id: expect.any(Number),
        device: 'node',
        created_at: expect.any(String),
        expires_at: expect.any(String),
        current: false,
      },
    ]);
    expect(Date.parse(shown[0].expires_at) - Date.parse(shown[0].created_at)).toBe(30 * 24 * 3_600_000);
    // Each sees the same, from where it stands.
    expect((await list(first)).map(({ current }: { current: boolean }) => current)).toEqual([false, true]);
    // Somebody else's are none of these.
    expect(await list()).toHaveLength(1);
  });

  it('that have ended, or run out, are not', async () => {
    const gone = await app.createSession(ada.id);
    await call(app, 'GET', '/http/logout', { token: gone });
    expect(await list()).toHaveLength(1);
    offset = 29 * 24 * 3_600_000;
    const fresh = await app.createSession(ada.id);
    offset = 31 * 24 * 3_600_000;
    expect(await list(fresh)).toHaveLength(1);
    const [{ id: runOut }] = await app.database.query('SELECT id FROM sessions WHERE user_id = ? ORDER BY id LIMIT 1', [
      ada.id,
    ]);
    expect((await end(runOut, fresh)).status).toBe(404);
    offset = 0;
  });

  it('are listed page by page where there are very many', async () => {
    for (let i = 0; i < 1001; i++) await app.createSession(ada.id);
    const first = await call(app, 'GET', '/http/sessions', { token: ada.token });
    expect(first.body).toHaveLength(1000);
    const [, url] = /^<(.*)>; rel="next"$/.exec(first.headers.get('link')!)!;
    const { pathname, search } = new URL(url);
    const second = await call(app, 'GET', pathname + search, { token: ada.token });
    expect(second.body).toHaveLength(2);
    expect(second.body[0].id).toBeLessThan(first.body.at(-1).id);
    expect(second.headers.get('link')).toBeNull();
  });

  it('end one by one: the token stops, the sockets close, the others go on', async () => {
    const other = await app.createSession(ada.id);
    const [goes, stays] = [await ada.connect(other), await ada.connect()];
    const told = next<{ code: string }>(goes, 'exception');
    const closed = next<string>(goes, 'disconnect');
    const [{ id, current }] = await list();
    expect(current).toBe(false);
    expect(await end(id)).toMatchObject({ status: 204, body: '' });
    expect((await told).code).toBe('session_revoked');
    expect(await closed).toBe('io server disconnect');
    expect(await isRefused(other)).toBe(true);
    expect((await sendTo(stays, bob.id, 'still here')).ok).toBe(true);
    expect(await list()).toHaveLength(1);
    expect(await end(id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    ada.hangUp();
  });

  it('of others, or of nobody, do not', async () => {
    const [{ id }] = await list(bob.token);
    const theirs = await end(id);
    expect(theirs).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await end(1_999_999_999)).body).toEqual(theirs.body);
    for (const bad of ['x', '0', '-1', '1.0', '01']) expect((await end(bad)).status).toBe(400);
    expect(await isRefused(bob.token)).toBe(false);
  });

  it('end themselves, like a logout', async () => {
    const socket = await ada.connect();
    const closed = next(socket, 'disconnect');
    const [{ id, current }] = await list();
    expect(current).toBe(true);
    expect((await end(id)).status).toBe(204);
    await closed;
    expect(await isRefused(ada.token)).toBe(true);
  });

  it('all end but the one that asks, also where there is no other', async () => {
    const others = [await app.createSession(ada.id), await app.createSession(ada.id)];
    const sockets = await Promise.all(others.map((token) => ada.connect(token)));
    const mine = await ada.connect();
    const closed = Promise.all(sockets.map((socket) => next(socket, 'disconnect')));
    expect(await endOthers()).toMatchObject({ status: 204, body: '' });
    await closed;
    for (const token of others) expect(await isRefused(token)).toBe(true);
    expect(await list()).toHaveLength(1);
    expect((await endOthers()).status).toBe(204);
    expect((await sendTo(mine, bob.id, 'still here')).ok).toBe(true);
    expect(await isRefused(bob.token)).toBe(false);
    ada.hangUp();
  });

  it('of which two end each other at once: one is left', async () => {
    for (let i = 0; i < 5; i++) {
      const person = await Person.known(app);
      const tokens = [person.token, await app.createSession(person.id)];
      const answers = await Promise.all(tokens.map((token) => endOthers(token)));
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 401]);
      expect(await Promise.all(tokens.map(isRefused))).toEqual(answers.map(({ status }) => status === 401));
    }
  });

  describe('that end while they send', () => {
    /** Sends without a pause, until the socket is closed. */
    const flood = (socket: ChatSocket, stopped: () => boolean): Promise<void> =>
      (async () => {
        for (let i = 0; !stopped() && socket.connected; i++) {
          for (let k = 0; k < 20; k++)
            socket.emit('message', { chat_type: 'room', other_user_id: bob.id, message: `${i} ${k}` });
          await new Promise(setImmediate);
        }
      })();

    it.each(['one', 'others'])('store nothing after the answer, told to end by DELETE (%s)', async (which) => {
      const room = (await sendTo(await ada.connect(), bob.id, 'first')).chat_room_id;
      const stored = async () => {
        const [row] = await app.database.query('SELECT last_seq FROM conversations WHERE id = ?', [room]);
        return row.last_seq as number;
      };
      for (let round = 0; round < 6; round++) {
        const token = await app.createSession(ada.id);
        const socket = await ada.connect(token);
        const closed = next(socket, 'disconnect');
        const told = next<{ code: string }>(socket, 'exception', ({ code }) => code === 'session_revoked');
        let isOver = false;
        const before = await stored();
        const flooding = flood(socket, () => isOver);
        // Some are on their way for certain.
        while ((await stored()) <= before) await new Promise(setImmediate);
        const [{ id }] = await list();
        expect((await (which === 'one' ? end(id) : endOthers())).status).toBe(204);
        const atAnswer = await stored();
        await told;
        await closed;
        isOver = true;
        await flooding;
        // A marker through the same queue: whatever was in it before has been stored, or not.
        const marker = await sendTo(await ada.connect(), bob.id, 'marker');
        expect(marker.seq).toBe(atAnswer + 1);
      }
      ada.hangUp();
    });
  });
});
