// A stolen token sets a new password: its owner takes it back, and the account cannot be erased meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Housekeeping } from '../../src/auth/housekeeping.js';
import { Clock } from '../../src/common/timing/clock.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, linkPath, mailTo, next, Person } from '../support/client.js';
import { invitation } from '../support/registering.js';

const HOUR = 3_600_000;
const BROWSER = { accept: 'text/html,*/*' };

onAllDialects('a password that was set with a token alone', (dialect) => {
  let app: TestApp;
  let offset = 0;
  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());

  const login = (person: Person, password: string) =>
    call(app, 'POST', '/http/login', { body: { email: person.email, password } });
  const set = (person: Person, password: string, current?: string) =>
    person.put('/http/users/profile', { password, ...(current !== undefined && { current_password: current }) });
  const erase = (person: Person, password: string) =>
    call(app, 'DELETE', '/http/users/profile', { token: person.token, body: { password } });
  const restore = (token: string) => call(app, 'POST', '/http/password/restore', { body: { token } });
  /** The token in the newest mail, once there are `count`. */
  const tokenIn = async (person: Person, count: number): Promise<string> =>
    linkPath(await mailTo(app, person.email, count))
      .split('/')
      .at(-1)!;
  /** Somebody whose token is in strange hands: these have set a password. */
  const robbed = async (): Promise<{ owner: Person; token: string }> => {
    const owner = await Person.join(app);
    expect((await set(owner, 'taken over once')).status).toBe(200);
    return { owner, token: await tokenIn(owner, 2) };
  };
  const kept = async (person: Person): Promise<number> => {
    const rows = await app.database.query('SELECT id FROM replaced_passwords WHERE user_id = ?', [person.id]);
    return (rows as unknown[]).length;
  };

  it('is taken back by POST, not by opening the link, and all sessions end', async () => {
    const { owner, token } = await robbed();
    const isInvited = await invitation(app, owner, 'taken over once');
    const thief = await owner.connect();
    const closed = next(thief, 'disconnect');
    const page = await call(app, 'GET', `/http/password/restore/${token}`, { headers: BROWSER });
    expect(page.body).toContain('action="/http/password/restore"');
    expect((await call(app, 'GET', `/http/password/restore/${token}`)).body).toEqual({ ok: true });
    expect((await login(owner, 'taken over once')).status).toBe(200);
    expect(await isInvited()).toBe(true);

    expect(await restore(token)).toMatchObject({ status: 200, body: { ok: true } });
    await closed;
    expect(await isInvited()).toBe(false);
    expect((await owner.get('/http/users')).body.code).toBe('session_revoked');
    expect((await login(owner, 'taken over once')).status).toBe(401);
    expect((await login(owner, owner.password)).status).toBe(200);
    expect(await kept(owner)).toBe(0);
    expect((await mailTo(app, owner.email, 3)).subject).toContain('taken back');
  });

  it('is taken back by the form of the page, once', async () => {
    const { owner, token } = await robbed();
    const headers = { ...BROWSER, 'content-type': 'application/x-www-form-urlencoded' };
    const post = () => call(app, 'POST', '/http/password/restore', { headers, body: `token=${token}` });
    expect((await post()).body).toContain('href="http://localhost:3000/http/password/forgot"');
    expect((await post()).status).toBe(404);
    expect(await restore(token)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await login(owner, owner.password)).status).toBe(200);
  });

  it.each([0, 1])('leads back to the last password that nobody doubts, by link %i of two', async (which) => {
    const { owner, token } = await robbed();
    // With `current_password`, which the thief knows by now, and without.
    expect((await set(owner, 'taken over twice', 'taken over once')).status).toBe(200);
    await mailTo(app, owner.email, 3);
    expect((await set(owner, 'taken over again')).status).toBe(200);
    const later = await tokenIn(owner, 4);
    expect((await restore([token, later][which])).status).toBe(200);
    expect((await login(owner, owner.password)).status).toBe(200);
    expect((await login(owner, 'taken over once')).status).toBe(401);
    expect((await restore([later, token][which])).status).toBe(404);
  });

  it('keeps the account from being erased for 72 hours, and no longer', async () => {
    const { owner } = await robbed();
    const refused = await erase(owner, 'taken over once');
    expect(refused).toMatchObject({ status: 403, body: { code: 'password_too_new' } });
    expect(refused.body.retry_after).toBeGreaterThan(71 * 3600);
    expect(refused.body.retry_after).toBeLessThanOrEqual(72 * 3600);
    // What the thief has set is proven by what the thief has set.
    expect((await set(owner, 'taken over twice', 'taken over once')).status).toBe(200);
    expect((await erase(owner, 'taken over twice')).body.code).toBe('password_too_new');
    expect((await erase(owner, 'a wrong guess')).body.code).toBe('wrong_password');
    offset = 72 * HOUR + 1_000;
    expect((await erase(owner, 'taken over twice')).status).toBe(204);
    offset = 0;
    expect(await kept(owner)).toBe(0);
  });

  it('is good for 72 hours, and then forgotten', async () => {
    const { owner, token } = await robbed();
    offset = 72 * HOUR + 1_000;
    expect(await restore(token)).toMatchObject({ status: 410, body: { code: 'expired' } });
    const page = await call(app, 'GET', `/http/password/restore/${token}`, { headers: BROWSER });
    expect(page.body).toMatch(/This link has expired\..*Ask for a link to a new password\./s);
    await app.get(Housekeeping).sweep();
    offset = 0;
    expect(await kept(owner)).toBe(0);
    expect((await restore(token)).status).toBe(404);
  });

  it('is settled by a password that is set with a link from a mail', async () => {
    const { owner, token } = await robbed();
    await call(app, 'POST', '/http/password/forgot', { body: { email: owner.email } });
    const reset = { token: await tokenIn(owner, 3), password: 'set by the owner' };
    expect((await call(app, 'POST', '/http/password/reset', { body: reset })).status).toBe(200);
    expect((await restore(token)).status).toBe(404);
    await owner.login('set by the owner');
    expect((await erase(owner, 'set by the owner')).status).toBe(204);
  });

  it('is not needed where the former one was sent along', async () => {
    const owner = await Person.join(app);
    expect((await set(owner, 'another long one', owner.password)).status).toBe(200);
    expect((await mailTo(app, owner.email, 2)).text).not.toContain('/http/password/restore/');
    expect(await kept(owner)).toBe(0);
    expect((await erase(owner, 'another long one')).status).toBe(204);
  });

  it('goes back once, whatever comes at the same time', async () => {
    const { owner, token } = await robbed();
    const answers = await Promise.all([
      restore(token),
      restore(token),
      set(owner, 'taken over twice'),
      login(owner, 'taken over once'),
    ]);
    expect(
      answers
        .slice(0, 2)
        .map(({ status }) => status)
        .sort(),
    ).toEqual([200, 404]);
    expect((await login(owner, owner.password)).status).toBe(200);
    expect((await owner.get('/http/users')).status).toBe(401);
    if (answers[3].status === 200)
      expect((await call(app, 'GET', '/http/users', { token: answers[3].body.token })).status).toBe(401);
    expect(await kept(owner)).toBe(0);
  });
});

