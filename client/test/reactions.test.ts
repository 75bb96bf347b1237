// Reactions: at once for who reacts, soon for all others, and in the end as the server has them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Message, MessageItem, Reaction } from '../src/data.js';
import { memoryStorage } from '../src/storage.js';
import { fakePage } from '../src/testing/index.js';
import { socketIo } from '../src/transport.js';
import type { Chat } from '../src/types.js';
import { newerOf } from '../src/window.js';
import { TestApp } from '../../test/support/app.js';
import { call } from '../../test/support/client.js';
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
import { goOffline, goOnline } from './support/offline.js';
import { randomOf } from './support/life.js';

/** `👍 2 mine, 🎉 1`: what an item shows. */
const said = (reactions: readonly Reaction[] = []): string =>
  reactions.map(({ emoji, count, is_mine }) => `${emoji} ${count}${is_mine ? ' mine' : ''}`).join(', ');
const item = (chat: Chat, seq: number): MessageItem | undefined =>
  chat.timeline.get().items.find((one): one is MessageItem => one.kind === 'message' && one.seq === seq);
const shown = (chat: Chat, seq = 1): string => said(item(chat, seq)?.reactions);
const shows = (chat: Chat, text: string, seq = 1): Promise<unknown> =>
  until(chat.timeline, () => shown(chat, seq) === text).catch(() => expect(shown(chat, seq)).toBe(text));
const stored = async (chat: Chat): Promise<string[]> => (await chat.history()).map(({ reactions }) => said(reactions));

let app: TestApp;
let ada: Known;
let alan: Known;
let network: BadNetwork;
beforeAll(async () => {
  app = await TestApp.start('sqlite', { RATE_LIMITS: 'off' });
  network = new BadNetwork(randomOf(1));
  ada = await knownClient(app, 'Ada', { transport: network.transport(socketIo), fetch: network.fetch(fetch) });
  alan = await knownClient(app, 'Alan');
});
afterAll(() => app.stop());

/** Of the two, open to both. */
async function rooms(): Promise<[hers: Chat, his: Chat]> {
  const both: [Chat, Chat] = [ada.client.room(alan.id), alan.client.room(ada.id)];
  for (const chat of both) await chat.attach().ready;
  return both;
}

