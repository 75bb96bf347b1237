import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ParleyError } from '../src/errors.js';
import { memoryStorage } from '../src/storage.js';
import { when } from '../src/store.js';
import { socketIo } from '../src/transport.js';
import { TestApp } from '../../test/support/app.js';
import { call } from '../../test/support/client.js';
import { BadNetwork } from './support/bad-network.js';
import { goOffline, goOnline } from './support/offline.js';
import { Life, randomOf } from './support/life.js';
import { knownClient, newClient, shown, shows, synced } from '../../test/support/person.js';

describe('the outbox', () => {
  let app: TestApp;
  let network: BadNetwork;
  let sender: { id: number; token: string; client: import('../src/client.js').ParleyClient };
  let other: typeof sender;
  const storage = memoryStorage();

  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    network = new BadNetwork(randomOf(1));
    const { transport, fetch: badFetch } = network;
    sender = await knownClient(app, 'Ada', { storage, transport: transport(socketIo), fetch: badFetch(fetch) });
    other = await knownClient(app, 'Alan');
  });
  afterAll(async () => {
    await sender.client.close();
    await other.client.close();
    await app.stop();
  });
  afterEach(() => {
    network.isDown = false;
  });

  it('shows at once what waits for a connection, and sends it in order', async () => {
    const chat = sender.client.room(other.id);
    chat.attach();
    await chat.attach().ready;
    await goOffline(sender, network);
    const sendings = ['one', 'two', 'three'].map((text) => chat.send(text));
    expect(shown(chat)).toEqual(['queued: one', 'queued: two', 'queued: three']);
    expect(sender.client.waiting.get()).toEqual({ queued: 3, failed: 0 });
    const keys = chat.timeline.get().items.map(({ key }) => key);
    await goOnline(sender, network);
    expect((await Promise.all(sendings)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await shows(chat, ['one', 'two', 'three']);
    expect(chat.timeline.get().items.map(({ key }) => key)).toEqual(keys);
    expect(sender.client.waiting.get()).toEqual({ queued: 0, failed: 0 });
  });

  it('keeps what was refused in its place, with its reason and text', async () => {
    const chat = sender.client.room(other.id);
    await other.client.users.block(sender.id);
    const sending = chat.send('four');
    await expect(sending).rejects.toMatchObject({ code: 'blocked', retryable: false });
    await shows(chat, ['one', 'two', 'three', 'failed: four']);
    const item = chat.timeline.get().items.at(-1);
    expect(item).toMatchObject({ state: 'failed', message: 'four', error: { code: 'blocked' } });
    expect(sender.client.waiting.get()).toEqual({ queued: 0, failed: 1 });
    await other.client.users.unblock(sender.id);
    expect((await chat.retry(sending.client_id)).seq).toBe(4);
    await shows(chat, ['one', 'two', 'three', 'four']);
  });

  it('gives the text back of what is taken out', async () => {
    const chat = sender.client.room(other.id);
    await goOffline(sender, network);
    const sending = chat.send('five');
    const stop = new AbortController();
    const second = chat.send('six', { signal: stop.signal });
    expect(chat.discard(sending.client_id)).toBe('five');
    stop.abort();
    await expect(sending).rejects.toMatchObject({ code: 'discarded' });
    await expect(second).rejects.toMatchObject({ code: 'discarded' });
    expect(chat.discard(sending.client_id)).toBeUndefined();
    expect(sender.client.waiting.get()).toEqual({ queued: 0, failed: 0 });
    await goOnline(sender, network);
    expect((await chat.history({ after: 4 })).length).toBe(0);
  });

  it('refuses at once what can never be sent, and loses no draft by it', async () => {
    const chat = sender.client.room(other.id);
    for (const text of ['', '   ', '\u200b', 'x'.repeat(4_001)]) {
      chat.setDraft(text === '' ? 'begun' : text);
      await expect(chat.send(text)).rejects.toMatchObject({
        code: 'invalid',
        fields: { message: [expect.any(String)] },
      });
      expect(chat.draft.get()).not.toBe('');
    }
    await expect(chat.send('x', { client_id: 'no good' })).rejects.toMatchObject({ code: 'invalid' });
    await goOffline(sender, network);
    const all = Array.from({ length: 201 }, (_, n) => chat.send(`message ${n}`));
    await expect(all.at(-1)).rejects.toMatchObject({ code: 'outbox_full' });
    for (const { client_id } of all) chat.discard(client_id);
    await goOnline(sender, network);
    chat.setDraft('seven');
    await chat.send('seven');
    expect(chat.draft.get()).toBe('');
  });

  it('takes a program’s own name for a message once', async () => {
    const chat = sender.client.room(other.id);
    const first = await chat.send('answer', { client_id: 're-1' });
    expect(await chat.send('answer', { client_id: 're-1' })).toMatchObject({ seq: first.seq });
    await expect(chat.send('another answer', { client_id: 're-1' })).rejects.toMatchObject({
      code: 'client_id_conflict',
    });
    expect(sender.client.waiting.get()).toEqual({ queued: 0, failed: 0 });
    expect(shown(chat).filter((text) => text.includes('answer'))).toEqual(['answer']);
  });

  it('outlives the process, and a logout of the same user', async () => {
    const { id, token } = await app.createUser('grace@example.com', 'Grace');
    const kept = memoryStorage();
    const net = new BadNetwork(randomOf(2));
    const life = new Life();
    const options = () => ({ storage: kept, transport: net.transport(socketIo), fetch: net.fetch(fetch) });
    const before = newClient(app.url, life.options(options()));
    await before.useToken(token);
    await synced(before);
    net.isDown = true;
    net.cut();
    await when(before.connection, (c) => c.state === 'waiting');
    before
      .room(other.id)
      .send('over a crash')
      .catch(() => {});
    before.room(other.id).setDraft('begun');
    await when(before.waiting, ({ queued }) => queued === 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    life.end();

    const after = newClient(app.url, options());
    expect(await after.resume()).toMatchObject({ id });
    expect(after.waiting.get()).toEqual({ queued: 1, failed: 0 });
    expect(shown(after.room(other.id))).toEqual(['queued: over a crash']);
    expect(after.room(other.id).draft.get()).toBe('begun');
    expect(after.inbox.get()).toMatchObject({ loaded: false });
    await after.logout();
    expect(after.auth.get()).toMatchObject({ status: 'signed_out', waiting: 1, last_email: 'grace@example.com' });
    expect(after.inbox.get().rows).toEqual([]);

    net.isDown = false;
    await after.useToken(await app.createSession(id));
    await synced(after);
    await when(after.waiting, ({ queued }) => queued === 0);
    const room = other.client.room(id);
    await room.attach().ready;
    await shows(room, ['over a crash']);
    await after.close();
  });

  it('stays for its user when the session ends, and rejects in the mean time as signed_out', async () => {
    const { id, token } = await app.createUser('joan@example.com', 'Joan');
    const net = new BadNetwork(randomOf(3));
    const client = newClient(app.url, { transport: net.transport(socketIo), fetch: net.fetch(fetch) });
    await client.useToken(token);
    await synced(client);
    net.isDown = true;
    net.cut();
    const sending = client.room(other.id).send('still here');
    await call(app, 'DELETE', '/http/sessions', { token: await app.createSession(id) });
    net.isDown = false;
    client.retryNow();
    await when(client.auth, (auth) => auth.status === 'signed_out');
    await expect(sending).rejects.toMatchObject({ code: 'signed_out' });
    expect(client.auth.get()).toMatchObject({ waiting: 1, reason: { code: 'session_revoked' } });
    await expect(client.room(other.id).send('no')).rejects.toSatisfy((error) => ParleyError.is(error, 'signed_out'));
    await client.useToken(await app.createSession(id));
    await when(client.waiting, ({ queued }) => queued === 0);
    await client.close();
  });
});
