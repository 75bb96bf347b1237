// Messages that answer another one, and name people: what is shown, kept and sent of that.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakePage } from '../src/testing/index.js';
import { memoryStorage } from '../src/storage.js';
import { socketIo } from '../src/transport.js';
import type { Chat } from '../src/types.js';
import type { MessageItem } from '../src/data.js';
import { TestApp } from '../../test/support/app.js';
import { groupId, type Known, knownClient, newClient, openClient, synced, until } from '../../test/support/person.js';
import { BadNetwork } from './support/bad-network.js';
import { goOffline, goOnline } from './support/offline.js';
import { Life, randomOf } from './support/life.js';
import { sharedTabs } from './support/shared-tabs.js';

const items = (chat: Chat): MessageItem[] =>
  chat.timeline.get().items.filter((item): item is MessageItem => item.kind === 'message');
const last = (chat: Chat): MessageItem | undefined => items(chat).at(-1);
const shows = (chat: Chat, like: object): Promise<unknown> =>
  until(chat.timeline, () => {
    try {
      expect(last(chat)).toMatchObject(like);
      return true;
    } catch {
      return false;
    }
  });

let app: TestApp;
let ada: Known;
let alan: Known;
let network: BadNetwork;
beforeAll(async () => {
  app = await TestApp.start('sqlite');
  network = new BadNetwork(randomOf(1));
  ada = await knownClient(app, 'Ada', { transport: network.transport(socketIo), fetch: network.fetch(fetch) });
  alan = await knownClient(app, 'Alan');
});
afterAll(() => app.stop());

