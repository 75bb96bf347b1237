// What admins do to groups: freezing, handing over, deleting; and what their members hear of it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { AdminGroupsService } from '../../src/admin/admin-groups.service.js';
import { ConversationRemoval } from '../../src/conversations/conversation-removal.js';
import { AuditLog } from '../../src/identity/audit/audit-log.js';
import type { GroupMessage, GroupUpdate } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, next, Person, record, send, sendTo } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { makeGroup, sayIn } from '../support/groups.js';
import { admin, auditAfter, staff } from '../support/staff.js';

interface GroupNews {
  chat_group_id: number;
  name?: string;
  is_frozen?: true;
  deleted?: true;
}

onAllDialects('an admin', (dialect) => {
  let app: TestApp;
  let grace: Person;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let group: number;
  let lastId: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    grace = await staff(app, 'admin');
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    group = await makeGroup(ada, [bob]);
    lastId = (await auditAfter(app)).length;
  });
  afterEach(() => {
    vi.restoreAllMocks();
    for (const person of [ada, bob, eve]) person.hangUp();
  });

  const change = (body: unknown, id = group) => admin(app, grace, 'PATCH', `groups/${id}`, body);
  const as = (person: Person, method: string, path: string, body?: unknown) =>
    call(app, method, `/http/chat_groups/${path}`, { token: person.token, body });
  const acts = () => auditAfter(app, lastId);
  const listed = async (person: Person) =>
    (await as(person, 'GET', '')).body.find(({ id }: { id: number }) => id === group);

  it('sees names and counts of groups, and nothing that is said in them', async () => {
    await sayIn(await ada.connect(), group, 'a secret of the engines');
    const { body } = await admin(app, grace, 'GET', 'groups');
    expect(body).toContainEqual({
      id: group,
      name: 'Engines',
      owner_id: ada.id,
      is_private: false,
      is_frozen: false,
      member_count: 2,
      message_count: 1,
      created_at: expect.stringMatching(/Z$/),
      last_message_at: expect.stringMatching(/Z$/),
    });
    expect(JSON.stringify(body)).not.toContain('secret');
    expect((await admin(app, grace, 'GET', 'groups?cursor=x')).status).toBe(400);
  });

  describe('freezes a group', () => {
    it('which is read as before, and in which nobody changes anything, until it is taken back', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const first = await sayIn(a, group, 'first', { client_id: 'c-1' });
      await as(bob, 'PUT', `${group}/messages/1/reactions`, { emoji: '👍', is_on: true });
      const told = next<GroupNews>(b, 'group_update', ({ is_frozen }) => is_frozen === true);
      expect(await change({ is_frozen: true, reason: 'a fight' })).toMatchObject({
        status: 200,
        body: { is_frozen: true },
      });
      expect(await told).toMatchObject({ chat_group_id: group, name: 'Engines', is_frozen: true });
      expect((await listed(bob)).is_frozen).toBe(true);

      expect((await sayIn(b, group, 'late')).error.code).toBe('group_frozen');
      // What was stored before is acknowledged with its place.
      expect(await sayIn(a, group, 'first', { client_id: 'c-1' })).toEqual(first);
      const refused: [Person, string, string, unknown?][] = [
        [ada, 'PUT', `${group}/messages/1`, { message: 'other words' }],
        [ada, 'DELETE', `${group}/messages/1`],
        [bob, 'PUT', `${group}/messages/1/reactions`, { emoji: '🎉', is_on: true }],
        [bob, 'PUT', `${group}/messages/1/reactions`, { emoji: '👍', is_on: false }],
        [ada, 'PUT', `${group}`, { chat_group_name: 'Looms' }],
        [ada, 'PUT', `${group}`, { owner_id: bob.id }],
        [ada, 'POST', `${group}/members`, { user_id: eve.id }],
        [ada, 'DELETE', `${group}/members/${bob.id}`],
        [eve, 'POST', `${group}`, { is_enter: true }],
      ];
      for (const [person, method, path, body] of refused)
        expect(await as(person, method, path, body), `${method} ${path}`).toMatchObject({
          status: 403,
          body: { code: 'group_frozen' },
        });
      // Reading, and what is one's own.
      expect((await as(bob, 'GET', `${group}?after=0`)).body).toMatchObject([{ seq: 1, message: 'first' }]);
      for (const is_enter of [true, false]) expect((await as(bob, 'POST', `${group}`, { is_enter })).status).toBe(200);
      expect((await bob.put('/http/notifications', { chat_group_id: group })).status).toBe(200);
      expect((await bob.put('/http/chat_settings', { chat_group_id: group, notify: 'none' })).status).toBe(200);
      expect((await as(bob, 'DELETE', `${group}/members/${bob.id}`)).status).toBe(204);

      const thawed = next<GroupNews>(a, 'group_update', ({ name, is_frozen }) => name !== undefined && !is_frozen);
      expect((await change({ is_frozen: false })).status).toBe(200);
      expect('is_frozen' in (await thawed)).toBe(false);
      expect((await sayIn(a, group, 'second')).seq).toBe(2);
      expect('is_frozen' in (await listed(ada))).toBe(false);
      expect(await acts()).toMatchObject([
        { action: 'change_group', target: `group ${group}`, detail: { is_frozen: [false, true], reason: 'a fight' } },
        { detail: { is_frozen: [true, false] } },
      ]);
    });

    it('at once: what is being sent is stored before the answer, or not at all', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const sent = Array.from({ length: 60 }, (_, i) => sayIn(i % 2 ? a : b, group, `No. ${i}`));
      await change({ is_frozen: true });
      const [{ last_seq: stored }] = await app.database.query('SELECT last_seq FROM conversations WHERE id = ?', [
        group,
      ]);
      const answers = await Promise.all(sent);
      expect(answers.filter(({ ok }) => ok)).toHaveLength(stored);
      for (const { ok, error } of answers) if (!ok) expect(error.code).toBe('group_frozen');
      const [{ last_seq }] = await app.database.query('SELECT last_seq FROM conversations WHERE id = ?', [group]);
      expect(last_seq).toBe(stored);
    });

    it('whose people can still erase their accounts', async () => {
      await change({ is_frozen: true });
      expect((await admin(app, grace, 'DELETE', `users/${ada.id}`)).status).toBe(204);
      expect(await listed(bob)).toMatchObject({ owner_id: bob.id, member_count: 1, is_frozen: true });
    });

    it('without telling those outside a private one', async () => {
      const { id } = (await as(ada, 'POST', '', { chat_group_name: 'Secret', is_private: true })).body;
      await as(ada, 'POST', `${id}/members`, { user_id: bob.id });
      const [b, e] = [await bob.connect(), await eve.connect()];
      const outside = next<GroupNews>(e, 'group_update', ({ chat_group_id }) => chat_group_id === id);
      const inside = next<GroupNews>(
        b,
        'group_update',
        ({ chat_group_id, is_frozen }) => chat_group_id === id && is_frozen === true,
      );
      await change({ is_frozen: true }, id);
      expect(await inside).toMatchObject({ is_frozen: true });
      expect('is_frozen' in (await outside)).toBe(false);
      const row = (await as(eve, 'GET', '')).body.find((one: { id: number }) => one.id === id);
      expect('is_frozen' in row).toBe(false);
    });
  });

  describe('hands a group over', () => {
    it('to another member, whom both owners and all others hear of', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const told = [a, b].map((socket) =>
        next<GroupUpdate>(socket, 'group_update', ({ is_in }) => is_in !== undefined),
      );
      expect(await change({ owner_id: bob.id })).toMatchObject({ status: 200, body: { owner_id: bob.id } });
      for (const one of told) expect(await one).toMatchObject({ chat_group_id: group, owner_id: bob.id });
      expect((await as(bob, 'PUT', `${group}`, { chat_group_name: 'Looms' })).status).toBe(200);
      expect((await change({ owner_id: bob.id })).status).toBe(200);
      expect(await acts()).toMatchObject([{ detail: { owner_id: [ada.id, bob.id] } }]);
    });

    it('to nobody outside, also one that is frozen', async () => {
      for (const id of [eve.id, 1_999_999_999])
        expect(await change({ owner_id: id })).toMatchObject({ status: 404, body: { code: 'not_found' } });
      await change({ is_frozen: true });
      expect((await change({ owner_id: bob.id })).status).toBe(200);
      expect(await acts()).toHaveLength(2);
    });
  });

  it.each([{}, { owner_id: null }, { owner_id: 0 }, { is_frozen: 'yes' }, { is_frozen: true, name: 'x' }])(
    'changes nothing by %j',
    async (body) => {
      expect((await change(body)).status).toBe(400);
      expect(await acts()).toEqual([]);
    },
  );

  describe('deletes a group', () => {
    it('which is gone for everybody with the answer, and its rows soon after', async () => {
      const cyd = await Person.known(app, 'Cyd');
      await as(cyd, 'POST', `${group}`, { is_enter: true });
      const sockets = [await ada.connect(), await bob.connect(), await cyd.connect()];
      const seq: number = (await sayIn(sockets[0], group, 'words', { mentions: { everyone: true } })).seq;
      await as(bob, 'PUT', `${group}/messages/${seq}/reactions`, { emoji: '👍', is_on: true });
      // One of them is not in.
      await as(cyd, 'POST', `${group}`, { is_enter: false });
      const told = sockets.map((socket) => next<GroupNews>(socket, 'group_update', ({ deleted }) => deleted === true));
      vi.spyOn(ConversationRemoval.prototype, 'wake').mockImplementation(() => {});
      expect((await admin(app, grace, 'DELETE', `groups/${group}`, { reason: 'spam' })).status).toBe(204);
      for (const one of told) expect(await one).toEqual({ chat_group_id: group, deleted: true });

      // As long as its rows are still there.
      const [a] = sockets;
      for (const person of [ada, bob, cyd]) {
        expect(await listed(person)).toBeUndefined();
        expect((await person.get('/http/notifications')).body).toEqual([]);
        expect((await person.get('/http/mentions')).body).toEqual([]);
        for (const path of [`${group}`, `${group}?after=0`])
          expect((await as(person, 'GET', path)).status, path).toBe(404);
        expect((await person.put('/http/notifications', { chat_group_id: group })).status).toBe(404);
        expect((await person.put('/http/chat_settings', { chat_group_id: group, notify: 'all' })).status).toBe(404);
      }
      expect((await sayIn(a, group, 'late')).error.code).toBe('not_found');
      expect((await as(ada, 'PUT', `${group}/messages/1`, { message: 'x' })).status).toBe(404);
      expect((await as(bob, 'PUT', `${group}/messages/1/reactions`, { emoji: '🎉', is_on: true })).status).toBe(404);
      expect((await as(eve, 'POST', `${group}`, { is_enter: true })).status).toBe(404);
      expect((await admin(app, grace, 'DELETE', `groups/${group}`)).status).toBe(404);
      expect((await change({ is_frozen: true })).status).toBe(404);
      expect((await admin(app, grace, 'GET', `users/${ada.id}`)).body).toMatchObject({ groups: 0, groups_owned: 0 });
      expect(await acts()).toMatchObject([{ action: 'delete_group', detail: { members: 3, reason: 'spam' } }]);

      vi.restoreAllMocks();
      app.get(ConversationRemoval).wake();
      for (const table of ['members', 'messages', 'mentions', 'reactions', 'reaction_totals', 'message_changes'])
        await eventually(async () => {
          const rows = await app.database.query(`SELECT 1 FROM ${table} WHERE conversation_id = ?`, [group]);
          return rows.length === 0 || undefined;
        }, `the end of its ${table}`);
      await eventually(async () => {
        const rows = await app.database.query('SELECT 1 FROM conversations WHERE id = ?', [group]);
        return rows.length === 0 || undefined;
      }, 'the end of the group');
      cyd.hangUp();
    });

    it('however many members it has, in slices', async () => {
      const values = Array.from(
        { length: 1_200 },
        (_, i) => `(${group}, ${1_000_000 + i}, 0, '2026-11-01 00:00:00.000')`,
      );
      await app.database.query(
        `INSERT INTO members (conversation_id, user_id, last_read_seq, joined_at) VALUES ${values.join(',')}`,
      );
      expect((await admin(app, grace, 'DELETE', `groups/${group}`)).status).toBe(204);
      await eventually(async () => {
        const rows = await app.database.query('SELECT 1 FROM members WHERE conversation_id = ?', [group]);
        return rows.length === 0 || undefined;
      }, 'the end of its members');
    });

    it('at once with a message, an owner who leaves, and another admin who does the same', async () => {
      const a = await ada.connect();
      const second = await staff(app, 'admin', 'Lynn');
      const [sent, left, ...deleted] = await Promise.all([
        sayIn(a, group, 'words'),
        as(ada, 'DELETE', `${group}/members/${ada.id}`),
        admin(app, grace, 'DELETE', `groups/${group}`),
        admin(app, second, 'DELETE', `groups/${group}`),
      ]);
      expect(sent.ok || sent.error.code === 'not_found').toBe(true);
      expect([204, 404]).toContain(left.status);
      expect(deleted.map(({ status }) => status).sort()).toEqual([204, 404]);
      expect((await acts()).filter(({ action }) => action === 'delete_group')).toHaveLength(1);
      expect(await app.get(AuditLog).verify()).toMatchObject({ isWhole: true });
    });
  });

  it('may be the command line', async () => {
    expect(await app.get(AdminGroupsService).change('console', group, { is_frozen: true })).toMatchObject({
      is_frozen: true,
    });
    await app.get(AdminGroupsService).delete('console', group);
    expect(await acts()).toMatchObject([{ actor_id: null }, { actor_id: null, action: 'delete_group' }]);
  });
});

