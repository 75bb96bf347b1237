// Invitations: how many they let in, how they end, and what admins see of them.
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { AdminInvitesService } from '../../src/admin/admin-invites.service.js';
import { Housekeeping } from '../../src/auth/housekeeping.js';
import { MOST_INVITES } from '../../src/auth/invites.js';
import { Clock } from '../../src/common/timing/clock.js';
import { linkTokenHash } from '../../src/identity/link-tokens.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, linkPath, mailTo, Person, sendTo } from '../support/client.js';
import { type MadeInvite, register } from '../support/registering.js';
import { admin, auditAfter, staff, KNOWN_PASSWORD } from '../support/staff.js';

const HOUR = 3_600_000;
let people = 0;

onAllDialects('an invitation', (dialect) => {
  let app: TestApp;
  let grace: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect, { REGISTRATION: 'invite', APP_URL: 'https://chat.example.com' });
    grace = await staff(app, 'admin');
  });
  afterAll(() => app.stop());
  afterEach(() => vi.restoreAllMocks());

  const make = async (request: object = {}): Promise<MadeInvite> => {
    const answer = await admin(app, grace, 'POST', 'invites', request);
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const list = async () => (await admin(app, grace, 'GET', 'invites')).body as Record<string, any>[];
  const shown = async (id: number) => (await list()).find((one) => one['id'] === id);
  /** Registers. @returns the path of the link */
  const ask = async ({ token }: MadeInvite, email = `guest${++people}@example.com`): Promise<string> => {
    expect((await register(app, email, token)).status).toBe(202);
    return linkPath(await mailTo(app, email));
  };
  const open = (path: string) => call(app, 'GET', path);
  const accounts = async () => Number((await app.database.query('SELECT COUNT(*) AS n FROM users'))[0].n);
  const INVALID = { status: 403, body: { code: 'invite_invalid' } };
  const later = (ms: number) => {
    vi.spyOn(app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + ms));
  };

  it('is shown once, with a link to the page for registering, and stored as a hash', async () => {
    const before = (await auditAfter(app)).at(-1)?.id;
    const made = await make({ max_uses: 3, expires_in_hours: 2, note: '  The cooks ' });
    expect(made).toMatchObject({ state: 'live', max_uses: 3, uses: 0, note: 'The cooks', created_by: grace.id });
    expect(made.url).toBe(`https://chat.example.com/register#invite=${made.token}`);
    const { token, url, ...rest } = made;
    expect(await shown(made.id)).toEqual(rest);
    const [row] = await app.database.query('SELECT * FROM invites WHERE id = ?', [made.id]);
    expect(row.token_hash).toBe(linkTokenHash(token));
    expect(JSON.stringify([row, await list()])).not.toContain(token);
    expect(await auditAfter(app, before)).toMatchObject([
      {
        actor_id: grace.id,
        action: 'create_invite',
        target: `invite ${made.id}`,
        detail: { max_uses: 3, expires_at: rest.expires_at },
      },
    ]);
    expect(url).toContain(token);
  });

  it('lets in as many as it says, and counts accounts, not registrations', async () => {
    const invite = await make({ max_uses: 2 });
    const links = [await ask(invite), await ask(invite), await ask(invite)];
    expect(await shown(invite.id)).toMatchObject({ uses: 0, state: 'live' });
    for (const link of links.slice(0, 2)) expect((await open(link)).status).toBe(200);
    expect(await shown(invite.id)).toMatchObject({ uses: 2, state: 'used_up' });
    const before = await accounts();
    expect(await open(links[2])).toMatchObject(INVALID);
    expect(await accounts()).toBe(before);
    // Opened once more, a link that was used counts no further.
    expect((await open(links[0])).status).toBe(200);
    expect(await register(app, 'late@example.com', invite.token)).toMatchObject(INVALID);
    expect(await shown(invite.id)).toMatchObject({ uses: 2, state: 'used_up' });
  });

  it('lets in one of many who come for its last use at the same moment', async () => {
    for (let round = 0; round < 3; round++) {
      const invite = await make({ max_uses: 2 });
      const links = [];
      for (let i = 0; i < 6; i++) links.push(await ask(invite));
      const before = await accounts();
      const answers = await Promise.all(links.map(open));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 403, 403, 403, 403]);
      for (const { status, body } of answers) if (status === 403) expect(body.code).toBe('invite_invalid');
      expect(await accounts()).toBe(before + 2);
      expect(await shown(invite.id)).toMatchObject({ uses: 2, state: 'used_up' });
    }
  });

  it('counts one link once, however many open it at the same moment', async () => {
    const invite = await make({ max_uses: 5 });
    const link = await ask(invite);
    const answers = await Promise.all(Array.from({ length: 5 }, () => open(link)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await shown(invite.id)).toMatchObject({ uses: 1 });
  });

  it('ends when it is revoked, twice is once, and those who wait for their mail are out, too', async () => {
    const invite = await make({ max_uses: 5 });
    const link = await ask(invite);
    const before = (await auditAfter(app)).at(-1)!.id;
    for (let i = 0; i < 2; i++)
      expect((await admin(app, grace, 'DELETE', `invites/${invite.id}`, { reason: 'leaked' })).status).toBe(204);
    expect(await auditAfter(app, before)).toMatchObject([
      { action: 'revoke_invite', target: `invite ${invite.id}`, detail: { reason: 'leaked' } },
    ]);
    expect(await shown(invite.id)).toMatchObject({ state: 'revoked', revoked_at: expect.any(String) });
    expect(await open(link)).toMatchObject(INVALID);
    expect(await register(app, 'late@example.com', invite.token)).toMatchObject(INVALID);
    expect((await admin(app, grace, 'DELETE', 'invites/999999')).status).toBe(404);
  });

  it('is revoked and used at the same moment: one of the two comes first', async () => {
    for (let round = 0; round < 5; round++) {
      const invite = await make();
      const link = await ask(invite);
      const [opened, revoked] = await Promise.all([open(link), admin(app, grace, 'DELETE', `invites/${invite.id}`)]);
      expect(revoked.status).toBe(204);
      expect(await shown(invite.id)).toMatchObject(
        opened.status === 200 ? { uses: 1, state: 'used_up' } : { uses: 0, state: 'revoked' },
      );
    }
  });

  it('expires, and is deleted 90 days later', async () => {
    const [short, long] = [await make({ expires_in_hours: 1 }), await make({ expires_in_hours: 8_760 })];
    const link = await ask(short);
    // The admin's own session ends meanwhile.
    const asConsole = async (id: number) =>
      (await app.get(AdminInvitesService).list()).rows.find((one) => one.id === id);
    later(HOUR + 1_000);
    expect(await asConsole(short.id)).toMatchObject({ state: 'expired' });
    expect(await open(link)).toMatchObject(INVALID);
    expect(await register(app, 'late@example.com', short.token)).toMatchObject(INVALID);
    // What has ended is not revoked any more.
    const before = (await auditAfter(app)).at(-1)!.id;
    expect(await app.get(AdminInvitesService).revoke('console', short.id)).toBeUndefined();
    expect(await auditAfter(app, before)).toEqual([]);
    later(90 * 24 * HOUR);
    await app.get(Housekeeping).sweep();
    const left = async () => (await app.database.query('SELECT id FROM invites')).map(({ id }: { id: number }) => id);
    expect(await left()).toContain(short.id);
    later(90 * 24 * HOUR + 2 * HOUR);
    await app.get(Housekeeping).sweep();
    expect(await left()).not.toContain(short.id);
    expect(await left()).toContain(long.id);
    // The admin's session has gone with the others.
    vi.restoreAllMocks();
    grace = await staff(app, 'admin');
  });

  it('does not help whoever has an account already, and is not used up by them', async () => {
    const invite = await make();
    const email = `twice${++people}@example.com`;
    const [first, second] = [await ask(await make(), email), await ask(invite, email)];
    expect((await open(first)).status).toBe(200);
    const again = second === first ? linkPath(await mailTo(app, email, 2)) : second;
    expect(await open(again)).toMatchObject({ status: 409, body: { code: 'already_registered' } });
    expect(await shown(invite.id)).toMatchObject({ uses: 0, state: 'live' });
  });

  const ended = (more: object) => ({ ...more, invites: 2 });
  it.each([
    ['has no role any more', 'PATCH', '', { role: 'person' }, ended({ role: ['admin', 'person'] })],
    ['is a moderator', 'PATCH', '', { role: 'moderator' }, ended({ role: ['admin', 'moderator'] })],
    ['is suspended', 'PATCH', '', { is_suspended: true }, ended({ is_suspended: [false, true] })],
    ['is reset', 'POST', '/reset', { reason: 'stolen' }, ended({ reason: 'stolen' })],
    ['is erased', 'DELETE', '', {}, ended({})],
  ])('ends when whoever made it %s, and no other one does', async (_how, method, path, body, detail) => {
    const other = await staff(app, 'admin', 'Alan');
    const made = async (max_uses = 2) => (await admin(app, other, 'POST', 'invites', { max_uses })).body as MadeInvite;
    const [own, waiting, another, used] = [await make(), await made(), await made(), await made(1)];
    const link = await ask(waiting);
    expect((await open(await ask(used))).status).toBe(200);
    expect(await shown(waiting.id)).toMatchObject({ created_by: other.id });
    expect((await admin(app, grace, 'GET', `users/${other.id}`)).body.invites).toBe(2);

    const before = (await auditAfter(app)).at(-1)!.id;
    expect((await admin(app, grace, method, `users/${other.id}${path}`, body)).status).toBeLessThan(300);
    expect((await auditAfter(app, before)).map((row) => row.detail)).toEqual([detail]);
    const created_by = method === 'DELETE' ? null : other.id;
    for (const { id } of [waiting, another])
      expect(await shown(id)).toMatchObject({ created_by, state: 'revoked', revoked_at: expect.any(String) });
    expect(await shown(used.id)).toMatchObject({ created_by, state: 'used_up', revoked_at: null });
    expect(await open(link)).toMatchObject(INVALID);
    expect(await shown(own.id)).toMatchObject({ state: 'live' });
  });

  it('ends with the account of whoever made it, who erases it themselves', async () => {
    const other = await staff(app, 'admin', 'Alan');
    const { id } = (await admin(app, other, 'POST', 'invites', {})).body as MadeInvite;
    const erased = await call(app, 'DELETE', '/http/users/profile', {
      token: other.token,
      body: { password: KNOWN_PASSWORD },
    });
    expect(erased.status).toBeLessThan(300);
    expect(await shown(id)).toMatchObject({ created_by: null, state: 'revoked', revoked_at: expect.any(String) });
  });

  it('ends when whoever made it is suspended for what somebody has reported', async () => {
    const other = await staff(app, 'admin', 'Alan');
    const invite = (await admin(app, other, 'POST', 'invites', {})).body as MadeInvite;
    const ada = await Person.known(app);
    const { chat_room_id, seq } = await sendTo(await other.connect(), ada.id, 'No');
    const report = await call(app, 'POST', '/http/reports', {
      token: ada.token,
      body: { chat_room_id, seq, reason: 'abuse' },
    });
    const settle = { status: 'resolved', action: 'suspend' };
    expect((await admin(app, grace, 'PATCH', `reports/${report.body.id}`, settle)).status).toBe(200);
    expect(await shown(invite.id)).toMatchObject({ state: 'revoked' });
    expect((await auditAfter(app)).at(-1)!.detail).toEqual({ ...settle, user_id: other.id, invites: 1 });
    other.hangUp();
  });

  it('is one of a thousand at most, and those that have ended do not count', async () => {
    const live = (await list()).filter(({ state }) => state === 'live').length;
    const rows = Array.from(
      { length: MOST_INVITES - live - 1 },
      (_, i) => `('bulk ${i}', 1, 0, '2026-01-01 00:00:00.000', '2999-01-01 00:00:00.000', '2999-01-01 00:00:00.000')`,
    );
    await app.database.query(
      `INSERT INTO invites (token_hash, max_uses, uses, created_at, expires_at, ends_at) VALUES ${rows.join(', ')}`,
    );
    const answers = await Promise.all(Array.from({ length: 4 }, () => admin(app, grace, 'POST', 'invites', {})));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)!.body.code).toBe('quota_exceeded');
    // The list has pages.
    const first = await admin(app, grace, 'GET', 'invites');
    const ids = first.body.map(({ id }: { id: number }) => id);
    expect(ids).toEqual([...ids].sort((a: number, b: number) => b - a));
    const next = /<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1];
    if (next)
      expect(
        (
          await call(app, 'GET', new URL(next, app.url).pathname + new URL(next, app.url).search, {
            token: grace.token,
          })
        ).body[0].id,
      ).toBeLessThan(ids.at(-1));
    const [newest] = first.body;
    expect((await admin(app, grace, 'DELETE', `invites/${newest.id}`)).status).toBe(204);
    await make();
    await app.database.query("DELETE FROM invites WHERE token_hash LIKE 'bulk%'");
  });

  it.each([
    [{ max_uses: 0 }],
    [{ max_uses: 10_001 }],
    [{ max_uses: 1.5 }],
    [{ max_uses: 'many' }],
    [{ expires_in_hours: 0 }],
    [{ expires_in_hours: 8_761 }],
    [{ note: 'x'.repeat(201) }],
    [{ note: 'two\nlines' }],
    [{ note: 7 }],
    [{ token: 'of my own' }],
    [[]],
  ])('is not made of %j', async (body) => {
    expect((await admin(app, grace, 'POST', 'invites', body)).status).toBe(400);
  });

  it.each([[7], [''], ['x'.repeat(129)], [{}], [['x']], ['\ud800']])('is no %j', async (invite) => {
    const answer = await register(app, 'free@example.com', invite as string);
    expect(answer.status).toBe(400);
    expect(answer.body.fields).toHaveProperty('invite');
  });

  it('that is null is none', async () => {
    expect((await register(app, 'free@example.com', null)).body.code).toBe('invite_required');
  });
});
