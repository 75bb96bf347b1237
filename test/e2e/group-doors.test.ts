// The doors of a group: who asks to be let in, who is added, who is removed, and whom it is handed to.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Erasure } from '../../src/identity/erasure.js';
import { nameColumns, User } from '../../src/identity/user.entity.js';
import { AccessRequest } from '../../src/chat-groups/membership/access-request.entity.js';
import { ASK_AGAIN_AFTER_MS } from '../../src/chat-groups/membership/access-requests.service.js';
import { Clock } from '../../src/common/timing/clock.js';
import { fromMoment } from '../../src/database/dialect.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import type { GroupRead } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import {
  type Answer,
  call,
  type ChatSocket,
  eventually,
  next,
  Person,
  record,
  send,
  sendTo,
} from '../support/client.js';

onAllDialects('the doors of a group', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let cyd: Person;
  let eve: Person;
  /** Ada's private group, which Cyd is a member of, and her open one, which nobody else is. */
  let secret: number;
  let open: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    const people: Person[] = [];
    for (const name of ['Ada', 'Bob', 'Cyd', 'Eve']) people.push(await Person.known(app, name));
    [ada, bob, cyd, eve] = people;
    secret = await create('Secret', true);
    open = await create('Open', false);
    await add(ada, secret, cyd.id);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    for (const person of [ada, bob, cyd, eve]) person.hangUp();
  });

  const create = async (name: string, isPrivate: boolean): Promise<number> =>
    (await ask(ada, 'POST', '/http/chat_groups', { chat_group_name: name, is_private: isPrivate })).body.id;
  const ask = (person: Person, method: string, path: string, body?: unknown): Promise<Answer> =>
    call(app, method, path, { token: person.token, body });
  const knock = (person: Person, id = secret) => ask(person, 'POST', `/http/chat_groups/access_requests/${id}`);
  const waiting = (person: Person, id = secret) => ask(person, 'GET', `/http/chat_groups/access_requests/${id}`);
  const answer = (person: Person, requester: number, access: unknown, id = secret) =>
    ask(person, 'PUT', `/http/chat_groups/access_requests/${id}`, { requester_id: requester, access });
  const add = (person: Person, id: number, userId: unknown) =>
    ask(person, 'POST', `/http/chat_groups/${id}/members`, { user_id: userId });
  const remove = (person: Person, id: number, userId: number) =>
    ask(person, 'DELETE', `/http/chat_groups/${id}/members/${userId}`);
  const enter = (person: Person, id: number) => ask(person, 'POST', `/http/chat_groups/${id}`, { is_enter: true });
  const say = (socket: ChatSocket, id: number, message: string) =>
    send(socket, { chat_type: 'group', chat_group_id: id, message });
  const seen = async (person: Person, id: number) =>
    (await person.get('/http/chat_groups')).body.find((one: { id: number }) => one.id === id);
  const memberIds = async (id: number) =>
    (await ada.get(`/http/users/group/${id}`)).body.map((one: { id: number }) => one.id);

  /** What everybody is told of people and groups, whether or not they have to do with them. */
  const isOfLists = (event: string, content: any): boolean =>
    ['presence', 'user_update'].includes(event) || (event === 'group_update' && 'name' in content);
  /** Everything that a socket gets from now on, refusals and lists apart. */
  const hears = (socket: ChatSocket): { event: string; content: any }[] => {
    const got: { event: string; content: any }[] = [];
    socket.onAny((event: string, content: unknown) => {
      if (event !== 'exception' && !isOfLists(event, content)) got.push({ event, content });
    });
    return got;
  };
  /** Whatever was told before has arrived at this person's sockets. */
  const settled = async (from: ChatSocket, person: Person, sockets: ChatSocket[]) => {
    const markers = sockets.map((socket) => next(socket, 'message', (event: any) => event.message === 'marker'));
    await sendTo(from, person.id, 'marker');
    await Promise.all(markers);
  };
  /** The next event about a group or a request that says this of it; others may still be on their way. */
  const nextWith = (socket: ChatSocket, event: string, field: string, value: unknown) =>
    next<any>(socket, event, (content) => content[field] === value);
  const isNotMarker = ({ content }: { content: any }) => content.message !== 'marker';

  describe('asking to be let in', () => {
    it('is stored once, and told to every socket of the owner and of the asker', async () => {
      const [a1, a2, b1, b2] = [await ada.connect(), await ada.connect(), await bob.connect(), await bob.connect()];
      const [c, e] = [await cyd.connect(), await eve.connect()];
      const concerned = [a1, a2, b1, b2].map(hears);
      const others = [c, e].map(hears);
      const { status, body } = await knock(bob);
      expect([status, body]).toEqual([
        201,
        { chat_group_id: secret, user_id: bob.id, status: 'pending', created_at: expect.any(String) },
      ]);
      expect(await knock(bob)).toMatchObject({ status: 201, body });
      await settled(e, ada, [a1, a2]);
      await settled(e, bob, [b1, b2]);
      await settled(a1, cyd, [c]);
      const event = { chat_group_id: secret, user_id: bob.id, status: 'pending' };
      for (const got of concerned) {
        expect(got.filter(isNotMarker)).toEqual([{ event: 'access_request', content: event }]);
      }
      expect(others.flat().filter(isNotMarker)).toEqual([]);

      expect((await waiting(ada)).body).toEqual([
        { ...body, requester: { id: bob.id, first_name: 'Bob', last_name: 'Lovelace', is_online: true } },
      ]);
      expect(await seen(bob, secret)).toMatchObject({ is_member: false, last_message: null, member_count: null });
    });

    it('is refused where one may enter, is a member, or there is no such group', async () => {
      expect(await knock(bob, open)).toMatchObject({ status: 409, body: { code: 'open_group' } });
      expect((await knock(bob, open)).body.message).toMatch(/enter it/);
      for (const person of [ada, cyd])
        expect(await knock(person)).toMatchObject({ status: 409, body: { code: 'already_member' } });
      const { chat_room_id: room } = await sendTo(await ada.connect(), bob.id, 'x');
      for (const id of [room, 1_999_999_999, 2 ** 53])
        expect(await knock(bob, id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect((await ask(bob, 'POST', '/http/chat_groups/access_requests/x')).status).toBe(400);
      expect(await app.database.manager.countBy(AccessRequest, { userId: bob.id })).toBe(0);
    });

    it('is listed for the owner alone, oldest first, complete or with a link to what follows', async () => {
      await knock(eve);
      await knock(bob);
      expect((await waiting(ada)).body.map(({ user_id }: { user_id: number }) => user_id)).toEqual([eve.id, bob.id]);
      expect(await waiting(cyd)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      for (const stranger of [bob, eve])
        expect(await waiting(stranger)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect((await waiting(ada, 1_999_999_999)).status).toBe(404);
      expect((await waiting(ada, open)).body).toEqual([]);

      const { identifiers } = await app.database.manager.insert(
        User,
        Array.from({ length: 1_001 }, (_, i) => ({
          email: `door-${secret}-${i}@example.com`,
          passwordHash: 'x',
          ...nameColumns('N', 'N'),
          createdAt: new Date(),
          lastSeen: null,
          erasedAt: null,
        })),
      );
      const rows = identifiers.map(({ id }, i) => ({
        conversationId: secret,
        userId: id as number,
        // Several in one millisecond, across the end of the page, too.
        createdAt: new Date(1_000_000 + (i >> 2)),
        refusedAt: null,
      }));
      for (let i = 0; i < rows.length; i += 200)
        await app.database.manager.insert(AccessRequest, rows.slice(i, i + 200));
      const first = await waiting(ada);
      expect(first.body).toHaveLength(1_000);
      const [, url] = /<(.*)>; rel="next"/.exec(first.headers.get('link')!)!;
      const second = await ada.get(url.replace('http://localhost:3000', ''));
      expect(second.headers.get('link')).toBeNull();
      const ids = [...first.body, ...second.body].map(({ user_id }: { user_id: number }) => user_id);
      expect(ids).toEqual([...rows.map(({ userId }) => userId), eve.id, bob.id]);
      expect((await ada.get(`/http/chat_groups/access_requests/${secret}?cursor=rubbish`)).status).toBe(400);
    });

    it('is not shown, and answered as unknown, once its account is erased', async () => {
      await knock(bob);
      await app.database.manager.update(User, { id: bob.id }, { erasedAt: new Date() });
      expect((await waiting(ada)).body).toEqual([]);
      expect((await answer(ada, bob.id, true)).status).toBe(404);
      expect(await memberIds(secret)).toEqual([ada.id, cyd.id]);
    });
  });

  describe('the list of groups tells the asker where they stand', () => {
    const standing = async (person: Person, id = secret) => (await seen(person, id)).my_request;

    it('while they wait, while they may not ask again, and no longer', async () => {
      const b = await bob.connect();
      const statuses = record<any>(b, 'access_request');
      expect([await standing(bob), await standing(cyd), await standing(ada)]).toEqual([null, null, null]);
      await knock(bob);
      expect(await standing(bob)).toBe('pending');
      // Nobody else's.
      expect([await standing(eve), await standing(cyd), await standing(ada), await standing(bob, open)]).toEqual([
        null,
        null,
        null,
        null,
      ]);
      await answer(ada, bob.id, false);
      expect(await standing(bob)).toBe('refused');
      const [{ refused_at: refusedAt }] = await app.database.query(
        'SELECT refused_at FROM access_requests WHERE conversation_id = ? AND user_id = ?',
        [secret, bob.id],
      );
      const again = fromMoment(refusedAt).getTime() + ASK_AGAIN_AFTER_MS;
      const clock = vi.spyOn(app.get(Clock), 'now');
      clock.mockImplementation(() => new Date(again - 1));
      expect([await standing(bob), (await knock(bob)).status]).toEqual(['refused', 429]);
      clock.mockImplementation(() => new Date(again));
      expect(await standing(bob)).toBeNull();
      expect((await knock(bob)).status).toBe(201);
      expect(await standing(bob)).toBe('pending');
      await answer(ada, bob.id, true);
      expect(await seen(bob, secret)).toMatchObject({ is_member: true, my_request: null });
      await eventually(() => statuses.length === 4 || undefined, 'the answers');
      // What the devices were told meanwhile is the same.
      expect(statuses.map(({ status }) => status)).toEqual(['pending', 'refused', 'pending', 'granted']);
    });

    it('also where they were removed from an open group, and forgets it once they are in', async () => {
      await enter(bob, open);
      await remove(ada, open, bob.id);
      expect(await standing(bob, open)).toBeNull();
      await knock(bob, open);
      expect(await standing(bob, open)).toBe('pending');
      await answer(ada, bob.id, false, open);
      expect(await standing(bob, open)).toBe('refused');
      const b = await bob.connect();
      // No answer to a request: what makes somebody a member says it.
      const told = nextWith(b, 'group_update', 'is_member', true);
      await add(ada, open, bob.id);
      await told;
      expect(await seen(bob, open)).toMatchObject({ is_member: true, my_request: null });
      await remove(ada, open, bob.id);
      expect(await seen(bob, open)).toMatchObject({ is_member: false, my_request: null });
    });

    it('and stands in each answer that shows a group', async () => {
      const body = { chat_group_name: 'Renamed' };
      for (const path of [`/http/chat_groups/${secret}`, '/http/chat_groups'])
        expect(
          (await ada.put(path, path.endsWith('s') ? { ...body, chat_group_id: secret } : body)).body,
        ).toMatchObject({
          name: 'Renamed',
          my_request: null,
        });
      expect((await ask(ada, 'POST', '/http/chat_groups', body)).body).toMatchObject({ my_request: null });
    });
  });

  describe('an answer', () => {
    it('that grants makes a member at once, who has read everything and hears what is new', async () => {
      const [a, b1, b2] = [await ada.connect(), await bob.connect(), await bob.connect()];
      await say(a, secret, 'before');
      const { body: request } = await knock(bob);
      await settled(a, bob, [b1, b2]);
      const heard = [b1, b2].map(hears);
      const told = nextWith(a, 'access_request', 'status', 'granted');
      expect(await answer(ada, bob.id, true)).toMatchObject({ status: 200, body: { ...request, status: 'granted' } });
      expect(await told).toEqual({ chat_group_id: secret, user_id: bob.id, status: 'granted' });
      expect(await seen(bob, secret)).toMatchObject({
        is_member: true,
        is_in: false,
        member_count: 3,
        last_seq: 1,
        last_read_seq: 1,
        unread_count: 0,
      });
      expect((await bob.get(`/http/chat_groups/${secret}?after=0`)).body).toHaveLength(1);
      const notified = [b1, b2].map((socket) => next(socket, 'notification', (one: any) => one.message === 'after'));
      // Not within a second of the message before, which nobody outside was there to be told of.
      await say(a, secret, 'after');
      await Promise.all(notified);
      for (const got of heard) {
        expect(got.slice(0, 3)).toEqual([
          { event: 'group_update', content: { chat_group_id: secret, is_in: false, is_member: true } },
          {
            event: 'notification',
            content: { chat_type: 'group', chat_group_id: secret, last_seq: 1, last_read_seq: 1 },
          },
          { event: 'access_request', content: { chat_group_id: secret, user_id: bob.id, status: 'granted' } },
        ]);
      }
      expect((await waiting(ada)).body).toEqual([]);
      expect((await answer(ada, bob.id, true)).status).toBe(404);
      expect((await knock(bob)).body.code).toBe('already_member');
      expect((await enter(bob, secret)).status).toBe(200);
    });

    it('that refuses lets nobody in, and nobody ask again for 24 hours', async () => {
      const b = await bob.connect();
      const { body: request } = await knock(bob);
      const told = nextWith(b, 'access_request', 'status', 'refused');
      expect(await answer(ada, bob.id, false)).toMatchObject({ status: 200, body: { ...request, status: 'refused' } });
      expect(await told).toEqual({ chat_group_id: secret, user_id: bob.id, status: 'refused' });
      const refusedAt = Date.now();
      expect((await enter(bob, secret)).status).toBe(404);
      expect((await waiting(ada)).body).toEqual([]);
      for (const access of [true, false]) expect((await answer(ada, bob.id, access)).status).toBe(404);

      const again = await knock(bob);
      expect(again).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
      expect(again.body.retry_after).toBeGreaterThan(86_390);
      expect(again.body.retry_after).toBeLessThanOrEqual(86_400);
      expect(again.headers.get('retry-after')).toBe(String(again.body.retry_after));
      const clock = vi.spyOn(app.get(Clock), 'now');
      clock.mockImplementation(() => new Date(refusedAt + ASK_AGAIN_AFTER_MS - 5_000));
      expect((await knock(bob)).body.retry_after).toBeLessThanOrEqual(5);
      clock.mockImplementation(() => new Date(refusedAt + ASK_AGAIN_AFTER_MS));
      const later = await knock(bob);
      expect(later).toMatchObject({ status: 201, body: { status: 'pending' } });
      expect(later.body.created_at > request.created_at).toBe(true);
      expect((await waiting(ada)).body).toHaveLength(1);
    });

    it('is for the owner to give, to somebody who waits, in plain words', async () => {
      await knock(bob);
      expect(await answer(cyd, bob.id, true)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      for (const stranger of [bob, eve])
        expect(await answer(stranger, bob.id, true)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      for (const id of [eve.id, cyd.id, ada.id, 1_999_999_999]) expect((await answer(ada, id, true)).status).toBe(404);
      expect((await answer(ada, bob.id, true, open)).status).toBe(404);
      const path = `/http/chat_groups/access_requests/${secret}`;
      const bad = [
        {},
        { requester_id: bob.id },
        { access: true },
        { requester_id: bob.id, access: 'yes' },
        { requester_id: bob.id, access: null },
        { requester_id: null, access: true },
        { requester_id: 2 ** 31, access: true },
        { requester_id: bob.id, access: true, more: 1 },
      ];
      for (const body of bad) expect((await ask(ada, 'PUT', path, body)).status).toBe(400);
      expect(await seen(bob, secret)).toMatchObject({ is_member: false });
    });
  });

  describe('a member', () => {
    it('is added by the owner, and learns it on all devices', async () => {
      const [a, b1, b2] = [await ada.connect(), await bob.connect(), await bob.connect()];
      await say(a, open, 'before');
      const told = [b1, b2].map((socket) => nextWith(socket, 'group_update', 'is_member', true));
      expect(await add(ada, open, bob.id)).toMatchObject({ status: 200 });
      expect(await Promise.all(told)).toEqual(
        [1, 2].map(() => ({ chat_group_id: open, is_in: false, is_member: true })),
      );
      const heard = hears(b1);
      expect((await add(ada, open, bob.id)).body).toEqual({
        id: bob.id,
        first_name: 'Bob',
        last_name: 'Lovelace',
        is_online: true,
        is_in_group: false,
        role: 'member',
        last_read_seq: 1,
      });
      expect((await add(ada, open, ada.id)).body).toMatchObject({ id: ada.id, role: 'owner' });
      expect(await seen(bob, open)).toMatchObject({ is_member: true, unread_count: 0, member_count: 2 });
      await settled(a, bob, [b1]);
      expect(heard.filter(isNotMarker)).toEqual([]);
      expect((await say(b2, open, 'from Bob')).seq).toBe(2);
    });

    it('learns how far the group is and that nothing is unread, each time that membership begins', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const marks = () => next<GroupRead>(b, 'notification', (one) => 'last_read_seq' in one);
      const begins = async (how: () => Promise<unknown>, id: number, seq: number) => {
        const told = marks();
        await how();
        expect(await told).toEqual({ chat_type: 'group', chat_group_id: id, last_seq: seq, last_read_seq: seq });
        expect(await seen(bob, id)).toMatchObject({ last_seq: seq, last_read_seq: seq });
      };
      for (const id of [secret, open]) for (let i = 1; i <= 3; i++) await say(a, id, `${i}`);
      await begins(() => add(ada, secret, bob.id), secret, 3);
      await remove(bob, secret, bob.id);
      // Nothing was said since: the mark is where it was.
      await begins(() => knock(bob).then(() => answer(ada, bob.id, true)), secret, 3);
      await begins(() => enter(bob, open), open, 3);
      await remove(bob, open, bob.id);
      await begins(() => enter(bob, open), open, 3);
      const created = marks();
      const { body } = await ask(bob, 'POST', '/http/chat_groups', { chat_group_name: 'Mine' });
      expect(await created).toEqual({ chat_type: 'group', chat_group_id: body.id, last_seq: 0, last_read_seq: 0 });
    });

    it('is not added by others, nor from nowhere', async () => {
      expect(await add(cyd, secret, bob.id)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      for (const [person, id] of [
        [bob, secret],
        [bob, open],
        [ada, 1_999_999_999],
      ] as const)
        expect(await add(person, id, bob.id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      await app.database.manager.update(User, { id: eve.id }, { erasedAt: new Date() });
      for (const id of [eve.id, 1_999_999_999])
        expect(await add(ada, secret, id)).toMatchObject({ status: 404, body: { message: 'There is no such user.' } });
      for (const id of [undefined, null, 'x', 0, -1, 1.5, 2 ** 31])
        expect((await add(ada, secret, id)).status).toBe(400);
      expect(await memberIds(secret)).toEqual([ada.id, cyd.id]);
    });

    it('who is added has nothing to ask for any more', async () => {
      await knock(bob);
      const b = await bob.connect();
      const told = nextWith(b, 'access_request', 'status', 'granted');
      await add(ada, secret, bob.id);
      expect(await told).toEqual({ chat_group_id: secret, user_id: bob.id, status: 'granted' });
      expect((await waiting(ada)).body).toEqual([]);
      expect((await answer(ada, bob.id, false)).status).toBe(404);
      expect(await seen(bob, secret)).toMatchObject({ is_member: true });
    });

    it('who was refused may be added all the same', async () => {
      await knock(bob);
      await answer(ada, bob.id, false);
      expect((await add(ada, secret, bob.id)).status).toBe(200);
      await remove(ada, secret, bob.id);
      expect((await knock(bob)).status).toBe(201);
    });
  });

  describe('a removed person', () => {
    it('hears nothing more on any device, and finds every way closed', async () => {
      const [a, b1, b2] = [await ada.connect(), await bob.connect(), await bob.connect()];
      await enter(ada, open);
      await enter(bob, open);
      await say(b1, open, 'while I was here');
      const told = [b1, b2].map((socket) => nextWith(socket, 'group_update', 'is_member', false));
      expect(await remove(ada, open, bob.id)).toMatchObject({ status: 204 });
      expect(await Promise.all(told)).toEqual(
        [1, 2].map(() => ({ chat_group_id: open, is_in: false, is_member: false })),
      );
      const heard = [b1, b2].map(hears);
      await say(a, open, 'without Bob');

      for (const query of ['', '?after=0', '?before=2', `?until=${new Date().toISOString()}`])
        expect((await bob.get(`/http/chat_groups/${open}${query}`)).status).toBe(404);
      for (const isEnter of [true, false]) {
        const answers = [
          (await ask(bob, 'POST', `/http/chat_groups/${open}`, { is_enter: isEnter })).body,
          (await send(b1, { chat_type: 'group', chat_group_id: open, is_enter: isEnter })).error,
        ];
        expect(answers.map(({ code }) => code)).toEqual(['not_found', 'not_found']);
      }
      expect((await say(b1, open, 'x')).error.code).toBe('not_found');
      expect((await bob.get(`/http/users/group/${open}`)).status).toBe(404);
      expect((await bob.put('/http/notifications', { chat_group_id: open })).status).toBe(404);
      expect((await bob.put(`/http/chat_groups/${open}`, { chat_group_name: 'x' })).status).toBe(404);
      expect((await remove(bob, open, bob.id)).status).toBe(404);
      expect(await bob.get('/http/notifications')).toMatchObject({ status: 200, body: [] });
      expect(await seen(bob, open)).toEqual({
        id: open,
        name: 'Open',
        owner_id: ada.id,
        is_private: false,
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
      await settled(a, bob, [b1, b2]);
      expect(heard.flat().filter(isNotMarker)).toEqual([]);

      // A new device is no way round, either.
      const b3 = await bob.connect();
      const late = hears(b3);
      await say(a, open, 'still without Bob');
      await settled(a, bob, [b3]);
      expect(late.filter(isNotMarker)).toEqual([]);
      expect(await memberIds(open)).toEqual([ada.id]);
      expect((await ada.get(`/http/chat_groups/${open}?after=0`)).body[0]).toMatchObject({
        user_id: bob.id,
        message: 'while I was here',
      });
    });

    it('has left, as far as the others are told', async () => {
      await add(ada, open, bob.id);
      // In for longer than what a notice waits for.
      await app.database.query('UPDATE members SET is_in = 1 WHERE conversation_id = ? AND user_id = ?', [
        open,
        bob.id,
      ]);
      const [a, b] = [await ada.connect(), await bob.connect()];
      await enter(ada, open);
      const left = next<any>(a, 'message', (event: any) => event.notice?.kind === 'left');
      const heard = hears(b);
      await remove(ada, open, bob.id);
      expect(await left).toMatchObject({ message: 'Bob Lovelace left the group', notice: { user_ids: [bob.id] } });
      await settled(a, bob, [b]);
      expect(heard.map(({ event }) => event)).toEqual(['group_update', 'message']);
    });

    it('who was outside of it is notified no more', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      await add(ada, open, bob.id);
      await remove(ada, open, bob.id);
      await settled(a, bob, [b]);
      const heard = hears(b);
      await say(a, open, 'x');
      await settled(a, bob, [b]);
      expect(heard.filter(isNotMarker)).toEqual([]);
    });

    it('is removed by the owner alone; twice does no harm, and one who is no member is unknown', async () => {
      await add(ada, secret, bob.id);
      expect(await remove(cyd, secret, bob.id)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(await remove(cyd, secret, ada.id)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect(await remove(eve, secret, bob.id)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      expect(await memberIds(secret)).toEqual([ada.id, bob.id, cyd.id]);
      for (const _ of [1, 2]) expect((await remove(ada, secret, bob.id)).status).toBe(204);
      for (const id of [eve.id, 1_999_999_999, 2 ** 53]) expect((await remove(ada, secret, id)).status).toBe(404);
      expect((await remove(ada, 1_999_999_999, bob.id)).status).toBe(404);
      expect((await ask(ada, 'DELETE', `/http/chat_groups/${secret}/members/x`)).status).toBe(400);
      expect(await seen(ada, secret)).toMatchObject({ member_count: 2 });
    });

    it('may ask for access, to an open group as well, and be let in again', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      await enter(bob, open);
      await remove(ada, open, bob.id);
      await say(a, open, 'meanwhile');
      expect(await knock(bob, open)).toMatchObject({ status: 201, body: { status: 'pending' } });
      expect((await enter(bob, open)).status).toBe(404);
      expect((await waiting(bob, open)).status).toBe(404);
      expect((await answer(ada, bob.id, true, open)).body.status).toBe('granted');
      expect(await seen(bob, open)).toMatchObject({ is_member: true, unread_count: 0, last_seq: 1 });
      expect((await enter(bob, open)).status).toBe(200);
      const heard = next<any>(b, 'message', (event: any) => event.message === 'welcome back');
      await say(a, open, 'welcome back');
      expect((await heard).seq).toBe(2);
      // The removal is forgotten: going and coming are free again.
      expect((await remove(bob, open, bob.id)).status).toBe(204);
      expect((await enter(bob, open)).status).toBe(200);
    });

    it('may be added again, after which they may come and go', async () => {
      await enter(bob, open);
      await remove(ada, open, bob.id);
      expect((await add(ada, open, bob.id)).body).toMatchObject({ id: bob.id, role: 'member' });
      expect((await remove(bob, open, bob.id)).status).toBe(204);
      expect((await enter(bob, open)).status).toBe(200);
    });

    it('is no memory of a group that is gone, and neither is a request', async () => {
      await enter(bob, open);
      await remove(ada, open, bob.id);
      await knock(bob, open);
      await enter(eve, open);
      await remove(ada, open, eve.id);
      await knock(eve, open);
      await answer(ada, eve.id, false, open);
      // The owner's own membership is given up, not removed.
      expect((await remove(ada, open, ada.id)).status).toBe(204);
      expect(await seen(ada, open)).toBeUndefined();
      expect((await knock(bob, open)).status).toBe(404);
      for (const table of ['access_requests', 'group_removals', 'group_departures', 'members', 'chat_groups']) {
        const rows = () => app.database.query(`SELECT 1 FROM ${table} WHERE conversation_id = ?`, [open]);
        await eventually(async () => (await rows()).length === 0 || undefined, `no ${table}`);
      }
    });
  });

  describe('who has left by themselves', () => {
    const hasLeft = { status: 409, body: { code: 'has_left' } };

    it('is not added again by anybody, unless they ask', async () => {
      await add(ada, secret, bob.id);
      for (const round of [1, 2]) {
        expect((await remove(cyd, secret, cyd.id)).status).toBe(204);
        expect(await add(ada, secret, cyd.id)).toMatchObject(hasLeft);
        expect(await seen(cyd, secret)).toMatchObject({ is_member: false, member_count: null });
        // Nor by the next owner, and asking is theirs alone.
        if (round === 1) await ask(ada, 'PUT', `/http/chat_groups/${secret}`, { owner_id: bob.id });
        const owner = round === 1 ? bob : ada;
        expect(await add(owner, secret, cyd.id)).toMatchObject(hasLeft);
        expect((await knock(cyd)).status).toBe(201);
        const letIn = round === 1 ? add(owner, secret, cyd.id) : answer(owner, cyd.id, true);
        expect((await letIn).status).toBe(200);
        if (round === 1) await ask(bob, 'PUT', `/http/chat_groups/${secret}`, { owner_id: ada.id });
      }
      expect(await memberIds(secret)).toEqual([ada.id, bob.id, cyd.id]);
    });

    it('comes back into an open group as they like, and is then a member as any other', async () => {
      await enter(bob, open);
      expect((await remove(bob, open, bob.id)).status).toBe(204);
      expect(await add(ada, open, bob.id)).toMatchObject(hasLeft);
      expect((await enter(bob, open)).status).toBe(200);
      // Removed by the owner, who may take that back.
      expect((await remove(ada, open, bob.id)).status).toBe(204);
      expect((await add(ada, open, bob.id)).status).toBe(200);
      expect(await app.database.query('SELECT 1 FROM group_departures WHERE user_id = ?', [bob.id])).toEqual([]);
    });

    it('is forgotten with their account', async () => {
      await enter(bob, open);
      await remove(bob, open, bob.id);
      const rows = () => app.database.query('SELECT 1 FROM group_departures WHERE user_id = ?', [bob.id]);
      expect(await rows()).toHaveLength(1);
      await app.get(UnitOfWork).run(async (tx) => void (await app.get(Erasure).run(tx, { id: bob.id, email: '' })));
      expect(await rows()).toEqual([]);
    });
  });

  describe('handing over', () => {
    it('makes a member the owner, who may do what the old one may no more', async () => {
      const [a, c] = [await ada.connect(), await cyd.connect()];
      const told = [a, c].map((socket) => nextWith(socket, 'group_update', 'owner_id', cyd.id));
      const { status, body } = await ada.put(`/http/chat_groups/${secret}`, { owner_id: cyd.id });
      expect([status, body]).toMatchObject([200, { id: secret, name: 'Secret', owner_id: cyd.id, is_member: true }]);
      const update = { chat_group_id: secret, is_in: false, owner_id: cyd.id };
      expect(await Promise.all(told)).toEqual([update, update]);
      expect((await ada.get(`/http/users/group/${secret}`)).body).toMatchObject([
        { id: ada.id, role: 'member' },
        { id: cyd.id, role: 'owner' },
      ]);
      expect((await ada.put(`/http/chat_groups/${secret}`, { owner_id: ada.id })).status).toBe(403);
      expect((await remove(ada, secret, cyd.id)).status).toBe(403);
      expect((await waiting(ada)).status).toBe(403);
      expect((await knock(bob)).status).toBe(201);
      expect((await waiting(cyd)).body).toHaveLength(1);
      expect((await remove(cyd, secret, ada.id)).status).toBe(204);
    });

    it('goes with a new name, on both routes, all or nothing', async () => {
      await enter(bob, open);
      await enter(cyd, open);
      const named = { chat_group_id: open, chat_group_name: 'Two', owner_id: bob.id };
      expect((await ada.put('/http/chat_groups', named)).body).toMatchObject({ name: 'Two', owner_id: bob.id });
      const both = await bob.put(`/http/chat_groups/${open}`, { chat_group_name: 'Three', owner_id: cyd.id });
      expect(both.body).toMatchObject({ name: 'Three', owner_id: cyd.id });
      const alone = await cyd.put('/http/chat_groups', { chat_group_id: open, owner_id: cyd.id });
      expect(alone.body).toMatchObject({ name: 'Three', owner_id: cyd.id });
      const stranger = await cyd.put(`/http/chat_groups/${open}`, { chat_group_name: 'Four', owner_id: eve.id });
      expect(stranger).toMatchObject({ status: 404, body: { code: 'not_found', message: 'There is no such member.' } });
      expect(await seen(eve, open)).toMatchObject({ name: 'Three', owner_id: cyd.id });
    });

    it('is refused to others, and without anything to do', async () => {
      expect((await cyd.put(`/http/chat_groups/${secret}`, { owner_id: cyd.id })).status).toBe(403);
      expect((await eve.put(`/http/chat_groups/${secret}`, { owner_id: eve.id })).status).toBe(404);
      const bad = [
        {},
        { owner_id: null },
        { owner_id: null, chat_group_name: null },
        { owner_id: 'x' },
        { owner_id: 0 },
      ];
      for (const body of bad) {
        expect((await ada.put(`/http/chat_groups/${secret}`, body)).status).toBe(400);
        expect((await ada.put('/http/chat_groups', { chat_group_id: secret, ...body })).status).toBe(400);
      }
      expect((await ada.put('/http/chat_groups', { owner_id: cyd.id })).body.fields).toHaveProperty('chat_group_id');
      expect(await seen(ada, secret)).toMatchObject({ name: 'Secret', owner_id: ada.id });
    });

    it('tells whom a leaving owner leaves it to', async () => {
      const c = await cyd.connect();
      await enter(cyd, secret);
      const told = nextWith(c, 'group_update', 'owner_id', cyd.id);
      await remove(ada, secret, ada.id);
      expect(await told).toEqual({ chat_group_id: secret, is_in: true, owner_id: cyd.id });
      expect((await waiting(cyd)).status).toBe(200);
    });
  });
});