describe('REAUTHENTICATE_AFTER', () => {
  it('demands a recent login or the current password for a new one', async () => {
    const app = await TestApp.start('sqlite', { REAUTHENTICATE_AFTER: '15m' });
    let offset = 0;
    app.get(Clock).now = () => new Date(Date.now() + offset);
    const person = await Person.join(app);
    const set = (change: object) => person.put('/http/users/profile', { password: 'another long one', ...change });
    offset = 16 * 60_000;
    expect(await set({})).toMatchObject({ status: 403, body: { code: 'reauthentication_required' } });
    expect((await person.put('/http/users/profile', { first_name: 'Augusta' })).status).toBe(200);
    expect((await set({ current_password: person.password })).status).toBe(200);
    await person.login('another long one');
    expect((await set({ password: 'one more long one' })).status).toBe(200);
    await app.stop();
  });
});

describe('limits on mails', () => {
  it('never keep the first link from its owner, and one is enough', async () => {
    const app = await TestApp.start('sqlite', { RATE_LIMITS: 'on' });
    const person = await Person.join(app);
    for (const [i, password] of ['taken over one', 'taken over two', 'taken over three', 'taken over four'].entries()) {
      expect((await person.put('/http/users/profile', { password })).status).toBe(200);
      if (i === 0) await mailTo(app, person.email, 2);
    }
    const rows = await app.database.query('SELECT id FROM replaced_passwords');
    expect(rows).toHaveLength(3);
    const last = linkPath(await mailTo(app, person.email, 4))
      .split('/')
      .at(-1)!;
    expect((await call(app, 'POST', '/http/password/restore', { body: { token: last } })).status).toBe(200);
    await person.login();
    expect(person.token).toBeDefined();
    await app.stop();
  });
});
