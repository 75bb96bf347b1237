// Who wants to hear nothing from whom: messages, presence, and what happens in the very moment of blocking.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { RoomKind } from '../../src/chat-rooms/room-kind.js';
import { BlockingService } from '../../src/users/blocking.service.js';
import { Blocks } from '../../src/people/blocks.js';
import type { PresenceChange, RoomMessage, UserErased, UserRow } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import {
  type Answer,
  call,
  type ChatSocket,
  collect,
  eventually,
  next,
  Person,
  record,
  send,
  sendTo,
} from '../support/client.js';

/** What one waits for and another gives. */
function signal() {
  let give!: () => void;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { give, given };
}

onAllDialects('blocking', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
  });

  const ask = (method: string, person: Person, id: number | string): Promise<Answer> =>
    call(app, method, `/http/users/${id}/block`, { token: person.token });
  const block = (person: Person, other: Person) => ask('PUT', person, other.id);
  const unblock = (person: Person, other: Person) => ask('DELETE', person, other.id);
  const blockedBy = async (person: Person): Promise<number[]> =>
    (await person.get('/http/users/blocked')).body.map(({ id }: { id: number }) => id);
  const listed = async (person: Person, other: Person, path = '/http/users') =>
    (await person.get(path)).body.find(({ id }: { id: number }) => id === other.id);
  const type = (socket: ChatSocket, payload: object): Promise<unknown> =>
    (socket as any).timeout(15_000).emitWithAck('typing', payload);
  const BLOCKED = { ok: false, error: { code: 'blocked', message: 'Messages between the two of you are blocked.' } };

  describe('the list', () => {
    it('holds whom one has blocked, as persons, until it is taken back; twice is fine', async () => {
      expect(await blockedBy(ada)).toEqual([]);
      for (const _ of [1, 2]) expect(await block(ada, eve)).toMatchObject({ status: 204, body: '' });
      expect((await block(ada, bob)).status).toBe(204);
      const { body } = await ada.get('/http/users/blocked');
      expect(body).toEqual([
        { id: bob.id, first_name: 'Bob', last_name: 'Lovelace', is_online: false, last_seen: null },
        { id: eve.id, first_name: 'Eve', last_name: 'Lovelace', is_online: false, last_seen: null },
      ]);
      // Nobody else's.
      expect(await blockedBy(bob)).toEqual([]);
      for (const _ of [1, 2]) expect(await unblock(ada, eve)).toMatchObject({ status: 204, body: '' });
      expect(await blockedBy(ada)).toEqual([bob.id]);
    });

    it('takes no one who is not there, and not oneself', async () => {
      await app.database.query('UPDATE users SET erased_at = ? WHERE id = ?', ['2026-01-01 00:00:00.000', eve.id]);
      for (const method of ['PUT', 'DELETE']) {
        for (const id of [eve.id, 1_999_999_999, '99999999999999999999'])
          expect(await ask(method, ada, id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
        for (const id of [ada.id, '0', '-1', '01', 'x'])
          expect(await ask(method, ada, id)).toMatchObject({ status: 400, body: { code: 'invalid' } });
      }
      expect(await ada.get('/http/users/blocked?cursor=x')).toMatchObject({ status: 400, body: { code: 'invalid' } });
      expect(await blockedBy(ada)).toEqual([]);
    });

    it('is complete up to 1,000 rows; then a link leads on', async () => {
      const people = Array.from(
        { length: 1_002 },
        (_, i) => `('many${ada.id}-${i}', 'x', 'M', 'M', 'm', 'm', '2026-01-01')`,
      );
      const columns = 'email, password_hash, first_name, last_name, first_name_key, last_name_key, created_at';
      await app.database.query(`INSERT INTO users (${columns}) VALUES ${people.join(',')}`);
      await app.database.query(
        `INSERT INTO blocks (blocker_id, blocked_id, created_at)
         SELECT ${ada.id}, id, created_at FROM users WHERE email LIKE 'many${ada.id}-%'`,
      );
      const { body, headers } = await ada.get('/http/users/blocked');
      expect(body).toHaveLength(1_000);
      const { pathname, search } = new URL(/<(.*)>; rel="next"/.exec(headers.get('link')!)![1]);
      const rest = await ada.get(pathname + search);
      expect(rest.body).toHaveLength(2);
      expect(rest.headers.get('link')).toBeNull();
      expect(new Set([...body, ...rest.body].map(({ id }: { id: number }) => id)).size).toBe(1_002);
      // The lists of the tests below are one page again.
      await app.database.query('DELETE FROM blocks WHERE blocker_id = ?', [ada.id]);
      await app.database.query(`DELETE FROM users WHERE email LIKE 'many${ada.id}-%'`);
    });

    it('answers, for those who tell who is online, who hides from whom', async () => {
      await Promise.all([block(ada, bob), block(ada, eve), block(bob, eve)]);
      const blocks = app.get(Blocks);
      expect(await blocks.hiddenFrom(eve.id)).toEqual(new Set([ada.id, bob.id]));
      expect(await blocks.hiddenFrom(ada.id)).toEqual(new Set());
      expect(await blocks.blockedBy([ada.id, bob.id, eve.id])).toEqual(
        new Map([
          [ada.id, new Set([bob.id, eve.id])],
          [bob.id, new Set([eve.id])],
        ]),
      );
      expect(await blocks.blockedBy([])).toEqual(new Map());
    });
  });

  describe('a direct message', () => {
    it('is refused both ways, and passes again when the block is taken back', async () => {
      const [a, b, e] = [await ada.connect(), await bob.connect(), await eve.connect()];
      const [got, theirs] = [collect(a), collect(b)];
      const { chat_room_id: room } = await sendTo(a, bob.id, 'Hello Bob');
      await block(ada, bob);
      const refusal = next(b, 'exception');
      // The same words to both.
      expect(await sendTo(b, ada.id, 'please', 'b-1')).toEqual(BLOCKED);
      expect(await refusal).toMatchObject({ code: 'blocked', request: { chat_type: 'room', client_id: 'b-1' } });
      expect(await sendTo(a, bob.id, 'no')).toEqual(BLOCKED);
      // With others both go on.
      expect(await sendTo(e, ada.id, 'marker')).toMatchObject({ ok: true });
      expect(await sendTo(b, eve.id, 'marker')).toMatchObject({ ok: true });
      for (const all of [got, theirs]) expect(all.map(({ message }) => message)).toEqual(['Hello Bob', 'marker']);
      expect((await bob.get(`/http/chat_rooms/${room}`)).body).toHaveLength(1);

      // Taken back by the one who is blocked, it stays.
      await unblock(bob, ada);
      expect(await sendTo(b, ada.id, 'please')).toEqual(BLOCKED);
      await block(bob, ada);
      await unblock(ada, bob);
      expect(await sendTo(a, bob.id, 'and now?')).toEqual(BLOCKED);
      await unblock(bob, ada);
      // Refused before under the same name, it is stored now: the number goes on without a gap.
      expect(await sendTo(b, ada.id, 'please', 'b-1')).toMatchObject({ ok: true, seq: 2 });
    });

    it('that would be the first makes no room', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      await block(ada, bob);
      expect(await sendTo(b, ada.id, 'Hello')).toEqual(BLOCKED);
      expect(await sendTo(a, bob.id, 'Hello')).toEqual(BLOCKED);
      // To nobody is what it was.
      expect(await sendTo(b, 1_999_999_999, 'Hello')).toMatchObject({ error: { code: 'not_found' } });
      const rooms = await app.database.query('SELECT * FROM chat_rooms WHERE user_low = ? AND user_high = ?', [
        ada.id,
        bob.id,
      ]);
      expect(rooms).toEqual([]);
      await unblock(ada, bob);
      expect(await sendTo(b, ada.id, 'Hello')).toMatchObject({ ok: true, seq: 1 });
    });

    it('among others in one batch is refused alone', async () => {
      const sockets = [await ada.connect(), await bob.connect(), await eve.connect()];
      await block(eve, ada);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, i) => [
          sendTo(sockets[0], bob.id, `${i}`),
          sendTo(sockets[1], ada.id, `${i}`),
          sendTo(sockets[2], ada.id, `${i}`),
          sendTo(sockets[0], eve.id, `${i}`),
          sendTo(sockets[2], bob.id, `${i}`),
        ]).flat(),
      );
      for (const [i, answer] of answers.entries())
        if ([2, 3].includes(i % 5)) expect(answer).toEqual(BLOCKED);
        else expect(answer).toMatchObject({ ok: true });
    });

    it('sent again after the block is answered with the place that it has', async () => {
      const b = await bob.connect();
      const first = await sendTo(b, ada.id, 'Hello', 'b-1');
      await block(ada, bob);
      expect(await sendTo(b, ada.id, 'Hello', 'b-1')).toEqual(first);
      expect(await sendTo(b, ada.id, 'Hello', 'b-2')).toEqual(BLOCKED);
    });

    it('from before is read as before, and deleted, but not edited', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const { chat_room_id: room } = await sendTo(a, bob.id, 'one');
      await sendTo(b, ada.id, 'two');
      await block(ada, bob);
      for (const [person, seq] of [
        [ada, 1],
        [bob, 2],
      ] as const) {
        const path = `/http/chat_rooms/${room}/messages/${seq}`;
        expect(await person.put(path, { message: 'listen to me' })).toMatchObject({
          status: 403,
          body: { code: 'blocked' },
        });
        expect((await person.get(`/http/chat_rooms/${room}`)).body).toHaveLength(2);
        const got = Promise.all([a, b].map((socket) => next(socket, 'message_update')));
        expect((await call(app, 'DELETE', path, { token: person.token })).body).toMatchObject({ deleted: true });
        expect(await got).toMatchObject([
          { seq, message: '' },
          { seq, message: '' },
        ]);
      }
      // Whoever may not edit it at all learns nothing of the block.
      expect(await bob.put(`/http/chat_rooms/${room}/messages/1`, { message: 'x' })).toMatchObject({
        body: { code: 'forbidden' },
      });
    });
  });

  describe('presence', () => {
    it('of the one who blocked is hidden from the one who is blocked, everywhere, and not the other way', async () => {
      const socket = await ada.connect();
      const theirs = await bob.connect();
      await sendTo(socket, bob.id, 'Hello');
      await app.database.query('UPDATE users SET last_seen = ? WHERE id IN (?, ?)', [
        '2026-01-01 00:00:00.000',
        ada.id,
        bob.id,
      ]);
      const body = { chat_group_name: 'Engines' };
      const group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
      for (const one of [socket, theirs]) await send(one, { chat_type: 'group', chat_group_id: group, is_enter: true });

      const look = async (viewer: Person, other: Person) => ({
        users: [(await listed(viewer, other)).is_online, (await listed(viewer, other)).last_seen],
        search: (await listed(viewer, other, `/http/users?query=${other.firstName}`)).last_seen,
        byId: (await viewer.get(`/http/users?ids=${other.id}`)).body[0].last_seen,
        rooms: (await viewer.get('/http/chat_rooms')).body[0].other_user.is_online,
        group: (await listed(viewer, other, `/http/users/group/${group}`)).is_online,
      });
      const seen = '2026-01-01T00:00:00.000Z';
      const shown = { users: [true, seen], search: seen, byId: seen, rooms: true, group: true };
      const hidden = { users: [false, null], search: null, byId: null, rooms: false, group: false };
      expect(await look(bob, ada)).toEqual(shown);
      await block(ada, bob);
      expect(await look(bob, ada)).toEqual(hidden);
      expect(await look(ada, bob)).toEqual(shown);
      expect((await ada.get('/http/users/blocked')).body[0]).toMatchObject({ is_online: true, last_seen: seen });
      // Third persons see both.
      expect(await listed(eve, ada)).toMatchObject({ is_online: true, last_seen: seen });
      await block(bob, ada);
      expect(await look(ada, bob)).toEqual(hidden);
      expect((await ada.get('/http/users/blocked')).body[0]).toMatchObject({ is_online: false, last_seen: null });
      await unblock(ada, bob);
      expect(await look(bob, ada)).toEqual(shown);
    });

    it('stops being told as it happens: the blocked one hears that the other is away, and no more until it is taken back', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      await sendTo(a, bob.id, 'hello');
      const away = next<PresenceChange[]>(b, 'presence', ([change]) => !change.is_online);
      await block(ada, bob);
      expect(await away).toEqual([{ user_id: ada.id, is_online: false, last_seen: null }]);
      const heard = record(b, 'presence');
      const typed = record(b, 'typing');
      const e = await eve.connect();
      await sendTo(e, ada.id, 'hello');
      // Ada types, and Bob types to her.
      const toAda = record(a, 'typing');
      await type(a, { chat_type: 'room', other_user_id: bob.id });
      await type(b, { chat_type: 'room', other_user_id: ada.id });
      // She goes, and comes back after a while: somebody whom she has not blocked is told of both.
      const [gone, come] = [false, true].map((isOnline) =>
        next<PresenceChange[]>(e, 'presence', (changes) =>
          changes.some((one) => one.user_id === ada.id && one.is_online === isOnline),
        ),
      );
      ada.hangUp();
      await gone;
      const again = await ada.connect();
      await come;
      await send(b, {});
      await send(again, {});
      expect([heard, typed, toAda]).toEqual([[], [], []]);
      const back = next(b, 'presence');
      await unblock(ada, bob);
      expect(await back).toEqual([{ user_id: ada.id, is_online: true, last_seen: expect.anything() }]);
      expect(heard).toHaveLength(1);
      again.disconnect();
    });

    it('is hidden in what concerns a group as well: requests, a new member, who types', async () => {
      const [a, b, e] = [await ada.connect(), await bob.connect(), await eve.connect()];
      const body = { chat_group_name: 'Secret', is_private: true };
      const group = (await call(app, 'POST', '/http/chat_groups', { token: bob.token, body })).body.id;
      const requests = `/http/chat_groups/access_requests/${group}`;
      for (const person of [ada, eve]) await call(app, 'POST', requests, { token: person.token });
      await block(ada, bob);
      const asking = (await bob.get(requests)).body as { requester: { id: number; is_online: boolean } }[];
      expect(asking.map(({ requester }) => [requester.id, requester.is_online])).toEqual([
        [ada.id, false],
        [eve.id, true],
      ]);
      const add = async (person: Person) =>
        call(app, 'POST', `/http/chat_groups/${group}/members`, { token: bob.token, body: { user_id: person.id } });
      await unblock(ada, bob);
      expect((await add(ada)).body).toMatchObject({ id: ada.id, is_online: true });
      await block(ada, bob);
      // A member already: it changes nothing.
      expect((await add(ada)).body).toMatchObject({ id: ada.id, is_online: false });
      expect((await add(eve)).body).toMatchObject({ id: eve.id, is_online: true });

      for (const socket of [a, b, e]) await send(socket, { chat_type: 'group', chat_group_id: group, is_enter: true });
      const [toAda, toBob] = [record(a, 'typing'), record(b, 'typing')];
      for (const [socket, person] of [
        [a, ada],
        [b, bob],
      ] as const) {
        // Eve is told, as they would be. A socket that is busy in that moment misses it, so again until it came.
        const heard = record(e, 'typing');
        await eventually(async () => {
          await type(socket, { chat_type: 'group', chat_group_id: group });
          return heard.length > 0 || undefined;
        });
        expect(heard[0]).toEqual({ chat_type: 'group', chat_group_id: group, user_id: person.id });
      }
      await eventually(async () => {
        await type(e, { chat_type: 'group', chat_group_id: group });
        return (toAda.length > 0 && toBob.length > 0) || undefined;
      });
      const eves = { chat_type: 'group', chat_group_id: group, user_id: eve.id };
      for (const got of [toAda, toBob]) expect(got).toEqual(got.map(() => eves));
    });

    it('draws nobody into a group: not added, let in, nor made its owner, until it is taken back', async () => {
      const as = (person: Person, method: string, path: string, body?: unknown) =>
        call(app, method, `/http/chat_groups${path}`, { token: person.token, body });
      const create = async (person: Person): Promise<number> =>
        (await as(person, 'POST', '', { chat_group_name: 'Answer me', is_private: true })).body.id;
      const [bobs, shared, adas] = [await create(bob), await create(bob), await create(ada)];
      await as(bob, 'POST', `/${shared}/members`, { user_id: ada.id });
      await as(ada, 'POST', `/access_requests/${bobs}`);
      await block(ada, bob);
      const ways = {
        add: () => as(bob, 'POST', `/${bobs}/members`, { user_id: ada.id }),
        letIn: () => as(bob, 'PUT', `/access_requests/${bobs}`, { requester_id: ada.id, access: true }),
        handOver: () => as(bob, 'PUT', `/${shared}`, { owner_id: ada.id, chat_group_name: 'Yours' }),
        // Knocking is a word to the owner.
        ask: () => as(bob, 'POST', `/access_requests/${adas}`),
      };
      for (const [name, way] of Object.entries(ways))
        expect(await way(), name).toMatchObject({ status: 403, body: { code: 'blocked' } });
      expect(await as(ada, 'POST', `/access_requests/${bobs}`)).toMatchObject({ body: { code: 'blocked' } });
      const rows = (await ada.get('/http/chat_groups')).body as { id: number }[];
      expect(rows.find(({ id }) => id === bobs)).toMatchObject({ is_member: false });
      expect(rows.find(({ id }) => id === shared)).toMatchObject({ owner_id: bob.id, name: 'Answer me' });
      expect((await ada.get(`/http/chat_groups/access_requests/${adas}`)).body).toEqual([]);
      // Whom one has blocked oneself one may add.
      expect((await as(ada, 'POST', `/${adas}/members`, { user_id: bob.id })).status).toBe(200);
      await unblock(ada, bob);
      for (const way of [ways.handOver, ways.letIn]) expect((await way()).status).toBe(200);
    });

    it('keeps quiet what the one who is blocked calls themselves, and says it to all others', async () => {
      const [a, b, e] = [await ada.connect(), await bob.connect(), await eve.connect()];
      await sendTo(b, ada.id, 'hello');
      await block(ada, bob);
      const toAda = record<UserRow>(a, 'user_update', ({ id }) => id !== ada.id);
      const named = (socket: ChatSocket, name: string) =>
        next<UserRow>(socket, 'user_update', ({ first_name }) => first_name === name);
      const answer = [b, e].map((socket) => named(socket, 'Answer me'));
      await bob.put('/http/users/profile', { first_name: 'Answer me' });
      await Promise.all(answer);
      // The other way as of somebody who is away.
      const [own, veiled, shown] = [a, b, e].map((socket) => named(socket, 'Augusta'));
      await ada.put('/http/users/profile', { first_name: 'Augusta' });
      expect([await own, await shown]).toMatchObject([{ is_online: true }, { is_online: true }]);
      expect(await veiled).toMatchObject({ id: ada.id, is_online: false, last_seen: null });
      const marker = named(a, 'Marker');
      await eve.put('/http/users/profile', { first_name: 'Marker' });
      await marker;
      expect(toAda.map(({ id }) => id)).toEqual([eve.id]);
      // In the list it stands, as ever; taken back, the next one comes.
      expect(await listed(ada, bob)).toMatchObject({ first_name: 'Answer me' });
      await unblock(ada, bob);
      const again = named(a, 'Bobby');
      await bob.put('/http/users/profile', { first_name: 'Bobby' });
      expect(await again).toMatchObject({ id: bob.id });
      // Where both have blocked each other, neither hears of it; that one is gone is told.
      await block(ada, bob);
      await block(bob, ada);
      const quiet = [
        record<UserRow>(a, 'user_update', ({ id }) => id === bob.id),
        record<UserRow>(b, 'user_update', ({ id }) => id === ada.id),
      ];
      const heard = [named(e, 'Robert'), named(e, 'Ada')];
      await bob.put('/http/users/profile', { first_name: 'Robert' });
      await ada.put('/http/users/profile', { first_name: 'Ada' });
      await Promise.all(heard);
      const gone = next<UserErased>(a, 'user_update', (update) => 'deleted' in update);
      await app.database.query('UPDATE users SET erased_at = ? WHERE id = ?', ['2026-01-01 00:00:00.000', bob.id]);
      app.get(DomainEvents).publish('userChanged', { userId: bob.id });
      expect(await gone).toEqual({ id: bob.id, deleted: true });
      expect(quiet).toEqual([[{ id: bob.id, deleted: true }], []]);
    });

    it('keeps quiet what the groups of the one who is blocked are called, unless one is a member', async () => {
      const a = await ada.connect();
      const create = async (person: Person, name: string): Promise<number> =>
        (await call(app, 'POST', '/http/chat_groups', { token: person.token, body: { chat_group_name: name } })).body
          .id;
      const inside = await create(bob, 'Inside');
      await send(a, { chat_type: 'group', chat_group_id: inside, is_enter: true });
      await block(ada, bob);
      const told = record<{ name: string; chat_group_id: number }>(
        a,
        'group_update',
        (event: object) => 'name' in event,
      );
      const outside = await create(bob, 'Answer me');
      await bob.put(`/http/chat_groups/${inside}`, { chat_group_name: 'Within' });
      await bob.put(`/http/chat_groups/${outside}`, { chat_group_name: 'Answer me now' });
      await create(eve, 'marker');
      await eventually(() => told.some(({ name }) => name === 'marker') || undefined);
      await eventually(() => told.some(({ name }) => name === 'Within') || undefined);
      expect(told.filter(({ chat_group_id }) => chat_group_id === outside)).toEqual([]);
      // In the list it stands, as ever.
      const { body } = await ada.get('/http/chat_groups');
      expect(body.find(({ id }: { id: number }) => id === outside)).toMatchObject({ name: 'Answer me now' });
    });

    it('and messages in groups go on: a group is not between two', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const body = { chat_group_name: 'Engines' };
      const group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
      for (const one of [a, b]) await send(one, { chat_type: 'group', chat_group_id: group, is_enter: true });
      await block(ada, bob);
      const got = next<{ message: string }>(a, 'message', ({ message }) => message === 'Hello all');
      expect(await send(b, { chat_type: 'group', chat_group_id: group, message: 'Hello all' })).toMatchObject({
        ok: true,
      });
      expect(await got).toMatchObject({ user_id: bob.id });
    });
  });

  describe('in the very moment', () => {
    const SOCKETS = 3;

    /** Everybody writes as fast as they can; one of them blocks the other. What was stored and told by the answer is all there is. */
    async function blockWhileAllWrite(hasRoom: boolean): Promise<void> {
      const [one, other] = [await Person.known(app, 'One'), await Person.known(app, 'Other')];
      const sockets: { socket: ChatSocket; to: number; got: RoomMessage[] }[] = [];
      for (const [person, to] of [
        [one, other.id],
        [other, one.id],
      ] as const)
        for (let i = 0; i < SOCKETS; i++) {
          const socket = await person.connect();
          sockets.push({ socket, to, got: collect(socket) });
        }
      if (hasRoom) await sendTo(sockets[0].socket, other.id, 'the first');
      const race = { isOver: false };
      const answers: any[] = [];
      const writing = sockets.map(async ({ socket, to }) => {
        // A few in flight at any time, also in that in which the answer comes.
        for (let i = 0; !race.isOver; i += 4)
          answers.push(...(await Promise.all([0, 1, 2, 3].map((n) => sendTo(socket, to, `${i + n}`)))));
      });
      if (hasRoom) await eventually(() => answers.length > 20 || undefined, 'some messages');
      // Without a room the block meets the first message of all, or comes just before or after it.
      expect((await block(one, other)).status).toBe(204);
      const count = async () => {
        const [row] = await app.database.query(
          `SELECT COUNT(*) AS n FROM messages m JOIN chat_rooms r ON r.conversation_id = m.conversation_id
           WHERE r.user_low = ? AND r.user_high = ?`,
          [one.id, other.id],
        );
        return Number(row.n);
      };
      const atAnswer = await count();
      // Each socket has now tried again after the answer, and was refused.
      await Promise.all(
        sockets.map(async ({ socket, to }) => expect(await sendTo(socket, to, 'late')).toEqual(BLOCKED)),
      );
      race.isOver = true;
      await Promise.all(writing);
      expect(await count()).toBe(atAnswer);
      const isStored = answers.filter(({ ok }) => ok);
      expect(isStored).toHaveLength(atAnswer - (hasRoom ? 1 : 0));
      expect(answers.filter(({ ok }) => !ok).every(({ error }) => error.code === 'blocked')).toBe(true);
      // A message of a third person to each socket's owner is the marker behind which nothing comes.
      const third = await (await Person.known(app, 'Third')).connect();
      await Promise.all([sendTo(third, one.id, 'marker'), sendTo(third, other.id, 'marker')]);
      for (const { got } of sockets) {
        await eventually(() => got.some(({ message }) => message === 'marker') || undefined, 'the marker');
        expect(got.filter(({ message }) => message !== 'marker').map(({ seq }) => seq)).toEqual(
          Array.from({ length: atAnswer }, (_, i) => i + 1),
        );
      }
      one.hangUp();
      other.hangUp();
    }

    it.each(Array.from({ length: 5 }, (_, i) => i))('nothing passes in a room that is there (%i)', async () => {
      await expect(blockWhileAllWrite(true)).resolves.toBeUndefined();
    });

    it.each(Array.from({ length: 10 }, (_, i) => i))('no first message slips through (%i)', async () => {
      await expect(blockWhileAllWrite(false)).resolves.toBeUndefined();
    });

    describe.each([
      { what: 'a first message', hasRoom: false },
      { what: 'a message', hasRoom: true },
      { what: 'an edit', hasRoom: true, isEdit: true },
    ])('$what', ({ hasRoom, isEdit }) => {
      let write: () => Promise<{ ok: boolean }>;

      beforeEach(async () => {
        const [a, b] = [await ada.connect(), await bob.connect()];
        const room = hasRoom ? (await sendTo(a, bob.id, 'the first')).chat_room_id : undefined;
        write = async () => {
          if (!isEdit) return sendTo(b, ada.id, 'please');
          return { ok: (await ada.put(`/http/chat_rooms/${room}/messages/1`, { message: 'please' })).status === 200 };
        };
      });
      afterEach(() => vi.restoreAllMocks());

      /** Holds a transaction open once it has called `method`; then `other` has all the time to overtake it, and must not. */
      async function hold<Name extends string>(
        service: Record<Name, (...args: never[]) => Promise<unknown>>,
        method: Name,
        held: () => Promise<unknown>,
        other: () => Promise<unknown>,
      ) {
        const real = service[method].bind(service) as (...args: unknown[]) => Promise<unknown>;
        const [reached, release] = [signal(), signal()];
        vi.spyOn(service as Record<string, typeof real>, method).mockImplementationOnce(async (...args) => {
          const result = await real(...args);
          reached.give();
          await release.given;
          return result;
        });
        const order: string[] = [];
        const first = held().then((answer) => (order.push('held'), answer));
        await reached.given;
        const second = other().then((answer) => (order.push('other'), answer));
        for (let i = 0; i < 20; i++) await eve.get('/http/users/blocked');
        order.push('released');
        release.give();
        const answers = await Promise.all([first, second]);
        expect(order[0]).toBe('released');
        return answers;
      }

      it('that was looked at before the block is stored before the block is answered', async () => {
        const other = () => block(ada, bob);
        const [written, answer] =
          hasRoom && !isEdit
            ? await hold(app.get(RoomKind), 'checkNew', write, other)
            : await hold(app.get(Blocks), 'among', write, other);
        expect(written).toMatchObject({ ok: true });
        expect(answer).toMatchObject({ status: 204 });
        expect(await write()).toMatchObject({ ok: false });
      });

      it('that comes while the block is being stored waits for it, and is refused', async () => {
        const [answer, written] = await hold(app.get(BlockingService), 'add', () => block(ada, bob), write);
        expect(answer).toMatchObject({ status: 204 });
        expect(written).toMatchObject({ ok: false });
      });
    });

    it('both may block each other at once, and again', async () => {
      for (let i = 0; i < 10; i++) {
        const answers = await Promise.all([block(ada, bob), block(bob, ada), block(ada, bob), unblock(ada, eve)]);
        expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
        expect([await blockedBy(ada), await blockedBy(bob)]).toEqual([[bob.id], [ada.id]]);
        await Promise.all([unblock(ada, bob), unblock(bob, ada)]);
      }
    });
  });
});
