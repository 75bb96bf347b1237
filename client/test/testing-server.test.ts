// The server in memory, as tests of applications use it. That it speaks as the real one does: testing-conformance.test.ts.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ParleyError } from '../src/errors.js';
import { FakeServer, fakeServer } from '../src/testing/index.js';
import type { MessageItem } from '../src/data.js';

/** A device's socket, at the seam. */
async function socket(server: FakeServer, email: string, device = server.device()) {
  const { fetch, transport } = device.options;
  const login = await fetch!(`${server.url}/http/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'correct horse battery' }),
  });
  const { token } = (await login.json()) as { token: string };
  const told: [string, any][] = [];
  const open = () =>
    transport!(
      { url: server.url, token, transports: ['websocket', 'polling'] },
      {
        open: (name) => told.push(['open', name]),
        event: (name, payload) => told.push([name, payload]),
        closed: ({ code }) => told.push(['closed', code]),
      },
    );
  const line = open();
  await server.pass(0);
  return { device, token, told, line, open, names: () => told.map(([name]) => name) };
}

const texts = (items: readonly unknown[]): string[] => (items as MessageItem[]).map(({ message }) => message);

describe('a fake server', () => {
  it('lets people talk by the hand of the test, and shows what is stored', async () => {
    const server = fakeServer({ now: '2026-11-22T06:46:35.437Z' });
    const [ada, bob] = [
      server.person({ first_name: 'Ada' }),
      server.person({ first_name: 'Bob', email: 'bob@example.com' }),
    ];
    const group = server.group('Engines', { owner: ada, members: [ada, bob] });
    await ada.says(bob, 'Hello');
    await server.pass(5);
    const said = await bob.says(ada, 'Hello Ada');
    await bob.says({ group }, 'Hello all');
    expect(said).toEqual({ seq: 2, user_id: bob.id, message: 'Hello Ada', timestamp: '2026-11-22T06:46:35.442Z' });
    expect(server.messages({ type: 'room', user_id: bob.id }, ada).map(({ message }) => message)).toEqual([
      'Hello',
      'Hello Ada',
    ]);
    expect(server.messages({ type: 'group', group_id: group })).toHaveLength(1);
    expect(server.messages({ type: 'bot' }, ada)).toEqual([]);
    expect(() => server.messages({ type: 'bot' })).toThrow(TypeError);
    await bob.calls('PUT', `/http/users/${ada.id}/block`);
    await expect(ada.says(bob, 'Still there?')).rejects.toMatchObject({ code: 'blocked', status: 403 });
    await expect(ada.calls('GET', '/http/chat_rooms/9')).rejects.toBeInstanceOf(ParleyError);
    expect(() => server.person({ first_name: 'Eve' }).types({ group })).toThrow(ParleyError);
  });

  it('lets people answer, name each other and react', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    await ada.says(bob, 'Tea?');
    const answer = await bob.says(ada, '@Ada yes', { reply_to: 1, mentions: { user_ids: [ada.id] } });
    expect(answer).toMatchObject({
      reply_to: { seq: 1, user_id: ada.id, message: 'Tea?' },
      mentions: { user_ids: [ada.id] },
    });
    ada.reacts(bob, 2, '❤');
    bob.reacts(ada, 2, '❤️');
    const last = (of: typeof ada, with_: typeof ada) => server.messages({ type: 'room', user_id: with_.id }, of).at(-1);
    expect(last(ada, bob)).toMatchObject({ reactions: [{ emoji: '❤️', count: 2, is_mine: true }], change: 2 });
    ada.reacts(bob, 2, '❤', false);
    expect(last(ada, bob)?.reactions).toEqual([{ emoji: '❤️', count: 1 }]);
    expect(() => ada.reacts(bob, 9, '❤')).toThrow(ParleyError);
    await expect(ada.says(bob, 'To nothing', { reply_to: 9 })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('says once a second who was named in a group meanwhile, with the newest message', async () => {
    const server = fakeServer();
    const [ada, bob, eve] = ['Ada', 'Bob', 'Eve'].map((first_name) => server.person({ first_name }));
    const group = server.group('Engines', { owner: ada, members: [ada, bob, eve] });
    const { told } = await socket(server, bob.email);
    await ada.says({ group }, 'the first goes at once');
    for (const { id } of [bob, eve]) await ada.says({ group }, `@${id}`, { mentions: { user_ids: [id] } });
    await ada.says({ group }, 'to all', { mentions: { everyone: true }, reply_to: 1 });
    await ada.calls('PUT', `/http/chat_groups/${group}/messages/1`, { message: 'edited' });
    await server.pass(1_000);
    const news = told.filter(([name]) => name === 'notification').map(([, payload]) => payload);
    expect(news.map(({ last_seq, mentions, everyone }) => ({ last_seq, mentions, everyone }))).toEqual([
      { last_seq: 1 },
      { last_seq: 4, mentions: [bob.id, eve.id], everyone: true },
    ]);
    expect(news[1].reply_to).toMatchObject({ seq: 1, message: 'edited' });
  });

  it('tells nothing by itself that takes time', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    await server.pass(1_000);
    await bob.says(ada, 'Hello');
    const { told, names } = await socket(server, ada.email);
    bob.goesOnline();
    await server.pass(0);
    expect(names()).toEqual(['open']);
    await server.pass(999);
    expect(names()).toEqual(['open']);
    await server.pass(1);
    expect(told[1]).toEqual(['presence', [{ user_id: bob.id, is_online: true, last_seen: null }]]);
    bob.types(ada);
    bob.types(ada);
    bob.goesOffline();
    await server.pass(5_999);
    expect(names()).toEqual(['open', 'presence', 'typing']);
    await server.pass(1);
    expect(told.at(-1)![1]).toMatchObject([{ user_id: bob.id, is_online: false }]);
  });

  it('breaks connections, and refuses to be reached, for one device or for all', async () => {
    const server = fakeServer();
    const ada = server.person({ first_name: 'Ada' });
    const one = await socket(server, ada.email);
    const two = await socket(server, ada.email);
    const asks = () => one.device.options.fetch!(`${server.url}/http/server`).then(({ status }) => status);
    const waits = one.line.emit('message', {}, 1_000).catch(({ code }: ParleyError) => code);
    one.device.offline();
    expect(await waits).toBe('offline');
    await expect(asks()).rejects.toThrow('fetch failed');
    expect(one.told.at(-1)).toEqual(['closed', 'offline']);
    await expect(one.line.emit('message', {}, 1_000)).rejects.toMatchObject({ code: 'offline' });
    one.open();
    await server.pass(0);
    expect(one.names()).toEqual(['open', 'closed', 'closed']);
    one.device.online();
    expect(await asks()).toBe(200);
    one.open();
    await server.pass(0);
    expect(one.names().at(-1)).toBe('open');
    expect(two.names()).toEqual(['open']);
    server.offline();
    await server.pass(0);
    expect([one.names().at(-1), two.names().at(-1)]).toEqual(['closed', 'closed']);
    server.online();
    expect(await asks()).toBe(200);
  });

  it('is silent behind a close, and says the close once', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    const { line, told, open } = await socket(server, ada.email);
    await bob.says(ada, 'under way');
    line.close();
    line.close();
    server.restart();
    await server.pass(0);
    expect(told).toEqual([['open', 'websocket']]);
    // Closed before it was open.
    open().close();
    await server.pass(10_000);
    expect(told).toEqual([['open', 'websocket']]);
    expect(await ada.calls('GET', '/http/users')).toMatchObject([{ is_online: false }, {}]);
  });

  it('refuses what the test wants to have refused, so many times', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    const { line, told, open } = await socket(server, ada.email);
    const send = (): Promise<unknown> =>
      line.emit('message', { chat_type: 'room', other_user_id: bob.id, message: 'Hello', client_id: 'a1' }, 1_000);
    server.refuse('send', 'rate_limited', 2);
    server.refuse('send', 'unavailable');
    for (const code of ['rate_limited', 'rate_limited', 'unavailable'])
      expect(await send()).toMatchObject({ ok: false, error: { code, retry_after: 1 } });
    expect(await send()).toMatchObject({ ok: true, seq: 1 });
    expect(told.filter(([name]) => name === 'exception')).toHaveLength(3);
    server.refuse('connect', 'session_revoked');
    open();
    await server.pass(0);
    expect(told.at(-1)).toEqual(['closed', 'session_revoked']);
    server.refuse('history', 'internal');
    await expect(ada.calls('GET', '/http/chat_rooms/1')).rejects.toMatchObject({ code: 'internal', status: 500 });
    await expect(ada.calls('GET', '/http/chat_rooms/1')).resolves.toHaveLength(1);
  });

  it('answers packets in time or not at all', async () => {
    const server = fakeServer();
    const ada = server.person({ first_name: 'Ada' });
    const { line } = await socket(server, ada.email);
    // Nobody handles the event's acknowledgement but the server: it answers within no time.
    expect(await line.emit('no_such_event', {}, 1)).toMatchObject({ error: { code: 'unknown_event' } });
    await expect(line.emit('message', 'x'.repeat(70_000), 1_000)).resolves.toMatchObject({
      error: { code: 'too_large' },
    });
  });

  it('mails, and counts rates unless it is told not to', async () => {
    const server = fakeServer();
    const register = (from: FakeServer, n: number) =>
      from.options.fetch!(`${from.url}/http/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          email: `p${n}@example.com`,
          password: 'correct horse battery',
          first_name: 'P',
          last_name: '',
        }),
      });
    await register(server, 1);
    const [mail] = server.mails('p1@example.com');
    expect(mail).toMatchObject({ to: 'p1@example.com', subject: 'Confirm your Parley account' });
    expect((await server.options.fetch!(mail.links[0])).status).toBe(200);
    for (let n = 2; n <= 100; n++) await register(server, n);
    expect((await register(server, 101)).status).toBe(429);
    await server.pass(15 * 60_000);
    expect((await register(server, 101)).status).toBe(202);
    const free = fakeServer({ rates: false });
    for (let n = 1; n <= 101; n++) expect((await register(free, n)).status).toBe(202);
  });

  it('lets the bot say what it is told to, a piece a tick', async () => {
    const server = fakeServer({ tick_ms: 200 });
    const ada = server.person({ first_name: 'Ada' });
    const { line, told } = await socket(server, ada.email);
    server.botSays(['Once ', 'upon ', 'a time']);
    await line.emit('message', { chat_type: 'bot', message: 'Tell me' }, 1_000);
    await server.pass(700);
    expect(told.slice(1).map(([name, { offset, text }]) => [name, offset, text])).toEqual([
      ['bot_delta', 0, 'Once '],
      ['bot_delta', 5, 'upon '],
      ['bot_delta', 10, 'a time'],
    ]);
    await server.pass(100);
    expect(server.messages({ type: 'bot' }, ada).map(({ user_id, message }) => [user_id, message])).toEqual([
      [ada.id, 'Tell me'],
      [null, 'Once upon a time'],
    ]);
    server.botSays((question) => (question === 'Fail' ? new Error('no') : []));
    for (const message of ['Fail', 'Say nothing']) await line.emit('message', { chat_type: 'bot', message }, 1_000);
    await server.pass(1_000);
    expect(told.filter(([name]) => name === 'exception').map(([, { code }]) => code)).toEqual([
      'bot_unavailable',
      'bot_unavailable',
    ]);
    // A restart in the middle: the answer begins anew.
    server.botSays(['Once ', 'again']);
    await line.emit('message', { chat_type: 'bot', message: 'More' }, 1_000);
    await server.pass(300);
    server.restart();
    await server.pass(1_000);
    expect(server.messages({ type: 'bot' }, ada).at(-1)).toMatchObject({ user_id: null, message: 'Once again' });
  });

  it('ends sessions when their time is over', async () => {
    const server = fakeServer();
    const ada = server.person({ first_name: 'Ada' });
    const { told, token, device } = await socket(server, ada.email);
    await server.pass(30 * 24 * 60 * 60 * 1_000);
    expect(told.map(([name, payload]) => [name, payload.code ?? payload])).toEqual([
      ['open', 'websocket'],
      ['exception', 'token_expired'],
      ['closed', 'offline'],
    ]);
    const headers = { authorization: `Bearer ${token}` };
    expect((await device.options.fetch!(`${server.url}/http/users`, { headers })).status).toBe(401);
  });

  it('gives requests up when they are taken back', async () => {
    const { options, url } = fakeServer();
    const stop = new AbortController();
    const given = options.fetch!(`${url}/http/server`, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    await expect(options.fetch!(`${url}/http/server`, { signal: stop.signal })).rejects.toThrow('enough');
    const request = new Request(`${url}/http/login`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect((await options.fetch!(request)).status).toBe(400);
  });

  it('begins, by one seed, with the same tokens and the same luck for each device', async () => {
    const once = async () => {
      const server = fakeServer({ seed: 7 });
      const ada = server.person({ first_name: 'Ada' });
      const { token, device } = await socket(server, ada.email);
      return [token, device.options.random!(), server.options.random!()];
    };
    expect(await once()).toEqual(await once());
  });
});

