// Of which messages of a chat somebody wants to be told, and where they keep it.
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, next, Person, record, send, sendTo } from '../support/client.js';

onAllDialects('the settings of a chat', (dialect) => {
  let app: TestApp;
  let [ada, bob]: Person[] = [];
  let room: number;
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    vi.restoreAllMocks();
    [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    room = (await sendTo(await ada.connect(), bob.id, 'Hello')).chat_room_id;
    group = (await as(ada, 'POST', 'chat_groups', { chat_group_name: 'Group' })).id;
    await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: bob.id });
  });

  const as = async (one: Person, method: string, path: string, body?: unknown): Promise<any> => {
    const answer = await call(app, method, `/http/${path}`, { token: one.token, body });
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  const set = (one: Person, body: object) => as(one, 'PUT', 'chat_settings', body);
  const FIELDS = new Set(['notify', 'muted_until', 'is_favourite', 'is_archived']);
  const listed = async (one: Person, list = 'chat_rooms', id = room) => {
    const row = (await as(one, 'GET', list)).find((chat: { id: number }) => chat.id === id);
    return Object.fromEntries(Object.entries(row).filter(([name]) => FIELDS.has(name)));
  };
  const BEGINNING = { muted_until: null, is_favourite: false, is_archived: false };

  it('are changed one by one, and told to the devices of the one who changed them alone', async () => {
    expect([await listed(bob), await listed(bob, 'chat_groups', group)]).toEqual([{}, {}]);
    const [phone, laptop, other] = [await bob.connect(), await bob.connect(), await ada.connect()];
    const heard = record<any>(phone, 'chat_settings');
    const strange = record(other, 'chat_settings');
    const got = [phone, laptop].map((socket) => next(socket, 'chat_settings'));
    const muted = { chat_room_id: room, notify: 'none', ...BEGINNING };
    expect(await set(bob, { chat_room_id: room, notify: 'none' })).toEqual(muted);
    expect(await Promise.all(got)).toEqual([muted, muted]);
    expect(await set(bob, { chat_room_id: room, is_favourite: true, notify: null })).toEqual({
      ...muted,
      is_favourite: true,
    });
    const until = '9999-12-31T23:59:59.999Z';
    await set(bob, { chat_room_id: room, muted_until: until, is_archived: true });
    // Nothing changes, and nothing is told.
    await set(bob, { chat_room_id: room, is_archived: true });
    await set(bob, { chat_group_id: group, notify: 'mentions', muted_until: null });
    expect(await set(bob, { chat_group_id: group, notify: 'all' })).toEqual({
      chat_group_id: group,
      notify: 'all',
      ...BEGINNING,
    });
    await eventually(() => heard.find((one) => one.chat_group_id === group), 'the last event');
    expect(heard.length).toBe(4);
    expect(await listed(bob)).toEqual({ notify: 'none', muted_until: until, is_favourite: true, is_archived: true });
    expect(await listed(bob, 'chat_groups', group)).toEqual({ notify: 'all' });
    expect([await listed(ada), strange]).toEqual([{}, []]);
    // Back to the beginning.
    await set(bob, { chat_room_id: room, notify: 'all', muted_until: null, is_favourite: false, is_archived: false });
    expect(await listed(bob)).toEqual({});
    const rows = await app.database.query(
      'SELECT notify, muted_until FROM members WHERE user_id = ? AND conversation_id = ?',
      [bob.id, room],
    );
    expect(rows).toEqual([{ notify: null, muted_until: null }]);
  });

  it('mute until a moment, on whatever clock it was said', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    expect((await set(bob, { chat_room_id: room, muted_until: soon })).muted_until).toBe(soon);
    expect(await listed(bob)).toEqual({ muted_until: soon });
    const plus = await set(bob, { chat_room_id: room, muted_until: '2100-01-01T02:00:00.5+02:00' });
    expect(plus.muted_until).toBe('2100-01-01T00:00:00.500Z');
    await set(bob, { chat_room_id: room, muted_until: soon });
    const now = Date.now() + 61_000;
    vi.spyOn(app.get(Clock), 'now').mockImplementation(() => new Date(now));
    expect(await listed(bob)).toEqual({});
    vi.restoreAllMocks();
    expect((await set(bob, { chat_room_id: room, muted_until: '2001-01-01T00:00:00Z' })).muted_until).toBeNull();
  });

  it('filter nothing that the server counts or sends', async () => {
    await set(bob, { chat_group_id: group, notify: 'none', muted_until: '9999-01-01T00:00:00Z', is_archived: true });
    const told = next<any>(await bob.connect(), 'notification', ({ message }) => message === 'Hello, all');
    const socket = await ada.connect();
    await send(socket, {
      chat_type: 'group',
      chat_group_id: group,
      message: 'Hello, all',
      mentions: { user_ids: [bob.id] },
    });
    expect(await told).toMatchObject({ mentions: [bob.id] });
    const row = (await as(bob, 'GET', 'notifications')).find((one: any) => one.chat_group_id === group);
    expect(row).toMatchObject({ unread_count: 1, unread_mentions: 1, is_read: false });
  });

  it('are for members, of one chat, and say something', async () => {
    const stranger = await Person.known(app);
    const refused = (one: Person, body: unknown) => one.put('/http/chat_settings', body);
    for (const place of [
      { chat_room_id: room },
      { chat_group_id: group },
      { chat_group_id: room },
      { chat_room_id: 9e6 },
    ])
      expect(await refused(stranger, { ...place, notify: 'all' })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    expect((await refused(bob, { chat_room_id: group, notify: 'all' })).status).toBe(404);
    const wrong: [object, string][] = [
      [{ notify: 'all' }, 'chat_room_id'],
      [{ chat_room_id: room, chat_group_id: group, notify: 'all' }, 'chat_group_id'],
      [{ chat_room_id: room }, 'notify'],
      [{ chat_room_id: room, notify: null, is_archived: null }, 'is_archived'],
      [{ chat_room_id: room, notify: 'some' }, 'notify'],
      [{ chat_room_id: room, notify: ['all'] }, 'notify'],
      [{ chat_room_id: room, muted_until: true }, 'muted_until'],
      [{ chat_room_id: room, muted_until: '' }, 'muted_until'],
      [{ chat_room_id: room, muted_until: '2030-01-01' }, 'muted_until'],
      [{ chat_room_id: room, muted_until: '9999-12-31T23:59:59-01:00' }, 'muted_until'],
      [{ chat_room_id: room, muted_until: '2030-01-01T00:00:00Z'.padEnd(5_000, '0') }, 'muted_until'],
      [{ chat_room_id: room, muted_until: 1e12 }, 'muted_until'],
      [{ chat_room_id: room, is_favourite: 1 }, 'is_favourite'],
      [{ chat_room_id: room, is_archived: 'true' }, 'is_archived'],
      [{ chat_room_id: 0, notify: 'all' }, 'chat_room_id'],
      [{ chat_room_id: room, is_pinned: true }, 'is_pinned'],
    ];
    for (const [body, field] of wrong) {
      const answer = await refused(bob, body);
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { code: 'invalid' } });
      expect(Object.keys(answer.body.fields)).toContain(field);
    }
    expect(await listed(bob)).toEqual({});
  });

  it('end with the membership, and with the account', async () => {
    await set(bob, { chat_group_id: group, notify: 'all', is_favourite: true });
    await as(ada, 'DELETE', `chat_groups/${group}/members/${bob.id}`);
    expect((await bob.put('/http/chat_settings', { chat_group_id: group, notify: 'none' })).status).toBe(404);
    expect(await listed(bob, 'chat_groups', group)).toEqual({});
    await as(ada, 'POST', `chat_groups/${group}/members`, { user_id: bob.id });
    expect(await listed(bob, 'chat_groups', group)).toEqual({});
    const gone = await Person.join(app, 'Gone');
    const { chat_room_id: last } = await sendTo(await gone.connect(), ada.id, 'Farewell');
    await set(gone, { chat_room_id: last, notify: 'none', muted_until: '9999-01-01T00:00:00Z', is_archived: true });
    await as(gone, 'DELETE', 'users/profile', { password: gone.password });
    const rows = await app.database.query(
      'SELECT notify, muted_until, is_favourite, is_archived FROM members WHERE user_id = ?',
      [gone.id],
    );
    expect(rows).toEqual([{ notify: null, muted_until: null, is_favourite: 0, is_archived: 0 }]);
  });

  it('end as the last one said, where two devices change them at once', async () => {
    const told = record<any>(await bob.connect(), 'chat_settings');
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => set(bob, { chat_room_id: room, is_favourite: i % 2 === 0, notify: 'none' })),
    );
    expect(answers.length).toBe(12);
    const { is_favourite = false } = await listed(bob);
    await set(bob, { chat_room_id: room, is_archived: true });
    await eventually(() => told.find((one) => one.is_archived), 'the last event');
    expect(told.at(-2).is_favourite).toBe(is_favourite);
  });

  it('are not lost while messages move the mark of the same row', async () => {
    const socket = await bob.connect();
    const changes = Array.from({ length: 10 }, (_, i) => set(bob, { chat_room_id: room, is_archived: i % 2 === 0 }));
    const sent = Array.from({ length: 30 }, () => sendTo(socket, ada.id, 'words'));
    expect((await Promise.all(sent)).every(({ ok }) => ok)).toBe(true);
    await Promise.all(changes);
    const [{ last_read_seq }] = await app.database.query(
      'SELECT last_read_seq FROM members WHERE conversation_id = ? AND user_id = ?',
      [room, bob.id],
    );
    expect(last_read_seq).toBe(31);
  });
});
