// Settings of chats and mentions: what lists show of them, on all devices, and what attention is called to.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakePage } from '../src/testing/index.js';
import { memoryStorage } from '../src/storage.js';
import { socketIo } from '../src/transport.js';
import type { ChatSummary, Mention } from '../src/data.js';
import type { Chat, Group } from '../src/types.js';
import { TestApp } from '../../test/support/app.js';
import { call, eventually } from '../../test/support/client.js';
import {
  clientWith,
  groupId,
  type Known,
  knownClient,
  newClient,
  openClient,
  synced,
  until,
} from '../../test/support/person.js';
import { BadNetwork } from './support/bad-network.js';
import { randomOf } from './support/life.js';

const FOR_GOOD = new Date('9999-01-01T00:00:00Z');

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

const becomes = async (chat: Chat, like: Partial<ChatSummary>): Promise<void> => {
  const isSo = (row: ChatSummary | undefined): boolean =>
    Object.entries(like).every(([name, value]) => row?.[name as keyof ChatSummary] === value);
  await until(chat.summary, isSo).catch(() => expect(chat.summary.get()).toMatchObject(like));
};

/** A group of Alan's that Ada is a member of. */
async function groupOf(name: string): Promise<[hers: Group, his: Group]> {
  const his = await alan.client.groups.create({ name });
  await his.add(ada.id);
  const hers = ada.client.group(groupId(his));
  await until(hers.info, (info) => info?.standing === 'member');
  return [hers, his];
}

const readElsewhere = async (group: Group, seq?: number): Promise<void> => {
  const body = { chat_group_id: groupId(group), ...(seq !== undefined && { seq }) };
  expect((await call(app, 'PUT', '/http/notifications', { token: ada.token, body })).status).toBe(200);
};

