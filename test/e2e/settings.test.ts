// Settings that an admin changes while the server runs.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AdminSettingsService } from '../../src/admin/admin-settings.service.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { Settings } from '../../src/settings/settings.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type Person, Person as People, record, sendTo } from '../support/client.js';
import { register } from '../support/registering.js';
import { admin, auditAfter, staff } from '../support/staff.js';

const ENV = { REGISTRATION: 'domains', ALLOWED_DOMAINS: 'example.org', MOTD: 'Hello.', REGISTRATIONS_PER_HOUR: '500' };

onAllDialects('settings', (dialect) => {
  let app: TestApp;
  let grace: Person;

  beforeEach(async () => {
    app = await TestApp.start(dialect, ENV);
    grace = await staff(app, 'admin');
  });
  afterEach(async () => {
    grace.hangUp();
    await app.stop();
  });

  const put = (body: unknown) => admin(app, grace, 'PUT', 'settings', body);
  const show = async () => (await admin(app, grace, 'GET', 'settings')).body;
  const server = async () => (await call(app, 'GET', '/http/server')).body;

  it('are what the environment says until they are set, and go back to it by null', async () => {
    const before = {
      version: 0,
      registration: { is_set: false, value: 'domains', environment: 'domains' },
      allowed_domains: { is_set: false, value: ['example.org'], environment: ['example.org'] },
      registrations_per_hour: { is_set: false, value: 500, environment: 500 },
      motd: { is_set: false, value: 'Hello.', environment: 'Hello.' },
    };
    expect(await show()).toEqual(before);
    const change = {
      registration: 'closed',
      allowed_domains: ['Bücher.example', ' EXAMPLE.com ', 'example.com'],
      registrations_per_hour: 7,
      motd: '  Away on Sunday. ',
    };
    const answer = await put(change);
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      version: 1,
      registration: { is_set: true, value: 'closed', environment: 'domains' },
      allowed_domains: {
        is_set: true,
        value: ['xn--bcher-kva.example', 'example.com'],
        environment: ['example.org'],
      },
      registrations_per_hour: { is_set: true, value: 7, environment: 500 },
      motd: { is_set: true, value: 'Away on Sunday.', environment: 'Hello.' },
    });
    expect(await show()).toEqual(answer.body);
    expect(await server()).toMatchObject({ registration: 'closed', motd: 'Away on Sunday.' });
    // What is left out stays.
    expect((await put({ motd: '' })).body).toMatchObject({
      version: 2,
      registration: { value: 'closed' },
      motd: { is_set: true, value: null },
    });
    const back = { registration: null, allowed_domains: null, registrations_per_hour: null, motd: null };
    expect((await put(back)).body).toEqual({ ...before, version: 3 });
    expect(await server()).toMatchObject({ registration: 'domains', motd: 'Hello.' });
  });

  it('leave one row in the audit log for each change, and none where nothing has changed', async () => {
    const before = (await auditAfter(app)).at(-1)?.id;
    const change = { registration: 'invite', allowed_domains: ['a.example'], motd: 'New.' };
    for (let i = 0; i < 3; i++) expect((await put(change)).status).toBe(200);
    expect((await put({})).status).toBe(200);
    await put({ registration: 'invite', motd: null });
    expect(await auditAfter(app, before)).toMatchObject([
      {
        actor_id: grace.id,
        action: 'change_settings',
        target: 'settings',
        detail: { registration: [null, 'invite'], allowed_domains: [null, ['a.example']], motd: [null, true] },
      },
      { detail: { motd: [true, null] } },
    ]);
    expect((await show()).version).toBe(2);
  });

  it('leave nothing of what the motd says in the audit log, which is kept for ever', async () => {
    const before = (await auditAfter(app)).at(-1)?.id;
    for (const motd of ['Ask Ada Lovelace.', 'Ask Alan Turing.', '', null]) await put({ motd });
    const steps = [
      [null, true],
      [true, true],
      [true, false],
      [false, null],
    ];
    expect((await auditAfter(app, before)).map(({ detail }) => detail)).toEqual(steps.map((motd) => ({ motd })));
  });

  it('are changed one after another where many come at once, and none is lost', async () => {
    const words = Array.from({ length: 10 }, (_, i) => `No. ${i}`);
    await Promise.all([
      ...words.map((motd) => put({ motd })),
      put({ registration: 'closed' }),
      put({ registrations_per_hour: 9 }),
    ]);
    const now = await show();
    expect(now).toMatchObject({ version: 12, registration: { value: 'closed' }, registrations_per_hour: { value: 9 } });
    expect(words).toContain(now.motd.value);
    const [row] = await app.database.query('SELECT * FROM settings');
    expect(row).toMatchObject({ version: 12, motd: now.motd.value });
    expect(app.get(Settings).current).toMatchObject({ registration: 'closed', registrationsPerHour: 9 });
  });

  it('survive a restart, and a new environment', async () => {
    await put({ registration: 'invite', motd: 'Kept.' });
    app = await app.restart();
    expect(await server()).toMatchObject({ registration: 'invite', motd: 'Kept.' });
    expect(await show()).toMatchObject({
      version: 1,
      registration: { is_set: true },
      allowed_domains: { is_set: false },
    });
    expect((await register(app, 'a@example.org')).body.code).toBe('invite_required');
    await put({ registration: 'domains', motd: null });
    await app.app.close();
    app = await TestApp.startIn(
      { ...app.env, REGISTRATION: 'open', ALLOWED_DOMAINS: '', MOTD: 'Newer.' },
      app.removeData,
    );
    // The domains were the environment's, and it names none any more: nobody is let in by mistake.
    expect(await server()).toMatchObject({ registration: 'domains', motd: 'Newer.' });
    expect((await register(app, 'a@example.org')).body.code).toBe('domain_not_allowed');
    // What has nothing to do with it can be set all the same.
    expect((await put({ motd: 'Newest.' })).status).toBe(200);
    expect((await put({ registration: 'open' })).status).toBe(200);
    expect((await register(app, 'a@example.org')).status).toBe(202);
  });

  it('tell all sockets what GET /http/server says else, and nothing where it says the same', async () => {
    const bob = await People.known(app, 'Bob');
    const sockets = [await grace.connect(), await bob.connect()];
    const heard = sockets.map((socket) => record(socket, 'server_update'));
    await put({ motd: 'One.' });
    await put({ registrations_per_hour: 9, allowed_domains: ['a.example'] });
    // As the environment says anyway.
    await put({ registration: 'domains' });
    await put({ registration: 'closed', motd: null });
    await put({ motd: '' });
    await sendTo(sockets[0], bob.id, 'a marker');
    const expected = [{ motd: 'One.' }, { registration: 'closed', motd: 'Hello.' }, { motd: null }];
    for (const events of heard) await expect.poll(() => events).toEqual(expected);
    bob.hangUp();
  });

  it('hold as they were last known while the table cannot be read', async () => {
    await put({ registration: 'closed' });
    await app.database.query('ALTER TABLE settings RENAME TO settings_away');
    try {
      await new Promise((resolve) => setTimeout(resolve, 6_000));
      expect(await server()).toMatchObject({ registration: 'closed' });
    } finally {
      await app.database.query('ALTER TABLE settings_away RENAME TO settings');
    }
    await app.database.query("UPDATE settings SET registration = 'invite', version = version + 1");
    await expect.poll(async () => (await server()).registration, { timeout: 20_000 }).toBe('invite');
  });

  describe('of which a fail-over of the database has lost the last change', () => {
    const lose = (motd: string, version: number) =>
      app.database.query('UPDATE settings SET motd = ?, version = ?', [motd, version]);

    it('follow the next change at once', async () => {
      const heard = record(await grace.connect(), 'server_update');
      await put({ motd: 'One.' });
      await put({ motd: 'Lost.' });
      await lose('One.', 1);
      expect((await put({ motd: 'Three.' })).body).toMatchObject({ version: 3, motd: { value: 'Three.' } });
      expect(await server()).toMatchObject({ motd: 'Three.' });
      await expect.poll(() => heard).toEqual([{ motd: 'One.' }, { motd: 'Lost.' }, { motd: 'Three.' }]);
    });

    it('go back to what the database says, also where another change has its number', async () => {
      const shows = async (motd: string) => {
        await expect.poll(async () => (await server()).motd, { timeout: 15_000 }).toBe(motd);
      };
      await put({ motd: 'One.' });
      await put({ motd: 'Lost.' });
      // By a node that has started since, and knows nothing of what was lost.
      await lose('Another one.', 2);
      await shows('Another one.');
      // The first change of all.
      await app.database.query('DELETE FROM settings');
      await shows('Hello.');
      expect((await put({ motd: 'Again.' })).body).toMatchObject({ version: 1, motd: { value: 'Again.' } });
      expect(await server()).toMatchObject({ motd: 'Again.' });
    });
  });

  it('take as many domains as there may be, and the longest words', async () => {
    const domains = Array.from({ length: 32 }, (_, i) => `${String(i).padStart(61, 'a')}.`.repeat(4) + 'ab');
    const motd = '\u{1f98a}'.repeat(500);
    expect((await put({ registration: 'domains', allowed_domains: domains, motd })).body).toMatchObject({
      allowed_domains: { value: domains },
      motd: { value: motd },
    });
    expect((await put({ allowed_domains: domains.map((one) => one.replace('ab', 'cd')), motd: null })).status).toBe(
      200,
    );
    app = await app.restart();
    expect((await show()).allowed_domains.value[0]).toContain('cd');
  });

  it('are there for the command line', async () => {
    expect(await app.get(AdminSettingsService).change('console', { motd: 'By hand.' })).toMatchObject({
      motd: { value: 'By hand.' },
    });
    expect((await auditAfter(app)).at(-1)).toMatchObject({ actor_id: null, action: 'change_settings' });
  });
});

