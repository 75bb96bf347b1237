// People report messages, and moderators settle that: what is copied, who reads it, what is done, and how long it is kept.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AdminReportsService } from '../../src/admin/admin-reports.service.js';
import { Clock } from '../../src/common/timing/clock.js';
import { AuditLog } from '../../src/identity/audit/audit-log.js';
import { ReportRetention } from '../../src/reports/report-retention.js';
import type { ReportNews, RoomMessageUpdate } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, next, Person, record, send, sendTo } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { makeGroup, sayIn } from '../support/groups.js';
import { admin, auditAfter, setRole, staff } from '../support/staff.js';

const DAY_MS = 24 * 3_600_000;

onAllDialects('a report', (dialect) => {
  let app: TestApp;
  let offset = 0;
  let boss: Person;
  let mod: Person;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let b: ChatSocket;
  let room: number;
  let lastId: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
    boss = await staff(app, 'admin', 'Lynn');
    mod = await staff(app, 'moderator');
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    b = await bob.connect();
    for (let i = 1; i <= 6; i++) ({ chat_room_id: room } = await sendTo(b, ada.id, `No. ${i}`));
    lastId = (await auditAfter(app)).length;
  });
  afterEach(() => {
    offset = 0;
    for (const person of [ada, bob, eve, mod]) person.hangUp();
  });

  const report = (by: Person, body: object) => call(app, 'POST', '/http/reports', { token: by.token, body });
  const reportOf = (seq: number, by = ada, more: object = {}) =>
    report(by, { chat_room_id: room, seq, reason: 'spam', ...more });
  const made = async (seq = 6): Promise<number> => (await reportOf(seq)).body.id;
  const open = (id: number, by = mod) => admin(app, by, 'GET', `reports/${id}`);
  const settle = (id: number, body: object, by = mod) => admin(app, by, 'PATCH', `reports/${id}`, body);
  const acts = () => auditAfter(app, lastId);
  const texts = ({ body }: { body: { messages: { message: string }[] } }) =>
    body.messages.map(({ message }) => message);

  describe('is made', () => {
    it('of a message and the four before it, and moderators hear of it without a text', async () => {
      const [m, e] = [await mod.connect(), await eve.connect()];
      const others = record(e, 'report');
      const told = next<ReportNews>(m, 'report');
      const answer = await reportOf(6, ada, { note: 'He does not stop.' });
      expect(answer).toMatchObject({ status: 201, body: { id: expect.any(Number) } });
      const { id } = answer.body;
      expect(await told).toEqual({ id, status: 'open', reason: 'spam', created_at: expect.stringMatching(/Z$/) });
      const opened = await open(id);
      expect(opened.body).toEqual({
        id,
        status: 'open',
        reason: 'spam',
        chat_type: 'room',
        chat_room_id: room,
        seq: 6,
        reported_id: bob.id,
        reporter_id: ada.id,
        created_at: expect.any(String),
        action: null,
        settled_at: null,
        settled_by: null,
        note: 'He does not stop.',
        messages: [2, 3, 4, 5, 6].map((seq) => ({
          seq,
          user_id: bob.id,
          message: `No. ${seq}`,
          timestamp: expect.stringMatching(/Z$/),
        })),
      });
      expect(others).toEqual([]);
    });

    it('of the first message, with as many as there are; what was deleted before has no text', async () => {
      await call(app, 'DELETE', `/http/chat_rooms/${room}/messages/1`, { token: bob.token });
      expect(texts(await open(await made(2)))).toEqual(['', 'No. 2']);
    });

    it('once, however often and at the same time', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => reportOf(6)));
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
      const rows = await app.database.query('SELECT id FROM reports WHERE conversation_id = ?', [room]);
      expect(rows).toHaveLength(1);
    });

    it('only by those who are in the chat, and of what is there and not their own', async () => {
      expect((await reportOf(6, eve)).status).toBe(404);
      expect((await report(ada, { chat_group_id: room, seq: 6, reason: 'spam' })).status).toBe(404);
      expect((await report(ada, { chat_room_id: 1_999_999_999, seq: 6, reason: 'spam' })).status).toBe(404);
      expect((await reportOf(7)).body).toMatchObject({ code: 'not_found' });
      expect((await reportOf(6, bob)).body).toMatchObject({ code: 'invalid', fields: { seq: expect.anything() } });
      await call(app, 'DELETE', `/http/chat_rooms/${room}/messages/6`, { token: bob.token });
      expect(await reportOf(6)).toMatchObject({ status: 410, body: { code: 'message_deleted' } });
      expect(await app.database.query('SELECT id FROM reports WHERE conversation_id = ?', [room])).toEqual([]);
    });

    it('of a group by its members, and not by those who were removed', async () => {
      const group = await makeGroup(bob, [ada]);
      await sayIn(b, group, 'in the group');
      const body = { chat_group_id: group, seq: 1, reason: 'abuse' };
      const { body: one } = await report(ada, body);
      expect((await open(one.id)).body).toMatchObject({ chat_type: 'group', chat_group_id: group, reason: 'abuse' });
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${ada.id}`, { token: bob.token });
      await send(b, { chat_type: 'group', chat_group_id: group, message: 'behind their back' });
      expect((await report(ada, { ...body, seq: 2 })).status).toBe(404);
    });

    it.each([
      {},
      { chat_group_id: 1 },
      { chat_room_id: null },
      { seq: 0 },
      { seq: '6' },
      { reason: 'boring' },
      { reason: null },
      { note: 7 },
      { note: 'x'.repeat(1_001) },
      { more: 1 },
    ])('not by %j', async (change) => {
      const body = { chat_room_id: room, seq: 6, reason: 'spam', ...change };
      if (Object.keys(change).length === 0) delete (body as { reason?: string }).reason;
      // A number as text is fine over HTTP.
      const isText = 'seq' in change && change.seq === '6';
      expect((await report(ada, body)).status).toBe(isText ? 201 : 400);
    });
  });

  it('is listed without what was said, by status, newest first', async () => {
    const [first, second] = [await made(5), await made(6)];
    await settle(first, { status: 'dismissed' });
    const list = async (query = '') => (await admin(app, mod, 'GET', `reports${query}`)).body;
    const ids = (rows: { id: number }[]) => rows.map(({ id }) => id);
    expect(ids(await list()).slice(0, 2)).toEqual([second, first]);
    expect(ids(await list('?status=open'))).toContain(second);
    expect(ids(await list('?status=open'))).not.toContain(first);
    expect((await list('?status=dismissed'))[0]).toMatchObject({ id: first, action: 'none', settled_by: mod.id });
    expect(JSON.stringify(await list())).not.toContain('No. ');
    expect((await admin(app, mod, 'GET', 'reports?status=gone')).status).toBe(400);
  });

  it('leaves a row in the audit log whenever it is opened', async () => {
    const id = await made();
    await open(id);
    await open(id, boss);
    expect(await acts()).toMatchObject([
      { actor_id: mod.id, action: 'open_report', target: `report ${id}`, detail: {} },
      { actor_id: boss.id, action: 'open_report' },
    ]);
  });

  describe('is settled', () => {
    it('once; the same again changes nothing, and another way is refused', async () => {
      const id = await made();
      const m = await mod.connect();
      const told = next<ReportNews>(m, 'report', ({ status }) => status === 'resolved');
      const { body } = await settle(id, { status: 'resolved' });
      expect(body).toMatchObject({
        status: 'resolved',
        action: 'none',
        settled_by: mod.id,
        settled_at: expect.any(String),
        was_settled: false,
      });
      expect((await told).id).toBe(id);
      const again = await settle(id, { status: 'resolved', action: 'none' });
      expect(again).toEqual({ ...again, status: 200, body: { ...body, was_settled: true } });
      expect(await settle(id, { status: 'dismissed' })).toMatchObject({
        status: 409,
        body: { code: 'already_settled' },
      });
      expect(await settle(id, { status: 'resolved', action: 'suspend' })).toMatchObject({ status: 409 });
      expect(await acts()).toMatchObject([{ action: 'settle_report', detail: { status: 'resolved', action: 'none' } }]);
      for (const bad of [
        {},
        { status: 'open' },
        { status: 'resolved', action: 'x' },
        { status: 'dismissed', action: 'suspend' },
      ])
        expect((await settle(id, bad)).status).toBe(400);
      expect((await settle(1_999_999_999, { status: 'resolved', action: 'delete_message' })).status).toBe(404);
    });

    it('by deleting the message, of which both people hear; the copy is still there', async () => {
      const id = await made();
      const a = await ada.connect();
      await call(app, 'PUT', `/http/chat_rooms/${room}/messages/6/reactions`, {
        token: ada.token,
        body: { emoji: '👎', is_on: true },
      });
      const told = [a, b].map((socket) =>
        next<RoomMessageUpdate>(socket, 'message_update', ({ deleted }) => deleted === true),
      );
      expect((await settle(id, { status: 'resolved', action: 'delete_message' })).status).toBe(200);
      for (const update of told) expect(await update).toMatchObject({ seq: 6, message: '', deleted: true });
      const page = (await ada.get(`/http/chat_rooms/${room}?after=5`)).body;
      expect(page).toMatchObject([{ seq: 6, message: '', deleted: true }]);
      expect('reactions' in page[0]).toBe(false);
      expect(texts(await open(id))).toContain('No. 6');
      expect((await acts())[0]).toMatchObject({
        action: 'settle_report',
        detail: { status: 'resolved', action: 'delete_message', user_id: bob.id },
      });
      expect((await settle(id, { status: 'resolved', action: 'delete_message' })).body.was_settled).toBe(true);
      expect(await acts()).toHaveLength(2);
    });

    it('where the message, or its chat, has gone meanwhile', async () => {
      const id = await made();
      await call(app, 'DELETE', `/http/chat_rooms/${room}/messages/6`, { token: bob.token });
      expect((await settle(id, { status: 'resolved', action: 'delete_message' })).status).toBe(200);
      const group = await makeGroup(bob, [ada]);
      await sayIn(b, group, 'in the group');
      const other = (await report(ada, { chat_group_id: group, seq: 1, reason: 'spam' })).body.id;
      await admin(app, boss, 'DELETE', `groups/${group}`);
      expect((await settle(other, { status: 'resolved', action: 'delete_message' })).status).toBe(200);
      expect(texts(await open(other))).toEqual(['in the group']);
    });

    it('by suspending who wrote it, in one act', async () => {
      const id = await made();
      const closed = next(b, 'disconnect');
      expect((await settle(id, { status: 'resolved', action: 'suspend' })).status).toBe(200);
      await closed;
      const login = await call(app, 'POST', '/http/login', { body: { email: bob.email, password: 'nobody knows' } });
      expect(login.body.code).toBe('suspended');
      expect(await acts()).toMatchObject([{ detail: { action: 'suspend', user_id: bob.id } }]);
      expect((await admin(app, boss, 'PATCH', `users/${bob.id}`, { is_suspended: false })).status).toBe(200);
      expect((await settle(id, { status: 'resolved', action: 'suspend' })).body.was_settled).toBe(true);
      expect((await admin(app, boss, 'GET', `users/${bob.id}`)).body.is_suspended).toBe(false);
    });

    it('by moderators against nobody with a role, and against oneself by nobody', async () => {
      const id = await made();
      await setRole(app, bob, 'admin');
      expect(await settle(id, { status: 'resolved', action: 'suspend' })).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      });
      await setRole(app, bob, 'moderator');
      expect((await settle(id, { status: 'resolved', action: 'suspend' })).status).toBe(403);
      // Nothing of it was done.
      expect((await open(id)).body).toMatchObject({ status: 'open', action: null });
      const token = await app.createSession(bob.id);
      await call(app, 'POST', '/http/admin/elevate', { token, body: { password: 'nobody knows' } });
      expect((await admin(app, { token }, 'GET', `reports/${id}`)).status).toBe(403);
      expect((await admin(app, { token }, 'PATCH', `reports/${id}`, { status: 'dismissed' })).status).toBe(403);
      expect((await settle(id, { status: 'resolved', action: 'suspend' }, boss)).status).toBe(200);
    });

    it('while the message is deleted and reported, and by two at once: one act, one copy, a whole chain', async () => {
      for (let round = 0; round < 3; round++) {
        const { seq } = await sendTo(b, ada.id, 'contested');
        const [answer] = await Promise.all([
          reportOf(seq),
          call(app, 'DELETE', `/http/chat_rooms/${room}/messages/${seq}`, { token: bob.token }),
        ]);
        expect([201, 410]).toContain(answer.status);
        const before = (await auditAfter(app)).length;
        const id = answer.status === 201 ? answer.body.id : await made(5 - round);
        if (answer.status === 201) expect(texts(await open(id)).at(-1)).toBe('contested');
        const opened = (await auditAfter(app)).length - before;
        const answers = await Promise.all([
          settle(id, { status: 'resolved', action: 'delete_message' }),
          settle(id, { status: 'dismissed' }, boss),
          call(app, 'DELETE', `/http/chat_rooms/${room}/messages/${seq}`, { token: bob.token }),
        ]);
        expect(
          answers
            .slice(0, 2)
            .map(({ status }) => status)
            .sort(),
        ).toEqual([200, 409]);
        expect(await auditAfter(app, before)).toHaveLength(opened + 1);
      }
      expect(await app.get(AuditLog).verify()).toMatchObject({ isWhole: true });
    });

    it('by the command line', async () => {
      const id = await made();
      const reports = app.get(AdminReportsService);
      expect((await reports.open('console', id)).messages).toHaveLength(5);
      expect(await reports.settle('console', id, { status: 'resolved', action: 'delete_message' })).toMatchObject({
        settled_by: null,
      });
    });
  });

  describe('is kept', () => {
    it('when the accounts of those who have to do with it are erased, without who reported it', async () => {
      const id = (await reportOf(6, ada, { note: 'by Ada' })).body.id;
      for (const { id: gone } of [ada, bob]) await admin(app, boss, 'DELETE', `users/${gone}`);
      const { body } = await open(id);
      expect(body).toMatchObject({ reporter_id: null, note: null, reported_id: bob.id });
      expect(texts({ body })).toContain('No. 6');
      expect((await settle(id, { status: 'resolved', action: 'suspend' })).status).toBe(404);
      expect((await settle(id, { status: 'resolved' })).status).toBe(200);
    });

    it('for 90 days once it is settled, and for a year where nobody does', async () => {
      const [settled, waits] = [await made(5), await made(6)];
      await settle(settled, { status: 'dismissed' });
      const left = async () =>
        (await app.database.query('SELECT id FROM reports WHERE conversation_id = ? ORDER BY id', [room])).map(
          ({ id }: { id: number }) => id,
        );
      const sweepAfter = async (days: number) => {
        offset = days * DAY_MS;
        await app.get(ReportRetention).sweep();
      };
      await sweepAfter(89);
      expect(await left()).toEqual([settled, waits]);
      await sweepAfter(91);
      expect(await left()).toEqual([waits]);
      const copies = await app.database.query('SELECT seq FROM report_messages WHERE report_id = ?', [settled]);
      expect(copies).toEqual([]);
      await sweepAfter(364);
      expect(await left()).toEqual([waits]);
      await sweepAfter(366);
      expect(await left()).toEqual([]);
    });
  });
});

onAllDialects('reports of one person', (dialect) => {
  it('are ten a day', async () => {
    const app = await TestApp.start(dialect, { RATE_LIMITS: 'on' });
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await bob.connect();
    let room = 0;
    for (let i = 0; i < 11; i++) ({ chat_room_id: room } = await sendTo(socket, ada.id, 'spam'));
    const statuses: number[] = [];
    for (let seq = 1; seq <= 11; seq++) {
      const body = { chat_room_id: room, seq, reason: 'spam' };
      statuses.push((await call(app, 'POST', '/http/reports', { token: ada.token, body })).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 201), 429]);
    bob.hangUp();
    await app.stop();
  });
});

onNodes('a report', (kind) => {
  it('is heard of by moderators on other nodes', async () => {
    const nodes = await TestCommunity.start(kind, 2);
    const [one, two] = nodes.nodes;
    const mod = await staff(one, 'moderator');
    const [ada, bob] = [await Person.known(one), await Person.known(one, 'Bob')];
    const { chat_room_id: room } = await sendTo(await bob.connect(), ada.id, 'spam');
    const told = next<ReportNews>(await mod.at(two).connect(), 'report');
    const body = { chat_room_id: room, seq: 1, reason: 'spam' };
    const { id } = (await call(one, 'POST', '/http/reports', { token: ada.token, body })).body;
    expect(await told).toMatchObject({ id, status: 'open' });
    await nodes.stop();
  });
});
