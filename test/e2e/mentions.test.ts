// Messages that name people: who is told, how many are unread, and what becomes of it all.
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { MessageLog } from '../../src/conversations/message-log.js';
import { Clock } from '../../src/common/timing/clock.js';
import { insertRows } from '../../src/database/dialect.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, Person, record, send, sendTo } from '../support/client.js';

onAllDialects('a mention', (dialect) => {
  let app: TestApp;
  let [ada, bob, eve]: Person[] = [];
  let phone: ChatSocket;
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect, { EVERYONE_LIMIT: '3' });
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    vi.restoreAllMocks();
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    group = await groupOf(ada, bob, eve);
    phone = await ada.connect();
  });

  const as = async (one: Person, method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await call(app, method, `/http/${path}`, { token: one.token, body });
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const groupOf = async (owner: Person, ...others: Person[]): Promise<number> => {
    const { id } = await as(owner, 'POST', 'chat_groups', { chat_group_name: 'Group' });
    for (const { id: user_id } of others) await as(owner, 'POST', `chat_groups/${id}/members`, { user_id });
    return id;
  };
  const insideOf = async (one: Person): Promise<ChatSocket> => {
    const socket = await one.connect();
    await as(one, 'POST', `chat_groups/${group}`, { is_enter: true });
    return socket;
  };
  const write = (socket: ChatSocket, mentions: unknown, more: object = {}, id = group) =>
    send(socket, { chat_type: 'group', chat_group_id: id, message: 'words', mentions, ...more });
  const rowOf = async (one: Person, list = 'chat_groups', id = group) =>
    (await as(one, 'GET', list)).find(
      (row: Record<string, unknown>) => row['id'] === id || row['chat_group_id'] === id || row['chat_room_id'] === id,
    );
  const unread = async (one: Person, id = group, list = 'chat_groups'): Promise<number | undefined> => {
    const row = await rowOf(one, list, id);
    expect((await rowOf(one, 'notifications', id))?.unread_mentions).toBe(row.unread_mentions);
    return row.unread_mentions;
  };
  const mentioned = async (one: Person, query = ''): Promise<number[]> =>
    (await as(one, 'GET', `mentions${query}`)).map(({ seq }: { seq: number }) => seq);
  const stored = (id = group): Promise<{ user_id: number; seq: number }[]> =>
    app.database.query('SELECT user_id, seq FROM mentions WHERE conversation_id = ? ORDER BY seq, user_id', [id]);

  it('names members, and says who was left out', async () => {
    const stranger = await Person.known(app);
    const inside = await insideOf(bob);
    const got = next<any>(inside, 'message', ({ seq }) => seq === 1);
    const answer = await write(phone, { user_ids: [eve.id, stranger.id, bob.id, 2 ** 31 - 1, eve.id, ada.id] });
    expect(answer).toMatchObject({ ok: true, seq: 1, mentions_ignored: [stranger.id, 2 ** 31 - 1] });
    expect(answer).not.toHaveProperty('everyone_ignored');
    const mentions = { user_ids: [ada.id, bob.id, eve.id] };
    expect((await got).mentions).toEqual(mentions);
    expect((await as(eve, 'GET', `chat_groups/${group}?after=0`))[0].mentions).toEqual(mentions);
    expect((await rowOf(eve)).last_message.mentions).toEqual(mentions);
    // Whoever is in and connected has read it; nobody is told of what they wrote.
    expect([await unread(bob), await unread(eve), await unread(ada)]).toEqual([undefined, 1, undefined]);
    expect(await stored()).toEqual([bob, eve].map(({ id }) => ({ user_id: id, seq: 1 })));
    expect([await mentioned(eve), await mentioned(ada), await mentioned(stranger)]).toEqual([[1], [], []]);
    const [view] = await as(eve, 'GET', 'mentions');
    expect(view).toEqual({
      chat_type: 'group',
      chat_group_id: group,
      seq: 1,
      user_id: ada.id,
      message: 'words',
      timestamp: answer.timestamp,
    });
    await as(eve, 'PUT', 'notifications', { chat_group_id: group });
    expect([await unread(eve), await mentioned(eve)]).toEqual([undefined, [1]]);
  });

  it('counts up to a hundred, each message once', async () => {
    await write(phone, { user_ids: [eve.id], everyone: true });
    expect(await unread(eve)).toBe(1);
    for (let i = 0; i < 59; i++) await write(phone, i % 2 ? { user_ids: [eve.id] } : { everyone: true });
    expect(await unread(eve)).toBe(60);
    await as(eve, 'PUT', 'notifications', { chat_group_id: group, seq: 10 });
    expect(await unread(eve)).toBe(50);
    for (let i = 0; i < 60; i++) await write(phone, { user_ids: [eve.id], everyone: true });
    expect(await unread(eve)).toBe(100);
    expect(await mentioned(eve)).toEqual(Array.from({ length: 100 }, (_, i) => 120 - i));
    // The rest, from the last one on.
    const last = (await as(eve, 'GET', 'mentions')).at(-1).timestamp;
    expect(await mentioned(eve, `?until=${last}`)).toEqual(Array.from({ length: 20 }, (_, i) => 20 - i));
  });

  it('of everyone is the owner’s, and in small groups now and then that of others', async () => {
    const socket = await bob.connect();
    expect(await write(socket, { everyone: true })).not.toHaveProperty('everyone_ignored');
    expect(await write(socket, { everyone: true })).toMatchObject({ ok: true, everyone_ignored: 'too_often' });
    // All members together; the owner always.
    expect(await write(await eve.connect(), { everyone: true })).toMatchObject({ everyone_ignored: 'too_often' });
    expect(await write(phone, { everyone: true })).not.toHaveProperty('everyone_ignored');
    expect(await unread(eve)).toBe(1);
    // Deleting it does not make room for another one.
    await as(bob, 'DELETE', `chat_groups/${group}/messages/1`);
    expect(await write(socket, { everyone: true })).toMatchObject({ everyone_ignored: 'too_often' });
    const clock = app.get(Clock);
    const now = Date.now();
    vi.spyOn(clock, 'now').mockImplementation(() => new Date(now + 5 * 60_000 + 5_000));
    // Two at once: one of them.
    const both = await Promise.all([write(socket, { everyone: true }), write(socket, { everyone: true })]);
    expect(both.map((one) => one.everyone_ignored)).toEqual([undefined, 'too_often']);
    vi.restoreAllMocks();
    const large = await groupOf(ada, bob, eve, await Person.known(app));
    expect(await write(socket, { everyone: true, user_ids: [eve.id] }, {}, large)).toMatchObject({
      everyone_ignored: 'too_large',
    });
    expect(await stored(large)).toEqual([{ user_id: eve.id, seq: 1 }]);
    const { chat_room_id: room } = await sendTo(phone, bob.id, 'Hello');
    expect(
      await send(phone, { chat_type: 'room', other_user_id: bob.id, message: 'x', mentions: { everyone: true } }),
    ).toMatchObject({ ok: true, seq: 2, everyone_ignored: 'not_allowed' });
    expect(await stored(room)).toEqual([]);
  });

  it('of everyone is used up only by a message that is stored', async () => {
    const socket = await bob.connect();
    // Both in one batch.
    const [refused, granted] = await Promise.all([
      write(socket, { everyone: true }, { reply_to: 99 }),
      write(socket, { everyone: true }, { client_id: 'all' }),
    ]);
    expect(refused).toMatchObject({ error: { code: 'not_found' } });
    expect(granted).toMatchObject({ ok: true, seq: 1 });
    expect(granted).not.toHaveProperty('everyone_ignored');
    const now = Date.now() + 6 * 60_000;
    vi.spyOn(app.get(Clock), 'now').mockImplementation(() => new Date(now));
    const [repeat, later] = await Promise.all([
      write(socket, { everyone: true }, { client_id: 'all' }),
      write(socket, { everyone: true }),
    ]);
    expect([repeat, later]).toEqual([granted, { ok: true, chat_group_id: group, seq: 2, timestamp: later.timestamp }]);
  });

  it('of everyone is not one’s own, nor that of somebody with whom there is a block', async () => {
    await write(phone, { everyone: true });
    expect([await mentioned(ada), await mentioned(bob), await mentioned(eve)]).toEqual([[], [1], [1]]);
    await as(bob, 'PUT', `users/${ada.id}/block`);
    await as(ada, 'PUT', `users/${eve.id}/block`);
    await write(phone, { everyone: true });
    for (const one of [bob, eve]) expect([await unread(one), await mentioned(one)]).toEqual([undefined, []]);
    await write(await bob.connect(), { everyone: true });
    expect([await unread(eve), await mentioned(eve), await mentioned(bob)]).toEqual([1, [3], []]);
    expect([await unread(ada), await mentioned(ada)]).toEqual([undefined, []]);
    await as(bob, 'DELETE', `users/${ada.id}/block`);
    expect(await mentioned(bob)).toEqual([2, 1]);
  });

  it('is listed before any moment that a date can name, on whichever database', async () => {
    await write(phone, { user_ids: [bob.id] });
    const pages = async (until: string) =>
      [`mentions?until=${until}`, `chat_groups/${group}?until=${until}`].map(async (path) =>
        (await as(bob, 'GET', path)).map(({ seq }: { seq: number }) => seq),
      );
    for (const late of ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59-14:00', '9999-12-31T23:59:59.9999Z'])
      expect(await Promise.all(await pages(late)), late).toEqual([[1], [1]]);
    for (const early of ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00%2B14:00'])
      expect(await Promise.all(await pages(early)), early).toEqual([[], []]);
  });

  it('is also an answer, unless it is silent, and works between two people', async () => {
    const { chat_room_id: room } = await sendTo(phone, bob.id, 'Who is there?');
    const socket = await bob.connect();
    const answer = (more: object) =>
      send(socket, { chat_type: 'room', other_user_id: ada.id, message: 'I', reply_to: 1, ...more });
    await answer({ is_silent: true });
    expect(await unread(ada, room, 'chat_rooms')).toBeUndefined();
    await answer({});
    expect(await unread(ada, room, 'chat_rooms')).toBe(1);
    expect(
      await send(socket, {
        chat_type: 'room',
        other_user_id: ada.id,
        message: 'Ada',
        mentions: { user_ids: [ada.id, eve.id] },
      }),
    ).toMatchObject({ mentions_ignored: [eve.id] });
    expect(await unread(ada, room, 'chat_rooms')).toBe(2);
    expect(await mentioned(ada)).toEqual([4, 3]);
    // An answer to oneself, and to the bot, is nobody's.
    await send(phone, { chat_type: 'room', other_user_id: bob.id, message: 'II', reply_to: 1 });
    expect((await stored(room)).map(({ user_id }) => user_id)).toEqual([ada.id, ada.id]);
  });

  it('is told to those outside, gathered with those before', async () => {
    const outside = record<any>(await eve.connect(), 'notification', ({ message }) => message !== undefined);
    await write(phone, undefined);
    await eventually(() => outside[0], 'the first notification');
    expect(outside[0]).not.toHaveProperty('mentions');
    await write(phone, { user_ids: [eve.id] });
    await write(phone, { user_ids: [bob.id] });
    await write(phone, { everyone: true });
    await write(phone, undefined, { message: 'the last' });
    await eventually(() => outside[1], 'the second notification');
    expect(outside[1]).toMatchObject({ last_seq: 5, message: 'the last', mentions: [eve.id, bob.id], everyone: true });
    await write(phone, undefined, { message: 'after it' });
    await eventually(() => outside[2], 'the third notification');
    expect(outside[2]).not.toHaveProperty('mentions');
    expect(outside[2]).not.toHaveProperty('everyone');
  });

  it('is taken back by an edit, and never made by one; and goes with the message', async () => {
    await write(phone, undefined);
    await write(await eve.connect(), { user_ids: [bob.id], everyone: true }, { reply_to: 1 });
    const path = `chat_groups/${group}/messages/2`;
    const edit = (body: object) => as(eve, 'PUT', path, { message: 'words', ...body });
    expect(await edit({})).not.toHaveProperty('change');
    expect(await edit({ mentions: null })).not.toHaveProperty('change');
    expect(await edit({ mentions: { user_ids: [bob.id, ada.id], everyone: true } })).not.toHaveProperty('change');
    const told = next<any>(await insideOf(ada), 'message_update');
    const changed = { change: 1, mentions: { user_ids: [bob.id] }, reply_to: { seq: 1 } };
    expect(await edit({ mentions: { user_ids: [bob.id] } })).toMatchObject(changed);
    expect(await told).toMatchObject(changed);
    expect(await stored()).toEqual([ada, bob].map(({ id }) => ({ user_id: id, seq: 2 })));
    expect(await edit({ mentions: {} })).not.toHaveProperty('mentions');
    // Ada is still answered.
    expect([await stored(), await unread(bob)]).toEqual([[{ user_id: ada.id, seq: 2 }], undefined]);
    await as(ada, 'DELETE', path);
    expect([await stored(), await mentioned(ada)]).toEqual([[], []]);
    await write(phone, { user_ids: [bob.id], everyone: true });
    await as(ada, 'DELETE', `chat_groups/${group}/messages/3`);
    expect(await stored()).toEqual([]);
  });

  it('does nothing across a block, without a word', async () => {
    await as(bob, 'PUT', `users/${ada.id}/block`);
    await as(ada, 'PUT', `users/${eve.id}/block`);
    const answer = await write(phone, { user_ids: [bob.id, eve.id] });
    expect(answer).not.toHaveProperty('mentions_ignored');
    expect(await stored()).toEqual([]);
    expect((await as(bob, 'GET', `chat_groups/${group}?after=0`))[0].mentions).toEqual({ user_ids: [bob.id, eve.id] });
    await write(await bob.connect(), undefined, { reply_to: 1 });
    expect(await unread(ada)).toBeUndefined();
  });

  it('is seen by members alone, and ends with account and group', async () => {
    const gone = await Person.join(app, 'Gone');
    await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: gone.id });
    await write(phone, { user_ids: [gone.id, bob.id], everyone: true });
    expect([await mentioned(gone), await mentioned(bob)]).toEqual([[1], [1]]);
    await as(ada, 'DELETE', `chat_groups/${group}/members/${bob.id}`);
    expect([await mentioned(bob), (await rowOf(bob)).unread_mentions]).toEqual([[], undefined]);
    expect(await write(phone, { user_ids: [bob.id] })).toMatchObject({ mentions_ignored: [bob.id] });
    // Whoever comes back has nothing unread.
    await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: bob.id });
    expect([await unread(bob), await mentioned(bob)]).toEqual([undefined, [1]]);
    await as(gone, 'DELETE', 'users/profile', { password: gone.password });
    expect((await stored()).map(({ user_id }) => user_id)).toEqual([0, bob.id]);
    for (const one of [bob, eve]) await as(ada, 'DELETE', `chat_groups/${group}/members/${one.id}`);
    await as(ada, 'DELETE', `chat_groups/${group}/members/${ada.id}`);
    await eventually(async () => (await stored()).length === 0 || undefined, 'no mentions of a group that ended');
  });

  it('meets a removal and an erasure: it is stored before, or names nobody', async () => {
    for (let round = 0; round < 5; round++) {
      const gone = await Person.join(app, 'Gone');
      await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: gone.id });
      await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: bob.id }).catch(() => undefined);
      const answers = Promise.all(Array.from({ length: 10 }, () => write(phone, { user_ids: [gone.id, bob.id] })));
      await Promise.all([
        answers,
        as(ada, 'DELETE', `chat_groups/${group}/members/${bob.id}`),
        as(gone, 'DELETE', 'users/profile', { password: gone.password }),
      ]);
      expect((await stored()).filter(({ user_id }) => user_id === gone.id)).toEqual([]);
      const named = new Set((await stored()).filter(({ user_id }) => user_id === bob.id).map(({ seq }) => seq));
      for (const { seq, mentions_ignored = [] } of await answers)
        expect(named.has(seq)).toBe(!mentions_ignored.includes(bob.id));
    }
  });

  it('is repeated with its client_id and answered as at first', async () => {
    const stranger = await Person.known(app);
    const socket = await bob.connect();
    const mentions = { user_ids: [stranger.id, eve.id], everyone: true };
    await write(socket, { everyone: true });
    const first = await write(socket, mentions, { client_id: 'm' });
    expect(first).toMatchObject({ ok: true, mentions_ignored: [stranger.id], everyone_ignored: 'too_often' });
    await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: stranger.id });
    expect(await write(socket, { ...mentions, user_ids: [eve.id, stranger.id] }, { client_id: 'm' })).toEqual(first);
    for (const other of [undefined, { user_ids: [eve.id] }, { user_ids: [eve.id], everyone: true }, { everyone: true }])
      expect(await write(socket, other, { client_id: 'm' })).toMatchObject({ error: { code: 'client_id_conflict' } });
    expect(await stored()).toEqual([
      { user_id: 0, seq: 1 },
      { user_id: eve.id, seq: 2 },
    ]);
  });

  it('is refused by name where it is anything else', async () => {
    const ids = (length: number) => Array.from({ length }, (_, i) => i + 1);
    const wrong: unknown[] = [
      [],
      [2],
      'everyone',
      true,
      2,
      { user_ids: 2 },
      { user_ids: '2' },
      { user_ids: { length: 1 } },
      { user_ids: ['2'] },
      { user_ids: [0] },
      { user_ids: [-1] },
      { user_ids: [1.5] },
      { user_ids: [2 ** 31] },
      { user_ids: [null] },
      { user_ids: [[2]] },
      { user_ids: ids(21) },
      { everyone: 'true' },
      { everyone: 1 },
      { everyone: [] },
      { users: [2] },
      { user_ids: [2], here: true },
    ];
    for (const mentions of wrong)
      expect(await write(phone, mentions), JSON.stringify(mentions)).toMatchObject({
        error: { code: 'invalid', fields: { mentions: [expect.any(String)] } },
      });
    for (const mentions of [{ user_ids: ids(33) }, { __proto__x: 1 }, JSON.parse('{"__proto__": {"everyone": true}}')])
      expect(await write(phone, mentions)).toMatchObject({ error: { code: 'invalid' } });
    for (const nothing of [null, {}, { user_ids: null, everyone: null }, { user_ids: [], everyone: false }])
      expect(await write(phone, nothing)).toMatchObject({ ok: true });
    const rows = await app.database.query('SELECT extras FROM messages WHERE conversation_id = ?', [group]);
    expect(rows.map(({ extras }: { extras: unknown }) => extras)).toEqual([null, null, null, null]);
    for (const query of ['?until=yesterday', '?until=2026-02-30T00:00:00Z', '?after=1'])
      expect((await ada.get(`/http/mentions${query}`)).status).toBe(400);
    const put = await ada.put(`/http/chat_groups/${group}/messages/1`, { message: 'x', mentions: [2] });
    expect(put.body).toMatchObject({ code: 'invalid', fields: { mentions: [expect.any(String)] } });
  });

  it('costs a plain message nothing, and of everyone one statement, however large the group is', async () => {
    const large = await groupOf(ada, bob);
    const joined = '2026-11-22 06:46:35.437';
    const many = Array.from({ length: 10_000 }, (_, i) => [large, 1_000_000 + i, 0, joined]);
    for (let i = 0; i < many.length; i += 500)
      await insertRows(
        app.database.manager,
        'members',
        'conversation_id, user_id, last_read_seq, joined_at',
        many.slice(i, i + 500),
      );
    await app.database.query('UPDATE chat_groups SET member_count = 10002 WHERE conversation_id = ?', [large]);
    const [{ session }] = await app.database.query('SELECT MIN(id) AS session FROM sessions WHERE user_id = ?', [
      ada.id,
    ]);
    const sender = { userId: ada.id, sessionId: Number(session) };
    // The fewest of a few tries: what else the server does meanwhile is counted, too.
    const statements = async (count: number, extras?: object): Promise<string[]> => {
      const tries: string[][] = [];
      for (let i = 0; i < 4; i++) {
        const log = vi.spyOn(app.database.logger, 'logQuery');
        await Promise.all(
          Array.from({ length: count }, () =>
            app.get(MessageLog).append({ kind: 'group', sender, target: large, body: 'Hello', extras }),
          ),
        );
        tries.push(log.mock.calls.map(([sql]) => sql));
        log.mockRestore();
      }
      return tries.sort((a, b) => a.length - b.length)[0];
    };
    const plain = await statements(1);
    expect(plain.filter((sql) => /mentions|blocks/.test(sql))).toEqual([]);
    // On SQLite, statements of many rows go past the log.
    const insert = dialect === 'sqlite' ? 0 : 1;
    expect(await statements(1, { everyone: true })).toHaveLength(plain.length + insert);
    expect(await stored(large)).toEqual([5, 6, 7, 8].map((seq) => ({ user_id: 0, seq })));
    // Who is named is looked up for all of a batch at once.
    const named = await statements(1, { mentions: [bob.id, 1_000_001] });
    expect(named).toHaveLength(plain.length + 2 + insert);
    expect(await statements(20, { mentions: [bob.id, 1_000_001] })).toHaveLength(named.length);
  });
});
