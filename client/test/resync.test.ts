// A connection that lost events without breaking: the server says so, and the client reads again what it may have missed.
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParleyClient } from '../src/client.js';
import type { TransportFactory } from '../src/seams.js';
import { type FakePerson, type FakeServer, fakeServer } from '../src/testing/index.js';
import type { Chat } from '../src/types.js';
import { shown, shows } from '../../test/support/person.js';

describe('a client that is told to look again', () => {
  let server: FakeServer;
  let ada: FakePerson;
  let alan: FakePerson;
  let parley: ParleyClient;
  let room: Chat;
  let isLosing: boolean;
  let asked: string[];
  let holdLists: Promise<void> | undefined;
  let refuse: { retry_after: number } | undefined;

  beforeEach(async () => {
    server = fakeServer();
    [ada, alan] = [server.person({ first_name: 'Ada' }), server.person({ first_name: 'Alan' })];
    [isLosing, asked, holdLists, refuse] = [false, [], undefined, undefined];
    const { transport, fetch: inner, ...options } = server.device().options;
    // All events are lost but the one that says so.
    const losing: TransportFactory = (to, events) =>
      transport!(to, {
        ...events,
        event: (name, payload) => {
          if (!isLosing || name === 'resync') events.event(name, payload);
        },
      });
    await alan.says(ada, 'one');
    parley = await ada.client({
      ...options,
      transport: losing,
      random: () => 1,
      fetch: async (input, init) => {
        const { pathname } = new URL(input as string);
        asked.push(pathname);
        if (refuse && pathname.endsWith('/chat_groups'))
          return Response.json({ code: 'busy', message: '', ...refuse }, { status: 503 });
        const answer = await inner!(input, init);
        if (pathname.endsWith('/chat_rooms')) await holdLists;
        return answer;
      },
    });
    room = parley.room(alan.id);
    room.attach();
    await server.pass(1_000);
    await shows(room, ['one']);
    asked.length = 0;
  });

  const listsRead = (): number => asked.filter((path) => path.endsWith('/chat_rooms')).length;

  it('holds what it missed: messages, reactions, new chats and groups, without a new connection', async () => {
    const { since } = parley.connection.get();
    isLosing = true;
    await alan.says(ada, 'two');
    alan.reacts(ada, 1, '👍');
    const eve = server.person({ first_name: 'Eve' });
    await eve.says(ada, 'Hello');
    server.group('Engines', { members: [ada] });
    await server.pass(60_000);
    expect(shown(room)).toEqual(['one']);
    server.resync();
    await server.pass(1_000);
    expect(shown(room)).toEqual(['one', 'two']);
    expect(room.timeline.get().items[0]).toMatchObject({ reactions: [{ emoji: '👍', count: 1 }] });
    expect(parley.inbox.get().rows.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['Alan', 'Eve', 'Engines']),
    );
    expect(parley.connection.get()).toMatchObject({ since, synced: true });
  });

  it('reads once for all that say so while it reads, and once more after it', async () => {
    let release = (): void => {};
    holdLists = new Promise((resolve) => (release = resolve));
    server.resync();
    await server.pass(10);
    expect(listsRead()).toBe(1);
    for (let i = 0; i < 5; i++) server.resync();
    isLosing = true;
    // The lists that it waits for do not have it.
    await alan.says(ada, 'two');
    await server.pass(1_000);
    expect(listsRead()).toBe(1);
    [isLosing, holdLists] = [false, undefined];
    release();
    await server.pass(1_000);
    expect(listsRead()).toBe(2);
    expect(shown(room)).toEqual(['one', 'two']);
    await server.pass(60_000);
    expect(listsRead()).toBe(2);
  });

  it('shows what is live while the lists cannot be read, and tries again', async () => {
    refuse = { retry_after: 5 };
    isLosing = true;
    await alan.says(ada, 'two');
    server.resync();
    await server.pass(1_000);
    isLosing = false;
    expect(listsRead()).toBe(1);
    server.resync();
    await alan.says(ada, 'three');
    await server.pass(1_000);
    expect(shown(room).at(-1)).toBe('three');
    expect(parley.connection.get()).toMatchObject({ state: 'online', synced: true });
    // It waits as long as it was told to, however often it is told to look.
    expect(listsRead()).toBe(1);
    refuse = undefined;
    await server.pass(10_000);
    expect(listsRead()).toBe(2);
    expect(shown(room)).toEqual(['one', 'two', 'three']);
    expect(parley.inbox.get().error).toBeUndefined();
  });

  it('reads the lists of a new connection once, where the old one broke while it looked again', async () => {
    holdLists = new Promise(() => {});
    server.resync();
    await server.pass(10);
    holdLists = undefined;
    server.restart();
    await server.pass(20_000);
    expect(listsRead()).toBe(2);
    await alan.says(ada, 'two');
    await server.pass(100);
    expect(shown(room)).toEqual(['one', 'two']);
  });
});