onNodes('a group of which an admin disposes', (kind) => {
  let nodes: TestCommunity;
  let [one, two]: TestApp[] = [];
  let grace: Person;
  let ada: Person;
  let bob: Person;
  let group: number;

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 2);
    [one, two] = nodes.nodes;
    grace = await staff(one, 'admin');
  });
  afterAll(() => nodes?.stop());
  beforeEach(async () => {
    ada = await Person.known(one);
    bob = (await Person.known(one, 'Bob')).at(two);
    group = await makeGroup(ada, [bob]);
  });
  afterEach(() => [ada, bob].forEach((person) => person.hangUp()));

  it('is frozen on each node with the answer', async () => {
    const b = await bob.connect();
    const sent = Array.from({ length: 20 }, (_, i) => sayIn(b, group, `No. ${i}`));
    await admin(one, grace, 'PATCH', `groups/${group}`, { is_frozen: true });
    const [{ last_seq: stored }] = await one.database.query('SELECT last_seq FROM conversations WHERE id = ?', [group]);
    expect((await sayIn(b, group, 'late')).error.code).toBe('group_frozen');
    expect((await Promise.all(sent)).filter(({ ok }) => ok)).toHaveLength(stored);
  });

  it('is gone on each node, and its members hear of it wherever they are', async () => {
    const [a, b] = [await ada.connect(), await bob.connect()];
    await send(b, { chat_type: 'group', chat_group_id: group, is_enter: true });
    const told = [a, b].map((socket) => next<GroupNews>(socket, 'group_update', ({ deleted }) => deleted === true));
    const got = record<GroupMessage>(b, 'message', ({ chat_type }) => chat_type === 'group');
    expect((await admin(one, grace, 'DELETE', `groups/${group}`)).status).toBe(204);
    for (const news of told) expect(await news).toEqual({ chat_group_id: group, deleted: true });
    expect((await sayIn(b, group, 'late')).error.code).toBe('not_found');
    const marker = next(b, 'message');
    await sendTo(a, bob.id, 'marker');
    await marker;
    expect(got).toEqual([]);
  });
});
