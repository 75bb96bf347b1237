// Whoever lost their last socket is waited for, unless they have logged out: and only the session that ended is not waited for.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, type ChatSocket, eventually, next, Person, record, sendTo } from '../support/client.js';
import type { ParleyServer, PresenceChange } from '../../src/sockets/events.js';
import { Publisher } from '../../src/sockets/publisher.js';

onAllDialects('somebody with a phone and a laptop', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let phone: string;
  let laptop: string;
  let a: ChatSocket;
  /** What Ada is told of Bob. */
  let told: PresenceChange[];
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    [phone, laptop] = [bob.token, await app.createSession(bob.id)];
    a = await ada.connect();
    await sendTo(a, bob.id, 'Hello');
    told = [];
    a.on('presence', (changes) => told.push(...changes.filter(({ user_id }) => user_id === bob.id)));
    group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: 'G' } })).body
      .id;
  });
  afterEach(() => [ada, bob].forEach((person) => person.hangUp()));

  const row = async (path: string) => (await ada.get(path)).body.find(({ id }: { id: number }) => id === bob.id);
  const isOnline = async (): Promise<boolean> => (await row('/http/users')).is_online;
  const isIn = async (): Promise<boolean> => (await row(`/http/users/group/${group}`)).is_in_group;
  const logout = (token: string): Promise<Answer> => call(app, 'POST', '/http/logout', { token });
  const isTold = (isOnlineNow: boolean) =>
    eventually(() => told.at(-1)?.is_online === isOnlineNow || undefined, `is_online ${isOnlineNow}`);
  /** The phone comes, enters the group, and is gone again: a reload. */
  const reload = async (): Promise<void> => {
    const socket = await bob.connect(phone);
    await call(app, 'POST', `/http/chat_groups/${group}`, { token: phone, body: { is_enter: true } });
    await isTold(true);
    await hangUp(socket);
  };
  const hangUp = async (socket: ChatSocket): Promise<void> => {
    const { server } = app.get(Publisher) as unknown as { server: ParleyServer };
    const { id } = socket;
    socket.disconnect();
    await eventually(() => !server.sockets.sockets.has(id!) || undefined, 'the end of the socket');
  };

  describe('that reloads, while the laptop', () => {
    it.each([
      ['has no socket and logs out', async () => void (await logout(laptop))],
      [
        'has one and logs out',
        async () => {
          const closed = next(await bob.connect(laptop), 'disconnect');
          await logout(laptop);
          await closed;
        },
      ],
      [
        'has one and is ended from the phone',
        async () => {
          const closed = next(await bob.connect(laptop), 'disconnect');
          await call(app, 'DELETE', '/http/sessions', { token: phone });
          await closed;
        },
      ],
    ])('%s, never went', async (_, logsOut) => {
      await reload();
      const events = record(a, 'presence');
      await logsOut();
      expect([await isOnline(), await isIn()]).toEqual([true, true]);
      await bob.connect(phone);
      // Going would be told by now.
      const other = await Person.known(app, 'Marker');
      const marker = next<PresenceChange[]>(a, 'presence', (all) => all.some(({ user_id }) => user_id === other.id));
      await sendTo(await other.connect(), ada.id, 'marker');
      await marker;
      other.hangUp();
      expect(events.flat().filter(({ user_id }: any) => user_id === bob.id)).toEqual([]);
      expect([await isOnline(), await isIn()]).toEqual([true, true]);
    });
  });

  it('whose phone does not come back is away, a while after the laptop has logged out', async () => {
    await reload();
    await bob.connect(laptop);
    await logout(laptop);
    expect(await isOnline()).toBe(true);
    await isTold(false);
    expect([await isOnline(), await isIn()]).toEqual([false, false]);
  });

  it('whose two devices both lost their sockets is waited for, until both have logged out', async () => {
    await reload();
    await hangUp(await bob.connect(laptop));
    await logout(laptop);
    expect(await isOnline()).toBe(true);
    await logout(phone);
    expect(await isOnline()).toBe(false);
    await isTold(false);
  });

  it.each([
    ['out on the phone', () => logout(phone)],
    [
      'the phone out on the laptop',
      async () => {
        const sessions = (await call(app, 'GET', '/http/sessions', { token: laptop })).body;
        const { id } = sessions.find(({ current }: { current: boolean }) => !current);
        return call(app, 'DELETE', `/http/sessions/${id}`, { token: laptop });
      },
    ],
    ['everything else out on the laptop', () => call(app, 'DELETE', '/http/sessions', { token: laptop })],
    [
      'everything else out by a new password',
      () => call(app, 'PUT', '/http/users/profile', { token: laptop, body: { password: 'a new password' } }),
    ],
  ])('whose phone has lost its socket, and who logs %s, is away at once', async (_, logsOut) => {
    await reload();
    expect(await isOnline()).toBe(true);
    expect((await logsOut()).status).toBeLessThan(300);
    expect(await isOnline()).toBe(false);
  });
});
