// How far somebody has read: over HTTP and the socket, to whom it is told, and how often.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GroupRead, ReadReceipt } from '../../src/sockets/events.js';
import { ReadMarks } from '../../src/conversations/read-marks.js';
import { insertRows } from '../../src/database/dialect.js';
import type { UnitOfWork } from '../../src/database/unit-of-work.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, Person, record, send, sendTo } from '../support/client.js';

onAllDialects('receipts', (dialect) => {
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

  const read = (socket: ChatSocket, payload: unknown): Promise<any> =>
    (socket as any).timeout(15_000).emitWithAck('read', payload);
  const createGroup = async (owner: Person, more: object = {}): Promise<number> =>
    (
      await call(app, 'POST', '/http/chat_groups', {
        token: owner.token,
        body: { chat_group_name: 'Engines', ...more },
      })
    ).body.id;
  const attend = (person: Person, groupId: number, isEnter: boolean) =>
    call(app, 'POST', `/http/chat_groups/${groupId}`, { token: person.token, body: { is_enter: isEnter } });
  const say = (socket: ChatSocket, groupId: number, message: string) =>
    send(socket, { chat_type: 'group', chat_group_id: groupId, message });
  const is =
    (seq: number) =>
    (receipt: ReadReceipt): boolean =>
      receipt.seq === seq;

  /** How far somebody has read, as a socket learns it: from receipts, and from what they write. */
  const marksOf = (person: Person, socket: ChatSocket): number[] => {
    const got: number[] = [];
    for (const event of ['read', 'message'] as const)
      socket.on(event, (told: { user_id?: number; seq?: number }) => {
        if (told.user_id === person.id && told.seq !== undefined) got.push(told.seq);
      });
    return got;
  };

  describe('of a room', () => {
    let a: ChatSocket;
    let b: ChatSocket;
    let room: number;

    beforeEach(async () => {
      [a, b] = [await ada.connect(), await bob.connect()];
      for (let i = 1; i <= 5; i++) room = (await sendTo(a, bob.id, `${i}`)).chat_room_id;
    });

    it('are told to both people, on all of their sockets, whichever way was used', async () => {
      const sockets = [a, b, await ada.connect(), await bob.connect(await bob.session(app))];
      const first = Promise.all(sockets.map((socket) => next<ReadReceipt>(socket, 'read')));
      expect(await read(b, { chat_room_id: room, seq: 2 })).toEqual({
        ok: true,
        chat_room_id: room,
        last_read_seq: 2,
        unread_count: 3,
      });
      expect(await first).toEqual(sockets.map(() => ({ chat_room_id: room, user_id: bob.id, seq: 2 })));
      const second = Promise.all(sockets.map((socket) => next<ReadReceipt>(socket, 'read')));
      const { body } = await bob.put('/http/notifications', { chat_room_id: room });
      expect(body).toEqual({ chat_room_id: room, last_read_seq: 5, unread_count: 0 });
      expect(await second).toEqual(sockets.map(() => ({ chat_room_id: room, user_id: bob.id, seq: 5 })));
      expect((await ada.get('/http/chat_rooms')).body[0]).toMatchObject({ id: room, other_last_read_seq: 5 });
    });

    it('are no notifications, and reach no stranger', async () => {
      const outside = await eve.connect();
      const strange = [...['read', 'notification'].map((event) => record(outside, event)), record(b, 'notification')];
      const told = next<ReadReceipt>(a, 'read');
      await read(b, { chat_room_id: room });
      await told;
      for (const socket of [outside, b]) await send(socket, {});
      expect(strange).toEqual([[], [], []]);
    });

    it('are told only where the mark moved, and never of less', async () => {
      const got = record<ReadReceipt>(a, 'read');
      await read(b, { chat_room_id: room, seq: 4 });
      expect(await read(b, { chat_room_id: room, seq: 2 })).toMatchObject({ ok: true, last_read_seq: 4 });
      expect(await read(b, { chat_room_id: room, seq: 4 })).toMatchObject({ ok: true, last_read_seq: 4 });
      await bob.put('/http/notifications', { chat_room_id: room, seq: 1 });
      // Beyond the newest there is nothing to read.
      expect(await read(b, { chat_room_id: room, seq: 99 })).toMatchObject({ last_read_seq: 5, unread_count: 0 });
      await eventually(() => got.find(is(5)));
      expect(got.map(({ seq }) => seq)).toEqual([4, 5]);
    });

    it('come at most once a second from one who reads fast, and at last with the last', async () => {
      for (let i = 6; i <= 30; i++) await sendTo(a, bob.id, `${i}`);
      const got = record<ReadReceipt>(a, 'read');
      const times: number[] = [];
      a.on('read', () => times.push(Date.now()));
      const start = Date.now();
      for (let i = 1; i <= 30; i++) {
        await read(b, { chat_room_id: room, seq: i });
        await sleep(40);
      }
      const took = Date.now() - start;
      await eventually(() => got.find(is(30)));
      expect(got[0].seq).toBe(1);
      expect(got.length).toBeLessThanOrEqual(Math.floor(took / 1000) + 2);
      for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBeGreaterThan(900);
    });

    it('are not sent for what one writes: the message is the receipt', async () => {
      const got = record<ReadReceipt>(a, 'read');
      const heard = next(a, 'message');
      const { seq } = await sendTo(b, ada.id, 'I have seen all of it');
      await heard;
      expect((await ada.get('/http/chat_rooms')).body[0].other_last_read_seq).toBe(seq);
      expect((await bob.get('/http/chat_rooms')).body[0].unread_count).toBe(0);
      const marker = next<ReadReceipt>(a, 'read');
      await sendTo(a, bob.id, 'marker');
      await read(b, { chat_room_id: room });
      expect(await marker).toMatchObject({ seq: seq + 1 });
      expect(got).toHaveLength(1);
    });

    it('never say less than what one wrote has said', async () => {
      const heard = [a, b].map((socket) => marksOf(bob, socket));
      await read(b, { chat_room_id: room, seq: 1 });
      // Waits for its second, in which he writes.
      await read(b, { chat_room_id: room, seq: 2 });
      const { seq } = await sendTo(b, ada.id, 'I have seen all of it');
      await sleep(1_200);
      await sendTo(a, bob.id, 'marker');
      await read(b, { chat_room_id: room });
      await eventually(() => (heard.every((got) => got.at(-1) === seq + 1) ? true : undefined), 'the last receipt');
      for (const got of heard) expect(got).toEqual(got.toSorted((one, other) => one - other));
    });

    it('are refused where there is nothing to read, or no sense in it', async () => {
      const outside = await eve.connect();
      for (const payload of [{ chat_room_id: room }, { chat_room_id: 1_999_999_999 }, { chat_group_id: room }])
        expect((await read(outside, payload)).error.code).toBe('not_found');
      const bad = [
        {},
        { chat_room_id: room, chat_group_id: room },
        { chat_room_id: 'x' },
        { chat_room_id: -1 },
        { chat_room_id: room, seq: 0 },
        { chat_room_id: room, seq: 1.5 },
        { chat_room_id: room, seq: null, more: 1 },
        null,
        [],
        'x',
      ];
      for (const payload of bad) expect((await read(b, payload)).error.code).toBe('invalid');
      expect(await read(b, { token: bob.token, chat_room_id: room, chat_group_id: null, seq: null })).toMatchObject({
        ok: true,
        last_read_seq: 5,
      });
    });
  });

  describe('of a group', () => {
    let a: ChatSocket;
    let b: ChatSocket;
    let group: number;

    beforeEach(async () => {
      [a, b] = [await ada.connect(), await bob.connect()];
      group = await createGroup(ada);
      await attend(ada, group, true);
      await attend(bob, group, true);
      await attend(bob, group, false);
      for (let i = 1; i <= 5; i++) await say(a, group, `${i}`);
    });

    const marks = async (person: Person) =>
      Object.fromEntries(
        (await ada.get(`/http/users/group/${group}`)).body.map((row: any) => [row.id, row.last_read_seq]),
      )[person.id];

    it('are told to those who are in, and to the devices of the reader, which forget what was unread', async () => {
      const phone = await bob.connect();
      const told = [a, b, phone].map((socket) => next<ReadReceipt>(socket, 'read'));
      const cleared = [b, phone].map((socket) =>
        next<GroupRead>(socket, 'notification', (one) => 'last_read_seq' in one),
      );
      expect(await read(b, { chat_group_id: group, seq: 3 })).toEqual({
        ok: true,
        chat_group_id: group,
        last_read_seq: 3,
        unread_count: 2,
      });
      const receipt = { chat_group_id: group, user_id: bob.id, seq: 3 };
      expect(await Promise.all(told)).toEqual([receipt, receipt, receipt]);
      const row = { chat_type: 'group', chat_group_id: group, last_seq: 5, last_read_seq: 3 };
      expect(await Promise.all(cleared)).toEqual([row, row]);
      expect(await marks(bob)).toBe(3);
    });

    it('are not for members outside, nor for strangers', async () => {
      const [outside, stranger] = [await eve.connect(), await (await Person.known(app)).connect()];
      await attend(eve, group, true);
      await attend(eve, group, false);
      // Having entered, Eve's own mark moved; only the others' are meant.
      const others = (receipt: ReadReceipt) => receipt.user_id !== eve.id;
      const got = [outside, stranger].map((socket) => record<ReadReceipt>(socket, 'read', others));
      const told = next<ReadReceipt>(a, 'read', is(4));
      await read(b, { chat_group_id: group, seq: 4 });
      await told;
      for (const socket of [outside, stranger]) await send(socket, {});
      expect(got).toEqual([[], []]);
    });

    it('come with entering and with leaving, where that moved the mark, and not with each message in between', async () => {
      const got = record<ReadReceipt>(a, 'read', ({ user_id }) => user_id === bob.id);
      await attend(bob, group, true);
      await eventually(() => got.find(is(5)), 'the receipt for entering');
      for (let i = 6; i <= 9; i++) await say(a, group, `${i}`);
      // In and connected: read as it comes, and everybody knows.
      expect(await marks(bob)).toBe(9);
      await attend(bob, group, false);
      await eventually(() => got.find(is(9)), 'the receipt for leaving');
      expect(await marks(bob)).toBe(9);
      await attend(bob, group, true);
      await attend(bob, group, false);
      await say(a, group, '10');
      expect(await marks(bob)).toBe(9);
      await read(b, { chat_group_id: group });
      await eventually(() => got.find(is(10)));
      expect(got.map(({ seq }) => seq)).toEqual([5, 9, 10]);
    });

    it('come when somebody goes offline, with what they were told until then', async () => {
      const got = record<ReadReceipt>(a, 'read', ({ user_id }) => user_id === bob.id);
      await attend(bob, group, true);
      await say(a, group, '6');
      bob.hangUp();
      await eventually(async () => ((await marks(bob)) === 6 ? true : undefined));
      await eventually(() => got.find(is(6)), 'the receipt for going');
      await say(a, group, '7');
      expect(await marks(bob)).toBe(6);
      expect(got.map(({ seq }) => seq)).toEqual([5, 6]);
    });

    it('say what others see of one who is in, also where they say that they read less', async () => {
      await attend(bob, group, true);
      await say(a, group, '6');
      const told = next<ReadReceipt>(a, 'read', is(6));
      expect(await read(b, { chat_group_id: group })).toMatchObject({ last_read_seq: 6, unread_count: 0 });
      expect(await told).toEqual({ chat_group_id: group, user_id: bob.id, seq: 6 });
    });

    it('tell the devices of one who writes from outside that it is read', async () => {
      const phone = await bob.connect();
      const others = record<ReadReceipt>(a, 'read', ({ user_id }) => user_id === bob.id);
      const cleared = next<GroupRead>(phone, 'notification', (one) => 'last_read_seq' in one);
      const { seq } = await say(b, group, 'from outside');
      expect(await cleared).toEqual({ chat_type: 'group', chat_group_id: group, last_seq: seq, last_read_seq: seq });
      await send(a, {});
      // They have the message.
      expect(others).toEqual([]);
    });

    it('never say less than what one wrote from outside has said', async () => {
      const others = marksOf(bob, a);
      const own = record<GroupRead>(b, 'notification', (one) => 'last_read_seq' in one);
      await read(b, { chat_group_id: group, seq: 1 });
      // Waits for its second, in which he writes.
      await read(b, { chat_group_id: group, seq: 2 });
      const { seq } = await say(b, group, 'from outside');
      await eventually(() => own.find(({ last_read_seq }) => last_read_seq === seq));
      await sleep(1_200);
      await say(a, group, 'marker');
      await read(b, { chat_group_id: group });
      await eventually(() => own.find(({ last_read_seq }) => last_read_seq === seq + 1));
      await eventually(() => others.find((mark) => mark === seq + 1));
      expect(others).toEqual([...new Set(others)].toSorted((one, other) => one - other));
      const ownMarks = own.map(({ last_read_seq }) => last_read_seq);
      expect(ownMarks).toEqual(ownMarks.toSorted((one, other) => one - other));
    });

    it('know of what was written while they waited, to one outside and to one who is in', async () => {
      const seen: number[] = [];
      const own: GroupRead[] = [];
      const hear = (one: { seq?: number; last_seq?: number }) => seen.push(one.seq ?? one.last_seq ?? 0);
      b.on('message', (one) => void ('seq' in one && hear(one)));
      b.on('notification', (one) => {
        hear(one);
        if ('last_read_seq' in one) own.push(one);
      });
      await read(b, { chat_group_id: group, seq: 1 });
      await read(b, { chat_group_id: group, seq: 2 });
      await say(a, group, '6');
      await eventually(() => own.find(({ last_read_seq }) => last_read_seq === 2));
      await attend(bob, group, true);
      await say(a, group, '7');
      await eventually(() => own.find(({ last_read_seq }) => last_read_seq === 7));
      expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    });

    /** Lets something happen between the look at a mark and its move. */
    const meanwhile = (happens: () => Promise<unknown>): void => {
      const readMarks = app.get(ReadMarks) as unknown as { unitOfWork: Pick<UnitOfWork, 'read' | 'run'> };
      const { unitOfWork } = readMarks;
      readMarks.unitOfWork = {
        read: unitOfWork.read,
        run: async (work) => {
          readMarks.unitOfWork = unitOfWork;
          await happens();
          return unitOfWork.run(work);
        },
      };
    };

    it('answer with what another device has read meanwhile', async () => {
      const phone = await bob.connect();
      meanwhile(() => read(phone, { chat_group_id: group, seq: 4 }));
      expect(await read(b, { chat_group_id: group, seq: 3 })).toMatchObject({ last_read_seq: 4, unread_count: 1 });
      expect(await marks(bob)).toBe(4);
    });

    it('answer as unknown where membership ends meanwhile', async () => {
      meanwhile(() => call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: bob.token }));
      expect((await read(b, { chat_group_id: group, seq: 3 })).error.code).toBe('not_found');
    });

    it('of more than 100 members are told to the reader alone', async () => {
      const crowd = async (count: number) => {
        const ids = [];
        while (ids.length < count) ids.push((await Person.known(app, 'Crowd')).id);
        const rows = ids.map((id) => [group, id, 0, '2026-01-01 00:00:00.000']);
        await insertRows(app.database.manager, 'members', 'conversation_id, user_id, last_read_seq, joined_at', rows);
        await app.database.query('UPDATE chat_groups SET member_count = member_count + ? WHERE conversation_id = ?', [
          count,
          group,
        ]);
      };
      await crowd(98);
      const got = record<ReadReceipt>(a, 'read');
      await read(b, { chat_group_id: group, seq: 1 });
      await eventually(() => got.find(is(1)), 'the receipt among a hundred');
      await crowd(1);
      const own = Promise.all([
        next<ReadReceipt>(b, 'read', is(2)),
        next<GroupRead>(b, 'notification', (one) => 'last_read_seq' in one),
      ]);
      await read(b, { chat_group_id: group, seq: 2 });
      expect((await own)[1]).toMatchObject({ last_read_seq: 2 });
      await send(a, {});
      expect(got.map(({ seq }) => seq)).toEqual([1]);
    });

    it('are not told once membership has ended', async () => {
      const got = record<ReadReceipt>(b, 'read');
      await read(b, { chat_group_id: group, seq: 1 });
      await eventually(() => got.find(is(1)));
      // Waits for its second, in which Bob goes.
      await read(b, { chat_group_id: group, seq: 2 });
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: bob.token });
      await sleep(1_200);
      const { chat_room_id: room } = await sendTo(a, bob.id, 'marker');
      await read(b, { chat_room_id: room });
      await eventually(() => got.find(({ chat_room_id }) => chat_room_id === room));
      expect(got.map(({ chat_group_id }) => chat_group_id)).toEqual([group, undefined]);
    });
  });
});
