// A link that got lost, a password that was forgotten: what anybody may ask for, and what it tells nobody.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Housekeeping } from '../../src/auth/housekeeping.js';
import { linkTokenHash } from '../../src/identity/link-tokens.js';
import { Passwords } from '../../src/identity/passwords.js';
import { Clock } from '../../src/common/timing/clock.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, linkPath, linkToken, mails, mailTo, Person, type ShownMail } from '../support/client.js';
import { joinedClient, knownClient, lists, openClient, until } from '../support/person.js';

const HOUR = 3_600_000;
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

onAllDialects('recovering an account', (dialect) => {
  let app: TestApp;
  let offset = 0;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(app, 'POST', `/http/${path}`, { body, headers });
  const register = (email: string, password = 'correct horse') =>
    post('register', { email, password, first_name: 'Grace', last_name: 'Hopper' });
  const login = (email: string, password: string) => post('login', { email, password });
  const reset = (token: string, password: string) => post('password/reset', { token, password });
  const forgot = async (email: string, count: number): Promise<string> => {
    expect((await post('password/forgot', { email })).status).toBe(202);
    return linkToken(await mailTo(app, email, count));
  };
  /** All mails to an address, once those that were asked for by now have left. */
  const mailsTo = async (email: string): Promise<ShownMail[]> => {
    await eventually(async () => {
      const [row] = await app.database.query('SELECT COUNT(*) AS waiting FROM mail_outbox');
      return Number(row.waiting) === 0 || undefined;
    }, 'an empty outbox');
    return (await mails(app)).filter(({ to }) => to === email);
  };

  describe('a lost registration link', () => {
    const resend = (body: object) => post('register/resend', body);
    const nameIn = async (token: string): Promise<string> => {
      const { email } = (await call(app, 'GET', `/http/register/${token}`)).body;
      const { first_name: name } = (
        await app.database.query('SELECT first_name FROM users WHERE email = ?', [email])
      )[0];
      return name;
    };

    it('is sent anew to whoever knows the password, and the old one stays as good as it was', async () => {
      await register('lost@example.com');
      const first = linkPath(await mailTo(app, 'lost@example.com'));
      const body = { email: ' LOST@example.com ', password: 'correct horse' };
      // As another keyboard writes the same letters.
      await post('register', {
        email: 'accent@example.com',
        password: 'caf\u00e9 au lait',
        first_name: 'A',
        last_name: '',
      });
      await mailTo(app, 'accent@example.com');
      await resend({ email: 'accent@example.com', password: 'cafe\u0301 au lait' });
      expect((await mailTo(app, 'accent@example.com', 2)).subject).toBe('Confirm your Parley account');
      expect((await resend(body)).status).toBe(202);
      const mail = await mailTo(app, 'lost@example.com', 2);
      expect(mail.subject).toBe('Confirm your Parley account');
      const second = linkPath(mail);
      expect(second).not.toBe(first);
      expect((await call(app, 'GET', first)).status).toBe(200);
      expect((await login('lost@example.com', 'correct horse')).status).toBe(200);
      expect((await call(app, 'GET', second)).body.code).toBe('already_registered');
    });

    it('makes the same account when only the new one is opened, also long after the first has expired', async () => {
      await register('slow@example.com', 'the first password');
      const old = linkPath(await mailTo(app, 'slow@example.com'));
      offset = 25 * HOUR;
      expect((await call(app, 'GET', old)).status).toBe(410);
      await resend({ email: 'slow@example.com', password: 'the first password' });
      const path = linkPath(await mailTo(app, 'slow@example.com', 2));
      offset = 48 * HOUR;
      expect((await call(app, 'GET', path)).status).toBe(200);
      offset = 0;
      expect((await login('slow@example.com', 'the first password')).status).toBe(200);
    });

    it("is the one of whoever asks, never a stranger's for the same address", async () => {
      const email = 'contested@example.com';
      const others = ['Mallory', 'Eve', 'Trudy'];
      const enter = (name: string) =>
        post('register', { email, password: `${name}'s password`, first_name: name, last_name: 'X' });
      await enter('Mallory');
      await enter('Ada');
      await enter('Eve');
      await enter('Trudy');
      const sent = (await mailsTo(email)).map(({ text }) => /under the name (\S+)\. /.exec(text)?.[1]).sort();
      expect(sent).toEqual(['Ada', 'Eve', 'Mallory', 'Trudy']);
      await resend({ email, password: "Ada's password" });
      const mine = await mailTo(app, email, 5);
      expect(mine.text).toContain('under the name Ada.');
      // Sent again, it is found as well, and others' links still lead to nobody else.
      await resend({ email, password: "Ada's password" });
      expect(linkToken(await mailTo(app, email, 6))).not.toBe(linkToken(mine));

      const answers = [
        await resend({ email }),
        await resend({ email, password: 'a guess' }),
        await resend({ email: 'nobody@example.com', password: "Ada's password" }),
        await resend({ email: 'nobody@example.com' }),
        await resend({ token: 'x'.repeat(33) }),
      ];
      expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
      const [hint, ...before] = await mailsTo(email);
      expect(before).toHaveLength(6);
      expect(hint.text).not.toContain('/http/register/');
      expect(hint.subject).toBe('Your registration at Parley');
      expect(await mailsTo('nobody@example.com')).toEqual([]);

      expect(await nameIn(linkToken(mine))).toBe('Ada');
      for (const name of others) expect((await login(email, `${name}'s password`)).status).toBe(401);
      // There is an account now: whoever asks is told so.
      await resend({ email, password: "Eve's password" });
      expect((await mailTo(app, email, 8)).subject).toBe('You have a Parley account already');
    });

    it('comes from the old one as well, which a button on its page does', async () => {
      const email = 'late@example.com';
      await register(email, 'mine, and no one else');
      const old = linkToken(await mailTo(app, email));
      await post('register', { email, password: 'of a stranger', first_name: 'Eve', last_name: 'X' });
      await mailTo(app, email, 2);
      offset = 25 * HOUR;
      const page = await call(app, 'GET', `/http/register/${old}`, { headers: BROWSER });
      expect(page.status).toBe(410);
      expect(page.headers.get('content-security-policy')).toContain("form-action 'self'");
      const [, action] = /<form method="post" action="([^"]+)">/.exec(page.body)!;
      const [, token] = /name="token" value="([^"]+)"/.exec(page.body)!;
      const headers = { ...BROWSER, ...FORM, origin: 'http://localhost:3000' };
      const pressed = await call(app, 'POST', action, { body: `token=${token}`, headers });
      expect(pressed.status).toBe(202);
      expect(pressed.body).toContain('Check your mail');
      const mail = await mailTo(app, email, 3);
      expect(mail.text).toContain('under the name Grace.');
      expect((await call(app, 'GET', linkPath(mail))).body).toEqual({ ok: true, email });
      offset = 0;
      expect((await login(email, 'mine, and no one else')).status).toBe(200);
    });

    it('is no secret kept: the answer is one for what waits, what has an account, and what is unknown', async () => {
      await register('waits@example.com');
      const owner = await Person.join(app);
      const answers = [];
      for (const email of ['waits@example.com', owner.email, 'stranger@example.com'])
        answers.push(await resend({ email, password: 'correct horse' }));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
      expect(answers[1].body).toEqual(answers[0].body);
      expect(answers[2].body).toEqual(answers[0].body);
      expect((await mailsTo('waits@example.com')).length).toBe(2);
      const [mail, ...others] = await mailsTo(owner.email);
      expect(others).toHaveLength(1);
      expect(mail.subject).toBe('You have a Parley account already');
      expect(mail.links).toContain('http://localhost:3000/http/password/forgot');
      expect(mail.text).not.toContain('/http/register/');
      expect(await mailsTo('stranger@example.com')).toEqual([]);
      // Nobody is remembered who is unknown.
      const rows = await app.database.query("SELECT id FROM registrations WHERE email = 'stranger@example.com'");
      expect(rows).toEqual([]);
    });

    it('tells by its work who is unknown as little as by its answer', async () => {
      await register('busy@example.com');
      const search = vi.spyOn(app.get(Passwords), 'search');
      for (const [email, password] of [
        ['busy@example.com', 'correct horse'],
        ['busy@example.com', 'a guess'],
        ['unknown@example.com', 'correct horse'],
      ])
        await resend({ email, password });
      const tries = search.mock.calls.map(([, , most]) => most);
      search.mockRestore();
      expect(tries).toEqual([5, 5, 5]);
    });
  });

  describe('a link', () => {
    const TAILS = [
      '.',
      ',',
      ')',
      ']',
      '>',
      '&gt;',
      '"',
      "'",
      '”',
      ' ',
      '\t',
      '\u00a0',
      '\u00ad',
      '\u200b',
      '-',
      '_',
      '*',
      '…',
    ];

    it('is of letters and digits alone, and opens with what mail programs leave behind it', async () => {
      const person = await Person.join(app);
      const token = await forgot(person.email, 2);
      const registered = 'tails@example.com';
      await register(registered);
      const confirm = linkToken(await mailTo(app, registered));
      for (const one of [token, confirm]) expect(one).toMatch(/^[A-Za-z0-9]{33}$/);
      const open = (path: string, end: string) => call(app, 'GET', path + end);
      for (const tail of [...TAILS, '.” she wrote', '%20']) {
        const end = encodeURIComponent(tail);
        expect([tail, (await open(`/http/password/reset/${token}`, end)).status]).toEqual([tail, 200]);
        expect([tail, (await open(`/http/register/${confirm}`, end)).status]).toEqual([tail, 200]);
      }
      expect((await post('register/resend', { token: `${confirm}>.` })).status).toBe(202);
      expect((await mailTo(app, registered, 2)).subject).toBe('You have a Parley account already');
      expect((await open(`/http/password/reset/${token}`, 'x')).status).toBe(404);
      expect((await open(`/http/password/reset/${token.slice(0, -1)}`, '')).status).toBe(404);
      // The page's own form carries the tail along.
      expect((await reset(`${token}). `, 'a new password')).status).toBe(200);
    });

    it('still opens where it was sent in the old form, until it expires', async () => {
      const tokens = ['-a_b'.repeat(8), 'q'.repeat(31) + '-', 'r'.repeat(31) + '_', 'S'.repeat(32)];
      const person = await Person.join(app);
      const link = await forgot(person.email, 2);
      await register('old-form@example.com');
      const confirm = linkToken(await mailTo(app, 'old-form@example.com'));
      const turnOld = (table: string, from: string, to: string) =>
        app.database.query(`UPDATE ${table} SET token_hash = ? WHERE token_hash = ?`, [
          linkTokenHash(to),
          linkTokenHash(from),
        ]);
      let [reset0, confirm0] = [link, confirm];
      for (const token of tokens) {
        await turnOld('password_resets', reset0, token);
        await turnOld('registrations', confirm0, token);
        [reset0, confirm0] = [token, token];
        for (const tail of ['', ...TAILS]) {
          const end = encodeURIComponent(tail);
          for (const kind of ['password/reset', 'register'])
            expect([kind, token, tail, (await call(app, 'GET', `/http/${kind}/${token}${end}`)).status]).toEqual([
              kind,
              token,
              tail,
              200,
            ]);
        }
      }
      offset = 25 * HOUR;
      expect((await call(app, 'GET', `/http/password/reset/${tokens.at(-1)!}.`)).status).toBe(410);
      offset = 0;
    });
  });

  describe('a forgotten password', () => {
    it('is replaced by whoever has the link: all sessions end, and a mail says so', async () => {
      const { client, email, password, id } = await joinedClient(app);
      const [other, bob] = [openClient(app), await knownClient(app, 'Bob')];
      await other.login(email, password);
      await client.forgotPassword(email);
      const mail = await mailTo(app, email, 2);
      expect(mail.subject).toBe('Set a new Parley password');
      // Opened by a mail scanner, as often as it likes.
      for (const _ of [1, 2]) expect((await call(app, 'GET', linkPath(mail))).body).toEqual({ ok: true });
      expect(await openClient(app).login(email, password)).toMatchObject({ id });

      const anew = openClient(app);
      await anew.resetPassword(linkToken(mail), 'a new password');
      for (const device of [client, other])
        await until(device.auth, (auth) => auth.status === 'signed_out' && auth.reason?.code === 'session_revoked');
      await expect(anew.login(email, password)).rejects.toMatchObject({ code: 'login_failed' });
      await anew.login(email, 'a new password');
      await anew.room(bob.id).send('It is me again');
      await lists(bob.client, ['Ada Lovelace: It is me again (1)']);
      expect((await mailTo(app, email, 3)).subject).toBe('Your Parley password was changed');
    });

    it('is asked for in one way by everybody: the answer does not tell who has an account', async () => {
      const person = await Person.join(app);
      await register('waiting@example.com');
      const known = await post('password/forgot', { email: person.email });
      const unknown = await post('password/forgot', { email: 'unknown@example.com' });
      const waiting = await post('password/forgot', { email: 'waiting@example.com' });
      expect(known.status).toBe(202);
      expect([unknown.body, waiting.body]).toEqual([known.body, known.body]);
      expect([unknown.status, waiting.status]).toEqual([202, 202]);
      expect((await mailsTo(person.email)).length).toBe(2);
      expect(await mailsTo('unknown@example.com')).toEqual([]);
      expect(await mailsTo('waiting@example.com')).toHaveLength(1);
    });

    it('takes any of several links, and then none', async () => {
      const person = await Person.join(app);
      const tokens = [await forgot(person.email, 2), await forgot(person.email, 3)];
      expect(new Set(tokens).size).toBe(2);
      const bystander = await Person.join(app);
      const theirs = await forgot(bystander.email, 2);
      for (const token of tokens) expect((await call(app, 'GET', `/http/password/reset/${token}`)).status).toBe(200);
      expect((await reset(tokens[0], 'password one')).status).toBe(200);
      for (const token of tokens) {
        expect(await reset(token, 'password two')).toMatchObject({ status: 404, body: { code: 'not_found' } });
        expect((await call(app, 'GET', `/http/password/reset/${token}`)).status).toBe(404);
      }
      expect((await login(person.email, 'password one')).status).toBe(200);
      // Somebody else's link, sessions and password are none of this.
      expect((await bystander.get('/http/users/profile')).status).toBe(200);
      expect((await reset(theirs, 'password three')).status).toBe(200);
    });

    it('is set by no link that is older than a password that was set otherwise', async () => {
      const person = await Person.join(app);
      const bystander = await Person.join(app);
      const [token, theirs] = [await forgot(person.email, 2), await forgot(bystander.email, 2)];
      await person.put('/http/users/profile', { first_name: 'Augusta' });
      expect((await call(app, 'GET', `/http/password/reset/${token}`)).status).toBe(200);
      await person.put('/http/users/profile', { password: 'password one' });
      expect(await reset(token, 'password two')).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect((await login(person.email, 'password one')).status).toBe(200);
      expect((await reset(theirs, 'password three')).status).toBe(200);
    });

    it('is set once by two who use the links at once', async () => {
      const person = await Person.join(app);
      const [one, two] = [await forgot(person.email, 2), await forgot(person.email, 3)];
      const answers = await Promise.all([
        reset(one, 'password one'),
        reset(one, 'password two'),
        reset(two, 'password three'),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
      const passwords = ['password one', 'password two', 'password three'];
      const winner = passwords[answers.findIndex(({ status }) => status === 200)];
      for (const password of passwords)
        expect((await login(person.email, password)).status).toBe(password === winner ? 200 : 401);
    });

    it('lets no login outlive it that began with the old one', async () => {
      const person = await Person.join(app);
      const token = await forgot(person.email, 2);
      const logins = Array.from({ length: 6 }, () => login(person.email, person.password));
      expect((await reset(token, 'a new password')).status).toBe(200);
      for (const { status, body } of await Promise.all(logins)) {
        if (status === 200)
          expect((await call(app, 'GET', '/http/users', { token: body.token })).body.code).toBe('session_revoked');
      }
    });

    it('stays where the link is unknown, too old, or the new one is none', async () => {
      const person = await Person.join(app);
      const token = await forgot(person.email, 2);
      for (const bad of ['x'.repeat(32), token.toLowerCase(), `${token}x`])
        expect(await reset(bad, 'a new password')).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect((await call(app, 'GET', `/http/password/reset/${'x'.repeat(500)}`)).status).toBe(404);
      for (const [body, field] of [
        [{ token, password: '1234567' }, 'password'],
        [{ token, password: 'x'.repeat(129) }, 'password'],
        [{ token, password: null }, 'password'],
        [{ token, password: ['12345678'] }, 'password'],
        [{ token: 7, password: 'a new password' }, 'token'],
        [{ password: 'a new password' }, 'token'],
        [{ token: 'x'.repeat(60_000), password: 'a new password' }, 'token'],
        [{ token, password: 'a new password', email: person.email }, 'email'],
      ] as const) {
        const answer = await post('password/reset', body);
        expect({ status: answer.status, fields: Object.keys(answer.body.fields) }).toEqual({
          status: 400,
          fields: [field],
        });
      }
      offset = HOUR + 1000;
      expect(await reset(token, 'a new password')).toMatchObject({ status: 410, body: { code: 'expired' } });
      expect((await call(app, 'GET', `/http/password/reset/${token}`)).body.code).toBe('expired');
      offset = 0;
      expect((await login(person.email, person.password)).status).toBe(200);
      expect((await person.get('/http/users/profile')).status).toBe(200);

      offset = 9 * 24 * HOUR;
      await app.get(Housekeeping).sweep();
      expect((await reset(token, 'a new password')).status).toBe(404);
      offset = 0;
    });

    it('is asked for without an address, or with rubbish: refused', async () => {
      for (const body of [
        { password: 'correct horse' },
        { token: 'x', email: 'a@example.com' },
        { token: 'x', password: 'correct horse' },
        { token: 'x'.repeat(200) },
      ])
        expect(await post('register/resend', body)).toMatchObject({ status: 400, body: { code: 'invalid' } });
      for (const body of [{}, { email: 'nobody' }, { email: 7 }, { email: null }, { email: ['a@example.com'] }, []])
        for (const path of ['password/forgot', 'register/resend'])
          expect(await post(path, body)).toMatchObject({ status: 400, body: { code: 'invalid' } });
    });

    it('stores no token, and costs no hash for a link that is none', async () => {
      const person = await Person.join(app);
      const token = await forgot(person.email, 2);
      const stored = await app.database.query('SELECT * FROM password_resets');
      expect(JSON.stringify(stored)).not.toContain(token);
      const hash = vi.spyOn(app.get(Passwords), 'hash');
      await reset('not a link', 'a new password');
      expect(hash).not.toHaveBeenCalled();
      hash.mockRestore();
    });
  });

  describe('in a browser', () => {
    const page = (path: string) => call(app, 'GET', path, { headers: BROWSER });
    const submit = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
      call(app, 'POST', path, {
        body: new URLSearchParams(fields).toString(),
        headers: { ...BROWSER, ...FORM, origin: 'http://localhost:3000', ...headers },
      });

    it('two forms do it all: one sends the mail, one sets the password', async () => {
      const person = await Person.join(app);
      const ask = await page('/http/password/forgot');
      expect(ask.status).toBe(200);
      expect(ask.body).toMatch(/<form method="post" action="\/http\/password\/forgot">[^]*name="email"/);
      const sent = await submit('/http/password/forgot', { email: person.email });
      expect(sent.status).toBe(202);
      expect(sent.body).toContain('Check your mail');

      const mail = await mailTo(app, person.email, 2);
      const form = await page(linkPath(mail));
      expect(form.status).toBe(200);
      expect(form.body).toMatch(/<form method="post" action="\/http\/password\/reset">/);
      expect(form.body).toContain(`name="token" value="${linkToken(mail)}"`);
      const csp = form.headers.get('content-security-policy')!;
      expect(csp).toContain("default-src 'none'");
      expect(csp).toContain("form-action 'self'");
      expect(csp).not.toContain('unsafe');
      expect(form.headers.get('referrer-policy')).toBe('same-origin');
      expect(form.headers.get('cache-control')).toBe('no-store');

      const short = await submit('/http/password/reset', { token: linkToken(mail), password: 'short' });
      expect(short.status).toBe(400);
      expect(short.headers.get('content-type')).toContain('text/html');
      expect(short.body).toMatch(/id="password"[^>]*aria-invalid[^]*At least 8 characters\./);
      // All but the password is there again.
      expect(short.body).toContain(`name="token" value="${linkToken(mail)}"`);
      expect(short.body).toContain(person.email);
      const done = await submit('/http/password/reset', { token: linkToken(mail), password: 'new pass & word +%' });
      expect(done.status).toBe(200);
      expect(done.body).toContain('Your password is set');
      expect((await login(person.email, 'new pass & word +%')).status).toBe(200);
      const again = await page(linkPath(mail));
      expect(again.status).toBe(404);
      expect(again.headers.get('content-type')).toContain('text/html');
      expect(again.body).toContain('It was used already');
      expect(again.body).toContain('href="http://localhost:3000/http/password/forgot"');
      // HEAD does nothing, as everywhere.
      expect((await fetch(app.url + linkPath(mail), { method: 'HEAD' })).status).toBe(404);
    });

    it('no other page, and no other route, takes a form', async () => {
      const person = await Person.join(app);
      const token = await forgot(person.email, 2);
      const foreign = await submit(
        '/http/password/reset',
        { token, password: 'a new password' },
        { origin: 'https://evil.example' },
      );
      expect(foreign).toMatchObject({ status: 403, body: { code: 'origin_refused' } });
      for (const path of ['/http/login', '/http/register', '/http/register/resend', '/http/nowhere'])
        expect([404, 415]).toContain((await submit(path, { email: person.email, password: 'x' })).status);
      expect((await submit('/http/login', { email: person.email, password: 'x' })).body.code).toBe(
        'unsupported_media_type',
      );
      const odd = await submit('/http/password/reset', { token, password: 'a new password', ['__proto__']: 'x' });
      expect(odd.status).toBe(400);
      const crowd = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, 'x']));
      expect((await submit('/http/password/reset', crowd)).status).toBe(400);
      expect((await login(person.email, person.password)).status).toBe(200);
    });

    it('escapes what stands in a link', async () => {
      const token = '"><script>alert(1)</script>';
      const shown = await page(`/http/password/reset/${encodeURIComponent(token)}`);
      expect(shown.status).toBe(404);
      expect(shown.body).not.toContain('<script');
    });
  });
});

