// ADMIN_EMAILS: who becomes an admin by it, and who does not.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { AuditLog } from '../../src/identity/audit/audit-log.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, linkPath, linkToken, mailTo, mails, Person } from '../support/client.js';
import { auditAfter } from '../support/staff.js';

let people = 0;

onAllDialects('an address in ADMIN_EMAILS', (dialect) => {
  let app: TestApp;
  let email: string;

  beforeAll(async () => {
    // In other spellings than those that are registered.
    const emails = Array.from({ length: 10 }, (_, i) => `Boss${i + 1}@EXAMPLE.com`).join(' , ');
    app = await TestApp.start(dialect, { ADMIN_EMAILS: emails });
  });
  afterAll(() => app.stop());
  beforeEach(() => {
    email = `boss${++people}@example.com`;
  });

  const roleOf = async (token: string) => (await call(app, 'GET', '/http/users/profile', { token })).body.role;
  const login = async (password: string): Promise<string> =>
    (await call(app, 'POST', '/http/login', { body: { email, password } })).body.token;
  const reset = (token: string, password: string) =>
    call(app, 'POST', '/http/password/reset', { body: { token, password } });

  it('becomes an admin by the link that comes once its registration is confirmed, and not before', async () => {
    // A stranger may have registered it, and a mail scanner may open the link.
    const stranger = await Person.join(app, 'Eve', email);
    expect(await roleOf(stranger.token)).toBeUndefined();
    const mail = await mailTo(app, email, 2);
    expect(mail.subject).toBe('Become an admin of Parley');
    expect((await call(app, 'GET', linkPath(mail))).status).toBe(200);
    expect(await roleOf(stranger.token)).toBeUndefined();
    const before = (await auditAfter(app)).length;
    expect((await reset(linkToken(mail), 'chosen by the owner')).status).toBe(200);
    // The stranger is out.
    expect((await stranger.get('/http/users/profile')).status).toBe(401);
    expect(await login(stranger.password)).toBeUndefined();
    expect(await roleOf(await login('chosen by the owner'))).toBe('admin');
    expect(await auditAfter(app, before)).toMatchObject([
      { actor_id: null, action: 'name_admin', target: `user ${stranger.id}`, detail: { by: 'ADMIN_EMAILS' } },
    ]);
    expect(await app.get(AuditLog).verify()).toMatchObject({ isWhole: true });
  });

  it('becomes one by any link to a new password, once', async () => {
    const { id } = await app.createUser(email, 'Grace');
    for (const [i, password] of ['chosen by the owner', 'and another one'].entries()) {
      await call(app, 'POST', '/http/password/forgot', { body: { email } });
      await reset(linkToken(await mailTo(app, email, 2 * i + 1)), password);
      expect(await roleOf(await login(password))).toBe('admin');
    }
    const rows = (await auditAfter(app)).filter(({ target }) => target === `user ${id}`);
    expect(rows).toHaveLength(1);
  });

  it('is no other address, and a password that is set otherwise makes nobody an admin', async () => {
    const other = await Person.join(app, 'Ada', `not.${email}`);
    await call(app, 'POST', '/http/password/forgot', { body: { email: other.email } });
    await reset(linkToken(await mailTo(app, other.email, 2)), 'chosen by the owner');
    expect(await roleOf(await other.login('chosen by the owner'))).toBeUndefined();
    const { token } = await app.createUser(email, 'Grace');
    await call(app, 'PUT', '/http/users/profile', { token, body: { password: 'chosen by a token' } });
    expect(await roleOf(token)).toBeUndefined();
    expect((await mails(app)).filter(({ to }) => to === email).map(({ subject }) => subject)).not.toContain(
      'Become an admin of Parley',
    );
  });
});
