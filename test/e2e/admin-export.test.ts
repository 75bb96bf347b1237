// An export that somebody has asked the operator for: made as their own, and mailed to them alone.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { parley, parleyJson } from '../support/cli.js';
import { call, eventually, Person } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { askForExport, download, EXPORTED_WITHIN_MS, exportsOf } from '../support/exports.js';
import { MailServer } from '../support/mail-server.js';
import { admin, auditAfter, KNOWN_PASSWORD, staff, suspend } from '../support/staff.js';
import { unzipped } from '../support/zip.js';

onAllDialects('an export that an admin asks for', (dialect) => {
  let smtp: MailServer;
  let app: TestApp;
  let grace: Person;
  let ada: Person;
  let lastId: number;

  beforeAll(async () => {
    smtp = await new MailServer(await freePort()).start();
    app = await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${smtp.port}`, RATE_LIMITS: 'on' });
    grace = await staff(app, 'admin');
  });
  afterAll(async () => {
    await app?.stop();
    await smtp?.stop();
  });
  beforeEach(async () => {
    ada = await Person.known(app);
    lastId = (await auditAfter(app)).length;
  });

  const exportOf = (id: number, body: object = {}, by = grace) => admin(app, by, 'POST', `users/${id}/export`, body);
  const acts = () => auditAfter(app, lastId);
  const mailed = (person: Person) =>
    eventually(
      () => smtp.received.find(({ to, email }) => to.includes(person.email) && /export/.test(email.subject ?? '')),
      `the mail to ${person.email}`,
      EXPORTED_WITHIN_MS,
    );

  it('goes to the person alone, says who asked for it, and leaves one row in the audit log', async () => {
    const answer = await exportOf(ada.id, { reason: 'asked by post' });
    expect([answer.status, answer.body]).toEqual([
      202,
      { message: 'Once the export is ready, a mail with a link to it is on its way to their address.' },
    ]);
    const { to, email } = await mailed(ada);
    expect(to).toEqual([ada.email]);
    expect(email.text?.replace(/\s+/g, ' ')).toMatch(/Those who run \S+ had it made for you/);
    const [, path] = /(\/http\/export\/\w+)/.exec(email.text ?? '')!;
    expect(JSON.parse(unzipped(await download(app, path))['profile.json'])).toMatchObject({ id: ada.id });
    const target = `user ${ada.id}`;
    expect(await acts()).toMatchObject([
      { actor_id: grace.id, action: 'export_user', target, detail: { reason: 'asked by post' } },
    ]);
    expect(await exportsOf(app, ada)).toMatchObject([{ state: 'ready', tries: 1 }]);
  });

  it('is one of a day, whoever asks for it and however often at once', async () => {
    const answers = await Promise.all([exportOf(ada.id), exportOf(ada.id), askForExport(ada)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 429, 429]);
    for (const again of [await exportOf(ada.id), await askForExport(ada)]) {
      expect(again).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
      expect(again.body.retry_after).toBeGreaterThan(23 * 3_600);
      expect(again.body.retry_after).toBeLessThanOrEqual(24 * 3_600);
    }
    expect(await exportsOf(app, ada)).toHaveLength(1);
    // None where their own request was the first one.
    const byAdmin = answers.slice(0, 2).filter(({ status }) => status === 202);
    expect(await acts()).toHaveLength(byAdmin.length);
  });

  it('ends with a new password of the person, as their own does', async () => {
    await exportOf(ada.id);
    const { email } = await mailed(ada);
    const [, path] = /(\/http\/export\/\w+)/.exec(email.text ?? '')!;
    const set = { password: 'another long one', current_password: KNOWN_PASSWORD };
    expect((await ada.put('/http/users/profile', set)).status).toBe(200);
    expect((await fetch(app.url + path)).status).toBe(404);
  });

  it('is not made of nobody, of whoever was erased or is suspended, nor of oneself', async () => {
    const [bob, eve] = [await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    expect((await suspend(app, grace, bob)).status).toBe(200);
    expect((await admin(app, grace, 'DELETE', `users/${eve.id}`)).status).toBe(204);
    const before = (await auditAfter(app)).length;
    const refusals: [number, number, string, RegExp][] = [
      [1_999_999_999, 404, 'not_found', /^There is no such user\.$/],
      [eve.id, 404, 'not_found', /^There is no such user\. The account was erased\.$/],
      [bob.id, 403, 'forbidden', /^They are suspended.* Resume them first\.$/],
      [grace.id, 403, 'forbidden', /POST \/http\/users\/profile\/export\.$/],
    ];
    for (const [id, status, code, message] of refusals)
      expect(await exportOf(id)).toMatchObject({ status, body: { code, message: expect.stringMatching(message) } });
    expect((await exportOf(ada.id, { reason: 7 })).status).toBe(400);
    expect((await exportOf(ada.id, {}, ada)).body.code).toBe('forbidden');
    expect((await auditAfter(app)).length).toBe(before);
    for (const person of [ada, bob, eve]) expect(await exportsOf(app, person)).toEqual([]);
  });

  it('is asked for by `parley export`, by the number or the address', async () => {
    const ran = await parley(app.env, 'export', ada.email.toUpperCase(), '--reason', 'asked by post');
    expect(ran).toEqual({
      code: 0,
      stdout: `The export of user ${ada.id} is being made. A mail with the link, good for 48 hours, goes to\n${ada.email}, and to nobody else.\n`,
      stderr: '',
    });
    const again = await parley(app.env, 'export', String(ada.id));
    expect([again.code, again.stderr]).toEqual([
      1,
      expect.stringMatching(/^There was an export within the last 24 hours\. Try again in \d+ s\.\n$/),
    ]);
    expect(await acts()).toMatchObject([{ actor_id: null, action: 'export_user' }]);
    const bob = await Person.known(app, 'Bob');
    expect(await parleyJson(app.env, 'export', String(bob.id))).toEqual({ ok: true, id: bob.id, email: bob.email });
  });
});

describe('an export that an admin asks for', () => {
  it('is not made without a mail server: its link would lie in a file of theirs', async () => {
    const app = await TestApp.start('sqlite');
    const [grace, ada] = [await staff(app, 'admin'), await Person.known(app)];
    expect(await admin(app, grace, 'POST', `users/${ada.id}/export`)).toMatchObject({
      status: 403,
      body: { code: 'forbidden', message: expect.stringContaining('no mail server') },
    });
    const registered = { email: 'new@example.com', password: 'correct horse', first_name: 'New', last_name: 'One' };
    expect((await call(app, 'POST', '/http/register', { body: registered })).status).toBe(202);
    for (const [who, code, sentence] of [
      [ada.email, 1, /^This server has no mail server \(SMTP_URL\)/],
      ['new@example.com', 1, /^Nobody has the address new@example\.com\. They may not have opened the link/],
      ['1999999999', 1, /^There is no such user\.\n$/],
      ['ada', 2, /It is no mail address, and no number of a user\.$/m],
    ] as const)
      expect(await parley(app.env, 'export', who)).toMatchObject({ code, stderr: expect.stringMatching(sentence) });
    expect(await exportsOf(app, ada)).toEqual([]);
    expect(await auditAfter(app)).toEqual([]);
    await app.stop();
  });
});