describe('an answer', () => {
  it('shows what it answers at once, and what becomes of that', async () => {
    const [hers, his] = [ada.client.room(alan.id), alan.client.room(ada.id)];
    for (const chat of [hers, his]) await chat.attach().ready;
    await his.send('x'.repeat(150) + '😀'.repeat(100));
    await until(hers.timeline, () => items(hers).length === 1);
    const sending = hers.send('So do I', { reply_to: 1 });
    const quote = { seq: 1, user_id: alan.id, message: 'x'.repeat(150) + '😀'.repeat(50) };
    expect(last(hers)).toMatchObject({ state: 'queued', message: 'So do I', reply_to: quote });
    expect(await sending).toMatchObject({ seq: 2, reply_to: quote });
    await shows(his, { seq: 2, reply_to: quote });
    const first = items(hers)[0];
    await his.edit(1, 'edited');
    for (const chat of [hers, his]) await shows(chat, { reply_to: { message: 'edited', change: 1 } });
    expect(items(hers)[0]).not.toBe(first);
    expect(hers.summary.get()?.last_message?.reply_to?.message).toBe('edited');
    await his.delete(1);
    for (const chat of [hers, his]) {
      await shows(chat, { reply_to: { message: '', deleted: true } });
      expect(JSON.stringify([chat.timeline.get(), chat.summary.get()])).not.toMatch(/edited"|xxx/);
    }
  });

  it('stays in the timeline where it is refused, and says why', async () => {
    const hers = ada.client.room(alan.id);
    for (const [reply_to, code] of [
      [1, 'message_deleted'],
      [99, 'not_found'],
      [0, 'invalid'],
    ] as const) {
      const sending = hers.send('To nothing', { reply_to });
      await expect(sending).rejects.toMatchObject({ code });
      await shows(hers, { state: 'failed', error: { code }, reply_to: { seq: reply_to } });
      expect(hers.discard(sending.client_id)).toBe('To nothing');
    }
  });

  it('is another message than one with the same text and name that answers something else', async () => {
    const hers = ada.client.room(alan.id);
    const { seq } = await hers.send('named', { client_id: 'n1', reply_to: 2 });
    expect(await hers.send('named', { client_id: 'n1', reply_to: 2 })).toMatchObject({ seq });
    for (const other of [{}, { reply_to: seq }, { reply_to: 2, is_silent: true }])
      await expect(hers.send('named', { client_id: 'n1', ...other })).rejects.toMatchObject({
        code: 'client_id_conflict',
      });
    await goOffline(ada, network);
    const waiting = hers.send('later', { client_id: 'n2', reply_to: 2 });
    expect(hers.send('later', { client_id: 'n2', reply_to: 2 })).toBe(waiting);
    await expect(hers.send('later', { client_id: 'n2' })).rejects.toMatchObject({ code: 'client_id_conflict' });
    await goOnline(ada, network);
    expect((await waiting).reply_to).toMatchObject({ seq: 2, message: 'So do I' });
  });

  it('is right again after what it answers was changed while nobody heard', async () => {
    const [hers, his] = [ada.client.room(alan.id), alan.client.room(ada.id)];
    const { seq } = await his.send('before');
    await until(hers.timeline, () => last(hers)?.seq === seq);
    await hers.send('answer', { reply_to: seq });
    await goOffline(ada, network);
    await his.edit(seq, 'after');
    await goOnline(ada, network);
    await shows(hers, { message: 'answer' });
    await until(hers.timeline, () => last(hers)?.reply_to?.message !== 'before');
    expect(last(hers)?.reply_to).toMatchObject({ seq, message: 'after' });
  });

  it('to the bot quotes as in other chats', async () => {
    const { bot } = ada.client;
    await bot.attach().ready;
    await bot.ask('Hello').done;
    const answer = bot.ask('And who are you?', { reply_to: 2 });
    await answer.done;
    const asked = items(bot).find(({ client_id }) => client_id === answer.question.client_id);
    expect(asked).toMatchObject({ state: 'stored', reply_to: { seq: 2, user_id: null, message: expect.any(String) } });
    expect((await answer.question).reply_to).toMatchObject({ seq: 2, user_id: null });
  });
});

describe('a message that names people', () => {
  it('tells its sender whom it did not name, whichever comes first, the message or its acknowledgement', async () => {
    const group = await ada.client.groups.create({ name: 'Engines' });
    await group.add(alan.id);
    for (const chat of [group, alan.client.group(groupId(group))]) await chat.attach().ready;
    const sending = group.send('@Alan @Kim', { mentions: { user_ids: [alan.id, 999, alan.id], everyone: true } });
    expect(last(group)).toMatchObject({ mentions: { user_ids: [alan.id, 999], everyone: true } });
    expect(await sending).toMatchObject({ mentions: { user_ids: [alan.id], everyone: true }, mentions_ignored: [999] });
    const theirs = alan.client.group(groupId(group));
    await shows(theirs, { mentions: { user_ids: [alan.id], everyone: true } });
    await theirs.send('and I', { mentions: { everyone: true } });
    expect(await theirs.send('again', { mentions: { everyone: true } })).toMatchObject({
      everyone_ignored: 'too_often',
    });
    await shows(group, { message: 'again' });
    expect(last(group)?.mentions).toBeUndefined();
    const room = ada.client.room(alan.id);
    expect(await room.send('all', { mentions: { everyone: true } })).toMatchObject({ everyone_ignored: 'not_allowed' });
    expect(await room.send('none', { mentions: { user_ids: [] } })).not.toHaveProperty('mentions');
    expect(ada.client.waiting.get()).toEqual({ queued: 0, failed: 0 });
  });

  it('names no more than twenty, and by an edit nobody else than before', async () => {
    const room = ada.client.room(alan.id);
    const user_ids = Array.from({ length: 21 }, (_, n) => n + 1);
    await expect(room.send('x', { mentions: { user_ids } })).rejects.toMatchObject({
      code: 'invalid',
      fields: { mentions: [expect.any(String)] },
    });
    const { seq } = await room.send('@Alan', { mentions: { user_ids: [alan.id] } });
    expect((await room.edit(seq, 'Alan')).mentions).toEqual({ user_ids: [alan.id] });
    expect((await room.edit(seq, 'he', { mentions: {} })).mentions).toBeUndefined();
  });
});

describe('what waits', () => {
  it('answers and names the same after a crash of the page, and is sent once', async () => {
    const { id, token } = await app.createUser('grace@example.com', 'Grace');
    const storage = memoryStorage();
    const bad = new BadNetwork(randomOf(2));
    const life = new Life();
    const options = () => ({ storage, transport: bad.transport(socketIo), fetch: bad.fetch(fetch) });
    const before = newClient(app.url, { ...life.options(options()), page: fakePage() });
    await before.useToken(token);
    await synced(before);
    const his = alan.client.room(id);
    await his.send('remember me');
    await before.room(alan.id).attach().ready;
    await until(before.room(alan.id).timeline, () => items(before.room(alan.id)).length === 1);
    for (;;) {
      const kept = JSON.stringify([...(await storage.read(`cache:${id}:`))]);
      if (kept.includes('remember me') && kept.includes('inbox') && kept.includes('chat:')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    bad.isDown = true;
    bad.cut();
    await until(before.connection, (c) => c.state === 'waiting');
    const said = { reply_to: 1, is_silent: true, mentions: { user_ids: [alan.id, 999] } };
    before
      .room(alan.id)
      .send('over a crash', said)
      .catch(() => {});
    await until(before.waiting, ({ queued }) => queued === 1);
    for (; (await storage.read(`outbox:${id}:`)).size < 1;) await new Promise((resolve) => setTimeout(resolve, 20));
    life.end();

    const after = openClient(app, { ...options(), page: fakePage(), tabs: null });
    await after.resume();
    const room = after.room(alan.id);
    await room.attach().ready;
    await shows(room, {
      state: 'queued',
      message: 'over a crash',
      reply_to: { seq: 1, user_id: alan.id, message: 'remember me' },
      mentions: { user_ids: [alan.id, 999] },
    });
    bad.isDown = false;
    after.retryNow();
    await shows(room, {
      state: 'stored',
      seq: 2,
      reply_to: { message: 'remember me' },
      mentions: { user_ids: [alan.id] },
    });
    await until(after.waiting, ({ queued }) => queued === 0);
    expect((await his.history()).map(({ message }) => message)).toEqual(['remember me', 'over a crash']);
  });

  it('and is sent by another tab tells the one that wrote it whom it did not name', async () => {
    const { token } = await app.createUser('joan@example.com', 'Joan');
    const [storage, newTab] = [memoryStorage(), sharedTabs()];
    const bad = new BadNetwork(randomOf(3));
    const first = openClient(app, {
      storage,
      tabs: newTab(),
      transport: bad.transport(socketIo),
      fetch: bad.fetch(fetch),
    });
    await first.useToken(token);
    const second = openClient(app, { storage, tabs: newTab() });
    await second.resume();
    await Promise.all([synced(first), synced(second)]);
    bad.isDown = true;
    bad.cut();
    await until(first.connection, (c) => c.state === 'waiting');
    const sent = await first.room(alan.id).send('by the other', { mentions: { user_ids: [alan.id, 999] } });
    expect(sent).toMatchObject({ mentions: { user_ids: [alan.id] }, mentions_ignored: [999] });
    expect(first.connection.get().state).not.toBe('online');
  });

  it('is not sent to a server that knows nothing of it', async () => {
    const older: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!(input as string).endsWith('/http/server')) return response;
      const info = (await response.json()) as { features: string[] };
      const known = info.features.filter((word) => !['replies', 'mentions'].includes(word));
      return Response.json({ ...info, features: known });
    };
    const { token } = await app.createUser('kim@example.com', 'Kim');
    const client = openClient(app, { fetch: older });
    await client.useToken(token);
    await synced(client);
    const room = client.room(alan.id);
    await room.send('plain');
    for (const options of [{ reply_to: 1 }, { mentions: { user_ids: [alan.id] } }])
      await expect(room.send('more', options)).rejects.toMatchObject({ code: 'unsupported', retryable: false });
    expect(client.waiting.get()).toEqual({ queued: 0, failed: 2 });
    expect((await room.history()).map(({ message }) => message)).toEqual(['plain']);
  });
});