onAllDialects('settings that make no sense', (dialect) => {
  let app: TestApp;
  let grace: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect, ENV);
    grace = await staff(app, 'admin');
  });
  afterAll(() => app.stop());

  it.each([
    [{ registration: 'friends' }],
    [{ registration: 7 }],
    [{ allowed_domains: 'example.com' }],
    [{ allowed_domains: ['ada@example.com'] }],
    [{ allowed_domains: ['*.example.com'] }],
    [{ allowed_domains: ['-a.example'] }],
    [{ allowed_domains: ['a..example'] }],
    [{ allowed_domains: ['example.com,evil.org'] }],
    [{ allowed_domains: ['\ud800.example'] }],
    [{ allowed_domains: [''] }],
    [{ allowed_domains: [7] }],
    [{ allowed_domains: Array.from({ length: 33 }, (_, i) => `a${i}.example`) }],
    [{ allowed_domains: [`${'a'.repeat(64)}.example`] }],
    // Mode `domains` needs one.
    [{ allowed_domains: [] }],
    [{ registrations_per_hour: 0 }],
    [{ registrations_per_hour: 1_000_000_000 }],
    [{ registrations_per_hour: 1.5 }],
    [{ motd: 'x'.repeat(501) }],
    [{ motd: '\ud800' }],
    [{ motd: 7 }],
    [{ version: 9 }],
    [[]],
  ])('are refused: %j', async (body) => {
    const before = (await admin(app, grace, 'GET', 'settings')).body;
    expect((await admin(app, grace, 'PUT', 'settings', body)).status).toBe(400);
    expect((await admin(app, grace, 'GET', 'settings')).body).toEqual(before);
  });
});

onAllDialects('registrations in an hour', (dialect) => {
  it('are as many as an admin says, from now on, with what was counted already', async () => {
    const app = await TestApp.start(dialect, { RATE_LIMITS: 'on', TRUST_PROXY: '1' });
    try {
      const set = (registrations_per_hour: number | null) =>
        app.get(AdminSettingsService).change('console', { registrations_per_hour });
      const take = (i: number) => {
        try {
          app.get(RateLimits).registration(`198.51.100.${i}`);
          return true;
        } catch {
          return false;
        }
      };
      await set(4);
      expect([1, 2, 3, 4, 5].map(take)).toEqual([true, true, true, true, false]);
      // A flood is cut short at once, also below what was taken.
      await set(2);
      expect(take(6)).toBe(false);
      await set(6);
      expect([7, 8, 9].map(take)).toEqual([true, true, false]);
      await set(null);
      expect(take(10)).toBe(true);
    } finally {
      await app.stop();
    }
  });
});
