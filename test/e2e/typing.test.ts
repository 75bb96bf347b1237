// That somebody types: to whom it is passed on, and how often.
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { Audience } from '../../src/people/audience.js';
import type { GroupTyping, RoomTyping } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, Person, record, send, sendTo } from '../support/client.js';
import { fallBehind } from '../support/raw-socket.js';

onAllDialects('typing', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let a: ChatSocket;
  let b: ChatSocket;
  let e: ChatSocket;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    [a, b, e] = [await ada.connect(), await bob.connect(), await eve.connect()];
  });

  const type = (socket: ChatSocket, payload: unknown): Promise<any> =>
    (socket as any).timeout(15_000).emitWithAck('typing', payload);
  const attend = (person: Person, groupId: number, isEnter: boolean) =>
    call(app, 'POST', `/http/chat_groups/${groupId}`, { token: person.token, body: { is_enter: isEnter } });
  /** What was emitted before has arrived once this has: a socket's packets keep their order. */
  const settle = (...sockets: ChatSocket[]) => Promise.all(sockets.map((socket) => send(socket, {})));

  describe('in a room', () => {
    beforeEach(async () => {
      await sendTo(a, bob.id, 'hello');
    });

    it('reaches each socket of the other one, and none of the typist', async () => {
      const phone = await bob.connect();
      const own = [a, await ada.connect()].map((socket) => record(socket, 'typing'));
      const told = Promise.all([b, phone].map((socket) => next<RoomTyping>(socket, 'typing')));
      expect(await type(a, { chat_type: 'room', other_user_id: bob.id })).toEqual({ ok: true });
      const event = { chat_type: 'room', other_user_id: bob.id, user_id: ada.id };
      expect(await told).toEqual([event, event]);
      await settle(a);
      expect(own).toEqual([[], []]);
    });

    it('is lost on a socket that does not keep up, and nothing of it waits there', async () => {
      const slow = await fallBehind(app, bob, a);
      const told = next(b, 'typing');
      await type(a, { chat_type: 'room', other_user_id: bob.id });
      await told;
      await sendTo(a, bob.id, 'the last');
      slow.resume();
      await eventually(() =>
        slow.got('message').find(({ payload }) => 'message' in payload && payload.message === 'the last'),
      );
      expect(slow.got('typing')).toEqual([]);
      slow.drop();
    });

    it('needs no acknowledgement', async () => {
      const told = next<RoomTyping>(b, 'typing');
      a.emit('typing', { token: ada.token, chat_type: 'room', other_user_id: bob.id });
      expect((await told).user_id).toBe(ada.id);
    });

    it('is passed on once in three seconds, for each typist and chat', async () => {
      await sendTo(a, eve.id, 'hello');
      const times: number[] = [];
      b.on('typing', () => times.push(Date.now()));
      const start = Date.now();
      while (times.length < 2) expect((await type(a, { chat_type: 'room', other_user_id: bob.id })).ok).toBe(true);
      expect(Date.now() - start).toBeGreaterThan(2_500);
      expect(times[1] - times[0]).toBeGreaterThan(2_900);
      // Another chat, and the other one, have a time of their own.
      const others = Promise.all([next(e, 'typing'), next(a, 'typing')]);
      await type(a, { chat_type: 'room', other_user_id: eve.id });
      await type(b, { chat_type: 'room', other_user_id: ada.id });
      await others;
      expect(times).toHaveLength(2);
    });

    it('asks the database for nothing where the room is known', async () => {
      const { read } = app.get(UnitOfWork);
      const asked = vi.spyOn(read, 'query');
      const told = next(b, 'typing');
      await type(a, { chat_type: 'room', other_user_id: bob.id });
      await told;
      for (let i = 0; i < 20; i++) await type(a, { chat_type: 'room', other_user_id: bob.id });
      expect(asked.mock.calls.filter(([sql]) => sql.includes('chat_rooms'))).toEqual([]);
      asked.mockRestore();
    });

    it('finds a room that was made before the server started', async () => {
      const again = await app.restart();
      const [late, other] = [await ada.at(again).connect(), await bob.at(again).connect()];
      const told = next<RoomTyping>(other, 'typing');
      expect(await type(late, { chat_type: 'room', other_user_id: bob.id })).toEqual({ ok: true });
      expect((await told).user_id).toBe(ada.id);
      app = again;
    });
  });

  it('does not reach strangers: no room, no word of it', async () => {
    const got = record(e, 'typing');
    for (const other of [eve.id, 1_999_999_999])
      expect(await type(a, { chat_type: 'room', other_user_id: other })).toEqual({ ok: true });
    await settle(e);
    expect(got).toEqual([]);
  });

  it('is refused where it makes no sense', async () => {
    const bad = [
      {},
      { chat_type: 'bot' },
      { chat_type: 'room' },
      { chat_type: 'room', other_user_id: ada.id },
      { chat_type: 'room', other_user_id: 'x' },
      { chat_type: 'room', other_user_id: bob.id, message: 'x' },
      { chat_type: 'group' },
      { chat_type: 'group', other_user_id: bob.id },
      { chat_type: '__proto__' },
      null,
      [],
      'x',
    ];
    for (const payload of bad) expect((await type(a, payload)).error.code).toBe('invalid');
  });

  describe('in a group', () => {
    let group: number;

    beforeEach(async () => {
      const body = { chat_group_name: 'Engines' };
      group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
      for (const person of [ada, bob]) await attend(person, group, true);
    });

    it('reaches the others who are in, and nobody else', async () => {
      await attend(eve, group, true);
      await attend(eve, group, false);
      const own = [a, await ada.connect(), e].map((socket) => record(socket, 'typing'));
      const told = next<GroupTyping>(b, 'typing');
      expect(await type(a, { chat_type: 'group', chat_group_id: group })).toEqual({ ok: true });
      expect(await told).toEqual({ chat_type: 'group', chat_group_id: group, user_id: ada.id });
      await settle(a, e);
      expect(own).toEqual([[], [], []]);
    });

    it('is passed on once in three seconds', async () => {
      const got = record(b, 'typing');
      for (let i = 0; i < 20; i++) await type(a, { chat_type: 'group', chat_group_id: group });
      const other = next<GroupTyping>(a, 'typing');
      await type(b, { chat_type: 'group', chat_group_id: group });
      await other;
      await settle(b);
      expect(got).toHaveLength(1);
    });

    it('is for those who are in, and a group that is not there looks the same', async () => {
      const refused = { ok: false, error: { code: 'not_found', message: 'There is no such chat group.' } };
      expect(await type(e, { chat_type: 'group', chat_group_id: group })).toEqual(refused);
      expect(await type(e, { chat_type: 'group', chat_group_id: 1_999_999_999 })).toEqual(refused);
      await attend(bob, group, false);
      expect(await type(b, { chat_type: 'group', chat_group_id: group })).toEqual(refused);
      await attend(bob, group, true);
      expect(await type(b, { chat_type: 'group', chat_group_id: group })).toEqual({ ok: true });
    });

    it.each(['removed', 'away'])('of one who is %s by the time that it would be passed on is not', async (how) => {
      const audience = app.get(Audience);
      const mutuallyBlocked = audience.mutuallyBlocked.bind(audience);
      let goOn!: () => void;
      const gone = new Promise<void>((resolve) => (goOn = resolve));
      const begun = new Promise<void>((resolve) => {
        vi.spyOn(audience, 'mutuallyBlocked').mockImplementationOnce(async (userId) => {
          const answer = await mutuallyBlocked(userId);
          resolve();
          await gone;
          return answer;
        });
      });
      const got = record(a, 'typing');
      const typed = type(b, { chat_type: 'group', chat_group_id: group });
      await begun;
      if (how === 'away') await attend(bob, group, false);
      else await call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: ada.token });
      goOn();
      expect(await typed).toMatchObject({ ok: false, error: { code: 'not_found' } });
      await settle(a);
      expect(got).toEqual([]);
    });

    it('asks the database for nothing', async () => {
      const { read } = app.get(UnitOfWork);
      const asked = vi.spyOn(read, 'query');
      const told = next(b, 'typing');
      await type(a, { chat_type: 'group', chat_group_id: group });
      await told;
      expect(asked.mock.calls.filter(([sql]) => /members|chat_groups/.test(sql))).toEqual([]);
      asked.mockRestore();
    });
  });
});

onAllDialects('much typing', (dialect) => {
  it('is refused, and does not use up what one may write', async () => {
    const app = await TestApp.start(dialect, { RATE_LIMITS: 'on' });
    const [ada, bob] = [await Person.known(app), await Person.known(app)];
    const socket = await ada.connect();
    await sendTo(socket, bob.id, 'hello');
    const answers: any[] = await Promise.all(
      Array.from({ length: 61 }, () =>
        (socket as any).emitWithAck('typing', { chat_type: 'room', other_user_id: bob.id }),
      ),
    );
    expect(answers.at(-1).error).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    expect(answers.filter(({ ok }) => ok)).toHaveLength(60);
    expect((await sendTo(socket, bob.id, 'still')).ok).toBe(true);
    await app.stop();
  });
});