describe('the settings of a chat', () => {
  it('begin as the server says, are the same on all devices, and come back after a start without a network', async () => {
    const [storage, bad] = [memoryStorage(), new BadNetwork(randomOf(2))];
    const options = () => ({
      storage,
      page: fakePage(),
      tabs: null,
      transport: bad.transport(socketIo),
      fetch: bad.fetch(fetch),
    });
    const second = newClient(app.url, options());
    await second.useToken(ada.token);
    await synced(second);
    await alan.client.room(ada.id).send('@Ada', { mentions: { user_ids: [ada.id] } });
    const [hers, his] = await groupOf('Settings');
    await his.send('Hello');
    const other = second.group(groupId(hers));
    await becomes(hers, { notify: 'mentions', muted_until: null, is_favourite: false, is_archived: false });
    const change = { notify: 'all', muted_until: FOR_GOOD, is_favourite: true } as const;
    const settings = { notify: 'all', muted_until: FOR_GOOD.toISOString(), is_favourite: true, is_archived: false };
    expect(await hers.setSettings(change)).toEqual(settings);
    for (const chat of [hers, other]) await becomes(chat, settings as Partial<ChatSummary>);
    await other.setSettings({ muted_until: null, is_archived: true });
    for (const chat of [hers, other]) await becomes(chat, { muted_until: null, is_archived: true, is_favourite: true });
    await until(second.inbox, ({ rows }) => rows.some(({ key, is_archived }) => key === hers.key && is_archived));
    for (;;) {
      const kept = JSON.stringify([...(await storage.read(`cache:${ada.id}:inbox`))]);
      if (kept.includes('"is_archived":true')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await second.close();
    bad.isDown = true;
    const after = newClient(app.url, options());
    await after.resume();
    expect(after.group(groupId(hers)).summary.get()).toMatchObject({
      notify: 'all',
      is_archived: true,
      is_favourite: true,
    });
    // What the server says of rooms by their ids is heard by those, too, that were known from memory.
    bad.isDown = false;
    after.retryNow();
    await synced(after);
    expect((await after.mentions()).rows).toMatchObject([{ key: `room:${alan.id}`, message: '@Ada' }]);
    await ada.client.room(alan.id).setSettings({ is_favourite: true });
    await becomes(after.room(alan.id), { is_favourite: true });
    await after.close();
    await hers.leave();
    expect(hers.summary.get()).toMatchObject({ is_favourite: false, is_archived: false });
  });

  it('end a mute by themselves, when its time is over', async () => {
    const room = ada.client.room(alan.id);
    await room.send('Hello');
    await room.setSettings({ muted_until: new Date(Date.now() + 1_500) });
    expect(room.summary.get()?.muted_until).not.toBeNull();
    await becomes(room, { muted_until: null });
  });

  it('are refused where there is no chat, or nothing to be set', async () => {
    const nobody = await knownClient(app, 'Nobody');
    await expect(ada.client.room(nobody.id).setSettings({ is_archived: true })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(ada.client.bot.setSettings({ is_archived: true })).rejects.toMatchObject({ code: 'not_found' });
    await expect(ada.client.group(9_999).setSettings({ is_archived: true })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(ada.client.room(alan.id).setSettings({})).rejects.toMatchObject({ code: 'invalid' });
    await expect(ada.client.room(alan.id).setSettings({ notify: 'loud' as 'all' })).rejects.toMatchObject({
      code: 'invalid',
      fields: { notify: [expect.any(String)] },
    });
  });
});

describe('unread mentions', () => {
  it('rise with what names one, fall with reading, and are what the server counts', async () => {
    const [hers, his] = await groupOf('Counted');
    const second = await clientWith(app, ada.token);
    const both = [hers, second.group(groupId(hers))];
    await his.send('one', { mentions: { user_ids: [ada.id] } });
    await his.send('two');
    const { seq } = await his.send('three', { mentions: { user_ids: [ada.id] } });
    for (const chat of both) await becomes(chat, { unread: 3, unread_mentions: 2 });
    expect(ada.client.inbox.get().unread_mentions).toBe(2);
    // Read as far as the second, on another device.
    await readElsewhere(hers, 2);
    for (const chat of both) await becomes(chat, { unread: 1, unread_mentions: 1 });
    await his.edit(seq, 'three', { mentions: {} });
    await becomes(second.group(groupId(hers)), { unread: 1 });
    await his.send('all', { mentions: { everyone: true } });
    for (const chat of both) await becomes(chat, { unread: 2, unread_mentions: 1 });
    await readElsewhere(hers);
    for (const chat of both) await becomes(chat, { unread: 0, unread_mentions: 0 });
  });

  it('do not count an answer that was sent silently, nor what was missed and read elsewhere', async () => {
    const hers = ada.client.room(alan.id);
    const his = alan.client.room(ada.id);
    const { seq } = await hers.send('a question');
    await his.send('quietly', { reply_to: seq, is_silent: true });
    await becomes(hers, { unread: 1, unread_mentions: 0 });
    await his.send('loudly', { reply_to: seq });
    await becomes(hers, { unread: 2, unread_mentions: 1 });
    network.isDown = true;
    network.cut();
    await until(ada.client.connection, (c) => c.state === 'waiting');
    await his.send('@Ada', { mentions: { user_ids: [ada.id] } });
    network.isDown = false;
    ada.client.retryNow();
    await becomes(hers, { unread: 3, unread_mentions: 2 });
    await hers.send('read by that');
    await becomes(hers, { unread: 0, unread_mentions: 0 });
    expect(ada.client.inbox.get().unread_mentions).toBe(0);
  });
});

describe('the list of mentions', () => {
  it('says where each is, newest first, a page at a time', async () => {
    const { id, token } = await app.createUser('grace@example.com', 'Grace');
    const grace = await clientWith(app, token);
    const [room, group] = [alan.client.room(id), await alan.client.groups.create({ name: 'Listed' })];
    await group.add(id);
    const named = { mentions: { user_ids: [id] } };
    for (let n = 1; n <= 105; n++) await (n % 2 ? room : group).send(`@Grace ${n}`, named);
    const all: Mention[] = [];
    for (let page = await grace.mentions(); page.rows.length > 0; page = await page.next!()) all.push(...page.rows);
    expect(all.map(({ message }) => message)).toEqual(Array.from({ length: 105 }, (_, n) => `@Grace ${105 - n}`));
    expect(all[0]).toEqual({
      key: `room:${alan.id}`,
      ref: { type: 'room', user_id: alan.id },
      seq: 53,
      user_id: alan.id,
      message: '@Grace 105',
      timestamp: expect.any(String),
    });
    expect(all[1]).toMatchObject({ key: group.key, ref: group.ref, seq: 52 });
    const [older] = (await grace.mentions({ until: new Date(all[50].timestamp) })).rows;
    expect(older).toEqual(all[51]);
    await expect(openClient(app).mentions()).rejects.toMatchObject({ code: 'signed_out' });
  });
});

describe('attention', () => {
  it('is called as one sentence says: muted is silent for all but a mention by name, none for that, too', async () => {
    const told: string[] = [];
    ada.client.on('attention', ({ message }) => void told.push(message.message));
    const [hers, his] = await groupOf('Loud');
    const [room, to] = [ada.client.room(alan.id), alan.client.room(ada.id)];
    const { seq } = await room.send('hers');
    const named = { mentions: { user_ids: [ada.id] } };
    const all = { mentions: { everyone: true } };
    const said: [Chat, string, object][] = [
      [his, 'plain', {}],
      [his, 'named', named],
      [his, 'everyone', all],
      [to, 'plain in the room', {}],
      [to, 'named in the room', named],
      [to, 'answer', { reply_to: seq }],
      [to, 'silent answer', { reply_to: seq, is_silent: true }],
    ];
    const play = async (settings: object): Promise<string[]> => {
      for (const chat of [hers, room]) await chat.setSettings(settings);
      const before = ada.client.inbox.get().unread;
      told.length = 0;
      for (const [i, [chat, text, options]] of said.entries()) {
        await chat.send(text, options);
        // A group's packets to those outside come once a second: each message here has its own.
        await until(ada.client.inbox, ({ unread }) => unread === before + i + 1);
      }
      // What is told whatever was, and takes the longest way.
      await room.setSettings({ notify: 'mentions', muted_until: null });
      await to.send('the end', named);
      await eventually(() => told.includes('the end') || undefined);
      return told.filter((text) => text !== 'the end').sort();
    };
    const inRoom = ['plain in the room', 'named in the room', 'answer', 'silent answer'];
    expect(await play({ notify: 'all', muted_until: null })).toEqual(['plain', 'named', 'everyone', ...inRoom].sort());
    expect(await play({ notify: 'mentions' })).toEqual(['named', 'everyone', 'named in the room', 'answer'].sort());
    const muted = { notify: 'all', muted_until: FOR_GOOD };
    expect(await play(muted)).toEqual(['named', 'named in the room', 'answer'].sort());
    expect(await play({ notify: 'none', muted_until: null })).toEqual([]);
    expect(await play({ notify: 'none', muted_until: FOR_GOOD })).toEqual([]);
  }, 120_000);
});
