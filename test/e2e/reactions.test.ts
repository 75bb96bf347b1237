// Reactions: what is stored, what is answered and told, by which limits, and what becomes of them.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MOST_EMOJI, MOST_OF_USER } from '../../src/conversations/reactions/reaction-batch.js';
import { PEOPLE_LIMIT } from '../../src/conversations/reactions/react.dto.js';
import { insertRows } from '../../src/database/dialect.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import type { GroupReactions, RoomReactions } from '../../src/sockets/events.js';
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
import { groupWith } from '../support/groups.js';
import { assertTotals } from '../support/reactions.js';
import { statementsOf } from '../support/statements.js';

type Told = RoomReactions | GroupReactions;

const EMOJI = [
  '👍',
  '❤️',
  '😂',
  '🎉',
  '😮',
  '😢',
  '🙏',
  '🔥',
  '👏',
  '✅',
  '🚀',
  '👀',
  '💯',
  '🤔',
  '🥳',
  '😎',
  '🐛',
  '☕',
  '🌍',
  '🎈',
];

onAllDialects('reactions', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let phone: ChatSocket;
  let other: ChatSocket;
  let room: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    [phone, other] = [await ada.connect(), await bob.connect()];
    room = (await sendTo(phone, bob.id, 'Hello Bob', 'c-1')).chat_room_id;
  });

  const inRoom = (seq: number | string, id = room) => `/http/chat_rooms/${id}/messages/${seq}/reactions`;
  const inGroup = (seq: number | string, id: number) => `/http/chat_groups/${id}/messages/${seq}/reactions`;
  const react = (one: Person, path: string, emoji: unknown = '👍', is_on: unknown = true): Promise<Answer> =>
    one.put(path, { emoji, is_on });
  const reactBy = (socket: ChatSocket, payload: object): Promise<any> =>
    (socket as any).timeout(15_000).emitWithAck('react', payload);
  const page = async (one: Person, query = '', id = room) => (await one.get(`/http/chat_rooms/${id}${query}`)).body;
  const refused = (status: number, code: string) => ({ status, body: { statusCode: status, code } });
  const rows = (): Promise<{ n: number }[]> =>
    app.database.query(
      'SELECT seq, emoji, user_id FROM reactions WHERE conversation_id = ? ORDER BY seq, emoji, user_id',
      [room],
    );

  describe('in a room', () => {
    it('are stored, answered, told to each socket of both people, and shown from then on', async () => {
      const stranger = record(await eve.connect(), 'message_reactions');
      const told = [phone, other].map((socket) => next<Told>(socket, 'message_reactions'));
      const answer = await react(bob, inRoom(1));
      const mine = { emoji: '👍', count: 1, is_mine: true };
      expect(answer).toMatchObject({ status: 200 });
      expect(answer.body).toEqual({ seq: 1, change: 1, reactions: [mine] });
      const event = {
        chat_type: 'room',
        chat_room_id: room,
        user_id: ada.id,
        other_user_id: bob.id,
        seq: 1,
        change: 1,
        message: 'Hello Bob',
        timestamp: expect.any(String),
        reactions: [{ emoji: '👍', count: 1 }],
        changed: [{ user_id: bob.id, emoji: '👍', is_on: true }],
      };
      expect(await Promise.all(told)).toEqual([event, event]);
      expect(await page(bob)).toMatchObject([
        { seq: 1, message: 'Hello Bob', change: 1, client_id: 'c-1', reactions: [mine] },
      ]);
      expect(await page(ada)).toMatchObject([{ reactions: [{ emoji: '👍', count: 1 }] }]);
      expect((await page(ada))[0].reactions[0]).not.toHaveProperty('is_mine');
      expect((await page(ada))[0]).not.toHaveProperty('edited_at');
      for (const query of ['?before=2', '?after=0', '?changes_after=0', '?until=2100-01-01T00:00:00Z'])
        expect(await page(bob, query), query).toMatchObject([{ change: 1, reactions: [mine] }]);
      const [row] = (await bob.get('/http/chat_rooms')).body;
      expect(row).toMatchObject({ last_change: 1, last_message: { change: 1, reactions: [mine] } });
      await sendTo(await eve.connect(), bob.id, 'a marker');
      expect(stranger).toEqual([]);
      await assertTotals(app);
    });

    it('are set and taken back by the event as well, and twice is once', async () => {
      const all = record<Told>(phone, 'message_reactions');
      const payload = { chat_room_id: room, seq: 1, emoji: '🎉', is_on: true };
      const first = await reactBy(other, payload);
      expect(first).toEqual({
        ok: true,
        chat_room_id: room,
        seq: 1,
        change: 1,
        reactions: [{ emoji: '🎉', count: 1, is_mine: true }],
      });
      expect(await reactBy(other, payload)).toEqual(first);
      expect(await reactBy(phone, payload)).toMatchObject({
        change: 2,
        reactions: [{ emoji: '🎉', count: 2, is_mine: true }],
      });
      const off = { ...payload, is_on: false };
      expect(await reactBy(other, off)).toEqual({
        ok: true,
        chat_room_id: room,
        seq: 1,
        change: 3,
        reactions: [{ emoji: '🎉', count: 1 }],
      });
      expect(await reactBy(other, off)).toMatchObject({ change: 3 });
      expect(await reactBy(phone, off)).toMatchObject({ change: 4, reactions: [] });
      expect((await page(ada))[0]).not.toHaveProperty('reactions');
      expect(all.map(({ change, reactions, changed }) => [change, reactions.length, changed.length])).toEqual([
        [1, 1, 1],
        [2, 1, 1],
        [3, 1, 1],
        [4, 0, 1],
      ]);
      expect(await rows()).toEqual([]);
      await assertTotals(app);
      // Of a message that was never changed, taking back changes nothing, and there is no number to tell.
      await sendTo(phone, bob.id, 'two');
      expect((await react(bob, inRoom(2), '👍', false)).body).toEqual({ seq: 2, reactions: [] });
    });

    it('have one spelling, however they are sent, and stand in the order in which they came', async () => {
      for (const emoji of ['❤', '❤️', '👍️', '👍']) expect((await react(bob, inRoom(1), emoji)).status).toBe(200);
      expect(await reactBy(other, { chat_room_id: room, seq: 1, emoji: '❤', is_on: true })).toMatchObject({
        ok: true,
        reactions: [{ emoji: '❤️', count: 1, is_mine: true }, { emoji: '👍' }],
      });
      expect((await react(ada, inRoom(1), '🏳‍🌈')).status).toBe(200);
      expect((await page(ada))[0].reactions).toEqual([
        { emoji: '❤️', count: 1 },
        { emoji: '👍', count: 1 },
        { emoji: '🏳️‍🌈', count: 1, is_mine: true },
      ]);
      expect((await bob.get(`${inRoom(1)}?emoji=${encodeURIComponent('❤')}`)).body).toEqual({
        emoji: '❤️',
        count: 1,
        user_ids: [bob.id],
      });
    });

    it('are refused where they are none, or belong to nothing', async () => {
      for (const emoji of [
        '',
        'a',
        '1',
        'ok',
        '👍👍',
        '👍 ',
        ':thumbsup:',
        '\u200d',
        '\ufe0f',
        '❤︎',
        '🇩',
        '👍\u0000',
        '\ud83d',
        'x'.repeat(60_000),
        1,
        null,
        [],
        {},
        ['👍'],
      ])
        expect(await react(bob, inRoom(1), emoji), JSON.stringify(emoji)?.slice(0, 40)).toMatchObject({
          ...refused(400, 'invalid'),
          body: { fields: { emoji: ['must be exactly one emoji'] } },
        });
      for (const on of ['true', 1, null, []])
        expect(await react(bob, inRoom(1), '👍', on)).toMatchObject({ body: { fields: { is_on: expect.anything() } } });
      expect(await bob.put(inRoom(1), { emoji: '👍' })).toMatchObject(refused(400, 'invalid'));
      expect(await bob.put(inRoom(1), { is_on: true })).toMatchObject(refused(400, 'invalid'));
      expect(await bob.put(inRoom(1), { emoji: '👍', is_on: true, x: 1 })).toMatchObject(refused(400, 'invalid'));
      for (const seq of [2, 2147483647, 9999999999])
        expect(await react(bob, inRoom(seq))).toMatchObject(refused(404, 'not_found'));
      for (const seq of [0, -1, '1.0', 'x'])
        expect(await react(bob, inRoom(seq))).toMatchObject(refused(400, 'invalid'));
      expect(await react(eve, inRoom(1))).toMatchObject(refused(404, 'not_found'));
      expect(await eve.get(`${inRoom(1)}?emoji=👍`)).toMatchObject(refused(404, 'not_found'));
      expect(await react(bob, inGroup(1, room))).toMatchObject(refused(404, 'not_found'));
      expect(await react(bob, inRoom(1, 99_999_999))).toMatchObject(refused(404, 'not_found'));
      expect(await bob.get(inRoom(1))).toMatchObject(refused(400, 'invalid'));
      expect(await bob.get(`${inRoom(1)}?emoji=x`)).toMatchObject(refused(400, 'invalid'));
      expect(await bob.get(`${inRoom(1)}?emoji=👍&after=-1`)).toMatchObject(refused(400, 'invalid'));
      const right = { chat_room_id: room, seq: 1, emoji: '👍', is_on: true };
      for (const payload of [
        { ...right, chat_group_id: 1 },
        { ...right, chat_room_id: undefined },
        { ...right, seq: 0 },
        { ...right, seq: '1' },
        { ...right, seq: undefined },
        { ...right, x: 1 },
      ])
        expect(await reactBy(other, payload)).toMatchObject({ ok: false, error: { code: 'invalid' } });
      expect(await reactBy(other, { ...right, chat_room_id: undefined, chat_group_id: room })).toMatchObject({
        error: { code: 'not_found' },
      });
      expect(await rows()).toEqual([]);
      expect((await page(bob))[0]).not.toHaveProperty('change');
    });

    it('are at most five of one person and twenty of all, in whatever order they come', async () => {
      for (const emoji of EMOJI.slice(0, MOST_OF_USER)) expect((await react(ada, inRoom(1), emoji)).status).toBe(200);
      expect(await react(ada, inRoom(1), EMOJI[5])).toMatchObject(refused(409, 'too_many_reactions'));
      // One that is there is no new one.
      expect((await react(ada, inRoom(1), EMOJI[0])).status).toBe(200);
      await react(ada, inRoom(1), EMOJI[0], false);
      expect((await react(ada, inRoom(1), EMOJI[5])).status).toBe(200);

      const people = await Promise.all([1, 2, 3, 4].map(() => Person.known(app)));
      const group = await groupWith(ada, people);
      await send(phone, { chat_type: 'group', chat_group_id: group, message: 'all of them' });
      const answers = await Promise.all(
        people.flatMap((one, i) => EMOJI.slice(i * 5, i * 5 + 5).map((emoji) => react(one, inGroup(1, group), emoji))),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      const over = await react(ada, inGroup(1, group), '🧡');
      expect(over).toMatchObject(refused(409, 'too_many_reactions'));
      expect((await react(ada, inGroup(1, group), EMOJI[19])).body.reactions).toHaveLength(MOST_EMOJI);
      await react(people[0], inGroup(1, group), EMOJI[0], false);
      expect((await react(ada, inGroup(1, group), '🧡')).status).toBe(200);
      await assertTotals(app);
    });

    it('stay with an edit, which tells them, and go with the message that is deleted', async () => {
      await react(bob, inRoom(1));
      const edited = next<any>(other, 'message_update');
      const answer = await ada.put(`/http/chat_rooms/${room}/messages/1`, { message: 'Hello, Bob' });
      expect(answer.body).toMatchObject({ change: 2, message: 'Hello, Bob', reactions: [{ emoji: '👍', count: 1 }] });
      expect(await edited).toMatchObject({ change: 2, reactions: [{ emoji: '👍', count: 1 }] });
      const told = next<Told>(other, 'message_reactions');
      await react(ada, inRoom(1), '🎉');
      expect(await told).toMatchObject({ change: 3, message: 'Hello, Bob', edited_at: answer.body.edited_at });

      const deleted = next<any>(other, 'message_update');
      const gone = await call(app, 'DELETE', `/http/chat_rooms/${room}/messages/1`, { token: ada.token });
      expect(gone.body).toMatchObject({ deleted: true, change: 4 });
      expect(gone.body).not.toHaveProperty('reactions');
      expect(await deleted).not.toHaveProperty('reactions');
      expect((await page(bob))[0]).not.toHaveProperty('reactions');
      for (const on of [true, false])
        expect(await react(bob, inRoom(1), '👍', on)).toMatchObject(refused(410, 'message_deleted'));
      expect(await bob.get(`${inRoom(1)}?emoji=👍`)).toMatchObject(refused(410, 'message_deleted'));
      expect(await rows()).toEqual([]);
      await assertTotals(app);
    });

    it('leave a repeated client_id what it was: the same text is the message, another is refused', async () => {
      await react(bob, inRoom(1));
      expect(await sendTo(phone, bob.id, 'Hello Bob', 'c-1')).toMatchObject({ ok: true, seq: 1 });
      expect(await sendTo(phone, bob.id, 'another text', 'c-1')).toMatchObject({
        error: { code: 'client_id_conflict' },
      });
    });

    it('are blocked with the room, both ways; what is there is read on', async () => {
      await react(bob, inRoom(1));
      await call(app, 'PUT', `/http/users/${ada.id}/block`, { token: bob.token });
      for (const one of [ada, bob])
        for (const on of [true, false])
          expect(await react(one, inRoom(1), '👍', on)).toMatchObject(refused(403, 'blocked'));
      expect((await page(ada))[0].reactions).toEqual([{ emoji: '👍', count: 1 }]);
      await call(app, 'DELETE', `/http/users/${ada.id}/block`, { token: bob.token });
      expect((await react(ada, inRoom(1))).status).toBe(200);
    });
  });

  describe('in a group', () => {
    it('go to those who are in, and to nobody else; nobody is notified', async () => {
      const group = await groupWith(ada, [bob, eve]);
      await send(phone, { chat_type: 'group', chat_group_id: group, is_enter: true });
      await send(phone, { chat_type: 'group', chat_group_id: group, message: 'to all' });
      const outside = await eve.connect();
      const [heard, notified] = [record(outside, 'message_reactions'), record(outside, 'notification')];
      const before = notified.length;
      const told = next<GroupReactions>(phone, 'message_reactions');
      const answer = await reactBy(other, { chat_group_id: group, seq: 1, emoji: '🚀', is_on: true });
      expect(answer).toMatchObject({ ok: true, chat_group_id: group, change: 1 });
      expect(await told).toMatchObject({
        chat_type: 'group',
        chat_group_id: group,
        user_id: ada.id,
        changed: [{ user_id: bob.id, emoji: '🚀', is_on: true }],
      });
      await sendTo(other, eve.id, 'a marker');
      expect([heard, notified.slice(before).filter((one: any) => one.message !== 'to all')]).toEqual([[], []]);
      const list = (await eve.get('/http/chat_groups')).body.find(({ id }: { id: number }) => id === group);
      expect(list).toMatchObject({
        last_change: 1,
        unread_count: 1,
        last_message: { reactions: [{ emoji: '🚀', count: 1 }] },
      });
    });

    it('stay of somebody who is removed, and of somebody who has gone for good', async () => {
      const group = await groupWith(ada, [bob, eve]);
      await send(phone, { chat_type: 'group', chat_group_id: group, message: 'to all' });
      const gone = await Person.join(app, 'Gone');
      await call(app, 'POST', `/http/chat_groups/${group}/members`, { token: ada.token, body: { user_id: gone.id } });
      for (const one of [bob, gone]) await react(one, inGroup(1, group));
      await call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: ada.token });
      expect(await react(bob, inGroup(1, group), '👍', false)).toMatchObject(refused(404, 'not_found'));
      expect(await bob.get(`${inGroup(1, group)}?emoji=👍`)).toMatchObject(refused(404, 'not_found'));
      const erased = await call(app, 'DELETE', '/http/users/profile', {
        token: gone.token,
        body: { password: gone.password },
      });
      expect(erased.status).toBe(204);
      const people = (await ada.get(`${inGroup(1, group)}?emoji=👍`)).body;
      expect(people).toEqual({ emoji: '👍', count: 2, user_ids: [bob.id, gone.id].sort((a, b) => a - b) });
      const names = (await ada.get(`/http/users?ids=${people.user_ids.join()}`)).body;
      expect(names.find(({ id }: { id: number }) => id === gone.id)).toMatchObject({
        first_name: 'deleted',
        last_name: 'user',
      });
      await assertTotals(app);
    });

    it('are listed by who gave them, a hundred at a time', async () => {
      const group = await groupWith(ada, []);
      await send(phone, { chat_type: 'group', chat_group_id: group, message: 'to all' });
      await react(ada, inGroup(1, group));
      await manyReact(group, 250, '👍', ada.id);
      const first = (await ada.get(`${inGroup(1, group)}?emoji=👍`)).body;
      expect([first.count, first.user_ids.length]).toEqual([251, PEOPLE_LIMIT]);
      const all = [...first.user_ids];
      for (let body = first; body.user_ids.length === PEOPLE_LIMIT;) {
        body = (await ada.get(`${inGroup(1, group)}?emoji=👍&after=${all.at(-1)}`)).body;
        all.push(...body.user_ids);
      }
      expect(all).toHaveLength(251);
      expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
      expect((await ada.get(`${inGroup(1, group)}?emoji=🎉`)).body).toEqual({ emoji: '🎉', count: 0, user_ids: [] });
    });

    it('of thousands are hidden at once with the message, and deleted in slices; with the group as well', async () => {
      const group = await groupWith(ada, [bob]);
      for (const message of ['one', 'two', 'three'])
        await send(phone, { chat_type: 'group', chat_group_id: group, message });
      for (const seq of [1, 2, 3]) await react(bob, inGroup(seq, group));
      for (const seq of [1, 2]) await manyReact(group, 1_700, '👍', bob.id, seq);
      const count = async (seq: number): Promise<number> =>
        Number(
          (
            await app.database.query('SELECT COUNT(*) AS n FROM reactions WHERE conversation_id = ? AND seq = ?', [
              group,
              seq,
            ])
          )[0].n,
        );
      expect(await count(1)).toBe(1_701);
      const answer = await call(app, 'DELETE', `/http/chat_groups/${group}/messages/1`, { token: ada.token });
      expect(answer.body).not.toHaveProperty('reactions');
      const views = (await ada.get(`/http/chat_groups/${group}?after=0`)).body;
      expect(views.map(({ reactions }: any) => reactions?.[0].count)).toEqual([undefined, 1_701, 1]);
      await eventually(
        async () => (await count(1)) === 0 || undefined,
        'the end of the reactions to a deleted message',
      );
      await eventually(
        async () => (await app.database.query('SELECT 1 FROM deleted_reactions')).length === 0 || undefined,
      );
      expect(await count(2)).toBe(1_701);
      await assertTotals(app);

      for (const one of [bob, ada])
        await call(app, 'DELETE', `/http/chat_groups/${group}/members/${one.id}`, { token: one.token });
      await eventually(
        async () => (await count(2)) + (await count(3)) === 0 || undefined,
        'the end of those of the group',
      );
      await eventually(
        async () =>
          (await app.database.query('SELECT 1 FROM conversations WHERE id = ?', [group])).length === 0 || undefined,
      );
      expect(await app.database.query('SELECT 1 FROM reaction_totals WHERE conversation_id = ?', [group])).toEqual([]);
    });
  });

  /** The statements of some work that name messages or reactions, with what they bind. */
  const asked = (work: () => Promise<unknown>) => statementsOf(app, /messages|reaction/, work);

  it('cost a page nothing where nothing was changed, and one statement otherwise', async () => {
    expect(await asked(() => page(ada, '?after=0'))).toHaveLength(1);
    await react(bob, inRoom(1));
    expect(await asked(() => page(ada, '?after=0&limit=99'))).toHaveLength(2);
  });

  it('are found by keys, however many there are', async () => {
    await react(bob, inRoom(1));
    await app.get(UnitOfWork).run(async (tx) => {
      for (let chat = 0; chat < 40; chat++) {
        const places = Array.from({ length: 500 }, (_, i) => [5_000_000 + chat, i + 1, '👍']);
        await insertRows(
          tx,
          'reactions',
          'conversation_id, seq, emoji, user_id',
          places.map((place, i) => [...place, i + 1]),
        );
        await insertRows(
          tx,
          'reaction_totals',
          'conversation_id, seq, emoji, total, first_change',
          places.map((place) => [...place, 1, 1]),
        );
        const messages = Array.from({ length: 500 }, (_, i) => [
          5_000_000 + chat,
          i + 1,
          1,
          'x',
          `2026-01-01 00:00:00.${String(i).padStart(3, '0')}`,
        ]);
        await insertRows(tx, 'messages', 'conversation_id, seq, sender_id, body, created_at', messages);
      }
    });
    const tables = ['reactions', 'reaction_totals', 'messages'];
    await app.database.query(dialect === 'sqlite' ? 'ANALYZE' : `ANALYZE TABLE ${tables.join()}`);
    const statements = await asked(async () => {
      for (let i = 0; i < 3; i++) await page(ada, '?after=0');
      await bob.get(`${inRoom(1)}?emoji=👍`);
      for (const isOn of [true, false]) await react(ada, inRoom(1), '👍', isOn);
      await call(app, 'DELETE', `/http/chat_rooms/${room}/messages/1`, { token: ada.token });
    });
    const explained = statements.filter(([sql]) => /^\s*(SELECT|UPDATE|DELETE)/.test(sql));
    expect(explained.length).toBeGreaterThanOrEqual(10);
    for (const [sql, values] of explained) {
      const plan = await app.database.query(
        `${dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN'} ${sql}`,
        values as never,
      );
      for (const row of plan) {
        if (dialect === 'sqlite') expect(row.detail, sql).not.toMatch(/^SCAN (?!\d+ CONSTANT|CONSTANT)/);
        else expect([row.type, row.key], sql).not.toEqual([expect.stringMatching(/^(ALL|index)$/), expect.anything()]);
        if (dialect !== 'sqlite' && row.table !== null) expect(row.type, sql).not.toBe('ALL');
      }
    }
    for (const table of tables) await app.database.query(`DELETE FROM ${table} WHERE conversation_id >= 5000000`);
  });

  /** So many others have reacted: rows as they would be stored. */
  const manyReact = (group: number, count: number, emoji: string, known: number, seq = 1) =>
    app.get(UnitOfWork).run(async (tx) => {
      const users = Array.from({ length: count }, (_, i) => known + 1_000_000 + i);
      for (let i = 0; i < count; i += 500)
        await insertRows(
          tx,
          'reactions',
          'conversation_id, seq, emoji, user_id',
          users.slice(i, i + 500).map((id) => [group, seq, emoji, id]),
        );
      await tx.query(
        'UPDATE reaction_totals SET total = total + ? WHERE conversation_id = ? AND seq = ? AND emoji = ?',
        [count, group, seq, emoji],
      );
    });
});
