// Steps 6 to 9: people, rooms, messages between two, and what is read.
import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import { nameColumns, User } from '../../src/identity/user.entity.js';
import type { RoomMessage } from '../../src/sockets/events.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, collect, eventually, next, open, Person, send, sendTo } from '../support/client.js';

onAllDialects('rooms', (dialect) => {
  let app: TestApp;
  let offset = 0;
  let ada: Person;
  let bob: Person;
  let eve: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());
  // New people for each test: their rooms are empty.
  beforeEach(async () => {
    offset = 0;
    [ada, bob, eve] = await Promise.all([Person.known(app, 'Ada'), Person.known(app, 'Bob'), Person.known(app, 'Eve')]);
  });

  describe('a direct message', () => {
    it('reaches each socket of both people, the sending one too, as it was stored', async () => {
      const [phone, laptop] = [await ada.connect(), await ada.connect(await ada.session(app))];
      const [other, stranger] = [await bob.connect(), await eve.connect()];
      const strange = collect(stranger);
      const got = Promise.all([phone, laptop, other].map((socket) => next<RoomMessage>(socket, 'message')));

      const acknowledged = await sendTo(phone, bob.id, '  Hello <b>Bob</b> 🦊\n', 'c-1');
      expect(acknowledged).toEqual({
        ok: true,
        chat_room_id: expect.any(Number),
        seq: 1,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        client_id: 'c-1',
      });
      const { ok: _, ...place } = acknowledged;
      const expected = {
        chat_type: 'room',
        user_id: ada.id,
        other_user_id: bob.id,
        message: '  Hello <b>Bob</b> 🦊\n',
        ...place,
      };
      expect(await got).toEqual([expected, expected, expected]);

      const { body } = await bob.get(`/http/chat_rooms/${acknowledged.chat_room_id}`);
      expect(body).toEqual([
        {
          seq: 1,
          user_id: ada.id,
          message: '  Hello <b>Bob</b> 🦊\n',
          timestamp: acknowledged.timestamp,
          client_id: 'c-1',
        },
      ]);
      // A later message of their own proves that nothing came before it.
      await sendTo(stranger, ada.id, 'marker');
      expect(strange.map(({ message }) => message)).toEqual(['marker']);
    });

    it('works literally as the protocol writes it, token in the payload, with a stock client that begins by polling', async () => {
      const sender = open(app, { transports: ['polling', 'websocket'] });
      const receiver = open(app, { transports: ['polling', 'websocket'] });
      expect(await send(receiver, { token: bob.token })).toEqual({ ok: true, user_id: bob.id });
      const got = next<RoomMessage>(receiver, 'message');
      sender.send({ token: ada.token, chat_type: 'room', other_user_id: bob.id, message: 'first words' });
      expect(await got).toMatchObject({ chat_type: 'room', user_id: ada.id, message: 'first words', seq: 1 });
      sender.close();
      receiver.close();
    });

    it('numbers 1,000 that one socket sends without waiting to a new room, in the order sent, and pages them back', async () => {
      const socket = await ada.connect();
      const texts = Array.from({ length: 1000 }, (_, i) => `message ${i + 1}`);
      const answers = await Promise.all(texts.map((text) => sendTo(socket, bob.id, text)));
      expect(answers.map(({ seq }) => seq)).toEqual(texts.map((_, i) => i + 1));

      const room = answers[0].chat_room_id;
      const pages: RoomMessage[][] = [];
      for (let path = `/http/chat_rooms/${room}`; ;) {
        const { body } = await bob.get(path);
        if (body.length === 0) break;
        pages.unshift(body);
        // As a browser would: through a Date, which has milliseconds and no more.
        path = `/http/chat_rooms/${room}?until=${encodeURIComponent(new Date(body[0].timestamp).toISOString())}`;
      }
      expect(pages.map((page) => page.length)).toEqual(Array(10).fill(100));
      expect(pages.flat().map(({ seq, message }) => `${seq} ${message}`)).toEqual(
        texts.map((text, i) => `${i + 1} ${text}`),
      );
      const stamps = pages.flat().map(({ timestamp }) => Date.parse(timestamp));
      expect(stamps.every((stamp, i) => i === 0 || stamp > stamps[i - 1])).toBe(true);
      const [stored] = await app.database.query('SELECT COUNT(*) AS n FROM messages WHERE conversation_id = ?', [room]);
      expect(Number(stored.n)).toBe(1000);
    });

    it('keeps the order of each sender and has no gap when many send to one room at once', async () => {
      const sockets = await Promise.all([ada, ada, bob, bob].map((person) => person.connect()));
      const got = collect(sockets[0]);
      const answers = await Promise.all(
        sockets.flatMap((socket, s) =>
          Array.from({ length: 50 }, (_, i) => sendTo(socket, s < 2 ? bob.id : ada.id, `${s}:${i}`)),
        ),
      );
      expect(answers.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
      const { body: last } = await ada.get(`/http/chat_rooms/${answers[0].chat_room_id}?after=100`);
      const { body: first } = await ada.get(`/http/chat_rooms/${answers[0].chat_room_id}?before=101`);
      const stored: RoomMessage[] = [...first, ...last];
      for (const s of [0, 1, 2, 3]) {
        const mine = stored.map(({ message }) => message).filter((text) => text.startsWith(`${s}:`));
        expect(mine).toEqual(Array.from({ length: 50 }, (_, i) => `${s}:${i}`));
      }
      // Delivered in the order of their numbers, too.
      await eventually(() => got.length === 200 || undefined, '200 messages');
      expect(got.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    });

    it('makes one room when both write first at once', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const answers = await Promise.all([sendTo(a, bob.id, 'hi'), sendTo(b, ada.id, 'hi'), sendTo(a, bob.id, 'again')]);
      expect(new Set(answers.map(({ chat_room_id }) => chat_room_id)).size).toBe(1);
      expect(answers.map(({ seq }) => seq).sort()).toEqual([1, 2, 3]);
      expect((await ada.get('/http/chat_rooms')).body).toHaveLength(1);
    });

    it('has a later timestamp than the one before, also when the clock is set back', async () => {
      const socket = await ada.connect();
      const first = await sendTo(socket, bob.id, 'now');
      offset = -3_600_000;
      const second = await sendTo(socket, bob.id, 'an hour ago');
      const third = await sendTo(socket, bob.id, 'still');
      expect(Date.parse(second.timestamp)).toBe(Date.parse(first.timestamp) + 1);
      expect(Date.parse(third.timestamp)).toBe(Date.parse(first.timestamp) + 2);
    });

    it.each([
      ['to oneself', () => ({ other_user_id: ada.id, message: 'x' }), 'invalid'],
      ['to nobody', () => ({ other_user_id: 2_000_000_000, message: 'x' }), 'not_found'],
      ['without text', () => ({ other_user_id: bob.id }), 'invalid'],
      ['of white space', () => ({ other_user_id: bob.id, message: ' \n\t ' }), 'invalid'],
      ['that is too long', () => ({ other_user_id: bob.id, message: 'x'.repeat(4001) }), 'invalid'],
      ['with half a character', () => ({ other_user_id: bob.id, message: 'x\ud800' }), 'invalid'],
      ['with an id as text', () => ({ other_user_id: String(bob.id), message: 'x' }), 'invalid'],
      ['with a fraction of an id', () => ({ other_user_id: 1.5, message: 'x' }), 'invalid'],
      ['with an odd client_id', () => ({ other_user_id: bob.id, message: 'x', client_id: 'a b' }), 'invalid'],
      ['with a field that is not there', () => ({ other_user_id: bob.id, message: 'x', seq: 7 }), 'invalid'],
    ])('%s is refused, with the reason in both places', async (_, payload, code) => {
      const socket = await ada.connect();
      const told = next<{ code: string; request: object }>(socket, 'exception');
      const answer = await send(socket, { chat_type: 'room', ...payload() });
      expect(answer).toMatchObject({ ok: false, error: { code } });
      expect(await told).toMatchObject({ code, request: { event: 'message', chat_type: 'room' } });
      // The socket is as good as before.
      expect((await sendTo(socket, bob.id, 'fine')).ok).toBe(true);
    });

    it('may have white space around it, but not without end', async () => {
      const socket = await ada.connect();
      const text = `${' '.repeat(5000)}x`;
      const { chat_room_id: room } = await sendTo(socket, bob.id, text);
      expect((await bob.get(`/http/chat_rooms/${room}`)).body[0].message).toBe(text);
      expect((await sendTo(socket, bob.id, `${' '.repeat(20_000)}x`)).error.code).toBe('invalid');
    });

    it('of 4,000 characters is stored whole, emoji and all', async () => {
      const socket = await ada.connect();
      const text = '🦊'.repeat(4000);
      const { chat_room_id: room } = await sendTo(socket, bob.id, text);
      expect((await bob.get(`/http/chat_rooms/${room}`)).body[0].message).toBe(text);
    });
  });

  describe('a client_id', () => {
    it('makes a repeat harmless: on another socket, in flight, and after a restart', async () => {
      const [phone, laptop, other] = [await ada.connect(), await ada.connect(), await bob.connect()];
      const got = collect(other);
      const answers = await Promise.all([phone, laptop, phone].map((socket) => sendTo(socket, bob.id, 'once', 'id-1')));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await sendTo(laptop, bob.id, 'once', 'id-1')).toEqual(answers[0]);
      const marker = next<RoomMessage>(other, 'message', ({ message }) => message === 'marker');
      await sendTo(phone, bob.id, 'marker');
      await marker;
      expect(got.map(({ message }) => message)).toEqual(['once', 'marker']);

      app = await app.restart();
      app.get(Clock).now = () => new Date(Date.now() + offset);
      const again = await ada.at(app).connect();
      expect(await sendTo(again, bob.id, 'once', 'id-1')).toEqual(answers[0]);
      expect((await sendTo(again, bob.id, 'twice', 'id-1')).error.code).toBe('client_id_conflict');
      expect((await sendTo(again, bob.id, 'next', 'id-2')).seq).toBe(3);
    });

    it('that is null is none', async () => {
      const socket = await ada.connect();
      const payload = { chat_type: 'room', other_user_id: bob.id, client_id: null };
      const answers = await Promise.all(
        ['same', 'same', 'other'].map((message) => send(socket, { ...payload, message })),
      );
      expect(answers.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(answers[0]).not.toHaveProperty('client_id');
    });

    it('with another text is refused, also in the same batch', async () => {
      const socket = await ada.connect();
      const [first, second] = await Promise.all([
        sendTo(socket, bob.id, 'one', 'same'),
        sendTo(socket, bob.id, 'two', 'same'),
      ]);
      expect(first.seq).toBe(1);
      expect(second.error.code).toBe('client_id_conflict');
      expect((await sendTo(socket, bob.id, 'two', 'same')).error.code).toBe('client_id_conflict');
    });

    it('belongs to one sender and one chat, and knows upper from lower case', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      const seqs = [
        await sendTo(a, bob.id, 'hers', 'X'),
        await sendTo(b, ada.id, 'his', 'X'),
        await sendTo(a, bob.id, 'lower', 'x'),
        await sendTo(a, eve.id, 'elsewhere', 'X'),
      ].map(({ seq }) => seq);
      expect(seqs).toEqual([1, 2, 3, 1]);
    });
  });

  describe('the history', () => {
    let room: number;
    let path: string;

    beforeEach(async () => {
      const socket = await ada.connect();
      const answers = await Promise.all(Array.from({ length: 120 }, (_, i) => sendTo(socket, bob.id, `${i + 1}`)));
      room = answers[0].chat_room_id;
      path = `/http/chat_rooms/${room}`;
    });

    const seqs = async (query: string) => (await bob.get(path + query)).body.map(({ seq }: RoomMessage) => seq);
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

    it('comes oldest first, at most 100, by number, by moment, and by less than 100', async () => {
      expect(await seqs('')).toEqual(range(21, 120));
      expect(await seqs('?before=21')).toEqual(range(1, 20));
      expect(await seqs('?after=0')).toEqual(range(1, 100));
      expect(await seqs('?after=100')).toEqual(range(101, 120));
      expect(await seqs('?after=120')).toEqual([]);
      expect(await seqs('?before=1')).toEqual([]);
      expect(await seqs('?limit=3')).toEqual([118, 119, 120]);
      expect(await seqs('?after=5&limit=2')).toEqual([6, 7]);
      expect(await seqs('?limit=1000')).toEqual(range(21, 120));
      expect(await seqs('?limit=999999999999')).toEqual(range(21, 120));
      const { body } = await bob.get(path);
      const until = body[50].timestamp;
      expect((await seqs(`?until=${until}`)).at(-1)).toBe(body[49].seq);
      // The same moment, written with another zone, and with microseconds that lie just behind it.
      const east = new Date(Date.parse(until) + 2 * 3_600_000).toISOString().replace('Z', '%2B02:00');
      expect((await seqs(`?until=${east}`)).at(-1)).toBe(body[49].seq);
      // A plus that was not encoded is a space by the time it arrives.
      expect((await seqs(`?until=${east.replace('%2B', '+')}`)).at(-1)).toBe(body[49].seq);
      expect((await seqs(`?until=${east.replace('%2B02:00', '+0200')}`)).at(-1)).toBe(body[49].seq);
      expect((await seqs(`?until=${until.replace('Z', '500Z')}`)).at(-1)).toBe(body[50].seq);
    });

    it('takes the same fields in a JSON body on GET, as the protocol writes it', async () => {
      const body = JSON.stringify({ before: 4 });
      const headers = { authentication: bob.token, 'content-type': 'application/json', 'content-length': body.length };
      const answer = await new Promise<string>((resolve, reject) => {
        const sent = request(`${app.url}${path}`, { headers }, (response) =>
          response.setEncoding('utf8').on('data', resolve),
        );
        sent.on('error', reject).end(body);
      });
      expect(JSON.parse(answer).map(({ seq }: RoomMessage) => seq)).toEqual([1, 2, 3]);
      const empty = await call(app, 'GET', path, { token: bob.token, headers: { 'content-type': 'application/json' } });
      expect(empty.status).toBe(200);
    });

    it.each([
      '?until=yesterday',
      '?until=2026-11-22T06:46:35.437',
      '?until=2026-11-22',
      '?until=2026-02-30T00:00:00Z',
      '?until=1763800000000',
      '?before=x',
      '?before=0',
      '?before=-1',
      '?before=1e3',
      '?before=99999999999999999999',
      '?after=-1',
      '?limit=0',
      '?limit=ten',
      '?before=1&after=2',
      '?until=2026-11-22T06:46:35Z&before=3',
      '?unknown=1',
      '?before=1&before=2',
    ])('refuses %s', async (query) => {
      expect(await bob.get(path + query)).toMatchObject({ status: 400, body: { code: 'invalid' } });
    });

    it('is for the two of the room: anybody else finds nothing there', async () => {
      expect(await eve.get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
      const [stranger, missing] = [await eve.get(path), await eve.get('/http/chat_rooms/1999999999')];
      expect(stranger.body).toEqual(missing.body);
      expect((await eve.get('/http/chat_rooms/99999999999')).status).toBe(404);
      expect((await eve.get('/http/chat_rooms/abc')).status).toBe(400);
      expect((await eve.put('/http/notifications', { chat_room_id: room })).status).toBe(404);
    });
  });

  describe('what is read', () => {
    it('is counted from the numbers, for each side', async () => {
      const [a, b] = [await ada.connect(), await bob.connect()];
      for (const text of ['1', '2', '3']) await sendTo(a, bob.id, text);
      const { chat_room_id: room } = await sendTo(a, bob.id, '4');

      const notified = (await bob.get('/http/notifications')).body;
      expect(notified).toEqual([
        {
          chat_type: 'room',
          chat_room_id: room,
          user_id: ada.id,
          unread_count: 4,
          is_read: false,
          last_seq: 4,
          last_read_seq: 0,
          message: '4',
          timestamp: expect.any(String),
        },
      ]);
      // Who writes has read.
      expect((await ada.get('/http/notifications')).body[0]).toMatchObject({
        unread_count: 0,
        is_read: true,
        last_read_seq: 4,
      });

      expect((await bob.put('/http/notifications', { chat_room_id: room, seq: 2 })).body).toEqual({
        chat_room_id: room,
        last_read_seq: 2,
        unread_count: 2,
      });
      // Never back, and never beyond what there is.
      expect((await bob.put('/http/notifications', { chat_room_id: room, seq: 1 })).body.last_read_seq).toBe(2);
      expect((await bob.put('/http/notifications', { chat_room_id: room, seq: 999 })).body.last_read_seq).toBe(4);
      await sendTo(a, bob.id, '5');
      expect((await bob.put('/http/notifications', { chat_room_id: room })).body).toMatchObject({
        last_read_seq: 5,
        unread_count: 0,
      });
      await sendTo(b, ada.id, '6');
      expect((await ada.get('/http/chat_rooms')).body[0]).toMatchObject({
        last_seq: 6,
        last_change: 0,
        last_read_seq: 5,
        other_last_read_seq: 6,
        unread_count: 1,
      });
    });

    it('comes unread first, then newest first', async () => {
      const [carol, dan] = [await Person.known(app, 'Carol'), await Person.known(app, 'Dan')];
      const rooms: Record<string, number> = {};
      for (const person of [bob, carol, dan, eve]) {
        rooms[person.firstName] = (await sendTo(await person.connect(), ada.id, 'hi')).chat_room_id;
      }
      await ada.put('/http/notifications', { chat_room_id: rooms['Eve'] });
      await ada.put('/http/notifications', { chat_room_id: rooms['Carol'] });
      const order = (await ada.get('/http/notifications')).body.map(
        ({ chat_room_id }: { chat_room_id: number }) => chat_room_id,
      );
      expect(order).toEqual([rooms['Dan'], rooms['Bob'], rooms['Eve'], rooms['Carol']]);
    });

    it.each([
      [{}],
      [{ chat_room_id: 'x' }],
      [{ chat_room_id: 1, seq: 0 }],
      [{ chat_room_id: 1, other: 2 }],
      [null],
      [[]],
    ])('refuses %j', async (body) => {
      expect((await ada.put('/http/notifications', body)).status).toBe(400);
    });
  });

  describe('the lists', () => {
    it('of rooms shows the newest first, with its last message and the other one', async () => {
      const socket = await ada.connect();
      expect((await ada.get('/http/chat_rooms')).body).toEqual([]);
      await sendTo(socket, bob.id, 'to Bob');
      const { chat_room_id: room, timestamp } = await sendTo(socket, eve.id, 'to Eve', 'c');
      const { body } = await ada.get('/http/chat_rooms');
      expect(body.map(({ other_user }: any) => other_user.first_name)).toEqual(['Eve', 'Bob']);
      expect(body[0]).toEqual({
        id: room,
        other_user: { id: eve.id, first_name: 'Eve', last_name: 'Lovelace', is_online: false },
        last_message: { seq: 1, user_id: ada.id, message: 'to Eve', timestamp, client_id: 'c' },
        last_seq: 1,
        last_change: 0,
        last_read_seq: 1,
        other_last_read_seq: 0,
        unread_count: 0,
      });
      await sendTo(socket, bob.id, 'again');
      expect((await ada.get('/http/chat_rooms')).body[0].other_user.id).toBe(bob.id);
    });

    it("of people never shows another's address", async () => {
      await bob.connect();
      const { body } = await ada.get('/http/users');
      const shown = body.find(({ id }: { id: number }) => id === bob.id);
      expect(shown).toEqual({ id: bob.id, first_name: 'Bob', last_name: 'Lovelace', is_online: true, last_seen: null });
      expect(JSON.stringify(body)).not.toContain('@');
    });
  });

  describe('more than a thousand', () => {
    const walk = async (path: string): Promise<any[]> => {
      const rows = [];
      for (let page: string | undefined = path; page;) {
        const { status, body, headers } = await ada.get(page);
        expect(status).toBe(200);
        expect(body.length).toBeLessThanOrEqual(1000);
        rows.push(...body);
        const [, link] = /^<http:\/\/localhost:3000([^>]*)>; rel="next"$/.exec(headers.get('link') ?? '') ?? [];
        page = link;
      }
      return rows;
    };

    it('people come in pages, each once, and are found by the beginning of either name', async () => {
      const many = Array.from({ length: 2300 }, (_, i) => ({
        email: `crowd${i}@example.com`,
        passwordHash: 'x',
        ...nameColumns(i % 2 === 0 ? 'Émile' : `Zoë${i}`, i % 4 < 2 ? 'ÉMILIE' : 'Zhang'),
        createdAt: new Date(),
        lastSeen: null,
        erasedAt: null,
      }));
      for (let i = 0; i < many.length; i += 500) await app.database.manager.insert(User, many.slice(i, i + 500));

      const ids = (await walk('/http/users')).map(({ id }) => id);
      expect(ids.length).toBeGreaterThan(2300);
      expect(new Set(ids).size).toBe(ids.length);

      const found = await walk(`/http/users?query=${encodeURIComponent('émil')}`);
      expect(found).toHaveLength(many.filter((_, i) => i % 2 === 0 || i % 4 < 2).length);
      expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
      expect(await walk('/http/users?query=nobody-of-this-name')).toEqual([]);
      expect((await walk('/http/users?query=zoë1001')).map(({ first_name }) => first_name)).toEqual(['Zoë1001']);
      expect((await walk('/http/users?query=%25')).length).toBe(0);

      // Rooms and notifications page the same way.
      const crowd = (await walk('/http/users?query=zoë')).slice(0, 1100);
      const socket = await ada.connect();
      await Promise.all(crowd.map(({ id }) => sendTo(socket, id, 'hello')));
      const rooms = await walk('/http/chat_rooms');
      expect(rooms).toHaveLength(1100);
      expect(new Set(rooms.map(({ id }) => id)).size).toBe(1100);
      const notifications = await walk('/http/notifications');
      expect(new Set(notifications.map(({ chat_room_id }) => chat_room_id)).size).toBe(1100);
    });

    it.each([
      'x',
      'W10',
      'bnVsbA',
      Buffer.from('[1e999]').toString('base64url'),
      Buffer.from('["zzz",5]').toString('base64url'),
      Buffer.from('["x"]').toString('base64url'),
    ])('refuses the cursor %s', async (cursor) => {
      expect((await ada.get(`/http/users?cursor=${cursor}`)).status).toBe(400);
      expect((await ada.get(`/http/chat_rooms?cursor=${cursor}`)).status).toBe(400);
    });
  });
});
