// Steps 1 to 3, 16 and 17: registering, logging in and out, the profile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hash } from '@node-rs/argon2';
import { Clock } from '../../src/common/timing/clock.js';
import { Housekeeping } from '../../src/auth/housekeeping.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, linkPath, linkToken, mails, mailTo, next, open, Person, send } from '../support/client.js';
import { groupId, knownClient, lists, openClient, until } from '../support/person.js';

const HOUR = 3_600_000;

onAllDialects('accounts', (dialect) => {
  let app: TestApp;
  let offset = 0;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());

  const register = (email: string, change: object = {}) =>
    call(app, 'POST', '/http/register', {
      body: { email, password: 'correct horse', first_name: 'Grace', last_name: 'Hopper', ...change },
    });
  const login = (email: string, password: string) => call(app, 'POST', '/http/login', { body: { email, password } });

  describe('registering', () => {
    it('makes the account when the link is opened, and not before; then one talks', async () => {
      const [grace, ada] = [openClient(app), await knownClient(app)];
      const [email, password] = ['grace@example.com', 'correct horse'];
      await grace.register({ email, password, first_name: 'Grace', last_name: 'Hopper' });
      await expect(grace.login(email, password)).rejects.toMatchObject({ code: 'login_failed' });

      expect(await grace.confirm(linkToken(await mailTo(app, email)))).toEqual({ email });
      await grace.login(email, password);
      await grace.room(ada.id).send('Hello, Ada');
      await lists(ada.client, ['Grace Hopper: Hello, Ada (1)']);
    });

    it('answers the link with no token that opens anything', async () => {
      expect((await register('opened@example.com')).status).toBe(202);
      const opened = await call(app, 'GET', linkPath(await mailTo(app, 'opened@example.com')));
      expect(opened).toMatchObject({ status: 200, body: { ok: true, email: 'opened@example.com' } });
      expect(JSON.stringify(opened.body)).not.toContain('token');
    });

    it('answers a link that is opened twice, or twice at once, as the first time, with one account', async () => {
      await register('twice@example.com');
      const path = linkPath(await mailTo(app, 'twice@example.com'));
      const both = await Promise.all([call(app, 'GET', path), call(app, 'GET', path)]);
      expect(both.map(({ status }) => status)).toEqual([200, 200]);
      expect((await call(app, 'GET', path)).status).toBe(200);
      const rows = await app.database.query('SELECT id FROM users WHERE email = ?', ['twice@example.com']);
      expect(rows).toHaveLength(1);
    });

    it('shows a page to a browser, and does nothing on HEAD', async () => {
      await register('browser@example.com');
      const path = linkPath(await mailTo(app, 'browser@example.com'));
      const head = await fetch(app.url + path, { method: 'HEAD' });
      expect(head.status).toBe(404);
      expect((await login('browser@example.com', 'correct horse')).status).toBe(401);

      const page = await call(app, 'GET', path, { headers: { accept: 'text/html,*/*' } });
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(page.body).toContain('<b>browser@example.com</b> can log in now');
      // There is no app to go to, and the documentation is none.
      expect(page.body).not.toContain('<a ');
      const gone = await call(app, 'GET', '/http/register/nonsense', { headers: { accept: 'text/html' } });
      expect(gone.status).toBe(404);
      expect(gone.body).toContain('This link is not valid.');
    });

    it('knows links that are unknown, expired, or came too late', async () => {
      expect((await call(app, 'GET', `/http/register/${'x'.repeat(500)}`)).body).toMatchObject({
        statusCode: 404,
        code: 'not_found',
      });
      expect(await call(app, 'GET', '/http/register/' + 'x'.repeat(32))).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });

      await register('late@example.com');
      const late = linkPath(await mailTo(app, 'late@example.com'));
      offset = 24 * HOUR + 1000;
      expect(await call(app, 'GET', late)).toMatchObject({ status: 410, body: { code: 'expired' } });
      offset = 0;

      await register('race@example.com');
      const first = linkPath(await mailTo(app, 'race@example.com'));
      await register('race@example.com');
      const second = linkPath(await mailTo(app, 'race@example.com', 2));
      expect(second).not.toBe(first);
      expect((await call(app, 'GET', second)).status).toBe(200);
      expect(await call(app, 'GET', first)).toMatchObject({ status: 409, body: { code: 'already_registered' } });
    });

    it('answers a taken address like a free one, and tells its owner by mail', async () => {
      const owner = await Person.join(app);
      const taken = await register(owner.email);
      const free = await register('free@example.com');
      expect(taken.status).toBe(202);
      expect(taken.body).toEqual(free.body);
      const mail = await mailTo(app, owner.email, 2);
      expect(mail.subject).toContain('already');
      expect(mail.text).not.toContain('/http/register/');
    });

    it('takes an address in any spelling for the same mailbox', async () => {
      await register('  Zoë@EXAMPLE.com '.replace('ë', 'e'));
      expect((await mailTo(app, 'zoe@example.com')).to).toBe('zoe@example.com');
      await register('info@Bücher.example');
      expect((await mailTo(app, 'info@xn--bcher-kva.example')).to).toBe('info@xn--bcher-kva.example');
    });

    it.each([
      ['no address', { email: 'nobody' }],
      ['a line break in the address', { email: 'a@example.com\r\nBcc: b@example.com' }],
      ['two addresses', { email: 'a@example.com,b@example.com' }],
      ['a quoted address', { email: '"a b"@example.com' }],
      ['a long address', { email: `${'a'.repeat(64)}@${'b'.repeat(180)}.example.com` }],
      ['a path behind the domain', { email: 'ada@example.com/evil' }],
      ['a query behind the domain', { email: 'ada@example.com?x' }],
      ['a domain that is written otherwise', { email: 'ada@ex%61mple.com' }],
      ['a tab in the domain', { email: 'ada@exam\tple.com' }],
      ['a name of blanks', { first_name: '\u3164\u2800' }],
      ['a password with very much white space', { password: `12345678${' '.repeat(600)}` }],
      ['a local part that is not ASCII', { email: 'zoë@example.com' }],
      ['a short password', { password: '1234567' }],
      ['a long password', { password: 'x'.repeat(129) }],
      ['an empty name', { first_name: '   ' }],
      ['an invisible name', { first_name: '\u200b\u200b' }],
      ['a long name', { last_name: 'x'.repeat(81) }],
      ['a line break in a name', { first_name: 'Ada\nBcc: x' }],
      ['a bidi control in a name', { first_name: 'Ada\u202e' }],
      ['half a character in a name', { first_name: 'Ada\ud800' }],
      ['a number for a name', { first_name: 7 }],
      ['null for a name', { last_name: null }],
      ['a field that is not there', { admin: true }],
      ['an array for the password', { password: ['12345678'] }],
    ])('refuses %s and names the field', async (_, change) => {
      const { status, body } = await register('bounds@example.com', change);
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid' });
      expect(Object.keys(body.fields)).toEqual(Object.keys(change));
      expect(body.message).toContain(Object.keys(change)[0]);
    });

    it.each([
      ['Password', 'one that is tried first'],
      ['12345678', 'a row of digits'],
      ['QWERTZUI1!', 'a row of keys'],
      ['passw0rd', 'digits for letters'],
      ['Dragon2026', 'a common word and a year'],
      ['!!iloveyou', 'signs before it'],
      ['aaaaaaaaaa', 'one letter'],
      ['12341234', 'one piece, twice'],
      ['poiuytrewq', 'a row of keys backwards'],
      ['ｐａｓｓｗｏｒｄ', 'wide letters'],
      ['parley123', 'the name of the program'],
      ['localhost1', 'the name of the server'],
      ['Grace Hopper 1', 'the names'],
      ['hopper-grace', 'the names, turned'],
    ])('refuses the password %s: %s', async (password) => {
      const taken = await Person.known(app);
      const answers = await Promise.all(
        [taken.email, 'weak@example.com'].map((email) => register(email, { password })),
      );
      for (const { status, body } of answers) {
        expect({ status, fields: Object.keys(body.fields ?? {}) }).toEqual({ status: 400, fields: ['password'] });
        expect(body.message).toMatch(/tried first|made of/);
      }
    });

    it('refuses an address for its password', async () => {
      const [email, other] = ['weak.person@example.com', 'other.person@example.com'];
      expect((await register(email, { password: email })).body.fields).toHaveProperty('password');
      expect((await register(email, { password: 'Person-Weak-1' })).body.fields).toHaveProperty('password');
      expect((await register(email, { password: other })).status).toBe(202);
    });

    it('takes a password that only contains a name or a common word', async () => {
      for (const password of ['correct horse', 'hopper rides a mule', 'password of mine', 'parley demo', '93817264'])
        expect((await register('fine@example.com', { password })).status).toBe(202);
    });

    it.each([
      ['\u200b\u2060', ''],
      ['\u2800', 'Hopper'],
      ['Deleted', 'User'],
      ['deleted user', ''],
      ['user', 'deleted'],
      ['ｄｅｌｅｔｅｄ', 'ｕｓｅｒ'],
      ['dele\u200bted', 'us\u00ader'],
      ['dеlеtеd', 'usеr'],
      ['d é l é t é d', 'user.'],
      ['Somebody', ''],
      ['Parley', ''],
      ['12', 'others'],
    ])('refuses the name %s %s', async (first_name, last_name) => {
      const { status, body } = await register('names@example.com', { first_name, last_name });
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid' });
      expect(body.fields).toHaveProperty('first_name');
    });

    it('takes people with one name, whom notices name without a blank', async () => {
      const [owner, one] = [await knownClient(app), openClient(app)];
      const [email, password] = ['one@example.com', 'correct horse'];
      await one.register({ email, password, first_name: 'Suharto', last_name: ' ' });
      await one.confirm(linkToken(await mailTo(app, email)));
      expect(await one.login(email, password)).toMatchObject({ first_name: 'Suharto', last_name: '' });

      const group = await owner.client.groups.create({ name: 'One' });
      await group.attach().ready;
      await one.group(groupId(group)).join();
      await until(group.timeline, ({ items }) =>
        /(^|and )Suharto entered the group$/.test(items.at(-1)?.message ?? ''),
      );
    });

    it('counts a name and a password in code points', async () => {
      const answer = await register('emoji@example.com', { first_name: '🦊'.repeat(80), password: '🔑🦊🐢🐌🌻🌵🍀🍄' });
      expect(answer.status).toBe(202);
      await call(app, 'GET', linkPath(await mailTo(app, 'emoji@example.com')));
      const { body } = await login('emoji@example.com', '🔑🦊🐢🐌🌻🌵🍀🍄');
      expect((await call(app, 'GET', '/http/users/profile', { token: body.token })).body.first_name).toBe(
        '🦊'.repeat(80),
      );
    });

    it('forgets links a week after they expired, and sessions a month after', async () => {
      const person = await Person.join(app);
      const path = linkPath(await mailTo(app, person.email));
      offset = 70 * 24 * HOUR;
      await app.get(Housekeeping).sweep();
      expect((await call(app, 'GET', path)).status).toBe(404);
      expect(await person.get('/http/users/profile')).toMatchObject({ status: 401 });
      offset = 0;
      expect((await person.get('/http/users/profile')).body.code).toBe('session_revoked');
    });
  });

  describe('logging in', () => {
    it('answers an unknown address and a wrong password alike', async () => {
      const person = await Person.join(app);
      const wrong = await login(person.email, 'not the password');
      const unknown = await login('unknown@example.com', 'not the password');
      expect(wrong.status).toBe(401);
      expect(unknown.body).toEqual(wrong.body);
      expect(wrong.body.code).toBe('login_failed');
    });

    it('takes a password however its letters were typed, and those that were stored before there was one form', async () => {
      const person = await Person.join(app);
      const [composed, decomposed] = ['Zoë reitet Kühe', 'Zoe\u0308 reitet Ku\u0308he'];
      expect((await person.put('/http/users/profile', { password: decomposed })).status).toBe(200);
      expect((await login(person.email, composed)).status).toBe(200);
      expect((await login(person.email, decomposed)).status).toBe(200);
      const proven = { password: composed, current_password: decomposed };
      expect((await person.put('/http/users/profile', proven)).status).toBe(200);
      expect((await login(person.email, decomposed)).status).toBe(200);

      const old = await hash(decomposed);
      await app.database.query('UPDATE users SET password_hash = ? WHERE id = ?', [old, person.id]);
      expect((await login(person.email, decomposed)).status).toBe(200);
      expect((await login(person.email, composed)).status).toBe(401);
      expect((await register('nfd@example.com', { password: 'e\u0301'.repeat(7) })).body.fields).toHaveProperty(
        'password',
      );
    });

    it('takes a weak password that is in use already', async () => {
      const person = await Person.join(app);
      const weak = await hash('password');
      await app.database.query('UPDATE users SET password_hash = ? WHERE id = ?', [weak, person.id]);
      expect((await login(person.email, 'password')).status).toBe(200);
    });

    it('takes the token in either header', async () => {
      const person = await Person.join(app);
      const bearer = await call(app, 'GET', '/http/users/profile', {
        headers: { authorization: `Bearer ${person.token}` },
      });
      expect(bearer.body.email).toBe(person.email);
      expect((await person.get('/http/users/profile')).body).toEqual(bearer.body);
      expect(bearer.headers.get('set-cookie')).toBeNull();
    });

    it('refuses a token that was changed, that is not signed, or that is signed otherwise', async () => {
      const { token } = await Person.join(app);
      const [head, claims, signature] = token.split('.') as [string, string, string];
      const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
      const hs512 = Buffer.from('{"alg":"HS512","typ":"JWT"}').toString('base64url');
      const forged = Buffer.from(
        JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: '1', sid: 1 }),
      ).toString('base64url');
      for (const bad of [
        `${head}.${forged}.${signature}`,
        `${none}.${claims}.`,
        `${hs512}.${claims}.${signature}`,
        'x',
        '',
      ]) {
        const { status, body } = await call(app, 'GET', '/http/users', { token: bad });
        expect(status).toBe(401);
        expect(['token_invalid', 'token_missing']).toContain(body.code);
      }
    });

    it('ends a session when its time is up', async () => {
      const person = await Person.join(app);
      offset = 31 * 24 * HOUR;
      expect((await person.get('/http/users')).status).toBe(401);
      offset = 0;
      expect((await person.get('/http/users')).status).toBe(200);
    });
  });

  describe('logging out', () => {
    it.each(['GET', 'POST'])(
      'by %s ends the session at once: token and sockets, but no other session',
      async (method) => {
        const person = await Person.join(app);
        const other = await person.login();
        const stays = await person.connect(other);
        const token = await person.login();
        const goes = await person.connect(token);
        const told = next<{ code: string }>(goes, 'exception');
        const closed = next<string>(goes, 'disconnect');

        expect((await call(app, method, '/http/logout', { token })).status).toBe(200);
        expect((await told).code).toBe('session_revoked');
        expect(await closed).toBe('io server disconnect');
        expect((await call(app, 'GET', '/http/users', { token })).body.code).toBe('session_revoked');
        expect(stays.connected).toBe(true);
        expect((await send(stays, { token: other })).ok).toBe(true);

        const again = open(app, { auth: { token } });
        const refused = await next<Error & { data: { code: string } }>(again, 'connect_error');
        expect(refused.data.code).toBe('session_revoked');
        person.hangUp();
      },
    );

    it('takes the user offline once no other session is live', async () => {
      const watcher = await Person.join(app);
      const person = await Person.join(app);
      const shown = async () =>
        (await watcher.get('/http/users')).body.find(({ id }: { id: number }) => id === person.id);
      const [first, second] = [person.token, await person.login()];
      await person.connect(first);
      await person.connect(second);
      expect(await shown()).toMatchObject({ is_online: true, last_seen: null });

      await call(app, 'GET', '/http/logout', { token: first });
      expect(await shown()).toMatchObject({ is_online: true });
      await call(app, 'GET', '/http/logout', { token: second });
      // Without the five seconds that a lost connection is given, with a socket open or just lost.
      const offline = await eventually(
        async () => ((await shown()).last_seen ? await shown() : undefined),
        'last_seen',
        3_000,
      );
      expect(offline.is_online).toBe(false);
      expect(Date.now() - Date.parse(offline.last_seen)).toBeLessThan(60_000);
    });
  });

  describe('the profile', () => {
    it("is the caller's own, without a word of the password", async () => {
      const person = await Person.join(app, 'Katherine');
      const { body } = await person.get('/http/users/profile');
      expect(body).toEqual({
        id: person.id,
        email: person.email,
        first_name: 'Katherine',
        last_name: 'Lovelace',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
    });

    it('changes what is given and leaves what is not, or is null', async () => {
      const person = await Person.join(app);
      expect((await person.put('/http/users/profile', { first_name: ' Augusta ' })).body).toMatchObject({
        first_name: 'Augusta',
        last_name: 'Lovelace',
      });
      expect((await person.put('/http/users/profile', { last_name: 'King', first_name: null })).body).toMatchObject({
        first_name: 'Augusta',
        last_name: 'King',
      });
      expect((await person.put('/http/users/profile', {})).status).toBe(200);
      expect((await person.put('/http/users/profile', { email: 'new@example.com' })).body.fields).toHaveProperty(
        'email',
      );
      expect((await person.put('/http/users/profile', { password: 'short' })).status).toBe(400);
      expect((await person.put('/http/users/profile', [])).status).toBe(400);
      expect((await person.put('/http/users/profile', { password: 'augusta king' })).body.fields).toHaveProperty(
        'password',
      );
      expect((await person.put('/http/users/profile', { last_name: '' })).body.last_name).toBe('');
      // One after the other, too.
      expect((await person.put('/http/users/profile', { first_name: 'Deleted' })).status).toBe(200);
      expect((await person.put('/http/users/profile', { last_name: 'user' })).body.fields).toHaveProperty('last_name');
    });

    it('with a new password ends all other sessions and sends a mail', async () => {
      const person = await Person.join(app);
      const old = person.token;
      const watching = await person.connect(old);
      const closed = next(watching, 'disconnect');
      await person.login();
      expect((await person.put('/http/users/profile', { password: 'a new password' })).status).toBe(200);
      await closed;
      expect((await call(app, 'GET', '/http/users', { token: old })).status).toBe(401);
      expect((await person.get('/http/users')).status).toBe(200);
      expect((await login(person.email, person.password)).status).toBe(401);
      expect((await login(person.email, 'a new password')).status).toBe(200);
      expect((await mailTo(app, person.email, 2)).subject).toContain('password was changed');
    });

    it('checks current_password where it is sent, and changes nothing where it is wrong', async () => {
      const person = await Person.join(app);
      const refused = await person.put('/http/users/profile', { first_name: 'Eve', current_password: 'a guess' });
      expect(refused).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
      expect((await person.get('/http/users/profile')).body.first_name).toBe('Ada');
      const right = await person.put('/http/users/profile', { first_name: 'Eve', current_password: person.password });
      expect(right.body.first_name).toBe('Eve');
    });

    it('is not changed by a session that ended while it was being changed', async () => {
      const person = await Person.join(app);
      const [one, two] = [person.token, await person.login()];
      const change = (token: string, password: string) =>
        call(app, 'PUT', '/http/users/profile', { token, body: { password } });
      const answers = await Promise.all([change(one, 'password one'), change(two, 'password two')]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
      const winner = answers[0].status === 200 ? 'password one' : 'password two';
      expect((await login(person.email, winner)).status).toBe(200);

      const { token } = (await login(person.email, winner)).body;
      const [out, late] = await Promise.all([
        call(app, 'GET', '/http/logout', { token }),
        change(token, 'password three'),
      ]);
      expect(out.status).toBe(200);
      if (late.status !== 200) expect((await login(person.email, 'password three')).status).toBe(401);
    });

    it('is changed once by two who prove the same old password', async () => {
      const person = await Person.join(app);
      const change = (password: string) =>
        person.put('/http/users/profile', { password, current_password: person.password });
      const answers = await Promise.all([change('password one'), change('password two')]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    });

    it('never lets a login that began with the old password outlive it', async () => {
      const person = await Person.join(app);
      const logins = Array.from({ length: 8 }, () => login(person.email, person.password));
      const changed = await person.put('/http/users/profile', { password: 'a new password' });
      expect(changed.status).toBe(200);
      for (const { status, body } of await Promise.all(logins)) {
        if (status !== 200) continue;
        expect((await call(app, 'GET', '/http/users', { token: body.token })).status).toBe(401);
      }
    });
  });

  it('keeps every mail that was due', async () => {
    await eventually(async () => {
      const [row] = await app.database.query('SELECT COUNT(*) AS waiting FROM mail_outbox');
      return Number(row.waiting) === 0 || undefined;
    }, 'an empty outbox');
    expect((await mails(app)).length).toBeGreaterThan(10);
  });
});
