// Another e-mail address for an account: by a link to the new one, with a way back for the former one.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AdminSettingsService } from '../../src/admin/admin-settings.service.js';
import { AdminUsersService } from '../../src/admin/admin-users.service.js';
import { EmailLinks } from '../../src/auth/email/email-links.js';
import { Housekeeping } from '../../src/auth/housekeeping.js';
import { Busy } from '../../src/common/errors.js';
import { Clock } from '../../src/common/timing/clock.js';
import { linkTokenHash } from '../../src/identity/link-tokens.js';
import { MailDispatcher } from '../../src/mail/mail-dispatcher.js';
import { Outbox } from '../../src/mail/outbox.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, linkPath, linkToken, mails, mailTo, next, Person, type Target } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { MailServer } from '../support/mail-server.js';
import { freePort } from '../support/database-server.js';
import { invitation } from '../support/registering.js';
import { setRole } from '../support/staff.js';

const HOUR = 3_600_000;
const BROWSER = { accept: 'text/html,*/*' };
const FORM = { ...BROWSER, 'content-type': 'application/x-www-form-urlencoded' };

let addresses = 0;
const newAddress = (): string => `new${++addresses}@example.com`;

const ask = ({ target, token, password }: Person, email: string, typed = password): Promise<Answer> =>
  call(target, 'POST', '/http/users/profile/email', { token, body: { email, password: typed } });
const use = (target: Target, kind: 'confirm' | 'return', token: string): Promise<Answer> =>
  call(target, 'POST', `/http/email/${kind}`, { body: { token } });
const login = (target: Target, email: string, password: string): Promise<Answer> =>
  call(target, 'POST', '/http/login', { body: { email, password } });

