// Steps 10 to 15: groups, who is in them, and who hears what.
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { User } from '../../src/identity/user.entity.js';
import { GroupAbsence } from '../../src/chat-groups/attendance/group-absence.js';
import { GroupNotices } from '../../src/chat-groups/attendance/group-notices.js';
import { type Lease, loneLease } from '../../src/database/held-lease.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import type {
  GroupMessage,
  GroupNotice,
  GroupNotification,
  GroupUpdate,
  ReadReceipt,
} from '../../src/sockets/events.js';
import { Publisher } from '../../src/sockets/publisher.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, open, Person, send } from '../support/client.js';
import { RawSocket } from '../support/raw-socket.js';
import { ServerProcess } from '../support/server-process.js';

const isNotice = (event: unknown): event is GroupNotice => typeof (event as GroupNotice).notice === 'object';
const isMessage = (event: unknown): event is GroupMessage => !isNotice(event);

const isPlace = (event: unknown): event is GroupUpdate => 'is_in' in (event as object);

/** Everything of one event that a socket gets from now on. */
function record<T>(socket: ChatSocket, event: string, isIt: (payload: unknown) => boolean = () => true): T[] {
  const got: T[] = [];
  socket.on(event as never, ((payload: T) => void (isIt(payload) && got.push(payload))) as never);
  return got;
}

