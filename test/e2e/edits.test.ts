// Editing and deleting messages, and catching up on what was.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MessageEdits } from '../../src/conversations/message-edits.js';
import type {
  GroupMessageUpdate,
  GroupNotification,
  RoomMessage,
  RoomMessageUpdate,
} from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { everythingStored } from '../support/everything-stored.js';
import { type Answer, call, type ChatSocket, eventually, next, Person, send, sendTo } from '../support/client.js';

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

type Update = RoomMessageUpdate | GroupMessageUpdate;

/** Every change that a socket is told of, from now on. */
function updates(socket: ChatSocket): Update[] {
  const got: Update[] = [];
  socket.on('message_update', (update) => void got.push(update));
  return got;
}

onAllDialects('a message', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let room: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
  });

  const inRoom = (seq: number | string, id: number | string = room) => `/http/chat_rooms/${id}/messages/${seq}`;
  const inGroup = (seq: number | string, id: number | string) => `/http/chat_groups/${id}/messages/${seq}`;
  const edit = (person: Person, path: string, message: unknown) => person.put(path, { message });
  const remove = (person: Person, path: string): Promise<Answer> => call(app, 'DELETE', path, { token: person.token });
  const rowOf = async (person: Person, list = 'chat_rooms', id = room) =>
    (await person.get(`/http/${list}`)).body.find((one: { id: number }) => one.id === id);
  const stored = async (seq: number, id = room) =>
    (await app.database.query('SELECT * FROM messages WHERE conversation_id = ? AND seq = ?', [id, seq]))[0];
  const changes = (id = room): Promise<{ change_seq: number; seq: number }[]> =>
    app.database.query('SELECT change_seq, seq FROM message_changes WHERE conversation_id = ? ORDER BY change_seq', [
      id,
    ]);
  const refused = (status: number, code: string) => ({ status, body: { statusCode: status, code } });

  describe('in a room', () => {
    let phone: ChatSocket;
    let laptop: ChatSocket;
    let other: ChatSocket;
    let first: { seq: number; timestamp: string };

    beforeEach(async () => {
      [phone, laptop] = [await ada.connect(), await ada.connect(await ada.session(app))];
      other = await bob.connect();
      first = await sendTo(phone, bob.id, 'Hello Bbo', 'c-1');
      room = (first as unknown as { chat_room_id: number }).chat_room_id;
      await sendTo(other, ada.id, 'Hello Ada');
    });

    it('is edited by its sender: each socket of both people learns it, and it stands so from then on', async () => {
      const stranger = await eve.connect();
      const strange = updates(stranger);
      const got = Promise.all([phone, laptop, other].map((socket) => next<Update>(socket, 'message_update')));
      const answer = await edit(ada, inRoom(1), '  Hello <b>Bob</b> 🦊\n');
      const view = {
        seq: 1,
        user_id: ada.id,
        message: '  Hello <b>Bob</b> 🦊\n',
        timestamp: first.timestamp,
        client_id: 'c-1',
        edited_at: expect.stringMatching(MOMENT),
        change: 1,
      };
      expect(answer).toMatchObject({ status: 200, body: view });
      expect(Object.keys(answer.body).sort()).toEqual(Object.keys(view).sort());
      const { client_id: _, ...told } = answer.body;
      const event = { chat_type: 'room', chat_room_id: room, other_user_id: bob.id, ...told };
      expect(await got).toEqual([event, event, event]);
      for (const person of [ada, bob])
        expect((await person.get(`/http/chat_rooms/${room}`)).body[0]).toEqual(answer.body);
      expect((await rowOf(bob)).last_change).toBe(1);
      await sendTo(stranger, bob.id, 'marker');
      expect(strange).toEqual([]);
    });

    it('is deleted by its sender: it keeps its number and loses its text, everywhere and for good', async () => {
      await sendTo(phone, bob.id, 'a secret', 'c-2');
      await edit(ada, inRoom(3), 'a worse secret');
      const got = Promise.all(
        [phone, laptop, other].map((socket) =>
          next<Update>(socket, 'message_update', ({ deleted }) => deleted === true),
        ),
      );
      const answer = await remove(ada, inRoom(3));
      const view = { seq: 3, user_id: ada.id, message: '', deleted: true, change: 2, client_id: 'c-2' };
      expect(answer).toMatchObject({ status: 200, body: view });
      expect(answer.body).toEqual({ ...view, timestamp: expect.stringMatching(MOMENT) });
      const { client_id: _, ...told } = answer.body;
      const event = { chat_type: 'room', chat_room_id: room, other_user_id: bob.id, ...told };
      expect(await got).toEqual([event, event, event]);

      expect(await stored(3)).toMatchObject({ body: '', client_id: 'c-2', sender_id: ada.id });
      expect((await bob.get(`/http/chat_rooms/${room}`)).body[2]).toEqual(answer.body);
      // It counts as unread as before.
      expect(await rowOf(bob)).toMatchObject({
        last_message: answer.body,
        last_seq: 3,
        last_change: 2,
        unread_count: 1,
      });
      const [notified] = (await bob.get('/http/notifications')).body;
      expect(notified).toMatchObject({ chat_room_id: room, message: '', deleted: true, unread_count: 1, last_seq: 3 });
      // The next one has the next number.
      expect((await sendTo(phone, bob.id, 'next')).seq).toBe(4);
      expect((await bob.get('/http/notifications')).body[0]).not.toHaveProperty('deleted');
    });

    it('leaves nothing of a text that was edited or deleted, wherever the database is looked into', async () => {
      const words = ['Quattuordecillion', 'Floccinaucinihilipilification'];
      const [edited, deleted] = [await sendTo(phone, bob.id, words[0]), await sendTo(phone, bob.id, words[1])];
      const isThere = async () => {
        const all = await everythingStored(app);
        return words.filter((word) => all.includes(word));
      };
      expect(await isThere()).toEqual(words);
      await edit(ada, inRoom(edited.seq), 'something else');
      await remove(ada, inRoom(deleted.seq));
      await eventually(async () => ((await isThere()).length === 0 ? true : undefined), 'the end of both');
    });

    it('deleted twice is answered the same and counted once; deleted, it is not edited', async () => {
      const [once, twice] = await Promise.all([remove(ada, inRoom(1)), remove(ada, inRoom(1))]);
      expect(once).toMatchObject({ status: 200, body: { deleted: true, change: 1 } });
      expect(twice.body).toEqual(once.body);
      expect((await remove(ada, inRoom(1))).body).toEqual(once.body);
      expect(await edit(ada, inRoom(1), 'back again')).toMatchObject(refused(410, 'message_deleted'));
      expect(await rowOf(ada)).toMatchObject({ last_change: 1 });
      expect(await changes()).toEqual([{ change_seq: 1, seq: 1 }]);
    });

    it('edited to the text that it has changes nothing and is told to nobody', async () => {
      const told = updates(other);
      expect(await edit(ada, inRoom(1), 'Hello Bbo')).toMatchObject({ status: 200 });
      expect((await edit(ada, inRoom(1), 'Hello Bbo')).body).not.toHaveProperty('edited_at');
      expect((await edit(ada, inRoom(1), 'Hello Bob')).body).toMatchObject({ change: 1 });
      const same = await edit(ada, inRoom(1), 'Hello Bob');
      expect(same.body).toMatchObject({ change: 1, edited_at: expect.stringMatching(MOMENT) });
      await edit(ada, inRoom(1), 'Hello, Bob');
      await eventually(() => told.length >= 2 || undefined, 'two updates');
      expect(told.map(({ change, message }) => `${change} ${message}`)).toEqual(['1 Hello Bob', '2 Hello, Bob']);
    });

    it('is changed by nobody else, and outside a room there is none', async () => {
      expect(await edit(bob, inRoom(1), 'x')).toMatchObject(refused(403, 'forbidden'));
      expect(await remove(bob, inRoom(1))).toMatchObject(refused(403, 'forbidden'));
      for (const ask of [(path: string) => edit(eve, path, 'x'), (path: string) => remove(eve, path)]) {
        const answer = await ask(inRoom(1));
        expect(answer).toMatchObject(refused(404, 'not_found'));
        expect((await ask(inRoom(1, 1_999_999_999))).body).toEqual(answer.body);
      }
      const group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: 'G' } }))
        .body.id;
      await send(phone, { chat_type: 'group', chat_group_id: group, message: 'to the group' });
      // A group is no room, and a room is no group.
      expect(await edit(ada, inRoom(1, group), 'x')).toMatchObject(refused(404, 'not_found'));
      expect(await remove(ada, inGroup(1, room))).toMatchObject(refused(404, 'not_found'));
      for (const seq of [3, 1_999_999_999, '99999999999999999999']) {
        expect(await edit(ada, inRoom(seq), 'x')).toMatchObject(refused(404, 'not_found'));
        expect(await remove(ada, inRoom(seq))).toMatchObject(refused(404, 'not_found'));
      }
      for (const seq of [0, -1, '1.0', '01', 'x'])
        expect(await remove(ada, inRoom(seq))).toMatchObject(refused(400, 'invalid'));
      // The chat with the bot has no such route.
      expect(await edit(ada, '/http/chat_bot/messages/1', 'x')).toMatchObject(refused(404, 'not_found'));
      expect(await changes()).toEqual([]);
      expect((await stored(1)).body).toBe('Hello Bbo');
    });

    it('says as much as when it is sent, and no more', async () => {
      for (const message of ['', ' \n', 'x'.repeat(4001), 7, null, undefined, ['x'], '\ud800'])
        expect(await edit(ada, inRoom(1), message)).toMatchObject({
          status: 400,
          body: { code: 'invalid', fields: { message: [expect.any(String)] } },
        });
      expect(await ada.put(inRoom(1), { message: 'x', other: 1 })).toMatchObject(refused(400, 'invalid'));
      expect((await edit(ada, inRoom(1), '🦊'.repeat(4000))).body.message).toBe('🦊'.repeat(4000));
    });

    it('that was changed since is answered with its place when it is sent again, whatever the repeat says', async () => {
      const again = (text: string, id: string) => sendTo(phone, bob.id, text, id);
      expect(await again('another text', 'c-1')).toMatchObject({ error: { code: 'client_id_conflict' } });
      await edit(ada, inRoom(1), 'Hello Bob');
      for (const text of ['Hello Bbo', 'Hello Bob', 'another text'])
        expect(await again(text, 'c-1')).toEqual({ ok: true, chat_room_id: room, client_id: 'c-1', ...placeOf(first) });
      const second = await again('soon gone', 'c-2');
      await remove(ada, inRoom(second.seq));
      const got = next<RoomMessage>(other, 'message');
      expect(await again('soon gone', 'c-2')).toEqual(second);
      expect(await again('third', 'c-3')).toMatchObject({ seq: 4 });
      // A repeat is delivered to nobody: what comes is the third.
      expect(await got).toMatchObject({ seq: 4 });
      expect((await stored(3)).body).toBe('');
    });

    it('is changed no more once the session has ended, also in the middle of it', async () => {
      const gone = await ada.session(app);
      const edits = app.get(MessageEdits);
      const { sid } = JSON.parse(Buffer.from(gone.split('.')[1], 'base64url').toString());
      await call(app, 'GET', '/http/logout', { token: gone });
      const me = { userId: ada.id, sessionId: Number(sid) };
      await expect(
        edits.edit(me, { kind: 'room', conversationId: room, seq: 1 }, { message: 'x' }),
      ).rejects.toMatchObject({
        code: 'session_revoked',
      });
    });

    it('changed by many at once takes one number each, told in their order to every socket', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => sendTo(phone, bob.id, `mine ${i}`)));
      const theirs = await Promise.all(Array.from({ length: 20 }, (_, i) => sendTo(other, ada.id, `theirs ${i}`)));
      const told = [phone, laptop, other].map(updates);
      const work = [
        ...answers.flatMap(({ seq }, i) => [
          edit(ada, inRoom(seq), `edited ${i}`),
          edit(ada, inRoom(seq), `again ${i}`),
        ]),
        ...theirs.map(({ seq }) => remove(bob, inRoom(seq))),
        ...Array.from({ length: 20 }, (_, i) => sendTo(phone, bob.id, `meanwhile ${i}`)),
      ];
      await Promise.all(work);
      await eventually(() => told.every((got) => got.length >= 60) || undefined, '60 updates');
      const numbers = Array.from({ length: 60 }, (_, i) => i + 1);
      for (const got of told) expect(got.map(({ change }) => change)).toEqual(numbers);
      expect(await rowOf(ada)).toMatchObject({ last_seq: 62, last_change: 60 });
      // One row for each changed message, under its latest number; a client that was away ends with what the sockets were told.
      const rows = await changes();
      expect(rows).toHaveLength(40);
      const latest = new Map(told[0].map((update) => [update.seq, update]));
      const caught = (await bob.get(`/http/chat_rooms/${room}?changes_after=0`)).body as Update[];
      expect(caught.map(({ change }) => change)).toEqual(rows.map(({ change_seq }) => change_seq));
      for (const view of caught) expect(latest.get(view.seq)).toMatchObject(view);
    });

    it('is caught up on by `changes_after`, hundred by hundred', async () => {
      const sent = await Promise.all(Array.from({ length: 120 }, (_, i) => sendTo(phone, bob.id, `${i}`)));
      for (const { seq } of sent) await edit(ada, inRoom(seq), `edited ${seq}`);
      await remove(ada, inRoom(sent[0].seq));
      const page = async (query: string) => (await bob.get(`/http/chat_rooms/${room}?${query}`)).body;
      const { last_change: goal } = await rowOf(bob);
      expect(goal).toBe(121);
      const seen: Update[] = [];
      for (let n = 0; n < goal; n = seen.at(-1)!.change) {
        const got = await page(`changes_after=${n}`);
        expect(got.length).toBeGreaterThan(0);
        seen.push(...got);
      }
      expect(seen.map(({ change }) => change)).toEqual(Array.from({ length: 120 }, (_, i) => i + 2));
      expect(seen.at(-1)).toMatchObject({ seq: sent[0].seq, deleted: true, message: '' });
      expect(await page('changes_after=0')).toHaveLength(100);
      expect(await page('changes_after=0&limit=7')).toHaveLength(7);
      expect(await page('changes_after=120&limit=1000')).toHaveLength(1);
      expect(await page('changes_after=121')).toEqual([]);
      expect(await page('changes_after=2147483647')).toEqual([]);
      for (const query of ['changes_after=-1', 'changes_after=x', 'changes_after=2147483648', 'changes_after=1.5'])
        expect(await page(query)).toMatchObject({ code: 'invalid' });
      for (const query of ['after=1', 'before=1', `until=${new Date().toISOString()}`])
        expect(Object.keys((await page(`changes_after=0&${query}`)).fields).sort()).toEqual(
          ['changes_after', query.split('=')[0]].sort(),
        );
      expect(await eve.get(`/http/chat_rooms/${room}?changes_after=0`)).toMatchObject(refused(404, 'not_found'));
      expect(await ada.get('/http/chat_bot?changes_after=0')).toMatchObject({ status: 200, body: [] });
    });
  });

  describe('in a group', () => {
    let group: number;
    let inside: ChatSocket;
    let second: ChatSocket;
    let outside: ChatSocket;

    const say = (socket: ChatSocket, message: string, more: object = {}) =>
      send(socket, { chat_type: 'group', chat_group_id: group, message, ...more });
    const enter = (socket: ChatSocket, isEnter = true) =>
      send(socket, { chat_type: 'group', chat_group_id: group, is_enter: isEnter });

    // Ada owns it and is in, Bob is in with two sockets, Eve is a member outside.
    beforeEach(async () => {
      const body = { chat_group_name: 'Engines' };
      group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
      await enter(await ada.connect());
      [inside, second] = [await bob.connect(), await bob.connect()];
      outside = await eve.connect();
      await enter(inside);
      await enter(outside);
      await enter(outside, false);
      await say(inside, 'Hello all', { client_id: 'g-1' });
    });

    it('is edited by its sender: everybody who is in learns it', async () => {
      const told = updates(outside);
      const got = Promise.all([inside, second].map((socket) => next<Update>(socket, 'message_update')));
      const answer = await edit(bob, inGroup(1, group), 'Hello everybody');
      expect(answer).toMatchObject({
        status: 200,
        body: { seq: 1, user_id: bob.id, message: 'Hello everybody', change: 1, client_id: 'g-1' },
      });
      const { client_id: _, ...rest } = answer.body;
      const event = { chat_type: 'group', chat_group_id: group, ...rest };
      expect(await got).toEqual([event, event]);
      expect(await rowOf(eve, 'chat_groups', group)).toMatchObject({ last_message: answer.body, last_change: 1 });
      await enter(outside);
      await edit(bob, inGroup(1, group), 'Hello you');
      await eventually(() => told.length > 0 || undefined, 'the next one');
      expect(told.map(({ message }) => message)).toEqual(['Hello you']);
    });

    it('is deleted by its sender or by the owner, and by nobody else', async () => {
      await say(inside, 'second');
      await say(outside, 'third');
      expect(await edit(ada, inGroup(1, group), 'x')).toMatchObject(refused(403, 'forbidden'));
      expect(await remove(eve, inGroup(1, group))).toMatchObject(refused(403, 'forbidden'));
      const got = next<Update>(second, 'message_update');
      expect(await remove(ada, inGroup(1, group))).toMatchObject({ status: 200, body: { deleted: true, change: 1 } });
      expect(await got).toEqual({
        chat_type: 'group',
        chat_group_id: group,
        user_id: bob.id,
        seq: 1,
        change: 1,
        message: '',
        deleted: true,
        timestamp: expect.stringMatching(MOMENT),
      });
      expect(await remove(bob, inGroup(2, group))).toMatchObject({ status: 200, body: { change: 2 } });
      expect(await remove(eve, inGroup(3, group))).toMatchObject({ status: 200, body: { change: 3 } });
      expect(await edit(bob, inGroup(1, group), 'x')).toMatchObject(refused(410, 'message_deleted'));
      for (const seq of [1, 2, 3]) expect((await stored(seq, group)).body).toBe('');
      const row = await rowOf(eve, 'chat_groups', group);
      expect(row).toMatchObject({ last_message: { seq: 3, message: '', deleted: true, change: 3 }, last_seq: 3 });
      const notified = (await bob.get('/http/notifications')).body;
      expect(notified.find((one: any) => one.chat_group_id === group)).toMatchObject({ message: '', deleted: true });
    });

    it('is out of reach for who is no member any more, and for strangers', async () => {
      const mallory = await Person.known(app, 'Mallory');
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: bob.token });
      for (const person of [bob, mallory]) {
        expect(await edit(person, inGroup(1, group), 'x')).toMatchObject(refused(404, 'not_found'));
        const answer = await remove(person, inGroup(1, group));
        expect(answer).toMatchObject(refused(404, 'not_found'));
        expect((await remove(person, inGroup(1, 1_999_999_999))).body).toEqual(answer.body);
      }
      expect((await stored(1, group)).body).toBe('Hello all');
    });

    it('is caught up on by members, and catching up enters nobody', async () => {
      await edit(bob, inGroup(1, group), 'Hello you');
      const caught = await eve.get(`/http/chat_groups/${group}?changes_after=0`);
      expect(caught.body).toMatchObject([{ seq: 1, message: 'Hello you', change: 1 }]);
      expect(await rowOf(eve, 'chat_groups', group)).toMatchObject({ is_in: false, last_change: 1 });
      const mallory = await Person.known(app, 'Mallory');
      expect(await mallory.get(`/http/chat_groups/${group}?changes_after=0`)).toMatchObject(refused(404, 'not_found'));
      expect(await rowOf(mallory, 'chat_groups', group)).toMatchObject({ is_member: false, last_change: 1 });
    });

    it('of a private group shows those outside nothing of its changes', async () => {
      const body = { chat_group_name: 'Secret', is_private: true };
      const secret = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
      await send(await ada.connect(), { chat_type: 'group', chat_group_id: secret, message: 'between us' });
      await edit(ada, inGroup(1, secret), 'still between us');
      expect(await rowOf(ada, 'chat_groups', secret)).toMatchObject({ last_change: 1 });
      expect(await rowOf(eve, 'chat_groups', secret)).toMatchObject({ last_change: 0, last_message: null });
    });

    it('that was deleted before members outside were told of it is told without its text', async () => {
      const got: GroupNotification[] = [];
      outside.on('notification', (notification) => {
        if ('user_id' in notification) got.push(notification);
      });
      // What comes within a second of the one before waits. Again where the second was over in the middle.
      const told = await eventually(async () => {
        const { seq } = await say(inside, 'a secret');
        await remove(bob, inGroup(seq, group));
        const mine = await eventually(() => got.find(({ last_seq }) => last_seq === seq), 'the notification');
        return mine.deleted && mine;
      }, 'a notification that waited');
      expect(told).toMatchObject({ message: '', deleted: true });
    });

    it('goes with its group, its changes too', async () => {
      await edit(bob, inGroup(1, group), 'Hello you');
      expect(await changes(group)).toHaveLength(1);
      for (const person of [ada, bob, eve])
        await call(app, 'DELETE', `/http/chat_groups/${group}/members/${person.id}`, { token: person.token });
      // In the background, some hundreds at a time.
      await eventually(async () => (await changes(group)).length === 0 || undefined);
      expect(await remove(bob, inGroup(1, group))).toMatchObject(refused(404, 'not_found'));
    });
  });
});

const placeOf = ({ seq, timestamp }: { seq: number; timestamp: string }) => ({ seq, timestamp });
