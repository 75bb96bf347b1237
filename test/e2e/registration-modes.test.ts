// Who may register: in each mode, with and without an invitation, and that the answer says nothing of who has an account.
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { AdminInvitesService } from '../../src/admin/admin-invites.service.js';
import { AdminSettingsService } from '../../src/admin/admin-settings.service.js';
import { REGISTRATION_MODES, type RegistrationMode } from '../../src/config/registration-modes.js';
import { Passwords } from '../../src/identity/passwords.js';
import { Settings } from '../../src/settings/settings.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, linkPath, linkToken, mailTo, mails } from '../support/client.js';
import { register } from '../support/registering.js';

const REFUSALS: Record<RegistrationMode, string | undefined> = {
  open: undefined,
  invite: 'invite_required',
  domains: 'domain_not_allowed',
  closed: 'registration_closed',
};
const BOSS = 'boss@example.org';

let people = 0;

onAllDialects('registering', (dialect) => {
  let app: TestApp;
  const taken = 'taken@example.org';

  beforeAll(async () => {
    app = await TestApp.start(dialect, { ADMIN_EMAILS: BOSS, ALLOWED_DOMAINS: 'Bücher.example, example.com' });
    await app.createUser(taken, 'Grace');
  });
  afterAll(() => app.stop());
  beforeEach(() => app.get(AdminSettingsService).change('console', { registration: null, allowed_domains: null }));

  const set = (registration: RegistrationMode) => app.get(AdminSettingsService).change('console', { registration });
  const invite = (max_uses = 1) => app.get(AdminInvitesService).create('console', { max_uses });
  const free = (domain = 'example.org') => `free${++people}@${domain}`;
  const answered = async (email: string, token?: string) => {
    const { status, body } = await register(app, email, token);
    return { status, body };
  };
  const waiting = async () => Number((await app.database.query('SELECT COUNT(*) AS n FROM registrations'))[0].n);
  const isThere = async (email: string) =>
    (await app.database.query('SELECT 1 FROM users WHERE email = ?', [email])).length > 0;

  it.each(REGISTRATION_MODES)('is answered alike for all addresses: %s', async (mode) => {
    await set(mode);
    const before = await waiting();
    const hash = vi.spyOn(app.get(Passwords), 'hash');
    const answers = await Promise.all([free(), taken, BOSS].map((email) => answered(email)));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    const refusal = REFUSALS[mode];
    expect(answers[0]).toMatchObject(refusal ? { status: 403, body: { code: refusal } } : { status: 202 });
    // What is refused costs no hash, and stores no link, with which a mail would be.
    expect(hash).toHaveBeenCalledTimes(refusal ? 0 : 3);
    hash.mockRestore();
    expect(await waiting()).toBe(before + (refusal ? 0 : 3));
  });

  it.each(REGISTRATION_MODES)(
    'with an invitation works for all addresses alike, and with a bad one for none: %s',
    async (mode) => {
      await set(mode);
      const { token, id } = await invite(5);
      const good = await Promise.all([free(), taken, BOSS].map((email) => answered(email, token)));
      expect(good).toEqual([good[0], good[0], good[0]]);
      expect(good[0]).toMatchObject({ status: 202 });
      await app.get(AdminInvitesService).revoke('console', id);
      const bad = [token, 'nobody made this one', 'x'.repeat(33)];
      const answers = await Promise.all(
        bad.flatMap((one) => [free(), taken, BOSS, free('example.com')].map((email) => answered(email, one))),
      );
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(answers[0]).toMatchObject({ status: 403, body: { code: 'invite_invalid' } });
    },
  );

  it('by domain compares them as they are in mail, and knows no others below', async () => {
    await set('domains');
    const status = async (email: string) => (await answered(email)).status;
    expect(await status(free('EXAMPLE.com'))).toBe(202);
    expect(await status(free('bücher.EXAMPLE'))).toBe(202);
    expect(await status(free('xn--bcher-kva.example'))).toBe(202);
    for (const domain of ['sub.example.com', 'notexample.com', 'example.com.evil.org', 'buecher.example', 'example'])
      expect(await status(free(domain)), domain).toBe(403);
    // The last @ counts, and a second one is no address.
    expect(await status('"a@example.com"@evil.org')).toBe(400);
  });

  it('is asked again when the link is opened', async () => {
    const email = free();
    await answered(email);
    const path = linkPath(await mailTo(app, email));
    await set('closed');
    const refused = await call(app, 'GET', path);
    expect(refused).toMatchObject({ status: 403, body: { code: 'registration_closed' } });
    expect(await isThere(email)).toBe(false);
    const page = await call(app, 'GET', path, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(403);
    expect(page.body).toContain('Ask whoever runs this server for an invitation.');
    await set('open');
    expect(await call(app, 'GET', path)).toMatchObject({ status: 200, body: { ok: true, email } });
    // Once it has made an account, the link says so, whoever may register by now.
    await set('closed');
    expect((await call(app, 'GET', path)).status).toBe(200);
  });

  it('is asked again for a new link, where the registration is shown to be theirs', async () => {
    const [email, invited] = [free(), free()];
    await answered(email);
    const { token } = await invite();
    await answered(invited, token);
    const link = linkToken(await mailTo(app, email));
    const invitedLink = linkToken(await mailTo(app, invited));
    await set('closed');
    const resend = (body: object) => call(app, 'POST', '/http/register/resend', { body });
    const password = 'correct horse battery';
    const closed = { status: 403, body: { code: 'registration_closed' } };
    expect(await resend({ token: link })).toMatchObject(closed);
    expect(await resend({ email, password })).toMatchObject(closed);
    // Neither says whether anything waits, nor by an invitation.
    const guesses = [taken, free(), email, invited].map((one) => resend({ email: one, password: 'a wrong guess' }));
    for (const { status, body } of await Promise.all(guesses)) expect({ status, body }).toMatchObject(closed);
    const named = await Promise.all([taken, free(), email, invited].map((one) => resend({ email: one })));
    for (const { status, body } of named) expect({ status, body }).toEqual({ status: 202, body: named[0].body });
    expect((await resend({ token: 'x'.repeat(33) })).status).toBe(202);
    // Those who are invited come in all the same.
    expect((await resend({ token: invitedLink })).status).toBe(202);
    expect((await resend({ email: invited, password })).status).toBe(202);
    const newest = (await mails(app)).find(({ to, links }) => to === invited && links[0]?.includes('/http/register/'));
    expect((await call(app, 'GET', linkPath(newest!))).status).toBe(200);
    expect(await isThere(invited)).toBe(true);
  });

  it('is not asked for a link that has made its account: a mail says that there is one', async () => {
    const email = free();
    await answered(email);
    const mail = await mailTo(app, email);
    expect((await call(app, 'GET', linkPath(mail))).status).toBe(200);
    await set('closed');
    const { status } = await call(app, 'POST', '/http/register/resend', { body: { token: linkToken(mail) } });
    expect(status).toBe(202);
    expect((await mailTo(app, email, 2)).subject).toBe('You have a Parley account already');
  });

  it('is closed where a newer program has stored a mode that this one does not know', async () => {
    await set('open');
    await app.database.query("UPDATE settings SET registration = 'friends', version = version + 1");
    await expect.poll(() => app.get(Settings).current.registration, { timeout: 20_000 }).toBe('closed');
    expect((await answered(free())).body.code).toBe('registration_closed');
  });
});