describe('asking for mails', () => {
  it('sends three an hour to one mailbox for each purpose, however it is spelt, and answers the same', async () => {
    const app = await TestApp.start('sqlite', { RATE_LIMITS: 'on' });
    const owner = await Person.join(app, 'Ada', 'ada@example.com');
    const ask = (path: string, email: string) => {
      const whole = { email, password: 'long enough', first_name: 'A', last_name: 'B' };
      return call(app, 'POST', `/http/${path}`, { body: path === 'register' ? whole : { email } });
    };
    const subjects = async (of: RegExp) =>
      (await mails(app)).filter(({ to }) => of.test(to)).map(({ subject }) => subject);

    // A stranger uses up what may be registered, under as many names as the mailbox has; one of its mails was the owner's own.
    for (const email of ['ada@example.com', 'Ada+1@example.com', 'ada+2+3@example.com', 'ada+4@example.com'])
      expect((await ask('register', email)).status).toBe(202);
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await ask('password/forgot', owner.email));
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    await mailTo(app, owner.email, 5);
    // Spellings of the mailbox that have no account use up nothing of the account's.
    const other = await Person.join(app, 'Bob', 'bob@example.com');
    for (let i = 0; i < 4; i++) await ask('password/forgot', `bob+${i}@example.com`);
    await ask('password/forgot', other.email);
    expect((await mailTo(app, other.email, 2)).subject).toBe('Set a new Parley password');
    for (const email of ['g.race@gmail.com', 'gr.ace@gmail.com', 'g.r.ace+x@gmail.com', 'grace@googlemail.com'])
      await ask('register', email);
    await ask('register', 'other@example.com');
    await mailTo(app, 'other@example.com');
    expect(await subjects(/^ada\+/)).toEqual(['Confirm your Parley account']);
    expect((await subjects(/^ada@/)).sort()).toEqual([
      'Confirm your Parley account',
      ...Array(3).fill('Set a new Parley password'),
      'You have a Parley account already',
    ]);
    expect(await subjects(/@g(oogle)?mail\.com$/)).toHaveLength(3);
    await app.stop();
  });

  it('is limited for one IP address, and so is guessing at links', async () => {
    const app = await TestApp.start('sqlite', { RATE_LIMITS: 'on', TRUST_PROXY: '1' });
    const from = (ip: string) => ({ 'x-forwarded-for': ip });
    const one = async (i: number, ip: string) => {
      const headers = from(ip);
      const body = { email: `crowd${i}@example.com` };
      if (i % 4 === 0) return call(app, 'POST', '/http/register/resend', { body, headers });
      if (i % 4 === 1) return call(app, 'POST', '/http/password/forgot', { body, headers });
      if (i % 4 === 2) return call(app, 'GET', `/http/password/reset/guess${i}`, { headers });
      return call(app, 'POST', '/http/password/reset', { body: { token: 'x', password: 'long enough' }, headers });
    };
    const statuses: number[] = [];
    for (let i = 0; i < 104; i++) statuses.push((await one(i, '203.0.113.5')).status);
    expect(statuses.slice(0, 100)).not.toContain(429);
    expect(statuses.slice(100)).toEqual([429, 429, 429, 429]);
    const refused = await one(0, '203.0.113.5');
    expect(refused.body).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await one(0, '203.0.113.6')).status).toBe(202);
    await app.stop();
  });
});
