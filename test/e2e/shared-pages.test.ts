// Pages that many ask for are answered from memory: never out of date, never to a stranger, and with one's own reactions.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { History } from '../../src/conversations/history.js';
import { SharedPages } from '../../src/conversations/shared-pages.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, Person, send, sendTo } from '../support/client.js';
import { statementsOf } from '../support/statements.js';

onAllDialects('pages that are asked for again', (dialect) => {
  let app: TestApp;
  let [ada, bob, eve]: Person[] = [];
  let phone: ChatSocket;
  let room: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    phone = await ada.connect();
    room = (await sendTo(phone, bob.id, 'first')).chat_room_id;
    for (const text of ['second', 'third']) await sendTo(phone, bob.id, text);
  });

  const path = (seq = '', id = room) => `/http/chat_rooms/${id}${seq}`;
  const page = async (one: Person, query = '') => (await one.get(path(query))).body;
  const texts = (some: { message: string }[]) => some.map(({ message }) => message);
  const cost = async (work: () => Promise<unknown>) =>
    (await statementsOf(app, /FROM (members|messages|reaction)/, work)).length;
  const remember = async (...queries: string[]) => {
    for (const query of queries) for (let i = 0; i < 3; i++) await page(bob, query);
  };
  const react = (one: Person, seq: number, is_on = true) =>
    one.put(path(`/messages/${seq}/reactions`), { emoji: '👍', is_on });

  it.each(['', '?after=0', '?after=1&limit=1', '?before=3', '?limit=2'])(
    'cost one statement, which reads whether one is a member: %s',
    async (query) => {
      const first = await page(ada, query);
      expect(await cost(() => page(bob, query))).toBe(2);
      for (const one of [ada, bob]) {
        let answer: unknown;
        expect(await cost(async () => void (answer = await page(one, query)))).toBe(1);
        expect(answer).toEqual(first);
      }
    },
  );

  it('are what they were but for what happened since, whatever that was', async () => {
    const queries = ['', '?after=0', '?before=4', '?after=1&limit=2', '?limit=1'];
    const steps: [what: string, step: () => Promise<unknown>][] = [
      ['a message', () => sendTo(phone, bob.id, 'fourth')],
      ['an answer', () => send(phone, { chat_type: 'room', other_user_id: bob.id, message: 'fifth', reply_to: 2 })],
      ['an edit of what is quoted', () => ada.put(path('/messages/2'), { message: 'second, better' })],
      ['a reaction', () => react(ada, 3)],
      ['one more', () => react(bob, 3)],
      ['one less', () => react(ada, 3, false)],
      ['a deletion of what is quoted', () => call(app, 'DELETE', path('/messages/2'), { token: ada.token })],
      ['a deletion of what has reactions', () => call(app, 'DELETE', path('/messages/3'), { token: ada.token })],
    ];
    for (const [what, step] of steps) {
      await remember(...queries);
      await step();
      for (const one of [ada, bob]) {
        // Of a server that has nothing in memory.
        const anew = new History(app.get(UnitOfWork), new SharedPages());
        for (const query of queries) {
          const cursors = Object.fromEntries([...new URLSearchParams(query)].map(([name, value]) => [name, +value]));
          const expected = await anew.pageFor(one.id, 'room', room, cursors);
          expect(await page(one, query), `${query} after ${what}`).toEqual(JSON.parse(JSON.stringify(expected)));
        }
      }
    }
    expect(texts(await page(bob))).toEqual(['first', '', '', 'fourth', 'fifth']);
    expect((await page(bob))[4].reply_to).toMatchObject({ seq: 2, message: '', deleted: true });
  });

  it('are right on a node that hears of nothing', async () => {
    const node = new History(app.get(UnitOfWork), new SharedPages());
    const there = () => node.pageFor(bob.id, 'room', room, {});
    for (let i = 0; i < 3; i++) expect(texts([...(await there())])).toEqual(['first', 'second', 'third']);
    await ada.put(path('/messages/1'), { message: 'first, better' });
    expect(texts([...(await there())])).toEqual(['first, better', 'second', 'third']);
    await sendTo(phone, bob.id, 'fourth');
    expect(texts([...(await there())])).toEqual(['first, better', 'second', 'third', 'fourth']);
  });

  it('mark the reactions of whoever reads, and of nobody else', async () => {
    await react(ada, 1);
    await react(bob, 2);
    await remember('');
    for (const [one, own] of [
      [ada, [true, undefined]],
      [bob, [undefined, true]],
      [ada, [true, undefined]],
    ] as const) {
      const marks = (await page(one)).slice(0, 2).map(({ reactions }: any) => reactions[0].is_mine);
      expect(marks).toEqual(own);
    }
    expect(await cost(() => page(ada))).toBe(2);
  });

  it('are for members alone, and not for those who were put out', async () => {
    const { body: group } = await call(app, 'POST', '/http/chat_groups', {
      token: ada.token,
      body: { chat_group_name: 'Engines', is_private: true },
    });
    const members = `/http/chat_groups/${group.id}/members`;
    await call(app, 'POST', members, { token: ada.token, body: { user_id: bob.id } });
    await send(phone, { chat_type: 'group', chat_group_id: group.id, message: 'here' });
    for (const query of ['', '?after=0', '?before=2'])
      for (let i = 0; i < 4; i++)
        expect(texts((await bob.get(`/http/chat_groups/${group.id}${query}`)).body)).toEqual(['here']);
    await call(app, 'DELETE', `${members}/${bob.id}`, { token: ada.token });
    for (const one of [bob, eve])
      for (const query of ['', '?after=0', '?before=2'])
        expect((await one.get(`/http/chat_groups/${group.id}${query}`)).status).toBe(404);
    // A room's number leads to no group, whatever is remembered of it.
    await remember('?after=0');
    expect((await ada.get(`/http/chat_groups/${room}?after=0`)).status).toBe(404);
    expect((await eve.get(path('?after=0'))).status).toBe(404);
  });

  it('are read once for many who ask at once, and sent whole to each', async () => {
    await sendTo(phone, bob.id, 'ü🦊'.repeat(1_000));
    const expected = await page(ada, '?after=0');
    await page(bob, '?after=0');
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        fetch(`${app.url}${path('?after=0')}`, { headers: { authentication: (i % 2 ? ada : bob).token } }),
      ),
    );
    for (const answer of answers) {
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const body = await answer.text();
      expect(Number(answer.headers.get('content-length'))).toBe(Buffer.byteLength(body));
      expect(JSON.parse(body)).toEqual(expected);
    }
  });

  it('are empty where nothing follows, and that costs nothing but the membership', async () => {
    for (let i = 0; i < 3; i++) expect(await page(bob, '?after=3')).toEqual([]);
    expect(await cost(() => page(bob, '?after=3'))).toBe(1);
    await sendTo(phone, bob.id, 'fourth');
    expect(texts(await page(bob, '?after=3'))).toEqual(['fourth']);
  });
});