onAllDialects('groups', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    group = (await create(ada, { chat_group_name: 'Engines' })).body.id;
  });

  const create = (person: Person, body: object) =>
    call(app, 'POST', '/http/chat_groups', { token: person.token, body });
  const post = (person: Person, isEnter: unknown, id = group) =>
    call(app, 'POST', `/http/chat_groups/${id}`, { token: person.token, body: { is_enter: isEnter } });
  const say = (socket: ChatSocket, message: string, more: object = {}) =>
    send(socket, { chat_type: 'group', chat_group_id: group, message, ...more });
  const seen = async (person: Person, id = group) =>
    (await person.get('/http/chat_groups')).body.find((one: { id: number }) => one.id === id);
  const giveUp = (person: Person, userId = person.id) =>
    call(app, 'DELETE', `/http/chat_groups/${group}/members/${userId}`, { token: person.token });

  describe('creating and renaming', () => {
    it('makes the author owner and member, and shows the group to everybody', async () => {
      const { status, body } = await create(ada, { chat_group_name: ' Looms ', author_id: ada.id, is_private: false });
      expect(status).toBe(201);
      const row = {
        id: body.id,
        name: 'Looms',
        owner_id: ada.id,
        is_private: false,
        is_member: true,
        is_in: false,
        my_request: null,
        member_count: 1,
        last_message: null,
        last_seq: 0,
        last_change: 0,
        last_read_seq: 0,
        unread_count: 0,
      };
      expect(body).toEqual(row);
      expect(await seen(ada, body.id)).toEqual(row);
      expect(await seen(bob, body.id)).toEqual({ ...row, is_member: false });
    });

    it('lets nobody create for somebody else, or without a proper name', async () => {
      expect(await create(ada, { chat_group_name: 'x', author_id: bob.id })).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      });
      const bad = [
        {},
        { chat_group_name: '' },
        { chat_group_name: ' ' },
        { chat_group_name: 'a\nb' },
        { chat_group_name: 'x'.repeat(101) },
        { chat_group_name: 7 },
        { chat_group_name: 'x', is_private: 'yes' },
      ];
      for (const body of bad) expect((await create(ada, body)).status).toBe(400);
      expect(
        (await create(ada, { chat_group_name: '🦊'.repeat(100), author_id: null, is_private: null })).body.name,
      ).toBe('🦊'.repeat(100));
    });

    it('renames by the owner, on both routes', async () => {
      expect((await ada.put('/http/chat_groups', { chat_group_id: group, chat_group_name: 'One' })).body).toMatchObject(
        { id: group, name: 'One' },
      );
      expect((await ada.put(`/http/chat_groups/${group}`, { chat_group_name: 'Two' })).body.name).toBe('Two');
      expect((await seen(bob)).name).toBe('Two');
      const nameless = await ada.put('/http/chat_groups', { chat_group_name: 'Three' });
      expect(nameless).toMatchObject({ status: 400, body: { fields: { chat_group_id: [expect.any(String)] } } });
      expect((await ada.put(`/http/chat_groups/${group}`, {})).status).toBe(400);
    });

    it('is not for members, and strangers find nothing', async () => {
      await post(bob, true);
      expect(await bob.put(`/http/chat_groups/${group}`, { chat_group_name: 'x' })).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      });
      expect(await eve.put(`/http/chat_groups/${group}`, { chat_group_name: 'x' })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
      expect((await seen(ada)).name).toBe('Engines');
    });
  });

  describe('entering and leaving', () => {
    it('by reading the newest page: a newcomer becomes a member with nothing unread', async () => {
      const socket = await ada.connect();
      for (const text of ['one', 'two']) await say(socket, text);
      await bob.connect();
      const { status, body } = await bob.get(`/http/chat_groups/${group}?limit=1`);
      expect(status).toBe(200);
      expect(body.map(({ message }: GroupMessage) => message)).toEqual(['two']);
      expect(await seen(bob)).toMatchObject({
        is_member: true,
        is_in: true,
        member_count: 2,
        last_read_seq: 2,
        unread_count: 0,
      });
      expect((await bob.get(`/http/chat_groups/${group}?before=2`)).body).toHaveLength(1);
    });

    it('with a cursor is only for members, and enters nobody', async () => {
      await say(await ada.connect(), 'one');
      for (const query of ['?before=2', '?after=0', `?until=${new Date().toISOString()}`]) {
        expect((await bob.get(`/http/chat_groups/${group}${query}`)).status).toBe(404);
        expect((await ada.get(`/http/chat_groups/${group}${query}`)).status).toBe(200);
      }
      expect(await seen(bob)).toMatchObject({ is_member: false });
      expect(await seen(ada)).toMatchObject({ is_in: false });
    });

    it('is not needed to read: `before` past the last message is the newest page, and a mark is moved from outside', async () => {
      const newest = async (query: string): Promise<number[]> =>
        (await bob.get(`/http/chat_groups/${group}${query}`)).body.map(({ seq }: { seq: number }) => seq);
      await post(bob, true);
      await post(bob, false);
      // Nothing was said yet.
      for (const before of [1, 2, 2 ** 31 - 1]) expect(await newest(`?before=${before}`)).toEqual([]);
      const socket = await ada.connect();
      for (let i = 1; i <= 103; i++) await say(socket, `${i}`);
      const { last_seq: last } = await seen(bob);
      expect(last).toBe(103);
      const page = Array.from({ length: 100 }, (_, i) => i + 4);
      for (const before of [last + 1, last + 2, 2 ** 31 - 1]) expect(await newest(`?before=${before}`)).toEqual(page);
      expect(await newest(`?before=${last + 1}&limit=2`)).toEqual([102, 103]);
      expect(await newest(`?after=${last}`)).toEqual([]);
      expect(await seen(bob)).toMatchObject({ is_in: false, last_read_seq: 0, unread_count: 103 });
      expect((await bob.put('/http/notifications', { chat_group_id: group, seq: 100 })).body).toEqual({
        chat_group_id: group,
        last_read_seq: 100,
        unread_count: 3,
      });
      expect(await seen(bob)).toMatchObject({ is_in: false, last_read_seq: 100, unread_count: 3 });
    });

    it('by POST and over the socket, as often as one likes', async () => {
      const socket = await bob.connect();
      expect((await post(bob, true)).body).toEqual({ ok: true, chat_group_id: group, is_in: true });
      expect((await post(bob, true)).status).toBe(200);
      expect(await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: false })).toEqual({
        ok: true,
        chat_group_id: group,
        is_in: false,
      });
      expect(await seen(bob)).toMatchObject({ is_member: true, is_in: false });
      await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true });
      expect((await seen(bob)).is_in).toBe(true);
      expect((await post(bob, false)).body.is_in).toBe(false);
      expect((await post(bob, false)).status).toBe(200);
      expect((await seen(bob)).member_count).toBe(2);
    });

    it('refuses what is not a yes or a no, both at once, and a group that is none', async () => {
      const socket = await bob.connect();
      for (const isEnter of [undefined, null, 'true', 1]) expect((await post(bob, isEnter)).status).toBe(400);
      const both = await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true, message: 'x' });
      expect(both.error).toMatchObject({ code: 'invalid', fields: { message: [expect.any(String)] } });
      const { chat_room_id: room } = await send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'x' });
      for (const id of [room, 1_999_999_999]) {
        expect((await bob.get(`/http/chat_groups/${id}`)).status).toBe(404);
        expect((await post(bob, true, id)).status).toBe(404);
        expect((await send(socket, { chat_type: 'group', chat_group_id: id, is_enter: true })).error.code).toBe(
          'not_found',
        );
        expect((await send(socket, { chat_type: 'group', chat_group_id: id, message: 'x' })).error.code).toBe(
          'not_found',
        );
      }
      expect((await post(eve, false)).status).toBe(404);
    });

    it('from two devices at once makes one member', async () => {
      await Promise.all(Array.from({ length: 10 }, () => post(bob, true)));
      expect(await seen(bob)).toMatchObject({ member_count: 2, is_in: true });
    });

    it("tells the person's devices, and moves all of their sockets", async () => {
      const [phone, laptop, speaker] = [
        await bob.connect(),
        await bob.connect(await bob.session(app)),
        await ada.connect(),
      ];
      const told = Promise.all([phone, laptop].map((socket) => next<GroupUpdate>(socket, 'group_update', isPlace)));
      await send(phone, { chat_type: 'group', chat_group_id: group, is_enter: true });
      expect(await told).toEqual([1, 2].map(() => ({ chat_group_id: group, is_in: true })));
      const heard = Promise.all([phone, laptop].map((socket) => next<GroupMessage>(socket, 'message', isMessage)));
      await say(speaker, 'hello');
      expect((await heard).map(({ message }) => message)).toEqual(['hello', 'hello']);
      const out = Promise.all([phone, laptop].map((socket) => next<GroupUpdate>(socket, 'group_update', isPlace)));
      await send(laptop, { chat_type: 'group', chat_group_id: group, is_enter: false });
      expect((await out).map(({ is_in }) => is_in)).toEqual([false, false]);
      expect((await seen(bob)).is_in).toBe(false);
    });

    it('in several groups at once', async () => {
      const other = (await create(ada, { chat_group_name: 'Looms' })).body.id;
      const socket = await bob.connect();
      await post(bob, true);
      await post(bob, true, other);
      const got = record<GroupMessage>(socket, 'message', isMessage);
      const speaker = await ada.connect();
      await say(speaker, 'here');
      await say(speaker, 'there', { chat_group_id: other });
      await eventually(() => got.length === 2 || undefined);
      expect(got.map(({ chat_group_id }) => chat_group_id)).toEqual([group, other]);
    });
  });

  describe('a message', () => {
    it('goes to every socket of everybody who is in, as it was stored', async () => {
      const [a, b1, b2] = [await ada.connect(), await bob.connect(), await bob.connect()];
      await post(ada, true);
      await post(bob, true);
      const heard = Promise.all([a, b1, b2].map((socket) => next<GroupMessage>(socket, 'message', isMessage)));
      const answer = await say(a, '  hello\n', { client_id: 'c-1' });
      expect(answer).toEqual({
        ok: true,
        chat_group_id: group,
        seq: 1,
        timestamp: expect.any(String),
        client_id: 'c-1',
      });
      const { ok: _, ...place } = answer;
      expect(await heard).toEqual(
        [1, 2, 3].map(() => ({ chat_type: 'group', user_id: ada.id, message: '  hello\n', ...place })),
      );
      expect(await say(a, '  hello\n', { client_id: 'c-1' })).toEqual(answer);
      expect((await say(a, 'other', { client_id: 'c-1' })).error.code).toBe('client_id_conflict');
      expect((await bob.get(`/http/chat_groups/${group}?after=0`)).body).toEqual([
        { seq: 1, user_id: ada.id, message: '  hello\n', timestamp: answer.timestamp, client_id: 'c-1' },
      ]);
    });

    it('has one place for each client_id: on two devices at once, in flight, by each sender, and after a restart', async () => {
      const [phone, laptop] = [await ada.connect(), await ada.connect(await ada.session(app))];
      let b = await bob.connect();
      await post(bob, true);
      const got = record<GroupMessage>(b, 'message', isMessage);
      const [first, ...repeats] = await Promise.all([
        say(phone, 'once', { client_id: 'id-1' }),
        say(laptop, 'once', { client_id: 'id-1' }),
        say(phone, 'once', { client_id: 'id-1' }),
        say(laptop, 'another text', { client_id: 'id-1' }),
        say(b, 'of somebody else', { client_id: 'id-1' }),
      ]);
      expect(repeats.slice(0, 2)).toEqual([first, first]);
      expect(repeats[2].error.code).toBe('client_id_conflict');
      expect(new Set([first.seq, repeats[3].seq])).toEqual(new Set([1, 2]));
      expect(await say(laptop, 'once', { client_id: 'id-1' })).toEqual(first);
      await say(phone, 'marker');
      await eventually(() => got.some(({ message }) => message === 'marker') || undefined);
      expect(got.map(({ message }) => message).sort()).toEqual(['marker', 'of somebody else', 'once']);

      app = await app.restart();
      [ada, bob, eve] = [ada.at(app), bob.at(app), eve.at(app)];
      const again = await ada.connect();
      expect(await say(again, 'once', { client_id: 'id-1' })).toEqual(first);
      expect((await say(again, 'another text', { client_id: 'id-1' })).error.code).toBe('client_id_conflict');
      b = await bob.connect();
      expect((await say(b, 'of somebody else', { client_id: 'id-1' })).seq).toBe(repeats[3].seq);
      expect((await say(again, 'next', { client_id: 'id-2' })).seq).toBe(4);
    });

    it('reaches a member outside as a notification, and a stranger not at all', async () => {
      const [a, b, e] = [await ada.connect(), await bob.connect(), await eve.connect()];
      await post(ada, true);
      await post(bob, true);
      await post(bob, false);
      const [inside, outside, strange] = [
        record(a, 'notification'),
        record<GroupMessage>(b, 'message', isMessage),
        [record(e, 'message'), record(e, 'notification')],
      ];
      const notified = next<GroupNotification>(b, 'notification');
      const { timestamp } = await say(a, 'news');
      expect(await notified).toEqual({
        chat_type: 'group',
        chat_group_id: group,
        last_seq: 1,
        user_id: ada.id,
        message: 'news',
        timestamp,
      });
      const marker = next(e, 'message');
      await send(a, { chat_type: 'room', other_user_id: eve.id, message: 'marker' });
      await marker;
      expect([inside, outside, strange[0].length, strange[1]]).toEqual([[], [], 1, []]);
    });

    it('notifies at most once a second, and at last of the newest', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      await post(bob, true);
      await post(bob, false);
      const got = record<GroupNotification>(b, 'notification');
      for (let i = 1; i <= 30; i++) await say(a, `${i}`);
      await eventually(() => got.at(-1)?.last_seq === 30 || undefined, 'the newest');
      expect(got.length).toBeLessThanOrEqual(4);
      expect(got[0].last_seq).toBe(1);
    });

    it('is for members alone, who need not be in', async () => {
      const [a, e] = [await ada.connect(), await eve.connect()];
      expect((await say(e, 'x')).error.code).toBe('not_found');
      expect((await say(a, 'from outside')).seq).toBe(1);
      expect(await seen(ada)).toMatchObject({ is_in: false, last_read_seq: 1, unread_count: 0 });
    });

    it('keeps the order of each sender, without a gap, when many write at once', async () => {
      const sockets = await Promise.all([ada, bob, eve].map((person) => person.connect()));
      for (const person of [ada, bob, eve]) await post(person, true);
      const got = record<GroupMessage>(sockets[2], 'message', isMessage);
      const answers = await Promise.all(
        sockets.flatMap((socket, s) => Array.from({ length: 40 }, (_, i) => say(socket, `${s}:${i}`))),
      );
      expect(answers.map(({ seq }) => seq).sort((x, y) => x - y)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
      await eventually(() => got.length === 120 || undefined);
      expect(got.map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
      for (const s of [0, 1, 2]) {
        const mine = got.map(({ message }) => message).filter((text) => text.startsWith(`${s}:`));
        expect(mine).toEqual(Array.from({ length: 40 }, (_, i) => `${s}:${i}`));
      }
    });
  });

  describe('a notice', () => {
    it('says who entered and who left, to those who are in; it is not stored', async () => {
      const [a, e] = [await ada.connect(), await eve.connect()];
      await post(ada, true);
      await next(a, 'message', isNotice);
      const strange = record(e, 'message');
      await bob.connect();
      const entered = next<GroupNotice>(a, 'message', isNotice);
      await post(bob, true);
      expect(await entered).toEqual({
        chat_type: 'group',
        chat_group_id: group,
        message: 'Bob Lovelace entered the group',
        notice: { kind: 'entered', user_ids: [bob.id], count: 1 },
      });
      const left = next<GroupNotice>(a, 'message', isNotice);
      await post(bob, false);
      expect(await left).toMatchObject({
        message: 'Bob Lovelace left the group',
        notice: { kind: 'left', user_ids: [bob.id], count: 1 },
      });
      expect((await ada.get(`/http/chat_groups/${group}`)).body).toEqual([]);
      expect(strange).toEqual([]);
    });

    it('does not wait for those who were just named', async () => {
      const a = await ada.connect();
      await post(ada, true);
      await next(a, 'message', isNotice);
      await bob.connect();
      const began = Date.now();
      const told = next<GroupNotice>(a, 'message', isNotice);
      await post(bob, true);
      expect((await told).notice.user_ids).toEqual([bob.id]);
      // Ada may not be named for ten seconds yet.
      expect(Date.now() - began).toBeLessThan(9_000);
    });

    it('counts a crowd, and names a hundred of it', async () => {
      const a = await ada.connect();
      await post(ada, true);
      await next(a, 'message', isNotice);
      const told = next<GroupNotice>(a, 'message', isNotice);
      // More than a call may have arguments.
      const crowd = Array.from({ length: 150_000 }, (_, i) => 1_000_000 + i);
      for (const userId of crowd) app.get(GroupNotices).changed(group, userId, false);
      const { notice } = await told;
      expect(notice).toEqual({ kind: 'left', user_ids: crowd.slice(0, 100), count: crowd.length });
    });

    it('tells once the names can be read again, and until then believes nothing', async () => {
      const a = await ada.connect();
      await post(ada, true);
      await next(a, 'message', isNotice);
      const { read } = app.get(UnitOfWork);
      const find = read.find.bind(read) as (...given: unknown[]) => Promise<any>;
      let failures = 0;
      const names = { id: true, firstName: true, lastName: true };
      const spy = vi.spyOn(read, 'find').mockImplementation((entity, ...rest) => {
        const isOfNotice = entity === User && isDeepStrictEqual(rest[0]?.select, names);
        if (!isOfNotice || ++failures > 2) return find(entity, ...rest);
        return Promise.reject(new Error('a bad moment'));
      });
      const told = next<GroupNotice>(a, 'message', isNotice);
      await bob.connect();
      await post(bob, true);
      expect((await told).notice).toEqual({ kind: 'entered', user_ids: [bob.id], count: 1 });
      expect(failures).toBe(3);
      spy.mockRestore();
    });

    it('gathers those who come together, and names nobody twice within ten seconds', async () => {
      const a = await ada.connect();
      await post(ada, true);
      await next(a, 'message', isNotice);
      const notices = record<GroupNotice>(a, 'message', isNotice);
      const crowd = await Promise.all(Array.from({ length: 14 }, (_, i) => Person.known(app, `P${i}`)));
      await Promise.all(crowd.map(async (person) => person.connect()));
      const namedAt = next(a, 'message', isNotice).then(() => Date.now());
      for (const person of crowd) await post(person, true);
      // In one notice, unless the machine takes more than a second for all of them.
      const named = () => notices.flatMap(({ notice }) => notice.user_ids);
      await eventually(() => named().length >= crowd.length || undefined);
      expect(named()).toEqual(crowd.map(({ id }) => id));
      const [fullest] = [...notices].sort((one, other) => other.notice.count - one.notice.count);
      expect(fullest.message).toMatch(/^P\d+ Lovelace, P\d+ Lovelace and \d+ others entered the group$/);
      const before = notices.length;
      // In and out and in again: the group hears of it once, and only where they stand in the end.
      for (const isEnter of [false, true, false, true, false]) await post(crowd[0], isEnter);
      for (const isEnter of [false, true]) await post(crowd[1], isEnter);
      const second = await eventually(() => notices[before], 'the second notice', 20_000);
      expect(second).toMatchObject({
        message: 'P0 Lovelace left the group',
        notice: { kind: 'left', user_ids: [crowd[0].id] },
      });
      expect(Date.now() - (await namedAt)).toBeGreaterThan(7_000);
      expect(notices).toHaveLength(before + 1);
    });
  });

  describe('who is in', () => {
    it('stays in through a reconnect, and is out five seconds after the last socket', async () => {
      const a = await ada.connect();
      await post(ada, true);
      const b = await bob.connect();
      await post(bob, true);
      b.disconnect();
      const again = await bob.connect();
      await sleep(5_500);
      expect((await seen(bob)).is_in).toBe(true);
      const heard = next<GroupMessage>(again, 'message', isMessage);
      await say(a, 'still there?');
      expect((await heard).message).toBe('still there?');

      const left = next<GroupNotice>(a, 'message', (event) => isNotice(event) && event.notice.kind === 'left');
      again.disconnect();
      expect((await left).message).toBe('Bob Lovelace left the group');
      expect(await seen(bob)).toMatchObject({ is_in: false, is_member: true });
    });

    it('is out at once after a logout', async () => {
      const a = await ada.connect();
      await post(ada, true);
      await bob.connect();
      await post(bob, true);
      await next(a, 'message', (event) => isNotice(event) && event.notice.user_ids.includes(bob.id));
      await bob.get('/http/logout');
      await bob.session(app);
      expect(await eventually(async () => !(await seen(bob)).is_in || undefined, 'being out', 3_000)).toBe(true);
    });

    it('has the five seconds anew with each time of entering', async () => {
      const other = (await create(ada, { chat_group_name: 'Second' })).body.id;
      await post(bob, true);
      await sleep(3_500);
      await post(bob, true, other);
      await sleep(2_500);
      expect((await seen(bob, other)).is_in).toBe(true);
      await eventually(async () => !(await seen(bob, other)).is_in || undefined, 'being out');
      expect((await seen(bob)).is_in).toBe(false);
    });

    it('has five seconds to connect after entering without a socket', async () => {
      await post(bob, true);
      await post(eve, true);
      expect((await seen(bob)).is_in).toBe(true);
      const socket = await bob.connect();
      await eventually(async () => !(await seen(eve)).is_in || undefined, 'Eve being out', 10_000);
      expect((await seen(bob)).is_in).toBe(true);
      const heard = next<GroupMessage>(socket, 'message', isMessage);
      await say(await ada.connect(), 'hello');
      expect((await heard).message).toBe('hello');
    });

    it('survives a restart of the server; who does not come back is taken out, and has not read', async () => {
      await bob.connect();
      await eve.connect();
      for (const person of [ada, bob, eve]) await post(person, true);
      await say(await ada.connect(), 'before');
      app = await app.restart();
      [ada, bob, eve] = [ada.at(app), bob.at(app), eve.at(app)];
      const b = await bob.connect();
      expect((await seen(eve)).is_in).toBe(true);
      const heard = next<GroupMessage>(b, 'message', isMessage);
      await say(await ada.connect(), 'after');
      expect((await heard).message).toBe('after');
      // Thirty seconds later.
      const absence = app.get(GroupAbsence) as unknown as { takeOutAbsent(lease: Lease): Promise<void> };
      await absence.takeOutAbsent(loneLease(new AbortController().signal));
      expect(await seen(bob)).toMatchObject({ is_in: true, unread_count: 0 });
      // What came while the server stopped in good order was read, what came later was not.
      expect(await seen(eve)).toMatchObject({ is_in: false, last_read_seq: 1, unread_count: 1 });
    });

    it('survives a crash, after which what was heard counts as unread until one is back', async () => {
      const environment = await emptyEnvironment(dialect);
      const { PORT: _, ...env } = { ...environment.env, RATE_LIMITS: 'off' } as Record<string, string>;
      const prepared = await TestApp.startIn({ ...environment.env });
      const [owner, guest] = [await Person.known(prepared, 'Owner'), await Person.known(prepared, 'Guest')];
      await prepared.app.close();

      const first = await ServerProcess.start(env);
      const there = call(first, 'POST', '/http/chat_groups', {
        token: owner.token,
        body: { chat_group_name: 'Crash' },
      });
      const { id } = (await there).body;
      const sockets = [open(first, { auth: { token: owner.token } }), open(first, { auth: { token: guest.token } })];
      for (const socket of sockets) await send(socket, { chat_type: 'group', chat_group_id: id, is_enter: true });
      const heard = next<GroupMessage>(sockets[1], 'message', isMessage);
      await send(sockets[0], { chat_type: 'group', chat_group_id: id, message: 'heard' });
      await heard;
      await first.kill();
      for (const socket of sockets) socket.disconnect();

      const second = await ServerProcess.start(env);
      const row = async () => (await call(second, 'GET', '/http/chat_groups', { token: guest.token })).body[0];
      expect(await row()).toMatchObject({ is_in: true, unread_count: 1, last_read_seq: 0 });
      const back = open(second, { auth: { token: guest.token } });
      await send(back, { token: guest.token });
      expect(await row()).toMatchObject({ is_in: true, unread_count: 0, last_read_seq: 1 });
      // And stays read once they have gone again.
      back.disconnect();
      await eventually(async () => !(await row()).is_in || undefined, 'being out');
      expect(await row()).toMatchObject({ unread_count: 0, last_read_seq: 1 });
      await second.kill();
      await environment.cleanUp();
    });

    it('is listed for the members, and for nobody else', async () => {
      await bob.connect();
      await post(bob, true);
      const { body } = await ada.get(`/http/users/group/${group}`);
      expect(body).toEqual([
        {
          id: ada.id,
          first_name: 'Ada',
          last_name: 'Lovelace',
          is_online: false,
          is_in_group: false,
          role: 'owner',
          last_read_seq: 0,
        },
        {
          id: bob.id,
          first_name: 'Bob',
          last_name: 'Lovelace',
          is_online: true,
          is_in_group: true,
          role: 'member',
          last_read_seq: 0,
        },
      ]);
      expect(await eve.get(`/http/users/group/${group}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    });
  });

  describe('what is unread', () => {
    const unread = async (person: Person) => {
      const listed = (await person.get('/http/notifications')).body.find(
        (row: { chat_group_id?: number }) => row.chat_group_id === group,
      );
      const inList = await seen(person);
      expect([listed.unread_count, listed.last_read_seq]).toEqual([inList.unread_count, inList.last_read_seq]);
      return listed;
    };

    it('is nothing while one is in and connected, and counts from when the last socket went', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      await post(bob, true);
      await say(a, 'one');
      await say(a, 'two');
      expect(await unread(bob)).toEqual({
        chat_type: 'group',
        chat_group_id: group,
        user_id: ada.id,
        unread_count: 0,
        is_read: true,
        last_seq: 2,
        last_read_seq: 2,
        message: 'two',
        timestamp: expect.any(String),
      });
      b.disconnect();
      await eventually(async () => {
        const [row] = await app.database.query(
          'SELECT last_read_seq FROM members WHERE conversation_id = ? AND user_id = ?',
          [group, bob.id],
        );
        return row.last_read_seq === 2 || undefined;
      }, 'the mark');
      await say(a, 'three');
      expect(await unread(bob)).toMatchObject({ unread_count: 1, last_read_seq: 2, is_read: false });
      await bob.connect();
      expect(await unread(bob)).toMatchObject({ unread_count: 0 });
    });

    describe('after a client that was not heard any more', () => {
      let a: ChatSocket;
      let b: RawSocket;
      let told: ReadReceipt[];
      const marked = async (): Promise<number> =>
        (
          await app.database.query('SELECT last_read_seq FROM members WHERE conversation_id = ? AND user_id = ?', [
            group,
            bob.id,
          ])
        )[0].last_read_seq;

      /** Two messages that arrive, and are answered; and three that do not. */
      beforeEach(async () => {
        a = await ada.connect();
        b = new RawSocket(app, bob.token);
        await b.ready;
        await post(bob, true);
        await post(ada, true);
        told = record<ReadReceipt>(a, 'read', (event) => (event as ReadReceipt).user_id === bob.id);
        const typed = next(a, 'typing');
        await say(a, 'one');
        await say(a, 'two');
        await eventually(() => b.got('message').length >= 2 || undefined, 'two messages');
        b.emit('typing', { chat_type: 'group', chat_group_id: group });
        await typed;
        // What is told within one second counts as told at its end.
        await sleep(1_000);
        b.pause();
        for (const text of ['three', 'four', 'five']) await say(a, text);
      });

      it('holds what it was told since, and nobody is told otherwise', async () => {
        const left = next<GroupNotice>(a, 'message', (event) => event.notice?.kind === 'left');
        b.drop();
        await left;
        expect(await marked()).toBe(2);
        expect(await unread(bob)).toMatchObject({ unread_count: 3, last_read_seq: 2 });
        const row = (await ada.get(`/http/users/group/${group}`)).body.find(({ id }: Person) => id === bob.id);
        expect(row.last_read_seq).toBe(2);
        expect(told.filter(({ seq }) => seq > 2)).toEqual([]);
      });

      it('holds nothing that another device of the person was told', async () => {
        const laptop = await bob.connect();
        await send(laptop, {});
        laptop.disconnect();
        await eventually(() => [...app.get(Publisher).socketsOf(bob.id)].length === 1 || undefined, 'one socket');
        await sleep(1_000);
        await say(a, 'six');
        b.drop();
        await eventually(async () => !(await seen(bob)).is_in || undefined, 'being out');
        expect(await unread(bob)).toMatchObject({ unread_count: 1, last_read_seq: 5 });
      });

      it('is nothing where it said goodbye', async () => {
        b.resume();
        await eventually(() => b.got('message').length >= 5 || undefined, 'all messages');
        b.goodbye();
        await eventually(async () => (await marked()) === 5 || undefined, 'the mark');
        expect(await unread(bob)).toMatchObject({ unread_count: 0, last_read_seq: 5 });
      });
    });

    it('stays read through a logout', async () => {
      const a = await ada.connect();
      const b = await bob.connect();
      await post(bob, true);
      const heard = next<GroupMessage>(b, 'message', (event) => isMessage(event) && event.message === 'two');
      await say(a, 'one');
      await say(a, 'two');
      await heard;
      await bob.get('/http/logout');
      await bob.session(app);
      await eventually(async () => !(await seen(bob)).is_in || undefined, 'being out');
      expect(await unread(bob)).toMatchObject({ unread_count: 0, last_read_seq: 2 });
    });

    it('is told the same wherever one asks', async () => {
      const a = await ada.connect();
      await bob.connect();
      await post(bob, true);
      for (const text of ['one', 'two', 'three']) await say(a, text);
      const marked = await bob.put('/http/notifications', { chat_group_id: group, seq: 1 });
      expect(marked.body).toEqual({ chat_group_id: group, last_read_seq: 3, unread_count: 0 });
    });

    it('is not read by leaving what one is not in', async () => {
      const a = await ada.connect();
      await post(bob, true);
      await post(bob, false);
      await say(a, 'unseen');
      expect((await post(bob, false)).status).toBe(200);
      expect(await unread(bob)).toMatchObject({ unread_count: 1 });
    });

    it('counts for a member outside, until they enter or say that they have read', async () => {
      const a = await ada.connect();
      await post(bob, true);
      await post(bob, false);
      await say(a, 'one');
      await say(a, 'two');
      expect(await unread(bob)).toMatchObject({ unread_count: 2 });
      expect((await bob.put('/http/notifications', { chat_group_id: group, seq: 1 })).body).toEqual({
        chat_group_id: group,
        last_read_seq: 1,
        unread_count: 1,
      });
      expect((await bob.put('/http/notifications', { chat_group_id: group })).body.unread_count).toBe(0);
      await say(a, 'three');
      await bob.connect();
      await bob.get(`/http/chat_groups/${group}`);
      expect(await unread(bob)).toMatchObject({ unread_count: 0, last_read_seq: 3 });
      for (const body of [{ chat_group_id: group, chat_room_id: 1 }, {}, { chat_group_id: null, chat_room_id: null }]) {
        expect((await bob.put('/http/notifications', body)).status).toBe(400);
      }
      expect((await eve.put('/http/notifications', { chat_group_id: group })).status).toBe(404);
      expect((await bob.put('/http/notifications', { chat_room_id: group })).status).toBe(404);
    });
  });

  describe('a private group', () => {
    it('is known by its name and keeps strangers out', async () => {
      group = (await create(ada, { chat_group_name: 'Secret', is_private: true })).body.id;
      const a = await ada.connect();
      await post(ada, true);
      await say(a, 'between us');
      const e = await eve.connect();
      expect(await seen(eve)).toEqual({
        id: group,
        name: 'Secret',
        owner_id: ada.id,
        is_private: true,
        is_member: false,
        is_in: false,
        my_request: null,
        member_count: null,
        last_message: null,
        last_seq: 0,
        last_change: 0,
        last_read_seq: 0,
        unread_count: 0,
      });
      for (const path of [
        `/http/chat_groups/${group}`,
        `/http/chat_groups/${group}?after=0`,
        `/http/users/group/${group}`,
      ]) {
        expect((await eve.get(path)).status).toBe(404);
      }
      expect((await post(eve, true)).status).toBe(404);
      expect((await send(e, { chat_type: 'group', chat_group_id: group, is_enter: true })).error.code).toBe(
        'not_found',
      );
      expect((await say(e, 'x')).error.code).toBe('not_found');
      expect(await seen(ada)).toMatchObject({ member_count: 1, last_message: { message: 'between us' } });
    });
  });

  describe('giving up membership', () => {
    it('ends everything that came with it; an open group can be entered again', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      await post(ada, true);
      await post(bob, true);
      const got = record(b, 'message', isMessage);
      expect((await giveUp(bob)).status).toBe(204);
      await say(a, 'without Bob');
      expect((await bob.get(`/http/chat_groups/${group}?after=0`)).status).toBe(404);
      expect((await say(b, 'x')).error.code).toBe('not_found');
      expect(await seen(bob)).toMatchObject({ is_member: false, is_in: false, member_count: 1 });
      expect(got).toEqual([]);
      await bob.get(`/http/chat_groups/${group}`);
      expect(await seen(bob)).toMatchObject({ is_member: true, unread_count: 0 });
      expect((await giveUp(eve)).status).toBe(404);
      expect((await giveUp(bob, ada.id)).status).toBe(403);
    });

    it("passes an owner's group to its longest member, and ends with the last", async () => {
      await post(eve, true);
      await post(bob, true);
      await say(await ada.connect(), 'x');
      await giveUp(ada);
      expect((await seen(bob)).owner_id).toBe(eve.id);
      expect((await eve.put(`/http/chat_groups/${group}`, { chat_group_name: 'Mine' })).status).toBe(200);
      await giveUp(eve);
      await giveUp(bob);
      expect(await seen(bob)).toBeUndefined();
      expect((await bob.get(`/http/chat_groups/${group}`)).status).toBe(404);
      for (const [table, column] of [
        ['messages', 'conversation_id'],
        ['conversations', 'id'],
        ['members', 'conversation_id'],
      ]) {
        const rows = () => app.database.query(`SELECT 1 FROM ${table} WHERE ${column} = ?`, [group]);
        await eventually(async () => (await rows()).length === 0 || undefined, `no ${table}`);
      }
    });
  });
});
