import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ParleyClient } from '../src/client.js';
import { memoryStorage } from '../src/storage.js';
import { when } from '../src/store.js';
import { socketIo } from '../src/transport.js';
import type { Page, ParleyStorage, Tabs } from '../src/seams.js';
import { TestApp } from '../../test/support/app.js';
import { eventually } from '../../test/support/client.js';
import { BadNetwork } from './support/bad-network.js';
import { Life, randomOf } from './support/life.js';
import { groupId, type Known, knownClient, newClient, shown, shows, synced } from '../../test/support/person.js';
import { sharedTabs } from './support/shared-tabs.js';

type Says = Parameters<Parameters<Page['hear']>[0]>[0];

/** What a browser says of a page, said by the test. */
class TestPage implements Page {
  visible = true;
  private readonly ears = new Set<(what: Says) => void>();
  isVisible = (): boolean => this.visible;
  hasFocus = (): boolean => this.visible;
  isOnline = (): boolean => true;
  hear = (listener: (what: Says) => void): (() => void) => {
    this.ears.add(listener);
    return () => void this.ears.delete(listener);
  };
  say(what: Says): void {
    if (what === 'visible' || what === 'hidden') this.visible = what === 'visible';
    for (const ear of Array.from(this.ears)) ear(what);
  }
}

describe('two tabs of one browser', () => {
  let app: TestApp;
  let alan: Known;
  let storage: ParleyStorage;
  let newTab: ReturnType<typeof sharedTabs>;
  const clients: ParleyClient[] = [];
  let count = 0;

  const tab = (options: { page?: Page; network?: BadNetwork; life?: Life } = {}): ParleyClient => {
    const { page = null, network, life } = options;
    const given = {
      storage,
      tabs: newTab(),
      ...(network && { transport: network.transport(socketIo), fetch: network.fetch(fetch) }),
    };
    const client = newClient(app.url, { ...(life ? life.options(given) : given), page });
    clients.push(client);
    return client;
  };
  const begin = async (
    around = (tabs: Tabs): Tabs => tabs,
  ): Promise<{ id: number; first: ParleyClient; second: ParleyClient }> => {
    storage = memoryStorage();
    const shared = sharedTabs();
    newTab = () => around(shared());
    const { id, token } = await app.createUser(`ada${++count}@example.com`, 'Ada');
    const first = tab();
    await first.useToken(token);
    const second = tab();
    await second.resume();
    await Promise.all([synced(first), synced(second)]);
    return { id, first, second };
  };

  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    alan = await knownClient(app, 'Alan');
  });
  afterAll(async () => {
    for (const client of [...clients, alan.client]) await client.close();
    await app.stop();
  });

  it('show the same, whichever of them sends', async () => {
    const { first, second } = await begin();
    const rooms = [first.room(alan.id), second.room(alan.id)];
    for (const room of rooms) await room.attach().ready;
    const sendings = Array.from({ length: 20 }, (_, n) => rooms[n % 2].send(`message ${n}`));
    await Promise.all(sendings);
    await when(rooms[0].timeline, () => shown(rooms[0]).length === 20);
    await shows(rooms[1], shown(rooms[0]));
    for (const name of ['even', 'odd']) {
      const mine = shown(rooms[0]).filter((text) => Number(text.split(' ')[1]) % 2 === (name === 'odd' ? 1 : 0));
      expect(mine).toEqual([...mine].sort((a, b) => Number(a.split(' ')[1]) - Number(b.split(' ')[1])));
    }
  });

  it('send what a tab left behind that is gone, or frozen', async () => {
    const { first, second } = await begin();
    for (const how of ['killed', 'frozen'] as const) {
      const page = new TestPage();
      const network = new BadNetwork(randomOf(1));
      const life = new Life();
      const third = tab({ page, network, life });
      await third.resume();
      await synced(third);
      // What it sends never arrives, and it holds the lock.
      network.faults.lose = 1;
      third
        .room(alan.id)
        .send(`left behind, ${how}`)
        .catch(() => {});
      await when(second.waiting, ({ queued }) => queued === 1);
      if (how === 'killed') life.end();
      else page.say('freeze');
      await when(first.waiting, ({ queued }) => queued === 0, { signal: AbortSignal.timeout(20_000) });
      await when(second.waiting, ({ queued }) => queued === 0, { signal: AbortSignal.timeout(20_000) });
      life.end();
    }
    const room = first.room(alan.id);
    await room.attach().ready;
    await shows(room, ['left behind, killed', 'left behind, frozen']);
    expect(first.waiting.get()).toEqual({ queued: 0, failed: 0 });
  });

  it('share drafts', async () => {
    const { first, second } = await begin();
    first.room(alan.id).setDraft('begun here');
    await when(second.room(alan.id).draft, (draft) => draft === 'begun here');
    expect(second.inbox.get().rows.length).toBeGreaterThan(0);
    await second.room(alan.id).send('begun here');
    await when(first.room(alan.id).draft, (draft) => draft === '');
  });

  it('log in and out together', async () => {
    const { first, second } = await begin();
    await first.logout();
    await when(second.auth, ({ status }) => status === 'signed_out');
    expect(second.inbox.get().rows).toEqual([]);
    const { token } = await app.createUser(`ada${++count}@example.com`, 'Ada');
    await second.useToken(token);
    await when(first.auth, ({ status }) => status === 'signed_in');
    await synced(first);
  });

  it('call attention in one of them, and in none while one of them shows the chat', async () => {
    const { id, first, second } = await begin();
    const told: string[] = [];
    for (const [n, client] of [first, second].entries())
      client.on('attention', ({ message }) => void told.push(`${n}: ${message.message}`));
    const theirs = alan.client.room(id);
    await theirs.send('one');
    await when(second.inbox, ({ unread }) => unread === 1);
    await when(first.inbox, ({ unread }) => unread === 1);
    await eventually(() => told.length > 0 || undefined);
    const view = second.room(alan.id).attach();
    await view.ready;
    await theirs.send('two');
    await shows(second.room(alan.id), ['one', 'two']);
    view.detach();
    await theirs.send('three');
    await eventually(() => told.some((text) => text.endsWith('three')) || undefined);
    expect(told.map((text) => text.slice(3))).toEqual(['one', 'three']);
  });

  it('call attention to each of several messages that come together', async () => {
    let answer = Promise.resolve();
    // No browser says at once whether a lock is free: meanwhile, the next message is here.
    const { id, first, second } = await begin((tabs) => ({
      ...tabs,
      lock: (name, options, work) => tabs.lock(name, options, (got) => answer.then(() => work(got))),
    }));
    const told: string[] = [];
    for (const client of [first, second]) client.on('attention', ({ message }) => void told.push(message.message));
    let say = (): void => {};
    answer = new Promise((resolve) => (say = resolve));
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await alan.client.room(id).send(text);
    for (const client of [first, second]) await when(client.inbox, ({ unread }) => unread === texts.length);
    say();
    await eventually(() => told.length >= texts.length || undefined);
    expect(told).toEqual(texts);
  });

  it('keep a group entered while one of them looks', async () => {
    const { id, first, second } = await begin();
    const group = await alan.client.groups.create({ name: `Tabs ${count}` });
    await group.add(id);
    const chat = groupId(group);
    await group.attach().ready;
    const isIn = (): boolean => group.members.get().some((member) => member.id === id && member.is_in_group);
    await when(first.group(chat).info, (info) => info?.standing === 'member');
    await when(second.group(chat).info, (info) => info?.standing === 'member');
    const [one, two] = [first.group(chat).attach(), second.group(chat).attach()];
    await when(group.members, isIn);
    one.detach();
    await group.send('while the other looks');
    await when(second.group(chat).timeline, () => shown(second.group(chat)).includes('while the other looks'));
    expect(second.group(chat).summary.get()?.unread).toBe(0);
    two.detach();
    await when(group.members, () => !isIn(), { signal: AbortSignal.timeout(20_000) });
  });
});