onAllDialects('another address', (dialect) => {
  let app: TestApp;
  let offset = 0;
  beforeAll(async () => {
    app = await TestApp.start(dialect, { ADMIN_EMAILS: 'boss@example.com' });
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());
  afterEach(() => {
    offset = 0;
    vi.restoreAllMocks();
  });

  const profileOf = async (person: Person): Promise<string> => (await person.get('/http/users/profile')).body.email;
  const linksOf = (userId: number): Promise<{ email: string }[]> =>
    app.database.query('SELECT email FROM email_links WHERE user_id = ? ORDER BY id', [userId]);
  /** Asks for an address. @returns the token in the mail that goes there */
  const asked = async (person: Person, email: string, password?: string): Promise<string> => {
    const before = (await mails(app)).filter(({ to }) => to === email).length;
    expect((await ask(person, email, password)).status).toBe(202);
    return linkToken(await mailTo(app, email, before + 1));
  };
  /** The same, and confirms it. @returns the token of the way back */
  const moved = async (person: Person, from: string, to: string, password?: string): Promise<string> => {
    const token = await asked(person, to, password);
    const before = (await mails(app)).filter((mail) => mail.to === from).length;
    expect(await use(app, 'confirm', token)).toMatchObject({ status: 200, body: { ok: true } });
    return linkToken(await mailTo(app, from, before + 1));
  };
  const resetWith = (token: string, password: string) =>
    call(app, 'POST', '/http/password/reset', { body: { token, password } });

  it('is one of the allowed domains where only those may register, whether it is free or not', async () => {
    const ada = await Person.join(app);
    const settings = app.get(AdminSettingsService);
    const early = await asked(ada, newAddress());
    await settings.change('console', { registration: 'domains', allowed_domains: ['example.org'] });
    const message = expect.stringContaining('Your address stays as it is.');
    const refused = { status: 403, body: { code: 'domain_not_allowed', message } };
    expect(await ask(ada, newAddress())).toMatchObject(refused);
    expect(await ask(ada, (await Person.known(app)).email)).toMatchObject(refused);
    // Asked for before.
    expect(await use(app, 'confirm', early)).toMatchObject(refused);
    const page = await call(app, 'POST', '/http/email/confirm', { headers: FORM, body: `token=${early}` });
    expect(page.body).toContain('This server takes only addresses of some domains. Nothing was changed.');
    expect((await ask(ada, 'ada@example.org')).status).toBe(202);
    for (const registration of ['closed', 'invite', null] as const) {
      await settings.change('console', { registration, allowed_domains: null });
      expect((await ask(ada, newAddress())).status).toBe(202);
    }
    expect((await use(app, 'confirm', early)).status).toBe(200);
  });

  it('is asked for with the password, confirmed by POST, and told to the former one', async () => {
    const ada = await Person.join(app);
    const email = newAddress();
    const answer = await ask(ada, ` ${email.toUpperCase()} `);
    expect(answer).toMatchObject({ status: 202, body: { message: expect.stringContaining('If the address is free') } });
    const mail = await mailTo(app, email);
    expect(mail.subject).toBe('Confirm your new address at Parley');
    // Mail scanners open links.
    expect((await call(app, 'GET', linkPath(mail))).body).toEqual({ ok: true });
    const page = await call(app, 'GET', linkPath(mail), { headers: BROWSER });
    expect(page.body).toContain('action="/http/email/confirm"');
    expect(page.body).toContain(email);
    expect(await profileOf(ada)).toBe(ada.email);

    const token = linkToken(mail);
    const done = await call(app, 'POST', '/http/email/confirm', { headers: FORM, body: `token=${token}` });
    expect(done.status).toBe(200);
    expect(done.body).toContain('Your address is changed');
    // The session goes on.
    expect(await profileOf(ada)).toBe(email);
    expect((await login(app, ada.email, ada.password)).status).toBe(401);
    expect((await login(app, email, ada.password)).status).toBe(200);
    const notice = await mailTo(app, ada.email, 2);
    expect(notice.subject).toBe('Your Parley account has another address');
    expect(notice.text).not.toContain(email);
    expect((await call(app, 'GET', linkPath(notice))).body).toEqual({ ok: true });
    expect((await call(app, 'GET', linkPath(notice), { headers: BROWSER })).body).toContain(
      'action="/http/email/return"',
    );
    expect(await profileOf(ada)).toBe(email);
    // Once.
    expect(await use(app, 'confirm', token)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await call(app, 'GET', linkPath(mail), { headers: BROWSER })).status).toBe(404);
    expect((await use(app, 'return', token)).status).toBe(404);
  });

  it('is answered the same where it is taken, and that one is told', async () => {
    const [ada, bob] = [await Person.join(app), await Person.join(app, 'Bob')];
    const free = await ask(ada, newAddress());
    const taken = await ask(ada, bob.email);
    expect({ ...taken, headers: undefined }).toEqual({ ...free, headers: undefined });
    const mail = await mailTo(app, bob.email, 2);
    expect(mail.subject).toBe('This address cannot become that of a Parley account');
    expect(mail.text).not.toContain('/http/email/');
    const rows = await app.database.query('SELECT user_id FROM email_links WHERE email = ?', [bob.email]);
    expect(rows).toEqual([{ user_id: null }]);
    expect(await profileOf(ada)).toBe(ada.email);
  });

  it('needs the right password, an address, and a session', async () => {
    const ada = await Person.join(app);
    const email = newAddress();
    expect(await ask(ada, email, 'a wrong guess')).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
    for (const wrong of ['nobody', '', `${'x'.repeat(250)}@example.com`])
      expect(await ask(ada, wrong)).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect(await ask(ada, ada.email)).toMatchObject({ status: 400, body: { fields: { email: expect.anything() } } });
    expect((await call(app, 'POST', '/http/users/profile/email', { body: {} })).status).toBe(401);
    expect(await linksOf(ada.id)).toEqual([]);
    for (const kind of ['confirm', 'return'] as const) {
      expect((await use(app, kind, 'x'.repeat(33))).status).toBe(404);
      expect((await call(app, 'GET', `/http/email/${kind}/${'x'.repeat(33)}`)).status).toBe(404);
    }
  });

  it('can be confirmed for a day, and taken back for three', async () => {
    const ada = await Person.join(app);
    const [first, second] = [newAddress(), newAddress()];
    const late = await asked(ada, first);
    offset = 24 * HOUR + 1_000;
    expect(await use(app, 'confirm', late)).toMatchObject({ status: 410, body: { code: 'expired' } });
    const back = await moved(ada, ada.email, second);
    offset += 72 * HOUR - 60_000;
    expect((await call(app, 'GET', `/http/email/return/${back}`)).status).toBe(200);
    offset += 61_000;
    expect(await use(app, 'return', back)).toMatchObject({ status: 410, body: { code: 'expired' } });
    expect(await profileOf(ada)).toBe(second);
    offset += 8 * 24 * HOUR;
    await app.get(Housekeeping).sweep();
    expect(await linksOf(ada.id)).toEqual([]);
    expect((await use(app, 'return', back)).status).toBe(404);
  });

  it('ends all other links that were asked for, and a new password ends those to a new address', async () => {
    const ada = await Person.join(app);
    await call(app, 'POST', '/http/password/forgot', { body: { email: ada.email } });
    const reset = linkToken(await mailTo(app, ada.email, 2));
    const other = await asked(ada, newAddress());
    const email = newAddress();
    await moved(ada, ada.email, email);
    expect((await resetWith(reset, 'set by whoever')).status).toBe(404);
    expect((await use(app, 'confirm', other)).status).toBe(404);

    const waiting = await asked(ada, newAddress());
    const set = { password: 'another long one', current_password: ada.password };
    expect((await ada.put('/http/users/profile', set)).status).toBe(200);
    expect((await use(app, 'confirm', waiting)).status).toBe(404);
    expect(await profileOf(ada)).toBe(email);
  });

  it.each([0, 1, 2])('goes to one of two accounts that get it at once, round %i', async () => {
    const [ada, bob] = [await Person.join(app), await Person.join(app, 'Bob')];
    const email = newAddress();
    const tokens = [await asked(ada, email), await asked(bob, email)];
    const answers = await Promise.all(tokens.map((token) => use(app, 'confirm', token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('already_registered');
    const won = answers[0].status === 200 ? [email, bob.email] : [ada.email, email];
    expect([await profileOf(ada), await profileOf(bob)]).toEqual(won);
    // The link that lost is as good as before, and leads to the same.
    expect((await use(app, 'confirm', tokens[answers[0].status === 200 ? 1 : 0])).status).toBe(409);
  });

  it('is given once by one link, however often it is used at once', async () => {
    const ada = await Person.join(app);
    const token = await asked(ada, newAddress());
    const answers = await Promise.all([1, 2, 3].map(() => use(app, 'confirm', token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404, 404]);
    expect(await linksOf(ada.id)).toEqual([{ email: ada.email }]);
  });

  it('is taken meanwhile by a registration', async () => {
    const ada = await Person.join(app);
    const email = newAddress();
    const token = await asked(ada, email);
    const body = { email, password: 'correct horse battery', first_name: 'Bob', last_name: '' };
    await call(app, 'POST', '/http/register', { body });
    const registering = linkPath(await mailTo(app, email, 2));
    expect((await call(app, 'GET', registering)).status).toBe(200);
    expect(await use(app, 'confirm', token)).toMatchObject({ status: 409, body: { code: 'already_registered' } });
    const page = await call(app, 'POST', '/http/email/confirm', { headers: FORM, body: `token=${token}` });
    expect(page.status).toBe(409);
    expect(page.body).toContain('This address is taken.');
  });

  it('is given whole or not at all', async () => {
    const ada = await Person.join(app);
    const email = newAddress();
    const token = await asked(ada, email);
    // The last step: the notice to the former address.
    vi.spyOn(app.get(Outbox), 'add').mockRejectedValueOnce(new Busy());
    expect((await use(app, 'confirm', token)).status).toBe(503);
    expect(await profileOf(ada)).toBe(ada.email);
    expect(await linksOf(ada.id)).toEqual([{ email }]);
    expect((await use(app, 'confirm', token)).status).toBe(200);
    await mailTo(app, ada.email, 2);
  });

  it('is not for accounts that are suspended, or whose password can still be taken back', async () => {
    const ada = await Person.join(app);
    const waiting = await asked(ada, newAddress());
    const suspend = 'UPDATE users SET suspended_at = ? WHERE id = ?';
    await app.database.query(suspend, ['2026-11-01 00:00:00.000', ada.id]);
    expect(await use(app, 'confirm', waiting)).toMatchObject({ status: 403, body: { code: 'suspended' } });
    await app.database.query(suspend, [null, ada.id]);
    // With a token alone.
    expect((await ada.put('/http/users/profile', { password: 'taken over once' })).status).toBe(200);
    const refused = await ask(ada, newAddress(), 'taken over once');
    expect(refused).toMatchObject({ status: 403, body: { code: 'password_too_new' } });
    expect(refused.body.retry_after).toBeGreaterThan(71 * 3600);
    expect((await use(app, 'confirm', waiting)).status).toBe(404);
    expect(await profileOf(ada)).toBe(ada.email);
  });

  it('is deleted with the account, with the mails to all of its addresses, and the registration that made it', async () => {
    const [ada, bob] = [await Person.join(app), await Person.join(app, 'Bob')];
    const [email, wanted, bobs] = [newAddress(), newAddress(), newAddress()];
    const back = await moved(ada, ada.email, email);
    const waiting = await asked(ada, wanted);
    // Another account gets it first, and keeps its mails.
    await asked(ada, bobs);
    expect(await use(app, 'confirm', await asked(bob, bobs))).toMatchObject({ status: 200 });
    const madeBy = () => app.database.query('SELECT email FROM registrations WHERE user_id = ?', [ada.id]);
    expect(await madeBy()).toEqual([{ email: ada.email }]);
    const erased = { token: ada.token, body: { password: ada.password } };
    expect((await call(app, 'DELETE', '/http/users/profile', erased)).status).toBe(204);
    expect(await linksOf(ada.id)).toEqual([]);
    const links = await app.database.query('SELECT id FROM email_links WHERE email IN (?, ?)', [email, ada.email]);
    expect(links).toEqual([]);
    expect(await madeBy()).toEqual([]);
    expect((await use(app, 'return', back)).status).toBe(404);
    expect((await use(app, 'confirm', waiting)).status).toBe(404);
    const left = await mails(app);
    expect(left.filter(({ to }) => [ada.email, email, wanted].includes(to))).toEqual([]);
    expect(left.filter(({ to }) => to === bobs)).toHaveLength(2);
  });

  it('is not for an account that a node of an earlier release has erased', async () => {
    const ada = await Person.join(app);
    const back = await moved(ada, ada.email, newAddress());
    const waiting = await asked(ada, newAddress());
    const erased = ['2026-11-01 00:00:00.000', `erased:${ada.id}`, ada.id];
    await app.database.query('UPDATE users SET erased_at = ?, email = ? WHERE id = ?', erased);
    expect(await use(app, 'confirm', waiting)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await use(app, 'return', back)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await app.database.query('SELECT email FROM users WHERE id = ?', [ada.id])).toEqual([{ email: erased[1] }]);
  });

  it.each(['moderator', 'admin'] as const)(
    'has no way back once its account is %s, and none that waits',
    async (role) => {
      const ada = await Person.join(app);
      const back = await moved(ada, ada.email, newAddress());
      const waiting = await asked(ada, newAddress());
      await app.get(AdminUsersService).change('console', ada.id, { role });
      expect((await use(app, 'return', back)).status).toBe(404);
      expect((await use(app, 'confirm', waiting)).status).toBe(404);
      expect(await linksOf(ada.id)).toEqual([]);
      await setRole(app, ada, 'person');
    },
  );

  describe('which the owner takes back', () => {
    it('ends all sessions and the password, and leads to a new one', async () => {
      const ada = await Person.join(app);
      const email = newAddress();
      const back = await moved(ada, ada.email, email);
      const thief = await ada.connect();
      const closed = next(thief, 'disconnect');
      // The thief sets a password as well, asks for one more address, and for a link to a new password.
      const set = { password: 'set by the thief', current_password: ada.password };
      expect((await ada.put('/http/users/profile', set)).status).toBe(200);
      const waiting = await asked(ada, newAddress(), 'set by the thief');
      await call(app, 'POST', '/http/password/forgot', { body: { email } });
      const reset = linkToken(await mailTo(app, email, 3));
      const isInvited = await invitation(app, ada, 'set by the thief');
      expect(await isInvited()).toBe(true);

      const page = await call(app, 'POST', '/http/email/return', { headers: FORM, body: `token=${back}` });
      expect(page.status).toBe(200);
      await closed;
      expect(await isInvited()).toBe(false);
      expect((await ada.get('/http/users/profile')).body.code).toBe('session_revoked');
      for (const one of [ada.email, email])
        for (const password of [ada.password, 'set by the thief'])
          expect((await login(app, one, password)).status).toBe(401);
      expect((await use(app, 'confirm', waiting)).status).toBe(404);
      expect((await resetWith(reset, 'set by the thief')).status).toBe(404);
      expect((await use(app, 'return', back)).status).toBe(404);
      expect((await mailTo(app, email, 4)).subject).toBe('This address is no longer that of a Parley account');
      const mail = await mailTo(app, ada.email, 3);
      expect(mail.subject).toBe('Set a new Parley password');
      expect((await resetWith(linkToken(mail), 'set by the owner')).status).toBe(200);
      expect((await login(app, ada.email, 'set by the owner')).status).toBe(200);
    });

    it('also after a password that was set with a token alone, which cannot be taken back any more', async () => {
      const ada = await Person.join(app);
      const email = newAddress();
      const back = await moved(ada, ada.email, email);
      expect((await ada.put('/http/users/profile', { password: 'set by the thief' })).status).toBe(200);
      const restoring = linkToken(await mailTo(app, email, 2));
      expect((await use(app, 'return', back)).status).toBe(200);
      expect((await call(app, 'POST', '/http/password/restore', { body: { token: restoring } })).status).toBe(404);
      expect((await login(app, ada.email, ada.password)).status).toBe(401);
    });

    it('by an older way back, which ends all newer ones, and not the other way round', async () => {
      const [ada, bob] = [await Person.join(app), await Person.join(app, 'Bob')];
      const ways: string[][] = [];
      for (const person of [ada, bob]) {
        const [b, c] = [newAddress(), newAddress()];
        ways.push([await moved(person, person.email, b), await moved(person, b, c)]);
      }
      expect((await use(app, 'return', ways[0][0])).status).toBe(200);
      expect((await use(app, 'return', ways[0][1])).status).toBe(404);
      expect(await linksOf(ada.id)).toEqual([]);
      expect((await use(app, 'return', ways[1][1])).status).toBe(200);
      expect(await linksOf(bob.id)).toEqual([{ email: bob.email }]);
      expect((await use(app, 'return', ways[1][0])).status).toBe(200);
    });

    it('once, whatever comes at the same time', async () => {
      const ada = await Person.join(app);
      const back = await moved(ada, ada.email, newAddress());
      const waiting = await asked(ada, newAddress());
      const [first, second, confirmed] = await Promise.all([
        use(app, 'return', back),
        use(app, 'return', back),
        use(app, 'confirm', waiting),
      ]);
      expect([first.status, second.status].sort()).toEqual([200, 404]);
      expect([200, 404]).toContain(confirmed.status);
      const [{ email }] = await app.database.query('SELECT email FROM users WHERE id = ?', [ada.id]);
      expect(email).toBe(ada.email);
      expect(await linksOf(ada.id)).toEqual([]);
    });

    it('though a thief has tried to register it anew, or to get it for another account', async () => {
      const [ada, eve] = [await Person.join(app), await Person.join(app, 'Eve')];
      const back = await moved(ada, ada.email, newAddress());
      const body = { email: ada.email, password: 'correct horse battery', first_name: 'Eve', last_name: '' };
      await call(app, 'POST', '/http/register', { body });
      // A mail scanner opens the link.
      const registering = linkPath(await mailTo(app, ada.email, 3));
      const refused = await call(app, 'GET', registering);
      const message = expect.stringContaining('is kept for an account');
      expect(refused).toMatchObject({ status: 409, body: { code: 'already_registered', message } });
      expect(refused.body.retry_after).toBeGreaterThan(71 * 3600);
      const page = await call(app, 'GET', registering, { headers: BROWSER });
      expect(page.status).toBe(409);
      expect(page.body).toContain('This address is kept.');
      expect(page.body).toContain('Register it again in 72 hours.');
      expect((await ask(eve, ada.email)).status).toBe(202);
      expect((await mailTo(app, ada.email, 4)).text).not.toContain('/http/email/');
      expect((await use(app, 'return', back)).status).toBe(200);
    });

    it('by changing it again, and then whoever has the one in between gets no way back', async () => {
      const ada = await Person.join(app);
      const [former, misspelt] = [newAddress(), newAddress()];
      await moved(ada, ada.email, former);
      await moved(ada, former, misspelt);
      expect((await use(app, 'confirm', await asked(ada, former))).status).toBe(200);
      const mail = await mailTo(app, misspelt, 2);
      expect(mail.subject).toBe('This address is no longer that of a Parley account');
      expect(mail.text).not.toContain('/http/email/');
      expect(mail.text).not.toContain(former);
      // The older way back stays, as after a return by its link, and is used up in the same way.
      expect(await linksOf(ada.id)).toEqual([{ email: ada.email }]);
      expect((await use(app, 'confirm', await asked(ada, ada.email))).status).toBe(200);
      expect(await linksOf(ada.id)).toEqual([]);
      expect(await profileOf(ada)).toBe(ada.email);
    });

    it('though the thief has a newer way back, since the older one lives as long', async () => {
      const ada = await Person.join(app);
      const [stolen, safe] = [newAddress(), newAddress()];
      const owners = await moved(ada, ada.email, stolen);
      offset = 70 * HOUR;
      const thiefs = await moved(ada, stolen, safe);
      offset = (70 + 71) * HOUR;
      expect((await use(app, 'return', thiefs)).status).toBe(200);
      expect((await use(app, 'return', owners)).status).toBe(200);
      const [{ email }] = await app.database.query('SELECT email FROM users WHERE id = ?', [ada.id]);
      expect(email).toBe(ada.email);
    });
  });

  describe('of ADMIN_EMAILS', () => {
    it('is given to nobody who asks for it', async () => {
      const eve = await Person.join(app, 'Eve');
      const isHeld = vi.spyOn(app.get(EmailLinks), 'isHeld');
      expect((await ask(eve, 'Boss@example.com')).status).toBe(202);
      // It takes as long as for any other.
      expect(isHeld).toHaveBeenCalledOnce();
      expect((await mailTo(app, 'boss@example.com')).text).not.toContain('/http/email/');
      // Asked for before it was one of these.
      const token = 'A'.repeat(33);
      const values = [linkTokenHash(token), eve.id, 'boss@example.com', 0, '2999-01-01 00:00:00.000'];
      await app.database.query(
        'INSERT INTO email_links (token_hash, user_id, email, is_return, expires_at) VALUES (?, ?, ?, ?, ?)',
        values,
      );
      expect((await use(app, 'confirm', token)).status).toBe(409);
      expect(await profileOf(eve)).toBe(eve.email);
    });

    it('has no way back once its account has become an admin by it', async () => {
      const eve = await Person.join(app, 'Eve');
      const back = await moved(eve, eve.email, newAddress());
      // The operator names the address afterwards.
      await app.database.query('UPDATE users SET email = ? WHERE id = ?', ['boss@example.com', eve.id]);
      await call(app, 'POST', '/http/password/forgot', { body: { email: 'boss@example.com' } });
      const reset = linkToken(await mailTo(app, 'boss@example.com', 2));
      expect((await resetWith(reset, 'set by the boss')).status).toBe(200);
      expect((await use(app, 'return', back)).status).toBe(404);
      await setRole(app, eve, 'person');
    });
  });
});

describe('limits on new addresses', () => {
  it('send three mails an hour to one mailbox, and answer the same', async () => {
    const app = await TestApp.start('sqlite', { RATE_LIMITS: 'on' });
    const [ada, bob] = [await Person.join(app), await Person.join(app, 'Bob')];
    for (const [person, tag] of [
      [ada, '+1'],
      [bob, '+2'],
      [ada, '+3'],
      [bob, '+4'],
    ] as const)
      expect((await ask(person, `mailbox${tag}@example.com`)).status).toBe(202);
    await mailTo(app, 'mailbox+3@example.com');
    expect(await app.database.query('SELECT id FROM email_links')).toHaveLength(3);
    expect((await mails(app)).some(({ to }) => to === 'mailbox+4@example.com')).toBe(false);
    for (let i = 0; i < 10; i++) await ask(ada, newAddress(), 'a wrong guess');
    expect(await ask(ada, newAddress())).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    await app.stop();
  });

  it('let one account ask for five a day, in whosever mailboxes, and count no wrong password', async () => {
    const app = await TestApp.start('sqlite', { RATE_LIMITS: 'on' });
    const [ada, bob] = [await Person.join(app), await Person.join(app, 'Bob')];
    expect((await ask(ada, newAddress(), 'a wrong guess')).status).toBe(403);
    for (let i = 0; i < 5; i++) expect((await ask(ada, newAddress())).status).toBe(202);
    const refused = await ask(ada, newAddress());
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.body.retry_after).toBeGreaterThan(86_000);
    expect((await ask(bob, newAddress())).status).toBe(202);
    expect(await app.database.query('SELECT id FROM email_links')).toHaveLength(6);
    await app.stop();
  });

  it('refuse them while 10,000 mails wait, and new passwords not yet', async () => {
    const app = await TestApp.start('sqlite');
    const ada = await Person.join(app);
    Object.defineProperty(app.get(MailDispatcher), 'waiting', { get: () => 10_000 });
    for (const email of [newAddress(), ada.email.replace('@', '+x@')])
      expect(await ask(ada, email)).toMatchObject({ status: 503, body: { code: 'busy' } });
    expect((await call(app, 'POST', '/http/password/forgot', { body: { email: ada.email } })).status).toBe(202);
    await app.stop();
  });
});

onNodes('another address, on two nodes', (kind) => {
  let smtp: MailServer;
  let nodes: TestCommunity;
  beforeAll(async () => {
    smtp = await new MailServer(await freePort()).start();
    nodes = await TestCommunity.start(kind, 2, { SMTP_URL: `smtp://127.0.0.1:${smtp.port}` });
  });
  afterAll(async () => {
    await nodes?.stop();
    await smtp?.stop();
  });

  it('is asked for on one, given once by the other, and taken back for the sockets of both', async () => {
    const [one, two] = nodes.nodes as [TestApp, TestApp];
    const ada = await Person.known(one);
    const there = await ada.at(two).connect();
    const closed = next(there, 'disconnect');
    const email = newAddress();
    expect((await ask(ada, email, 'nobody knows')).status).toBe(202);
    const tokenIn = async (to: string): Promise<string> => {
      const { email: mail } = await smtp.mailTo(to);
      return /\/http\/email\/\w+\/(\w+)/.exec(mail.text ?? '')![1];
    };
    const token = await tokenIn(email);
    const answers = await Promise.all([one, two].map((node) => use(node, 'confirm', token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
    expect((await ada.at(two).get('/http/users/profile')).body.email).toBe(email);
    const back = await tokenIn(ada.email);
    const returned = await Promise.all([one, two].map((node) => use(node, 'return', back)));
    expect(returned.map(({ status }) => status).sort()).toEqual([200, 404]);
    await closed;
    expect((await ada.at(two).get('/http/users/profile')).status).toBe(401);
  });
});
