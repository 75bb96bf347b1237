// What becomes of people and groups, told to those who show them in a list: an old list and the events make the new list.
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { insertRows } from '../../src/database/dialect.js';
import { Audience } from '../../src/people/audience.js';
import type { GroupDeleted, GroupRow, GroupUpdate, UserErased, UserRow } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, open, Person, record, send, sendTo } from '../support/client.js';

type AnyUpdate = GroupUpdate | GroupRow | GroupDeleted;

const NOW = '2026-01-01 00:00:00.000';

onAllDialects('live lists', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let a: ChatSocket;
  let b: ChatSocket;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    [a, b] = [await ada.connect(), await bob.connect()];
  });

  const create = async (person: Person, more: object = {}): Promise<number> =>
    (
      await call(app, 'POST', '/http/chat_groups', {
        token: person.token,
        body: { chat_group_name: 'Engines', ...more },
      })
    ).body.id;
  const attend = (person: Person, groupId: number, isEnter: boolean) =>
    call(app, 'POST', `/http/chat_groups/${groupId}`, { token: person.token, body: { is_enter: isEnter } });
  const rowOf =
    (groupId: number) =>
    (event: AnyUpdate): event is GroupRow =>
      event.chat_group_id === groupId && 'name' in event;
  const ask = (socket: ChatSocket, event: string, payload: object) =>
    socket.timeout(15_000).emitWithAck(event as 'message', payload);
  const listed = async (person: Person, path: string, id: number) =>
    (await person.get(path)).body.find((row: { id: number }) => row.id === id);
  /** One more than a page, of whatever fills the list. */
  const fill = {
    users: async () => {
      const rows = Array.from({ length: 1_001 }, (_, i) => [`f${i}@example.com`, 'x', 'F', 'L', 'f', 'l', NOW]);
      const columns = 'email, password_hash, first_name, last_name, first_name_key, last_name_key, created_at';
      await insertRows(app.database.manager, 'users', columns, rows);
      return () => app.database.query("DELETE FROM users WHERE email LIKE 'f%@example.com'");
    },
    groups: async () => {
      const ids = Array.from({ length: 1_001 }, (_, i) => 500_000 + i);
      const { manager } = app.database;
      const conversations = ids.map((id) => [id, 'group', 0, NOW]);
      await insertRows(manager, 'conversations', 'id, kind, last_seq, created_at', conversations);
      const columns = 'conversation_id, name, owner_id, is_private, member_count';
      await insertRows(
        manager,
        'chat_groups',
        columns,
        ids.map((id) => [id, 'Filler', ada.id, 0, 0]),
      );
      return async () => {
        await app.database.query('DELETE FROM chat_groups WHERE conversation_id >= 500000 AND name = ?', ['Filler']);
        await app.database.query('DELETE FROM conversations WHERE id BETWEEN 500000 AND 501000');
      };
    },
  };

  describe('of people', () => {
    it('show a new name to everybody who is there, as the list has it, and no address', async () => {
      const told = Promise.all([a, b].map((socket) => next<UserRow>(socket, 'user_update', ({ id }) => id === ada.id)));
      await ada.put('/http/users/profile', { first_name: 'Augusta' });
      const [own, others] = await told;
      expect(own).toEqual(others);
      expect(others).toEqual(await listed(bob, '/http/users', ada.id));
      expect(others).toEqual({
        id: ada.id,
        first_name: 'Augusta',
        last_name: 'Lovelace',
        is_online: true,
        last_seen: null,
      });
    });

    it('say nothing of what did not change, nor to a socket without a token', async () => {
      const nobody = open(app);
      await next(nobody, 'connect');
      const heard: string[] = [];
      nobody.onAny((event: string) => heard.push(event));
      const got = record<UserRow>(b, 'user_update');
      await ada.put('/http/users/profile', { first_name: 'Ada' });
      await ada.put('/http/users/profile', { password: 'another long one' });
      await bob.put('/http/users/profile', { last_name: 'Turing' });
      await eventually(() => got.find(({ id }) => id === bob.id));
      expect(got.map(({ id }) => id)).toEqual([bob.id]);
      expect((await send(nobody, { token: bob.token })).ok).toBe(true);
      expect(heard).toEqual([]);
    });

    it('tell many changes of a person at once', async () => {
      const got = record<UserRow>(b, 'user_update', ({ id }) => id === ada.id);
      for (let i = 0; i < 5; i++) await ada.put('/http/users/profile', { first_name: `Ada${i}` });
      await eventually(() => got.find(({ first_name }) => first_name === 'Ada4'));
      expect(got.length).toBeLessThanOrEqual(2);
    });

    it('show a new account once its link is opened, and once only', async () => {
      const got = record<UserRow>(b, 'user_update', (row) => row.first_name === 'Grace');
      const grace = await Person.join(app, 'Grace', `grace.${dialect}@example.com`);
      const row = await eventually(() => got[0]);
      expect(row).toEqual({
        id: grace.id,
        first_name: 'Grace',
        last_name: 'Lovelace',
        is_online: false,
        last_seen: null,
      });
      await ada.put('/http/users/profile', { first_name: 'Marker' });
      await next<UserRow>(b, 'user_update', ({ first_name }) => first_name === 'Marker');
      expect(got).toHaveLength(1);
    });

    it('say that one is gone', async () => {
      const told = next<UserErased>(b, 'user_update', ({ id }) => id === ada.id);
      await app.database.query('UPDATE users SET erased_at = ? WHERE id = ?', [NOW, ada.id]);
      app.get(DomainEvents).publish('userChanged', { userId: ada.id });
      expect(await told).toEqual({ id: ada.id, deleted: true });
      expect(await listed(bob, '/http/users', ada.id)).toBeUndefined();
    });

    it('say that one has erased their account', async () => {
      const person = await Person.join(app, 'Gone');
      const told = next(
        a,
        'user_update',
        (update: { id: number; deleted?: boolean }) => update.id === person.id && update.deleted === true,
      );
      const { status } = await call(app, 'DELETE', '/http/users/profile', {
        token: person.token,
        body: { password: person.password },
      });
      expect(status).toBe(204);
      expect(await told).toEqual({ id: person.id, deleted: true });
    });

    it('hide from some whether somebody is here', async () => {
      const hiding = vi
        .spyOn(app.get(Audience), 'blockedBy')
        .mockImplementation(() => Promise.resolve(new Map([[ada.id, new Set([bob.id])]])));
      const told = [a, b].map((socket) => next<UserRow>(socket, 'user_update', ({ id }) => id === ada.id));
      await ada.put('/http/users/profile', { first_name: 'Augusta' });
      const [own, hidden] = await Promise.all(told);
      expect(own.is_online).toBe(true);
      expect(hidden).toMatchObject({ first_name: 'Augusta', is_online: false, last_seen: null });
      hiding.mockRestore();
    });

    it('longer than a page are told to those who have to do with somebody, and of a new account to nobody', async () => {
      const empty = await fill.users();
      const eve = await Person.known(app, 'Eve');
      const e = await eve.connect();
      await sendTo(a, bob.id, 'hello');
      const strange = record<UserRow>(e, 'user_update');
      const told = Promise.all([a, b].map((socket) => next<UserRow>(socket, 'user_update', ({ id }) => id === ada.id)));
      await ada.put('/http/users/profile', { first_name: 'Augusta' });
      expect((await told).map(({ first_name }) => first_name)).toEqual(['Augusta', 'Augusta']);
      await Person.join(app, 'Late', `late.${dialect}@example.com`);
      // In one group together: the next name is told to both.
      const group = await create(eve);
      for (const person of [ada, eve]) await attend(person, group, true);
      const marker = next<UserRow>(e, 'user_update', ({ id }) => id === ada.id);
      await ada.put('/http/users/profile', { first_name: 'Marker' });
      expect((await marker).first_name).toBe('Marker');
      expect(strange.map(({ first_name }) => first_name)).toEqual(['Marker']);
      // Who has blocked somebody hears no more of their names, also in a group.
      await call(app, 'PUT', `/http/users/${ada.id}/block`, { token: eve.token });
      const last = next<UserRow>(b, 'user_update', ({ id }) => id === ada.id);
      await ada.put('/http/users/profile', { first_name: 'Quiet' });
      expect((await last).first_name).toBe('Quiet');
      await send(e, {});
      expect(strange).toHaveLength(1);
      await empty();
    });
  });

  describe('of groups', () => {
    it('show a new group to everybody, and to the devices of its author that they are a member', async () => {
      const phone = await ada.connect();
      const place = next<GroupUpdate>(phone, 'group_update', (event) => 'is_in' in event);
      const rows = record<GroupRow>(b, 'group_update', (event) => 'name' in event);
      const group = await create(ada);
      expect(await place).toEqual({ chat_group_id: group, is_in: false, is_member: true });
      const row = await eventually(() => rows.find(rowOf(group)));
      expect(row).toEqual({
        chat_group_id: group,
        name: 'Engines',
        owner_id: ada.id,
        is_private: false,
        member_count: 1,
      });
      expect(await listed(bob, '/http/chat_groups', group)).toMatchObject({ name: row.name, member_count: 1 });
    });

    it('show a new name, and how many members there are', async () => {
      const group = await create(ada);
      const rows = record<GroupRow>(a, 'group_update', rowOf(group));
      await ada.put(`/http/chat_groups/${group}`, { chat_group_name: 'Looms' });
      await eventually(() => rows.find(({ name }) => name === 'Looms'));
      await attend(bob, group, true);
      await eventually(() => rows.find(({ member_count }) => member_count === 2));
      // In and out again changes nothing of the row.
      await attend(bob, group, false);
      await attend(bob, group, true);
      const before = rows.length;
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: bob.token });
      await eventually(() => rows.at(-1)?.member_count === 1 || undefined);
      expect(rows.length - before).toBe(1);
    });

    it('of a private one show its members to its members alone', async () => {
      const rows = [a, b].map((socket) => record<GroupRow>(socket, 'group_update', (event) => 'name' in event));
      const group = await create(ada, { is_private: true });
      const [inside, outside] = await Promise.all(rows.map((all) => eventually(() => all.find(rowOf(group)))));
      expect(inside).toMatchObject({ is_private: true, member_count: 1 });
      expect(outside).toMatchObject({ is_private: true, member_count: null });
      expect((await listed(bob, '/http/chat_groups', group)).member_count).toBeNull();
    });

    it('tell many changes of a group at once', async () => {
      const group = await create(ada);
      const rows = record<GroupRow>(b, 'group_update', rowOf(group));
      for (let i = 0; i < 10; i++) await ada.put(`/http/chat_groups/${group}`, { chat_group_name: `N${i}` });
      await eventually(() => rows.find(({ name }) => name === 'N9'));
      expect(rows.length).toBeLessThanOrEqual(2);
    });

    it('show who owns it now, and at last that it is gone', async () => {
      const group = await create(ada);
      await attend(bob, group, true);
      const rows = record<GroupRow>(b, 'group_update', rowOf(group));
      const phone = await ada.connect();
      const place = next<GroupUpdate>(phone, 'group_update', (event) => 'is_member' in event);
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${ada.id}`, { token: ada.token });
      expect(await place).toEqual({ chat_group_id: group, is_in: false, is_member: false });
      await eventually(() => rows.find(({ owner_id }) => owner_id === bob.id));
      const gone = next<GroupDeleted>(a, 'group_update', (event) => 'deleted' in event);
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: bob.token });
      expect(await gone).toEqual({ chat_group_id: group, deleted: true });
    });

    it('show what others do to who is a member: let in, added, handed over, removed', async () => {
      const eve = await Person.known(app, 'Eve');
      const e = await eve.connect();
      const group = await create(ada, { is_private: true });
      const mine = record<GroupRow>(a, 'group_update', rowOf(group));
      const outside = record<GroupRow>(e, 'group_update', rowOf(group));
      const shows = (count: number, owner: Person) =>
        eventually(() => (mine.at(-1)?.member_count === count && mine.at(-1)?.owner_id === owner.id) || undefined);
      await call(app, 'POST', `/http/chat_groups/access_requests/${group}`, { token: bob.token });
      await ada.put(`/http/chat_groups/access_requests/${group}`, { requester_id: bob.id, access: true });
      await shows(2, ada);
      await ada.put(`/http/chat_groups/${group}`, { owner_id: bob.id });
      await shows(2, bob);
      await call(app, 'POST', `/http/chat_groups/${group}/members`, { token: bob.token, body: { user_id: eve.id } });
      await shows(3, bob);
      await eventually(() => outside.find(({ member_count }) => member_count === 3));
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${eve.id}`, { token: bob.token });
      await shows(2, bob);
      const last = await eventually(() => outside.slice(-1).find(({ member_count }) => member_count === null));
      expect(last).toMatchObject({ owner_id: bob.id, is_private: true });
    });

    it('are closed to who was removed, though they be open; nothing of what goes on there is told to them', async () => {
      const eve = await Person.known(app, 'Eve');
      const e = await eve.connect();
      const group = await create(ada);
      for (const person of [ada, bob, eve]) await attend(person, group, true);
      await eventually(async () => (await listed(eve, '/http/chat_groups', group)).member_count === 3 || undefined);
      await next<GroupRow>(e, 'group_update', (row) => rowOf(group)(row) && row.member_count === 3);
      const ended = next<GroupUpdate>(b, 'group_update', (event) => 'is_member' in event);
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: ada.token });
      expect(await ended).toEqual({ chat_group_id: group, is_in: false, is_member: false });
      const heard: [event: string, payload: AnyUpdate][] = [];
      b.onAny((event: string, payload: AnyUpdate) => {
        // What he asks for himself is refused; the list of users is everybody's.
        if (!['user_update', 'exception'].includes(event)) heard.push([event, payload]);
      });
      const left = next<GroupRow>(e, 'group_update', (row) => rowOf(group)(row) && row.member_count === 2);
      // Ada writes, reads, types, and goes; Eve, who is still in, hears of it.
      const told = [
        next(e, 'typing'),
        next(e, 'presence'),
        next(e, 'message', (message: object) => !('notice' in message)),
      ];
      await ask(a, 'message', { chat_type: 'group', chat_group_id: group, message: 'of him' });
      await ask(a, 'typing', { chat_type: 'group', chat_group_id: group });
      await ask(e, 'read', { chat_group_id: group });
      const typed = send(b, { chat_type: 'group', chat_group_id: group, message: 'me, too' });
      await expect(typed).resolves.toMatchObject({ ok: false, error: { code: 'not_found' } });
      expect(await ask(b, 'typing', { chat_type: 'group', chat_group_id: group })).toMatchObject({ ok: false });
      expect(await ask(b, 'read', { chat_group_id: group })).toMatchObject({ ok: false });
      await ada.get('/http/logout');
      await Promise.all([left, ...told]);
      const marker = next<GroupRow>(b, 'group_update', ({ name }) => name === 'Marker');
      await create(eve, { chat_group_name: 'Marker' });
      await marker;
      const { member_count, is_member } = await listed(bob, '/http/chat_groups', group);
      expect({ member_count, is_member }).toEqual({ member_count: null, is_member: false });
      const closed = { chat_group_id: group, name: 'Engines', owner_id: ada.id, is_private: false, member_count: null };
      const ofGroup = heard.filter(([event, row]) => event !== 'group_update' || row.chat_group_id === group);
      expect(ofGroup).toEqual([['group_update', closed]]);
    });

    it('show whose they are after their owner has erased the account, and who is no more', async () => {
      const person = await Person.join(app, 'Gone');
      const [handed, alone] = [await create(person), await create(person)];
      await attend(bob, handed, true);
      const rows = record<AnyUpdate>(a, 'group_update');
      const count = next<UserErased>(a, 'user_update', (update) => 'deleted' in update && update.id === person.id);
      const body = { password: person.password };
      expect((await call(app, 'DELETE', '/http/users/profile', { token: person.token, body })).status).toBe(204);
      await count;
      await eventually(() =>
        rows.find((row) => rowOf(handed)(row) && row.owner_id === bob.id && row.member_count === 1),
      );
      await eventually(() => rows.find((row) => row.chat_group_id === alone && 'deleted' in row));
    });

    it('longer than a page are told to members', async () => {
      const empty = await fill.groups();
      const rows = [a, b].map((socket) => record<AnyUpdate>(socket, 'group_update'));
      const group = await create(ada);
      await eventually(() => rows[0].find(rowOf(group)));
      await attend(bob, group, true);
      await eventually(() => rows[1].find(rowOf(group)));
      expect(rows[1].filter(rowOf(group))).toEqual([
        { chat_group_id: group, name: 'Engines', owner_id: ada.id, is_private: false, member_count: 2 },
      ]);
      await empty();
    });
  });
});