describe('a page', () => {
  let app: TestApp;
  let alan: Known;
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    alan = await knownClient(app, 'Alan');
  });
  afterAll(async () => {
    await alan.client.close();
    await app.stop();
  });

  it('that is loaded again without a network shows what it knows, and catches up', async () => {
    const { id, token } = await app.createUser('ada@example.com', 'Ada');
    const storage = memoryStorage();
    const network = new BadNetwork(randomOf(1));
    const options = () => ({
      storage,
      tabs: null,
      page: new TestPage(),
      transport: network.transport(socketIo),
      fetch: network.fetch(fetch),
    });
    const before = newClient(app.url, options());
    await before.useToken(token);
    await synced(before);
    await alan.client.room(id).send('remember me');
    const room = before.room(alan.id);
    await room.attach().ready;
    await shows(room, ['remember me']);
    await when(before.inbox, ({ unread }) => unread === 1);
    // What is remembered is written some seconds later.
    for (;;) {
      const kept = await storage.read(`cache:${id}:`);
      if (kept.size >= 2 && JSON.stringify([...kept]).includes('remember me')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await before.close();

    network.isDown = true;
    const after = newClient(app.url, options());
    expect(await after.resume()).toMatchObject({ id });
    expect(after.inbox.get()).toMatchObject({ loaded: false, unread: 1 });
    expect(after.inbox.get().rows.find(({ key }) => key === room.key)).toMatchObject({
      title: 'Alan Lovelace',
      last_message: { message: 'remember me' },
    });
    const again = after.room(alan.id);
    await again.attach().ready;
    await shows(again, ['remember me']);
    await alan.client.room(id).send('and this');
    network.isDown = false;
    after.retryNow();
    await shows(again, ['remember me', 'and this']);
    await after.logout();
    expect((await storage.read('cache:')).size).toBe(0);
    expect((await storage.read('session')).size).toBe(0);
    await after.close();
  });

  it('that is hidden looks at nothing; left, it has no socket; come back, it has one', async () => {
    const { token } = await app.createUser('grace@example.com', 'Grace');
    const page = new TestPage();
    const client = newClient(app.url, { page, tabs: null });
    const { id } = await client.useToken(token);
    await synced(client);
    const room = client.room(alan.id);
    await room.attach().ready;
    page.say('hidden');
    await alan.client.room(id).send('unseen');
    await shows(room, ['unseen']);
    room.seen(1);
    await alan.client.room(id).send('also');
    await shows(room, ['unseen', 'also']);
    expect(alan.client.room(id).receipts.get().get(id) ?? 0).toBe(0);
    page.say('visible');
    await when(alan.client.room(id).receipts, (receipts) => receipts.get(id) === 1);
    page.say('leave');
    expect(client.connection.get().state).toBe('waiting');
    page.say('return');
    await synced(client);
    await client.close();
  });
});
