// What admins do to people: roles, suspension, erasure, new passwords, sessions; and the audit log of it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AdminUsersService } from '../../src/admin/admin-users.service.js';
import { Clock } from '../../src/common/timing/clock.js';
import { AuditLog } from '../../src/identity/audit/audit-log.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, linkPath, mailTo, next, Person, record, sendTo } from '../support/client.js';
import { admin, auditAfter, elevate, KNOWN_PASSWORD, setRole, staff } from '../support/staff.js';

onAllDialects('an admin', (dialect) => {
  let app: TestApp;
  let offset = 0;
  let grace: Person;
  let ada: Person;
  let lastId: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
    grace = await staff(app, 'admin');
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    ada = await Person.known(app);
    lastId = (await auditAfter(app)).length;
  });

  const change = (body: unknown, who = ada, by = grace) => admin(app, by, 'PATCH', `users/${who.id}`, body);
  const login = ({ email }: Person, password = KNOWN_PASSWORD) =>
    call(app, 'POST', '/http/login', { body: { email, password } });
  const acts = () => auditAfter(app, lastId);

  describe('elevates the session', () => {
    it('by the password, for a quarter of an hour, and no other session', async () => {
      const eve = await Person.known(app, 'Eve');
      await setRole(app, eve, 'admin');
      const list = (token = eve.token) => call(app, 'GET', '/http/admin/users', { token });
      expect(await list()).toMatchObject({ status: 403, body: { code: 'elevation_required' } });
      expect(await elevate(app, eve, 'a guess')).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
      expect((await list()).status).toBe(403);
      const { status, body } = await elevate(app, eve);
      expect(status).toBe(200);
      expect(Date.parse(body.elevated_until) - Date.now()).toBeGreaterThan(14 * 60_000);
      expect((await list()).status).toBe(200);
      expect((await list(await app.createSession(eve.id))).body.code).toBe('elevation_required');
      offset = 16 * 60_000;
      expect((await list()).body.code).toBe('elevation_required');
      offset = 0;
      await setRole(app, eve, 'person');
      expect((await list()).body.code).toBe('forbidden');
    });

    it('of nobody without a role', async () => {
      expect(await elevate(app, ada)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    });

    it.each([{}, { password: 7 }, { password: null }, { password: 'x'.repeat(129) }, { more: 1, password: 'x' }])(
      'not by %j',
      async (body) => {
        expect((await call(app, 'POST', '/http/admin/elevate', { token: grace.token, body })).status).toBe(400);
      },
    );
  });

  it('stands in their own profile as what they are, and others do not', async () => {
    expect((await grace.get('/http/users/profile')).body.role).toBe('admin');
    expect('role' in (await ada.get('/http/users/profile')).body).toBe(false);
  });

  describe('lists people', () => {
    const list = async (query: string) => (await admin(app, grace, 'GET', `users?${query}`)).body;

    it('all, or by name or address, by state or role, page by page', async () => {
      const row = {
        id: ada.id,
        email: ada.email,
        first_name: 'Ada',
        last_name: 'Lovelace',
        role: 'person',
        is_suspended: false,
        suspended_at: null,
        created_at: expect.stringMatching(/Z$/),
        is_online: false,
        last_seen: null,
      };
      expect(await list('')).toContainEqual(row);
      expect(await list('query=lovelace%20a')).toContainEqual(row);
      expect(await list(`query=${encodeURIComponent(ada.email.toUpperCase())}`)).toEqual([row]);
      expect((await list('role=admin')).map(({ id }: Person) => id)).toContain(grace.id);
      expect((await list('role=admin')).map(({ id }: Person) => id)).not.toContain(ada.id);
      expect(await list('state=active')).toContainEqual(row);
      await change({ is_suspended: true });
      expect((await list('state=suspended')).map(({ id }: Person) => id)).toContain(ada.id);
      expect((await list('state=active')).map(({ id }: Person) => id)).not.toContain(ada.id);
    });

    it.each(['query=a&role=admin', 'state=active&role=admin', 'state=gone', 'role=person', 'cursor=x', 'more=1'])(
      'not by %s',
      async (query) => {
        expect((await admin(app, grace, 'GET', `users?${query}`)).status).toBe(400);
      },
    );

    it('one by one, with counts', async () => {
      await call(app, 'POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: 'Secret plans' } });
      const { body } = await admin(app, grace, 'GET', `users/${ada.id}`);
      expect(body).toMatchObject({ id: ada.id, email: ada.email, sessions: 1, groups: 1, groups_owned: 1 });
      expect(JSON.stringify(body)).not.toContain('Secret');
      expect((await admin(app, grace, 'GET', 'users/1999999999')).status).toBe(404);
      expect((await admin(app, grace, 'GET', 'users/x')).status).toBe(400);
    });
  });

  describe('suspends', () => {
    it('at once: sessions, sockets, sending and logins end, and begin again when it is taken back', async () => {
      const bob = await Person.known(app, 'Bob');
      const [socket, other] = [await ada.connect(), await bob.connect()];
      const [told, closed] = [next<{ code: string }>(socket, 'exception'), next(socket, 'disconnect')];
      const answer = await change({ is_suspended: true, reason: 'spam' });
      expect(answer).toMatchObject({ status: 200, body: { is_suspended: true, sessions: 0 } });
      expect(answer.body.suspended_at).toMatch(/Z$/);
      expect((await told).code).toBe('suspended');
      await closed;
      expect((await ada.get('/http/users')).body.code).toBe('session_revoked');
      expect(await login(ada)).toMatchObject({ status: 403, body: { code: 'suspended' } });
      // Strangers do not learn it.
      expect(await login(ada, 'a guess')).toMatchObject({ status: 401, body: { code: 'login_failed' } });
      // Others go on.
      expect((await sendTo(other, ada.id, 'are you there?')).ok).toBe(true);
      bob.hangUp();
      expect(await change({ is_suspended: false })).toMatchObject({ status: 200, body: { is_suspended: false } });
      expect((await login(ada)).status).toBe(200);
      expect(await acts()).toMatchObject([
        {
          actor_id: grace.id,
          action: 'change_user',
          target: `user ${ada.id}`,
          detail: { is_suspended: [false, true], reason: 'spam' },
        },
        { detail: { is_suspended: [true, false] } },
      ]);
    });

    it('twice as once, and without a second row in the log', async () => {
      expect((await change({ is_suspended: true })).status).toBe(200);
      expect((await change({ is_suspended: true })).status).toBe(200);
      expect(await acts()).toHaveLength(1);
    });

    it('and lets nothing through that was being sent', async () => {
      const bob = await Person.known(app, 'Bob');
      const socket = await ada.connect();
      const got = record<{ seq: number }>(await bob.connect(), 'message');
      const sent: Promise<{ ok?: boolean; seq?: number }>[] = [];
      for (let i = 0; i < 50; i++) sent.push(sendTo(socket, bob.id, `No. ${i}`).catch(() => ({})));
      await change({ is_suspended: true });
      const after = got.length;
      const stored = (await app.database.query('SELECT COUNT(*) AS n FROM messages WHERE sender_id = ?', [ada.id]))[0];
      const acknowledged = (await Promise.all(sent)).filter(({ ok }) => ok).length;
      expect(acknowledged).toBeLessThanOrEqual(Number(stored.n));
      expect(got.length).toBeGreaterThanOrEqual(after);
      const [{ n }] = await app.database.query('SELECT COUNT(*) AS n FROM messages WHERE sender_id = ?', [ada.id]);
      expect(n).toEqual(stored.n);
      bob.hangUp();
    });

    it('nobody who is not there, and not themselves', async () => {
      expect((await admin(app, grace, 'PATCH', 'users/1999999999', { is_suspended: true })).status).toBe(404);
      expect(await change({ is_suspended: true }, grace)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(await acts()).toEqual([]);
    });

    it.each([{}, { role: null }, { role: 'owner' }, { is_suspended: 'yes' }, { is_suspended: true, more: 1 }])(
      'not by %j',
      async (body) => {
        expect((await change(body)).status).toBe(400);
      },
    );
  });

  describe('gives roles', () => {
    it('which count from the next request on, and end as soon', async () => {
      expect(await change({ role: 'moderator' })).toMatchObject({ status: 200, body: { role: 'moderator' } });
      await elevate(app, ada);
      expect((await admin(app, ada, 'GET', 'users')).body.code).toBe('forbidden');
      await change({ role: 'admin' });
      expect((await admin(app, ada, 'GET', 'users')).status).toBe(200);
      await change({ role: 'person' });
      expect((await admin(app, ada, 'GET', 'users')).body.code).toBe('forbidden');
      expect((await acts()).map(({ detail }) => detail)).toEqual([
        { role: ['person', 'moderator'] },
        { role: ['moderator', 'admin'] },
        { role: ['admin', 'person'] },
      ]);
    });

    it('and suspends in one act, with one row', async () => {
      expect((await change({ role: 'moderator', is_suspended: true })).status).toBe(200);
      expect(await acts()).toMatchObject([{ detail: { role: ['person', 'moderator'], is_suspended: [false, true] } }]);
    });
  });

  it('erases an account, with all that an erasure takes', async () => {
    const bob = await Person.known(app, 'Bob');
    await sendTo(await ada.connect(), bob.id, 'stays');
    const closed = next(await ada.connect(), 'disconnect');
    const path = `users/${ada.id}`;
    expect((await admin(app, grace, 'DELETE', path, { reason: 'asked by mail' })).status).toBe(204);
    await closed;
    expect((await login(ada)).body.code).toBe('login_failed');
    for (const method of ['GET', 'DELETE']) expect((await admin(app, grace, method, path)).status).toBe(404);
    const named = (await bob.get(`/http/users?ids=${ada.id}`)).body;
    expect(named).toMatchObject([{ first_name: 'deleted', last_name: 'user' }]);
    expect(await acts()).toMatchObject([
      { action: 'erase_user', target: `user ${ada.id}`, detail: { reason: 'asked by mail' } },
    ]);
    expect((await admin(app, grace, 'DELETE', `users/${grace.id}`)).body.code).toBe('forbidden');
  });

  it('makes somebody set a new password: the old one is of no use, and a mail brings a link', async () => {
    const closed = next(await ada.connect(), 'disconnect');
    expect((await admin(app, grace, 'POST', `users/${ada.id}/reset`)).status).toBe(204);
    await closed;
    expect((await login(ada)).body.code).toBe('login_failed');
    const mail = await mailTo(app, ada.email);
    expect(mail.text).toContain('those who run this server');
    const token = linkPath(mail).split('/').at(-1)!;
    const reset = { token, password: 'set by the owner' };
    expect((await call(app, 'POST', '/http/password/reset', { body: reset })).status).toBe(200);
    expect((await login(ada, 'set by the owner')).status).toBe(200);
    expect(await acts()).toMatchObject([{ action: 'reset_password', target: `user ${ada.id}`, detail: {} }]);
    expect((await admin(app, grace, 'POST', `users/${grace.id}/reset`)).status).toBe(403);
    expect((await admin(app, grace, 'POST', 'users/1999999999/reset')).status).toBe(404);
  });

  it('sees the sessions of others, and ends them', async () => {
    await app.createSession(ada.id);
    const path = `users/${ada.id}/sessions`;
    const { body } = await admin(app, grace, 'GET', path);
    expect(body).toEqual([expect.any(Object), expect.any(Object)]);
    expect(Object.keys(body[0]).sort()).toEqual(['created_at', 'device', 'expires_at', 'id']);
    expect((await admin(app, grace, 'DELETE', path)).status).toBe(204);
    expect((await admin(app, grace, 'GET', path)).body).toEqual([]);
    expect((await ada.get('/http/users')).body.code).toBe('session_revoked');
    expect((await admin(app, grace, 'DELETE', path)).status).toBe(204);
    expect(await acts()).toMatchObject([{ action: 'end_sessions', detail: { sessions: 2 } }]);
    for (const method of ['GET', 'DELETE'])
      expect((await admin(app, grace, method, 'users/1999999999/sessions')).status).toBe(404);
  });

  it('reads the audit log, whose chain holds and breaks where a row is touched', async () => {
    await change({ is_suspended: true });
    const { body } = await admin(app, grace, 'GET', 'audit');
    expect(body[0]).toEqual({
      id: lastId + 1,
      at: expect.stringMatching(/Z$/),
      actor_id: grace.id,
      action: 'change_user',
      target: `user ${ada.id}`,
      detail: { is_suspended: [false, true] },
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const older = (await admin(app, grace, 'GET', `audit?before=${lastId + 1}`)).body;
    expect(older[0].id).toBe(lastId);
    expect((await admin(app, grace, 'GET', 'audit?before=0')).status).toBe(400);
    const log = app.get(AuditLog);
    expect(await log.verify()).toEqual({ isWhole: true, rows: lastId + 1, hash: body[0].hash });

    const undo = async (sql: string, values: unknown[], back: string, original: unknown[]) => {
      await app.database.query(sql, values);
      const verdict = await log.verify();
      await app.database.query(back, original);
      return verdict;
    };
    const middle = older[0];
    const [{ detail }] = await app.database.query('SELECT detail FROM audit_log WHERE id = ?', [middle.id]);
    expect(
      await undo(
        'UPDATE audit_log SET detail = ? WHERE id = ?',
        ['{}', middle.id],
        'UPDATE audit_log SET detail = ? WHERE id = ?',
        [detail, middle.id],
      ),
    ).toMatchObject({ isWhole: false, brokenAt: middle.id });
    expect(
      await undo(
        'UPDATE audit_heads SET last_id = last_id + 1',
        [],
        'UPDATE audit_heads SET last_id = last_id - 1',
        [],
      ),
    ).toMatchObject({ isWhole: false, brokenAt: lastId + 2 });
    // The newest row alone, and its hash: the head still knows it.
    await app.database.query('DELETE FROM audit_log WHERE id = ?', [lastId + 1]);
    expect(await log.verify()).toMatchObject({ isWhole: false, brokenAt: lastId + 1, problem: 'the row is missing' });
    await app.database.query('UPDATE audit_heads SET last_id = ?, hash = ?', [lastId, middle.hash]);
    expect(await log.verify()).toMatchObject({ isWhole: true, rows: lastId });
  });

  it('may be whoever has the command line, and needs no session for it', async () => {
    const users = app.get(AdminUsersService);
    expect(await users.change('console', ada.id, { role: 'admin' })).toMatchObject({ role: 'admin' });
    await users.endSessions('console', ada.id);
    expect(await acts()).toMatchObject([
      { actor_id: null, action: 'change_user' },
      { actor_id: null, action: 'end_sessions' },
    ]);
    await users.change('console', ada.id, { role: 'person' });
  });
});
