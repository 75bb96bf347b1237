// Settings and invitations of a community with several nodes, and after a crash.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminInvitesService } from '../../src/admin/admin-invites.service.js';
import { AdminSettingsService } from '../../src/admin/admin-settings.service.js';
import { Settings } from '../../src/settings/settings.js';
import { emptyEnvironment, onAllDialects, type TestApp } from '../support/app.js';
import { call, linkPath, mailTo, Person, record } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';
import { register } from '../support/registering.js';
import { ServerProcess } from '../support/server-process.js';

onNodes('settings', (kind) => {
  let mail: MailServer;
  let nodes: TestCommunity;
  let [one, two]: TestApp[] = [];

  beforeAll(async () => {
    mail = await new MailServer(await freePort()).start();
    const env = { RATE_LIMITS: 'on', SMTP_URL: `smtp://127.0.0.1:${mail.port}`, MOTD: 'Hello.' };
    nodes = await TestCommunity.start(kind, 2, env);
    [one, two] = nodes.nodes as [TestApp, TestApp];
  });
  afterAll(async () => {
    await nodes?.stop();
    await mail?.stop();
  });

  const set = (node: TestApp, change: object) => node.get(AdminSettingsService).change('console', change);
  const said = async (node: TestApp) => {
    const { registration, motd } = (await call(node, 'GET', '/http/server')).body;
    return { registration, motd };
  };

  it('hold on the other node when the answer goes out, and its sockets are told', async () => {
    const [ada, bob] = [await Person.known(one), (await Person.known(one, 'Bob')).at(two)];
    const sockets = [await ada.connect(), await bob.connect()];
    const heard = sockets.map((socket) => record(socket, 'server_update'));
    await set(one, { registration: 'closed', registrations_per_hour: 7 });
    expect(two.get(Settings).current).toMatchObject({ registration: 'closed', registrationsPerHour: 7 });
    expect((await register(two, 'a@example.com')).body.code).toBe('registration_closed');
    await set(two, { motd: 'Both of us.' });
    expect(await said(one)).toEqual({ registration: 'closed', motd: 'Both of us.' });
    await set(one, { registration: null, motd: null, registrations_per_hour: null });
    expect(await said(two)).toEqual({ registration: 'open', motd: 'Hello.' });
    // Once each, on either node.
    const all = [{ registration: 'closed' }, { motd: 'Both of us.' }, { registration: 'open', motd: 'Hello.' }];
    for (const events of heard) await expect.poll(() => events).toEqual(all);
    for (const person of [ada, bob]) person.hangUp();
  });

  it('are changed on both at once, and none is lost', async () => {
    const before = one.get(Settings).stored.version;
    await Promise.all([
      ...Array.from({ length: 4 }, (_, i) => set(one, { motd: `One ${i}` })),
      ...Array.from({ length: 4 }, (_, i) => set(two, { registrations_per_hour: 10 + i })),
    ]);
    for (const node of [one, two]) await expect.poll(() => node.get(Settings).stored.version).toBe(before + 8);
    expect(one.get(Settings).current).toEqual(two.get(Settings).current);
    await set(one, { motd: null, registrations_per_hour: null });
  });

  it('count the registrations of an hour of all nodes together', async () => {
    await set(one, { registrations_per_hour: 4 });
    const taken: number[] = [];
    for (let i = 0; i < 3; i++)
      for (const node of [one, two]) {
        taken.push((await register(node, `h${i}${node === one ? 'a' : 'b'}@example.com`)).status);
        // What one counts is told the other within a tenth of a second.
        await new Promise((resolve) => setTimeout(resolve, 400));
      }
    // One network has at most half of them.
    expect(taken.filter((status) => status === 202)).toHaveLength(2);
    await set(one, { registrations_per_hour: null });
    expect((await register(two, 'more@example.com')).status).toBe(202);
  });

  it('let one in by the last use of an invitation, on whichever node', async () => {
    await set(one, { registration: 'closed' });
    for (let round = 0; round < 3; round++) {
      const { token, id } = await one.get(AdminInvitesService).create('console', {});
      const emails = [`one${round}@example.com`, `two${round}@example.com`] as const;
      for (const email of emails) expect((await register(two, email, token)).status).toBe(202);
      const links = await Promise.all(
        emails.map(async (email) => /\/http\/register\/\w+/.exec((await mail.mailTo(email)).email.text!)![0]),
      );
      const answers = await Promise.all([call(one, 'GET', links[0]), call(two, 'GET', links[1])]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
      expect((await two.get(AdminInvitesService).list()).rows.find((row) => row.id === id)).toMatchObject({
        uses: 1,
        state: 'used_up',
      });
    }
    await set(one, { registration: null });
  });

  it('follow within some seconds where the nodes do not hear each other', async () => {
    const bob = (await Person.known(one, 'Bob')).at(two);
    const heard = record(await bob.connect(), 'server_update');
    await nodes.redis.kill();
    await nodes.hearNothing();
    await set(one, { registration: 'invite' });
    expect(await said(one)).toMatchObject({ registration: 'invite' });
    await expect.poll(() => said(two), { timeout: 15_000 }).toMatchObject({ registration: 'invite' });
    await expect.poll(() => heard).toEqual([{ registration: 'invite' }]);
    await nodes.redis.run();
    await nodes.hearEachOther();
    await set(two, { registration: null });
    expect(await said(one)).toMatchObject({ registration: 'open' });
    bob.hangUp();
  });
});

onAllDialects('what an admin has set, and whom they have invited,', (dialect) => {
  describe('is there after kill -9', () => {
    it('and the link of somebody who was invited is as good as before', async () => {
      const { env, cleanUp } = await emptyEnvironment(dialect);
      const { PORT: _, ...rest } = env;
      const boss = 'boss@example.com';
      const first = await ServerProcess.start({ ...rest, ADMIN_EMAILS: boss });
      try {
        const person = await Person.join(first, 'Grace', boss);
        const reset = linkPath(await mailTo(first, boss, 2))
          .split('/')
          .at(-1)!;
        const password = 'chosen by the owner';
        await call(first, 'POST', '/http/password/reset', { body: { token: reset, password } });
        const token = await person.login(password);
        const asAdmin = (server: ServerProcess, method: string, path: string, body?: object) =>
          call(server, method, `/http/admin/${path}`, { token, ...(body && { body }) });
        await asAdmin(first, 'POST', 'elevate', { password });
        const invite = (await asAdmin(first, 'POST', 'invites', {})).body;
        expect((await asAdmin(first, 'PUT', 'settings', { registration: 'closed', motd: 'Kept.' })).status).toBe(200);
        expect((await register(first, 'guest@example.com', invite.token)).status).toBe(202);
        const link = linkPath(await mailTo(first, 'guest@example.com'));
        // Killed while the account is made: it is there with the use, or neither is.
        const opening = call(first, 'GET', link).catch(() => undefined);
        await first.kill();
        await opening;
        const second = await ServerProcess.restart(first, rest);
        try {
          expect((await call(second, 'GET', '/http/server')).body).toMatchObject({
            registration: 'closed',
            motd: 'Kept.',
          });
          expect((await register(second, 'other@example.com')).body.code).toBe('registration_closed');
          expect((await call(second, 'GET', link)).status).toBe(200);
          const [row] = (await asAdmin(second, 'GET', 'invites')).body;
          expect(row).toMatchObject({ id: invite.id, uses: 1, state: 'used_up' });
        } finally {
          await second.kill();
        }
      } finally {
        await first.kill();
        await cleanUp();
      }
    });
  });
});
