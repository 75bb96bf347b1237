// How much one may ask for, and what the refusal says.
import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Passwords } from '../../src/identity/passwords.js';
import { RateLimited } from '../../src/common/errors.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { TestApp } from '../support/app.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { call, linkPath, mailTo, next, Person, send, sendTo } from '../support/client.js';

describe('rates', () => {
  let app: TestApp;
  afterEach(() => app.stop());
  const start = async (env: Record<string, string> = {}) =>
    (app = await TestApp.start('sqlite', { RATE_LIMITS: 'on', ...env }));
  const login = (email: string, password: string, headers: Record<string, string> = {}) =>
    call(app, 'POST', '/http/login', { body: { email, password }, headers });

  it('let a person send 60 messages at once, and say how long to wait for more', async () => {
    await start();
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const [phone, laptop] = [await ada.connect(), await ada.connect()];
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, i) => sendTo(i % 2 ? phone : laptop, bob.id, `${i}`)),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(60);
    for (const { error } of answers.filter(({ ok }) => !ok)) {
      expect(error).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
      expect(error.retry_after).toBeLessThanOrEqual(6);
    }
    // Somebody else is not held up.
    expect((await sendTo(await bob.connect(), ada.id, 'mine')).ok).toBe(true);
    expect(phone.connected && laptop.connected).toBe(true);
  });

  it('count the GET that enters a group as a change, and not the one that changes nothing', async () => {
    await start();
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const create = async (): Promise<number> =>
      (await call(app, 'POST', '/http/chat_groups', { token: bob.token, body: { chat_group_name: 'G' } })).body.id;
    const [entered, other] = [await create(), await create()];
    const get = async (group: number) => (await ada.get(`/http/chat_groups/${group}`)).status;
    expect(await get(entered)).toBe(200);
    // Else she would be out again after five seconds.
    await ada.connect();
    vi.spyOn(app.get(RateLimits), 'write').mockImplementation(() => {
      throw new RateLimited('Too many requests.', 6);
    });
    const began = vi.spyOn(app.get(UnitOfWork), 'run');
    expect([await get(other), await get(entered)]).toEqual([429, 200]);
    expect(began).not.toHaveBeenCalled();
  });

  it('count wrong passwords for an address and an IP, and lock nobody else out', async () => {
    await start({ TRUST_PROXY: '127.0.0.1/32' });
    const owner = await Person.join(app);
    const attacker = { 'x-forwarded-for': '198.51.100.7' };
    const statuses = [];
    for (let i = 0; i < 12; i++) statuses.push((await login(owner.email, `guess ${i}`, attacker)).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    const refused = await login(owner.email, owner.password, attacker);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await login(owner.email, owner.password, { 'x-forwarded-for': '198.51.100.8' })).status).toBe(200);
    // An address that does not exist is counted the same way.
    const unknown = [];
    for (let i = 0; i < 11; i++)
      unknown.push((await login('nobody@example.com', 'guess', { 'x-forwarded-for': '198.51.100.9' })).status);
    expect(unknown).toEqual([...Array(10).fill(401), 429]);
  });

  it('take a client for one, however X-Forwarded-For spells it', async () => {
    await start({ TRUST_PROXY: '1' });
    const spellings = ['2001:DB8:0:3::1', '2001:0db8:0000:0003::0001', '[2001:db8:0:3:0:0:0:1]', '2001:db8:0:3::1%en0'];
    const forms: Record<string, (attempt: number) => string> = {
      ports: (i) => `198.51.100.7:${4000 + i}`,
      'ports behind IPv6': (i) => `[2001:db8:0:2::1]:${4000 + i}`,
      spellings: (i) => spellings[i % spellings.length],
      'hosts of one network': (i) => `2001:db8:0:4:${i}::${i}`,
      'IPv4 within IPv6': (i) => (i % 2 ? '::ffff:198.51.100.8' : '[::ffff:c633:6408]:80'),
      words: (i) => `junk ${i}`,
      'words before the last address': (i) => `junk ${i}, 203.0.113.${i}, 198.51.100.9`,
    };
    for (const [name, spelled] of Object.entries(forms)) {
      const statuses = [];
      for (let i = 0; i < 11; i++)
        statuses.push((await login('nobody@example.com', 'guess', { 'x-forwarded-for': spelled(i) })).status);
      expect(statuses, name).toEqual([...Array(10).fill(401), 429]);
    }
  });

  it('forget the wrong passwords of who has set a new one by a link, and of nobody else', async () => {
    await start({ TRUST_PROXY: '127.0.0.1/32' });
    const [person, other] = [await Person.join(app), await Person.join(app)];
    const [here, there] = [{ 'x-forwarded-for': '198.51.100.7' }, { 'x-forwarded-for': '198.51.100.8' }];
    for (const { email } of [person, other])
      for (const headers of [here, there]) for (let i = 0; i < 10; i++) await login(email, `guess ${i}`, headers);
    await call(app, 'POST', '/http/password/forgot', { body: { email: person.email } });
    const token = linkPath(await mailTo(app, person.email, 2))
      .split('/')
      .at(-1);
    const body = { token, password: 'a new password' };
    expect((await call(app, 'POST', '/http/password/reset', { body, headers: here })).status).toBe(200);
    expect((await login(person.email, 'a new password', here)).status).toBe(200);
    expect((await login(person.email, 'a new password', there)).status).toBe(429);
    expect((await login(other.email, other.password, here)).status).toBe(429);
  });

  it('allow ten logins a minute to one account from one network, also where all come at once', async () => {
    await start({ TRUST_PROXY: '1' });
    const person = await Person.join(app);
    const from = (network: string) => login(person.email, person.password, { 'x-forwarded-for': network });
    const answers = await Promise.all(Array.from({ length: 15 }, () => from('198.51.100.7')));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused).toMatchObject({ body: { code: 'rate_limited', retry_after: expect.any(Number) } });
    expect((await from('198.51.100.7')).status).toBe(429);
    expect((await from('198.51.100.8')).status).toBe(200);
  });

  it('allow 100 registrations from one network, and hold up no links for it', async () => {
    await start({ TRUST_PROXY: '1' });
    const [ada, stranger] = [await Person.known(app), { 'x-forwarded-for': '198.51.100.7' }];
    const register = (email: string, headers: Record<string, string> = stranger) =>
      call(app, 'POST', '/http/register', {
        body: { email, password: 'correct horse battery', first_name: 'A', last_name: 'B' },
        headers,
      });
    const flood = await Promise.all(Array.from({ length: 110 }, (_, i) => register(`crowd${i}@example.com`)));
    expect(flood.filter(({ status }) => status === 429)).toHaveLength(10);
    const forgot = { body: { email: ada.email }, headers: stranger };
    expect((await call(app, 'POST', '/http/password/forgot', forgot)).status).toBe(202);
    expect((await register('neighbour@example.com', { 'x-forwarded-for': '198.51.100.8' })).status).toBe(202);
  });

  it('keep nobody who has an account waiting behind the passwords of strangers', async () => {
    await start({ RATE_LIMITS: 'off' });
    const ada = await Person.join(app);
    await call(app, 'POST', '/http/password/forgot', { body: { email: ada.email } });
    const token = linkPath(await mailTo(app, ada.email, 2))
      .split('/')
      .at(-1);
    const passwords = app.get(Passwords);
    // More than may wait, of each kind, before each of what an owner does.
    const flood = () =>
      Array.from({ length: 70 }, () => [
        passwords.hash('x', 'registration').catch(() => 'busy'),
        passwords.matches('x', undefined, 'login').catch(() => 'busy'),
      ]).flat();
    const waiting = flood();
    const reset = { body: { token, password: 'a new password' } };
    expect((await call(app, 'POST', '/http/password/reset', reset)).status).toBe(200);
    // The reset has ended all sessions.
    ada.token = await app.createSession(ada.id);
    waiting.push(...flood());
    const change = { password: 'a newer password', current_password: 'a new password' };
    expect((await ada.put('/http/users/profile', change)).status).toBe(200);
    waiting.push(...flood());
    const erasure = { token: ada.token, body: { password: 'a newer password' } };
    expect((await call(app, 'DELETE', '/http/users/profile', erasure)).status).toBe(204);
    expect(await Promise.all(waiting)).toContain('busy');
  });

  it('let those who register and those who ask for another link take turns, however many of the others come', async () => {
    await start({ RATE_LIMITS: 'off' });
    const passwords = app.get(Passwords);
    const link = { email: 'ada@example.com', password: 'correct horse battery' };
    const kinds = [
      {
        crowd: () => passwords.search('x', [], 5),
        mine: () => call(app, 'POST', '/http/register', { body: { ...link, first_name: 'A', last_name: 'B' } }),
      },
      {
        crowd: () => passwords.hash('x', 'registration'),
        mine: () => call(app, 'POST', '/http/register/resend', { body: link }),
      },
    ];
    for (const { crowd, mine } of kinds) {
      let done = 0;
      const flood = Array.from({ length: 70 }, () =>
        crowd().then(
          () => (done++, 'done'),
          () => 'busy',
        ),
      );
      expect((await mine()).status).toBe(202);
      const before = done;
      const outcomes = await Promise.all(flood);
      expect(outcomes).toContain('busy');
      // Others still waited: they were not all before it.
      expect(before).toBeLessThan(outcomes.filter((outcome) => outcome === 'done').length);
    }
  });

  it('allow as many registrations an hour as the operator says, wherever they come from', async () => {
    await start({ TRUST_PROXY: '1', REGISTRATIONS_PER_HOUR: '2' });
    const answers = [];
    for (let i = 0; i < 3; i++)
      answers.push(
        await call(app, 'POST', '/http/register', {
          body: { email: `p${i}@example.com`, password: 'correct horse battery', first_name: 'A', last_name: 'B' },
          headers: { 'x-forwarded-for': `198.51.100.${i}` },
        }),
      );
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 429]);
    expect(answers[2].body).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    expect(answers[2].body.retry_after).toBeGreaterThan(15 * 60);
  });

  it('allow a day only so many messages', async () => {
    await start({ MESSAGES_PER_DAY: '3' });
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const [phone, laptop] = [await ada.connect(), await ada.connect()];
    for (const socket of [phone, laptop, phone])
      expect(await sendTo(socket, bob.id, 'hello')).toMatchObject({ ok: true });
    const { error } = await sendTo(laptop, bob.id, 'hello');
    expect(error).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    expect(error.retry_after).toBeGreaterThan(23 * 60 * 60);
    // Somebody else is not held up, and what is no message is not counted.
    expect(await sendTo(await bob.connect(), ada.id, 'mine')).toMatchObject({ ok: true });
    expect((await ada.put('/http/users/profile', { first_name: 'Augusta' })).status).toBe(200);
  });

  it('count guesses at current_password like guesses at a login', async () => {
    await start();
    const person = await Person.join(app);
    const statuses = [];
    for (let i = 0; i < 11; i++)
      statuses.push((await person.put('/http/users/profile', { current_password: `guess ${i}` })).status);
    expect(statuses).toEqual([...Array(10).fill(403), 429]);
  });

  it('allow 100 wrong passwords from one IP, whatever the addresses', async () => {
    await start({ TRUST_PROXY: '1' });
    const statuses: number[] = [];
    for (let i = 0; i < 102; i += 6) {
      const some = Array.from({ length: 6 }, (_, k) =>
        login(`crowd${i + k}@example.com`, 'guess', { 'x-forwarded-for': '203.0.113.5' }),
      );
      statuses.push(...(await Promise.all(some)).map(({ status }) => status));
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(100);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  });

  it('believe X-Forwarded-For from nobody unless told', async () => {
    await start();
    const statuses = [];
    for (let i = 0; i < 11; i++)
      statuses.push((await login('nobody@example.com', 'x', { 'x-forwarded-for': `198.51.100.${i}` })).status);
    expect(statuses.at(-1)).toBe(429);
  });

  it('hash a few passwords at once and answer the rest with 503', async () => {
    await start({ RATE_LIMITS: 'off' });
    const crowd = Array.from({ length: 64 + Math.max(2, availableParallelism()) + 40 }, (_, i) =>
      login(`crowd${i}@example.com`, 'guess'),
    );
    const answers = await Promise.all(crowd);
    const busy = answers.filter(({ status }) => status === 503);
    expect(busy.length).toBeGreaterThan(0);
    expect(busy[0]).toMatchObject({ body: { code: 'busy' } });
    expect(busy[0].headers.get('retry-after')).toBe('1');
    expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThanOrEqual(64);
    expect((await login('later@example.com', 'guess')).status).toBe(401);
  });

  it('hold it against nobody that the server was too busy to check', async () => {
    await start();
    const person = await Person.join(app);
    const flood = Array.from({ length: 120 }, (_, i) => login(`crowd${i}@example.com`, 'guess', {}));
    const mine = await Promise.all(Array.from({ length: 9 }, () => login(person.email, person.password)));
    await Promise.all(flood);
    expect(mine.some(({ status }) => status === 503)).toBe(true);
    expect((await login(person.email, person.password)).status).not.toBe(429);
  });

  it('count what is refused, too', async () => {
    await start();
    const ada = await Person.known(app);
    const socket = await ada.connect();
    const answers = await Promise.all(Array.from({ length: 70 }, () => send(socket, { chat_type: 'nonsense' })));
    expect(answers.filter(({ error }) => error.code === 'invalid')).toHaveLength(60);
    expect(answers.filter(({ error }) => error.code === 'rate_limited')).toHaveLength(10);
  });

  it('count what changes something over HTTP apart from what only reads', async () => {
    await start();
    const ada = await Person.known(app);
    const writes = await Promise.all(Array.from({ length: 70 }, () => ada.put('/http/users/profile', {})));
    expect(writes.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(5);
    const reads = await Promise.all(Array.from({ length: 70 }, () => ada.get('/http/users/profile')));
    expect(reads.every(({ status }) => status === 200)).toBe(true);
  });

  it('count a list as ten reads, and hold up nothing else', async () => {
    await start();
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await ada.connect();
    const lists = ['users', 'chat_rooms', 'chat_groups', 'notifications', 'users/blocked'];
    // What five devices ask for when all come back at once, each with news in forty chats.
    const back = await Promise.all(Array.from({ length: 20 }, (_, i) => ada.get(`/http/${lists[i % 4]}`)));
    const pages = await Promise.all(Array.from({ length: 200 }, () => ada.get('/http/users/profile')));
    expect([...back, ...pages].filter(({ status }) => status !== 200)).toEqual([]);
    // More than two windows hold, however slow this machine is.
    const more = await Promise.all(Array.from({ length: 125 }, (_, i) => ada.get(`/http/${lists[i % 5]}`)));
    const refused = more.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0].body).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    expect(refused[0].body.retry_after).toBeLessThanOrEqual(10);
    expect((await bob.get('/http/users')).status).toBe(200);
    expect(await sendTo(socket, bob.id, 'still here')).toMatchObject({ ok: true });
    expect((await ada.put('/http/users/profile', {})).status).toBe(200);
  });

  it('bound how often one network reads what needs no token', async () => {
    await start({ TRUST_PROXY: '1' });
    const get = (network: string) =>
      call(app, 'GET', '/http/docs/events.json', { headers: { 'x-forwarded-for': network } });
    expect((await get('198.51.100.7')).status).toBe(200);
    const limits = app.get(RateLimits);
    for (let i = 0; i < 300; i++)
      try {
        limits.document('198.51.100.7');
      } catch {
        break;
      }
    expect(await get('198.51.100.7')).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    const headers = { 'x-forwarded-for': '198.51.100.7' };
    expect((await call(app, 'GET', '/http/%64ocs-json', { headers })).status).toBe(429);
    expect((await get('198.51.100.8')).status).toBe(200);
  });

  it('off: nothing is counted', async () => {
    await start({ RATE_LIMITS: 'off' });
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await ada.connect();
    const got = next(await bob.connect(), 'message', ({ seq }: { seq: number }) => seq === 200);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => sendTo(socket, bob.id, `${i}`)));
    expect(answers.every(({ ok }) => ok)).toBe(true);
    await got;
  });
});

onNodes('rates', (kind) => {
  it('count for all nodes, also for one that comes later', async () => {
    const community = await TestCommunity.start(kind, 1, { RATE_LIMITS: 'on' });
    try {
      const [first] = community.nodes;
      first.get(RateLimits).windows('wrongPassword').take('203.0.113.7', 100);
      const second = await community.add();
      const attempt = () =>
        second.get(RateLimits).passwordAttempt('ada@example.com', '203.0.113.7', () => Promise.resolve(false));
      await expect
        .poll(
          () =>
            attempt().then(
              () => 'checked',
              (error: Error) => error.message,
            ),
          { interval: 300, timeout: 30_000 },
        )
        .toMatch(/^Too many attempts/);
    } finally {
      await community.stop();
    }
  });
});