describe('a reaction', () => {
  it('is shown at once, to the other soon, and on all devices as one’s own', async () => {
    const second = await clientWith(app, ada.token);
    const [hers, hersToo, his] = [ada.client.room(alan.id), second.room(alan.id), alan.client.room(ada.id)];
    await his.send('Hello');
    for (const chat of [hers, hersToo, his]) await chat.attach().ready;
    await until(hers.timeline, () => item(hers, 1) !== undefined);
    const done = hers.react(1, '👍');
    expect(shown(hers)).toBe('👍 1 mine');
    expect(item(hers, 1)).toMatchObject({ state: 'stored', message: 'Hello' });
    await done;
    for (const chat of [hers, hersToo]) await shows(chat, '👍 1 mine');
    await shows(his, '👍 1');
    await his.react(1, '👍');
    await his.react(1, '🎉');
    for (const chat of [hers, hersToo]) await shows(chat, '👍 2 mine, 🎉 1');
    await shows(his, '👍 2 mine, 🎉 1 mine');
    // It sets, and does not toggle; and has one spelling.
    await hersToo.react(1, '👍');
    const heart = hersToo.react(1, '❤');
    await heart;
    await shows(hers, '👍 2 mine, 🎉 1, ❤️ 1 mine');
    await hers.react(1, '❤️', true);
    const off = hers.react(1, '❤', false);
    expect(shown(hers)).toBe('👍 2 mine, 🎉 1');
    await off;
    await hersToo.react(1, '👍', false);
    for (const chat of [hers, hersToo]) await shows(chat, '👍 1, 🎉 1');
    expect(hers.summary.get()).toMatchObject({ last_message: { reactions: [{ count: 1 }, { count: 1 }] }, unread: 1 });
  });

  it('of which the newest wish counts, however fast one is', async () => {
    const [hers, his] = await rooms();
    const { seq } = await his.send('quick');
    await until(hers.timeline, () => item(hers, seq) !== undefined);
    await Promise.all([true, false, true, false, true].map((isOn) => hers.react(seq, '🔥', isOn)));
    for (const chat of [hers, his]) await shows(chat, chat === hers ? '🔥 1 mine' : '🔥 1', seq);
    expect((await stored(hers)).at(-1)).toBe('🔥 1 mine');
  });

  it('of which the newest wish counts, though requests overtake each other', async () => {
    const [, his] = await rooms();
    const { seq } = await his.send('overtaken');
    let pause = 400;
    const client = openClient(app, {
      fetch: async (input, init) => {
        if ((input as string).endsWith('/reactions'))
          await new Promise((resolve) => setTimeout(resolve, (pause -= 100)));
        return fetch(input, init);
      },
    });
    await client.useToken(ada.token);
    await synced(client);
    const hers = client.room(alan.id);
    await hers.attach().ready;
    await Promise.all([true, false, true, false].map((isOn) => hers.react(seq, '🔥', isOn)));
    expect(shown(hers, seq)).toBe('');
    expect((await stored(hers)).at(-1)).toBe('');
  });

  it('is taken back where it is refused', async () => {
    const [hers, his] = await rooms();
    const { seq } = await his.send('refused');
    await until(hers.timeline, () => item(hers, seq) !== undefined);
    const five = ['😀', '😁', '😂', '😃', '😄'];
    for (const emoji of five) await hers.react(seq, emoji);
    const all = five.map((emoji) => `${emoji} 1 mine`).join(', ');
    const sixth = hers.react(seq, '😅');
    expect(shown(hers, seq)).toBe(`${all}, 😅 1 mine`);
    await expect(sixth).rejects.toMatchObject({ code: 'too_many_reactions', retryable: false });
    expect(shown(hers, seq)).toBe(all);
    await expect(hers.react(seq, 'no emoji')).rejects.toMatchObject({ code: 'invalid' });
    await expect(hers.react(999, '👍')).rejects.toMatchObject({ code: 'not_found' });
    await his.delete(seq);
    await expect(hers.react(seq, '👍')).rejects.toMatchObject({ code: 'message_deleted' });
    await shows(hers, '', seq);
    await goOffline(ada, network);
    const offline = hers.react(1, '🐌');
    await expect(offline).rejects.toMatchObject({ code: 'offline' });
    expect(shown(hers, 1)).not.toContain('🐌');
    await goOnline(ada, network);
    await expect(ada.client.bot.react(1, '👍')).rejects.toMatchObject({
      code: expect.stringMatching(/invalid|not_found/),
    });
  });

  it('is not asked of a server that knows none', async () => {
    const older: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (!(input as string).endsWith('/http/server')) return response;
      return Response.json({ ...((await response.json()) as object), features: [] });
    };
    const client = openClient(app, { fetch: older });
    await client.useToken(ada.token);
    await synced(client);
    const room = client.room(alan.id);
    await expect(room.react(1, '👍')).rejects.toMatchObject({ code: 'unsupported' });
    await expect(room.reactedBy(1, '👍')).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('reactions', () => {
  it('that were missed are caught up on, one’s own from another device among them', async () => {
    const [hers, his] = await rooms();
    const { seq } = await his.send('missed');
    await until(hers.timeline, () => item(hers, seq) !== undefined);
    await hers.react(seq, '👍');
    await goOffline(ada, network);
    await his.react(seq, '👍');
    const second = await clientWith(app, ada.token);
    await second.room(alan.id).react(seq, '🎉');
    await second.room(alan.id).react(seq, '👍', false);
    await goOnline(ada, network);
    await shows(hers, '👍 1, 🎉 1 mine', seq);
    await his.edit(seq, 'edited');
    await until(hers.timeline, () => item(hers, seq)?.message === 'edited');
    expect(shown(hers, seq)).toBe('👍 1, 🎉 1 mine');
  });

  it('of who is not in a group, and hears of nothing in it, are shown to them all the same', async () => {
    const his = await alan.client.groups.create({ name: 'Outside' });
    await his.add(ada.id);
    await his.send('Hello');
    await his.send('again');
    const [storage, page] = [memoryStorage(), fakePage()];
    const client = newClient(app.url, { storage, page, tabs: null });
    await client.useToken(ada.token);
    await synced(client);
    const hers = client.group(groupId(his));
    await until(hers.info, (info) => info?.standing === 'member');
    const view = hers.attach();
    view.look(false);
    await view.ready;
    await until(hers.timeline, ({ items }) => items.length === 2);
    await hers.react(1, '👍');
    expect(shown(hers, 1)).toBe('👍 1 mine');
    // Others change what she does not hear of; her own next one brings it.
    await his.attach().ready;
    await his.edit(2, 'edited');
    await his.react(1, '👍');
    await hers.react(1, '🎉');
    await shows(hers, '👍 2 mine, 🎉 1 mine', 1);
    expect(item(hers, 2)?.message).toBe('edited');
    for (;;) {
      const kept = JSON.stringify([...(await storage.read(`cache:${ada.id}:chat:${hers.key}`))]);
      if (kept.includes('🎉')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await client.close();
    const after = newClient(app.url, {
      storage,
      page: fakePage(),
      tabs: null,
      transport: (_, events) => {
        setTimeout(() => events.closed({ code: 'offline', message: '' } as never), 5);
        return { emit: () => new Promise(() => {}), close: () => {} };
      },
      fetch: () => Promise.reject(new TypeError('down')),
    });
    await after.resume();
    await after.group(groupId(his)).attach().ready;
    expect(shown(after.group(groupId(his)), 1)).toBe('👍 2 mine, 🎉 1 mine');
    await after.close();
  });

  it('name those who have reacted, a page at a time', async () => {
    const group = await ada.client.groups.create({ name: 'Many' });
    await group.send('like this');
    const path = `/http/chat_groups/${groupId(group)}`;
    const reacts = async (n: number): Promise<number> => {
      const { id, token } = await app.createUser(`many${n}@example.com`, 'Many');
      await call(app, 'POST', path, { token, body: { is_enter: true } });
      const body = { emoji: '👍', is_on: true };
      expect((await call(app, 'PUT', `${path}/messages/1/reactions`, { token, body })).status).toBe(200);
      return id;
    };
    const ids = (await Promise.all(Array.from({ length: 105 }, (_, n) => reacts(n)))).sort((a, b) => a - b);
    const first = await group.reactedBy(1, '👍');
    expect(first.rows).toEqual(ids.slice(0, 100));
    const next = await first.next!();
    expect(next).toEqual({ rows: ids.slice(100) });
    expect(await group.reactedBy(1, '🎉')).toEqual({ rows: [] });
    await group.attach().ready;
    await shows(group, '👍 105');
  }, 60_000);

  it('end alike for everybody on a network that loses, doubles and delays', async () => {
    const random = randomOf(7);
    const bad = new BadNetwork(random);
    const options = { transport: bad.transport(socketIo), fetch: bad.fetch(fetch) };
    const group = await alan.client.groups.create({ name: 'Noisy' });
    const [kim, grace] = [await knownClient(app, 'Kim', options), await knownClient(app, 'Grace', options)];
    const kimToo = openClient(app, options);
    await kimToo.useToken(kim.token);
    await synced(kimToo);
    for (const { id } of [kim, grace]) await group.add(id);
    const chats = [group, ...[kim.client, kimToo, grace.client].map((client) => client.group(groupId(group)))];
    for (const chat of chats.slice(1)) await until(chat.info, (info) => info?.standing === 'member');
    for (const text of ['one', 'two', 'three']) await group.send(text);
    for (const chat of chats) await chat.attach().ready;
    Object.assign(bad.faults, { double: 0.3, lose: 0.05 });
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)];
    for (let n = 0; n < 120; n++) {
      const doing = pick(chats)
        .react(1 + Math.floor(random() * 3), pick(['👍', '🎉', '🔥']), random() < 0.6)
        .catch(() => {});
      if (random() < 0.3) await doing;
      if (random() < 0.04) bad.cut();
      if (random() < 0.1) await group.edit(2, `two, ${n}`);
    }
    Object.assign(bad.faults, { double: 0, lose: 0 });
    bad.cut();
    for (const client of [kim.client, kimToo, grace.client]) client.retryNow();
    for (const client of [kim.client, kimToo, grace.client]) await synced(client);
    for (const chat of chats)
      await expect
        .poll(async () => [1, 2, 3].map((seq) => shown(chat, seq)).join('; ') === (await stored(chat)).join('; '), {
          timeout: 30_000,
        })
        .toBe(true);
  }, 120_000);
});

it('of two versions of a message, in whatever order they come, the newer one is left, with what is known of one’s own', () => {
  const message = (change: number, reactions: Reaction[]): Message => ({
    seq: 1,
    user_id: 2,
    message: `at ${change}`,
    timestamp: '',
    change,
    reactions,
  });
  const page = message(4, [{ emoji: '👍', count: 2, is_mine: true }]);
  // As events tell it: of the others' reactions, nothing is said of one's own.
  const others = message(5, [{ emoji: '👍', count: 3 }]);
  expect(newerOf(page, others)).toMatchObject({ message: 'at 5', reactions: [{ count: 3, is_mine: true }] });
  expect(newerOf(others, page)).toBe(others);
  // Two events may share a change, and only one of them names this user.
  const taken = message(5, [{ emoji: '👍', count: 3, is_mine: false }]);
  expect(newerOf(newerOf(page, others), taken).reactions).toEqual([{ emoji: '👍', count: 3, is_mine: false }]);
  expect(newerOf(newerOf(page, taken), others).reactions).toEqual([{ emoji: '👍', count: 3, is_mine: false }]);
  expect(newerOf(taken, { ...taken })).toBe(taken);
});