describe('a ParleyClient and a fake server', () => {
  afterEach(() => void vi.useRealTimers());

  it('go on where a test replaces the timers of the page', async () => {
    vi.useFakeTimers();
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    const client = await ada.client();
    await client.room(bob.id).send('Hello');
    await server.pass(10_000);
    expect(server.messages({ type: 'room', user_id: bob.id }, ada)).toHaveLength(1);
    await client.close();
  });

  it('talk, without any time passing', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    const client = await ada.client();
    const chat = client.room(bob.id);
    chat.attach();
    const sent = await chat.send('Hello Bob');
    expect(sent).toMatchObject({ seq: 1, message: 'Hello Bob', user_id: ada.id });
    await bob.says(ada, 'Hello Ada');
    await server.pass(0);
    expect(texts(chat.timeline.get().items)).toEqual(['Hello Bob', 'Hello Ada']);
    expect(server.messages({ type: 'room', user_id: bob.id }, ada)).toHaveLength(2);
    await client.close();
  });

  it('show answers, mentions, reactions and settings to each other', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    const group = server.group('Engines', { owner: bob, members: [ada] });
    const [client, tab] = [await ada.client(), await ada.client()];
    const told: string[] = [];
    client.on('attention', ({ message }) => void told.push(message.message));
    await server.pass(0);
    const [chat, other] = [client.group(group), tab.group(group)];
    await bob.says({ group }, 'nobody is named');
    await server.pass(2_000);
    await bob.says({ group }, '@Ada', { mentions: { user_ids: [ada.id] } });
    await server.pass(5_000);
    expect(told).toEqual(['@Ada']);
    expect(other.summary.get()).toMatchObject({ unread: 2, unread_mentions: 1, notify: 'mentions' });
    await chat.setSettings({ notify: 'none', is_favourite: true });
    await server.pass(0);
    expect(other.summary.get()).toMatchObject({ notify: 'none', is_favourite: true });
    expect((await client.mentions()).rows).toMatchObject([{ key: chat.key, message: '@Ada' }]);
    chat.attach();
    await server.pass(0);
    const sending = chat.send('Yes?', { reply_to: 2 });
    await server.pass(0);
    expect(await sending).toMatchObject({ reply_to: { message: '@Ada' } });
    await chat.react(2, '👍');
    bob.reacts({ group }, 2, '👍');
    await server.pass(0);
    const item = () => chat.timeline.get().items.find((one) => one.kind === 'message' && one.seq === 2) as MessageItem;
    expect(item().reactions).toEqual([{ emoji: '👍', count: 2, is_mine: true }]);
    server.refuse('react', 'unavailable');
    const refused = chat.react(2, '🎉');
    expect(item().reactions).toHaveLength(2);
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
    expect(item().reactions).toHaveLength(1);
    await Promise.all([client.close(), tab.close()]);
  });

  it('learn within half a minute that the server can do more than it could', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    const { fetch: inner, ...options } = server.options;
    let isOld = true;
    const asked: string[] = [];
    const client = await ada.client({
      ...options,
      fetch: async (input, init) => {
        const response = await inner!(input, init);
        if (!(input as string).endsWith('/http/server')) return response;
        asked.push('server');
        return isOld ? Response.json({ code: 'not_found', message: 'No such route.' }, { status: 404 }) : response;
      },
    });
    await server.pass(0);
    await client.room(bob.id).send('Hello');
    const first = client.room(bob.id).send('answer', { reply_to: 1 });
    await server.pass(0);
    await expect(first).rejects.toMatchObject({ code: 'unsupported' });
    isOld = false;
    await server.pass(31_000);
    const again = client.room(bob.id).retry(first.client_id);
    await server.pass(0);
    expect(await again).toMatchObject({ reply_to: { message: 'Hello' } });
    expect(asked.length).toBeLessThan(5);
    await client.close();
  });

  it('find each other again after the network broke, and what was written meanwhile is sent and heard once', async () => {
    const server = fakeServer();
    const [ada, bob] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Bob' })];
    const client = await ada.client();
    const chat = client.room(bob.id);
    chat.attach();
    await chat.send('one');
    server.offline();
    await server.pass(0);
    const sending = chat.send('two');
    await bob.says(ada, 'meanwhile');
    await server.pass(60_000);
    expect(client.connection.get().state).not.toBe('online');
    expect(texts(chat.timeline.get().items)).toEqual(['one', 'two']);
    server.online();
    await server.pass(60_000);
    expect(await sending).toMatchObject({ seq: 3 });
    expect(texts(chat.timeline.get().items)).toEqual(['one', 'meanwhile', 'two']);
    server.restart();
    await server.pass(60_000);
    expect(client.connection.get()).toMatchObject({ state: 'online', synced: true });
    expect(texts(chat.timeline.get().items)).toEqual(['one', 'meanwhile', 'two']);
    await client.close();
  });
});
