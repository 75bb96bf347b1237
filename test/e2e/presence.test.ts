// Who came online and who went: to whom it is told, how often, and what it costs when thousands come and go at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { LastSeen } from '../../src/people/last-seen.js';
import { MAX_CHANGES, PresenceNews } from '../../src/people/presence-news.js';
import { Passwords } from '../../src/identity/passwords.js';
import { Sessions } from '../../src/identity/sessions.js';
import { GroupAbsence } from '../../src/chat-groups/attendance/group-absence.js';
import { insertRows } from '../../src/database/dialect.js';
import { type Lease, loneLease } from '../../src/database/held-lease.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { Audience } from '../../src/people/audience.js';
import type { PresenceChange } from '../../src/sockets/events.js';
import { WhoIsIn } from '../../src/people/who-is-in.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, Person, record, sendTo } from '../support/client.js';
import { fallBehind, RawSocket } from '../support/raw-socket.js';

const NOW = '2026-01-01 00:00:00.000';

onAllDialects('presence', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let a: ChatSocket;
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    a = await ada.connect();
    const body = { chat_group_name: 'Engines' };
    group = (await call(app, 'POST', '/http/chat_groups', { token: ada.token, body })).body.id;
  });

  const attend = (person: Person, isEnter: boolean) =>
    call(app, 'POST', `/http/chat_groups/${group}`, { token: person.token, body: { is_enter: isEnter } });
  const shown = async (person: Person) =>
    (await ada.get('/http/users')).body.find(({ id }: { id: number }) => id === person.id);
  const about =
    (person: Person, isOnline?: boolean) =>
    (changes: PresenceChange[]): boolean =>
      changes.some((one) => one.user_id === person.id && (isOnline === undefined || one.is_online === isOnline));
  /** Something that is told later than anything from before now would be. */
  const marker = async (viewer: ChatSocket, viewerId: number): Promise<void> => {
    const other = await Person.known(app, 'Marker');
    const told = next<PresenceChange[]>(viewer, 'presence', about(other, true));
    const socket = await other.connect();
    await sendTo(socket, viewerId, 'marker');
    await told;
    other.hangUp();
  };

  it('is over with a crash, which those who were online are seen at, and nobody else', async () => {
    const here = async () =>
      (await app.database.query<{ user_id: number }[]>('SELECT user_id FROM online_people')).map((row) => row.user_id);
    const isHere = (person: Person, is: boolean) =>
      eventually(
        async () => (await here()).includes(person.id) === is || undefined,
        `${person.firstName} noted: ${is}`,
      );
    await bob.connect();
    const goes = await eve.connect();
    await Promise.all([ada, bob, eve].map((person) => isHere(person, true)));
    goes.disconnect();
    await isHere(eve, false);
    const eveSeen = (await shown(eve)).last_seen;
    // As if it had been killed: nothing of what it stores when it ends.
    vi.spyOn(app.get(LastSeen), 'beforeApplicationShutdown').mockResolvedValue();
    const killedAt = Date.now();
    app = await app.restart();
    [ada, bob, eve] = [ada.at(app), bob.at(app), eve.at(app)];
    const { is_online, last_seen } = await shown(bob);
    expect(is_online).toBe(false);
    expect(killedAt - Date.parse(last_seen)).toBeLessThan(60_000);
    expect(Date.parse(last_seen)).toBeLessThanOrEqual(killedAt);
    expect((await shown(eve)).last_seen).toBe(eveSeen);
    expect(await here()).toEqual([]);
  });

  it('is told to those who have a room together: an array, saying what the list of users says', async () => {
    await sendTo(a, bob.id, 'hello');
    const online = next<PresenceChange[]>(a, 'presence', about(bob));
    await bob.connect();
    expect(await online).toEqual([{ user_id: bob.id, is_online: true, last_seen: null }]);
    const offline = next<PresenceChange[]>(a, 'presence', about(bob));
    bob.hangUp();
    const [change] = await offline;
    expect(change).toEqual({ user_id: bob.id, is_online: false, last_seen: (await shown(bob)).last_seen });
    expect(Date.now() - Date.parse(change.last_seen!)).toBeLessThan(10_000);
    const back = next<PresenceChange[]>(a, 'presence', about(bob));
    await bob.connect();
    expect(await back).toEqual([{ ...change, is_online: true }]);
  });

  it('is told to two when their first message makes a room, as it stands by then', async () => {
    const b = await bob.connect();
    await sleep(1_200);
    const told = Promise.all([
      next<PresenceChange[]>(a, 'presence', about(bob, true)),
      next<PresenceChange[]>(b, 'presence', about(ada, true)),
    ]);
    await sendTo(a, bob.id, 'hello');
    expect(await told).toEqual([bob, ada].map(({ id }) => [{ user_id: id, is_online: true, last_seen: null }]));
  });

  it('is told at once after a logout', async () => {
    await sendTo(a, bob.id, 'hello');
    await bob.connect();
    await next(a, 'presence', about(bob, true));
    const start = Date.now();
    const offline = next<PresenceChange[]>(a, 'presence', about(bob, false));
    await bob.get('/http/logout');
    await offline;
    expect(Date.now() - start).toBeLessThan(4_000);
  });

  it('is told to those in a group together, and to none of its members outside', async () => {
    const e = await eve.connect();
    await attend(ada, true);
    await attend(eve, true);
    await attend(eve, false);
    const outside = record<PresenceChange[]>(e, 'presence', about(bob));
    const online = next<PresenceChange[]>(a, 'presence', about(bob, true));
    await bob.connect();
    await attend(bob, true);
    expect((await online).every(({ is_online }) => is_online)).toBe(true);
    const offline = next<PresenceChange[]>(a, 'presence', about(bob, false));
    bob.hangUp();
    await offline;
    await marker(e, eve.id);
    expect(outside).toEqual([]);
  });

  it('is told to those who are in when somebody who is online already enters', async () => {
    await attend(ada, true);
    await bob.connect();
    await sleep(1_200);
    const told = next<PresenceChange[]>(a, 'presence', about(bob, true));
    await attend(bob, true);
    expect(await told).toEqual([{ user_id: bob.id, is_online: true, last_seen: null }]);
  });

  it('is nothing to strangers, and nothing about oneself', async () => {
    await sendTo(a, bob.id, 'hello');
    const e = await eve.connect();
    const got = record<PresenceChange[]>(e, 'presence', about(bob));
    const b = await bob.connect();
    const own = record<PresenceChange[]>(b, 'presence', about(bob));
    await next(a, 'presence', about(bob, true));
    await marker(e, eve.id);
    await marker(b, bob.id);
    expect([got, own]).toEqual([[], []]);
  });

  it('does not flicker: no packet for a second tab, a reload or a reconnect within five seconds', async () => {
    await sendTo(a, bob.id, 'hello');
    await bob.connect();
    await next(a, 'presence', about(bob, true));
    const got = record<PresenceChange[]>(a, 'presence', about(bob));
    await bob.connect();
    bob.hangUp();
    await sleep(3_500);
    await bob.connect();
    bob.hangUp();
    await bob.connect();
    // Past every five seconds that were running.
    await sleep(6_000);
    await marker(a, ada.id);
    expect(got).toEqual([]);
  });

  it('is not told of one who went and came back within the second', async () => {
    await sendTo(a, bob.id, 'hello');
    await bob.connect();
    await next(a, 'presence', about(bob, true));
    const got = record<PresenceChange[]>(a, 'presence', about(bob));
    const again = await app.createSession(bob.id);
    await bob.get('/http/logout');
    await bob.connect(again);
    await marker(a, ada.id);
    expect(got).toEqual([]);
  });

  it('comes in one packet for all who changed in a second', async () => {
    const friends = [];
    for (let i = 0; i < 10; i++) friends.push(await Person.known(app, `Friend${i}`));
    for (const friend of friends) await sendTo(a, friend.id, 'hello');
    const got = record<PresenceChange[]>(a, 'presence');
    await Promise.all(friends.map((friend) => friend.connect()));
    const changes = await eventually(() => {
      const all = got.flat();
      return all.length >= 10 ? all : undefined;
    });
    expect(changes.map(({ user_id }) => user_id).sort()).toEqual(friends.map(({ id }) => id).sort());
    expect(got.length).toBeLessThanOrEqual(2);
    for (const friend of friends) friend.hangUp();
  });

  it('is hidden from whom a person hides, who may see the others', async () => {
    const audience = app.get(Audience);
    const hiding = vi
      .spyOn(audience, 'blockedBy')
      .mockImplementation((userIds) =>
        Promise.resolve(new Map(userIds.includes(bob.id) ? [[bob.id, new Set([ada.id])]] : [])),
      );
    await sendTo(a, bob.id, 'hello');
    const e = await eve.connect();
    await sendTo(e, bob.id, 'hello');
    const got = record<PresenceChange[]>(a, 'presence', about(bob));
    const seen = next<PresenceChange[]>(e, 'presence', about(bob, true));
    await bob.connect();
    await seen;
    await marker(a, ada.id);
    expect(got).toEqual([]);
    hiding.mockRestore();
  });

  it('is owed to a socket that does not keep up, and told once it does, as it is by then', async () => {
    await sendTo(a, bob.id, 'hello');
    const b = await bob.connect();
    await next(a, 'presence', about(bob, true));
    const slow = await fallBehind(app, ada, b);
    for (const _ of [1, 2]) {
      await bob.get('/http/logout');
      await next(a, 'presence', about(bob, false));
      await bob.connect(await bob.session(app));
      await next(a, 'presence', about(bob, true));
    }
    expect(slow.got('presence')).toEqual([]);
    slow.resume();
    const told = await eventually(() => slow.got('presence')[0]);
    expect(told.payload).toMatchObject([{ user_id: bob.id, is_online: true }]);
    await marker(a, ada.id);
    expect(slow.got('presence').filter(({ payload }) => about(bob)(payload))).toHaveLength(1);
    slow.drop();
  });

  describe('in a group that is large', () => {
    /** So many more are in it, as far as the database knows; with their ids. */
    const crowd = async (count: number): Promise<number[]> => {
      const ids = Array.from({ length: count }, (_, i) => group * 1_000_000 + i);
      const columns = 'conversation_id, user_id, last_read_seq, is_in, joined_at';
      await insertRows(
        app.database.manager,
        'members',
        columns,
        ids.map((id) => [group, id, 0, 1, NOW]),
      );
      return ids;
    };
    const attendance = () =>
      app.get(GroupAbsence) as unknown as {
        takeOut: (userIds: number[]) => Promise<void>;
        takeOutAbsent: (lease: Lease) => Promise<void>;
      };

    it('is told to nobody after a restart either, until it has shown that most stay away', async () => {
      for (const person of [bob, eve]) {
        await person.connect();
        await attend(person, true);
      }
      await crowd(101);
      app = await app.restart();
      const [again, late] = [bob.at(app), eve.at(app)];
      const b = await again.connect();
      const got = record<PresenceChange[]>(b, 'presence', about(eve));
      await late.connect();
      await marker(b, bob.id);
      expect(got).toEqual([]);
      await attendance().takeOutAbsent(loneLease(new AbortController().signal));
      const told = next<PresenceChange[]>(b, 'presence', about(eve, false));
      late.hangUp();
      await told;
    });

    it('is told to nobody where most of it goes at once', async () => {
      await attend(ada, true);
      await attend(bob, true);
      const gone = await crowd(250);
      for (const userId of gone) app.get(WhoIsIn).add(userId, group);
      const show = vi.spyOn(app.get(PresenceNews), 'show');
      await attendance().takeOut(gone);
      expect(show.mock.calls).toHaveLength(250);
      expect(show.mock.calls.filter(([, viewers]) => [...viewers].length > 0)).toEqual([]);
      show.mockRestore();
    });
  });

  it('ends without a word when the server does', async () => {
    const other = await TestApp.start(dialect);
    const [one, two] = [await Person.known(other), await Person.known(other)];
    const socket = await one.connect();
    await sendTo(socket, two.id, 'hello');
    await two.connect();
    await next(socket, 'presence', about(two, true));
    const got = record(socket, 'presence');
    const closed = next(socket, 'disconnect');
    await other.stop();
    await closed;
    expect(got).toEqual([]);
  });
});

/** Sockets of the crowd: what a busy machine lets in again within five seconds. `CROWD=2000` passes where there is nothing else to do. */
const PEOPLE = Number(process.env['CROWD'] ?? 1_100);
/** They come back in waves of so many, and then five of eleven go for good: 500. */
const WAVE = PEOPLE / 5;
const isLeaving = (i: number): boolean => i % 11 < 5;
/** They are in groups of so many as well. */
const SMALL = 50;

interface Member {
  id: number;
  token: string;
}

onAllDialects('a crowd', (dialect) => {
  let app: TestApp;
  let people: Member[];
  let sockets: RawSocket[];
  let watcher: RawSocket;

  /** Everybody is in one large group and in a small one, and has a room with the next one and with the watcher. */
  beforeAll(async () => {
    app = await TestApp.start(dialect);
    const passwordHash = await app.get(Passwords).hash('nobody knows', 'owner');
    people = await app.get(UnitOfWork).run(async (tx) => {
      const made: Member[] = [];
      const userRows = Array.from({ length: PEOPLE + 1 }, (_, i) => [
        `crowd${i}@example.com`,
        passwordHash,
        `C${i}`,
        'Rowd',
        `c${i}`,
        'rowd',
        NOW,
      ]);
      const columns = 'email, password_hash, first_name, last_name, first_name_key, last_name_key, created_at';
      for (let i = 0; i < userRows.length; i += 500) await insertRows(tx, 'users', columns, userRows.slice(i, i + 500));
      const users = await tx.query<{ id: number }[]>('SELECT id FROM users ORDER BY id');
      for (const { id } of users) made.push({ id, token: await app.get(Sessions).start(tx, id, 'test') });

      let chat = 0;
      const conversations: (string | number)[][] = [];
      const rooms: number[][] = [];
      const groups: (string | number)[][] = [];
      const members: (string | number)[][] = [];
      const room = (one: Member, other: Member) => {
        conversations.push([++chat, 'room', 0, NOW]);
        rooms.push([chat, Math.min(one.id, other.id), Math.max(one.id, other.id)]);
        for (const { id } of [one, other]) members.push([chat, id, 0, 0, NOW]);
      };
      const group = (all: Member[]) => {
        conversations.push([++chat, 'group', 0, NOW]);
        groups.push([chat, `Group ${chat}`, all[0].id, 0, all.length]);
        for (const { id } of all) members.push([chat, id, 0, 1, NOW]);
      };
      for (let i = 0; i < PEOPLE; i++) {
        room(made[i], made[(i + 1) % PEOPLE]);
        room(made[i], made[PEOPLE]);
      }
      group(made.slice(0, PEOPLE));
      for (let i = 0; i < PEOPLE; i += SMALL) group(made.slice(i, i + SMALL));
      const insert = async (table: string, names: string, rows: (string | number)[][]) => {
        for (let i = 0; i < rows.length; i += 1_000) await insertRows(tx, table, names, rows.slice(i, i + 1_000));
      };
      await insert('conversations', 'id, kind, last_seq, created_at', conversations);
      await insert('chat_rooms', 'conversation_id, user_low, user_high', rooms);
      await insert('chat_groups', 'conversation_id, name, owner_id, is_private, member_count', groups);
      await insert('members', 'conversation_id, user_id, last_read_seq, is_in, joined_at', members);
      return made;
    });
    watcher = new RawSocket(app, people[PEOPLE].token);
    await watcher.ready;
    sockets = await connect(people.slice(0, PEOPLE));
    await quiet();
  }, 300_000);
  afterAll(async () => {
    for (const socket of [watcher, ...sockets]) socket.drop();
    await app.stop();
  });

  const connect = async (members: Member[]): Promise<RawSocket[]> => {
    const made: RawSocket[] = [];
    for (let i = 0; i < members.length; i += 250) {
      const some = members.slice(i, i + 250).map(({ token }) => new RawSocket(app, token));
      await Promise.all(some.map(({ ready }) => ready));
      made.push(...some);
    }
    return made;
  };
  /** Nobody is told anything for two seconds from now on. */
  const quiet = async (): Promise<void> => {
    const start = Date.now();
    const last = () => Math.max(start, ...[watcher, ...sockets].map(({ events }) => events.at(-1)?.at ?? 0));
    await eventually(() => (Date.now() - last() > 2_500 ? true : undefined), 'silence', 60_000);
  };
  /** What each socket was told since, and the most that one was told within a second. */
  const since = (moment: number, all: RawSocket[]) => {
    const told = all.map((socket) => socket.got('presence').filter(({ at }) => at >= moment));
    // Packets are made a second apart; on the way they may come closer.
    const closest = told.flatMap((packets) => packets.slice(1).map(({ at }, i) => at - packets[i].at));
    return { told, packets: told.flat().length, closest: Math.min(Infinity, ...closest) };
  };

  describe('of a thousand and more', () => {
    it('that drops and returns at once is told to nobody', async () => {
      const start = Date.now();
      const before = [...sockets];
      let returned = 0;
      for (let i = 0; i < PEOPLE; i += WAVE) {
        const dropped = Date.now();
        for (const socket of before.slice(i, i + WAVE)) socket.drop();
        sockets.splice(i, WAVE, ...(await connect(people.slice(i, i + WAVE))));
        returned = Math.max(returned, Date.now() - dropped);
      }
      // Past the five seconds of everybody.
      await sleep(7_000);
      const { packets } = since(start, [watcher, ...sockets, ...before]);
      console.log(
        `${dialect}: ${PEOPLE} sockets dropped, each was back within ${returned} ms: ${packets} presence packets`,
      );
      expect(returned).toBeLessThan(5_000);
      expect(packets).toBe(0);
    }, 60_000);

    it('loses five of eleven for good: a packet a second for those who see them, nothing in the large group, a handful of questions', async () => {
      await quiet();
      const { read } = app.get(UnitOfWork);
      const spies = [vi.spyOn(read, 'query'), vi.spyOn(read, 'find'), vi.spyOn(app.get(UnitOfWork), 'run')];
      const start = Date.now();
      const gone = sockets.filter((_, i) => isLeaving(i));
      const there = sockets.filter((_, i) => !isLeaving(i));
      for (const socket of gone) socket.drop();
      const whole = await eventually(
        () => {
          const { told } = since(start, [watcher]);
          return told[0].flatMap(({ payload }) => payload).length === gone.length ? told[0] : undefined;
        },
        'the news of all who went',
        30_000,
      );
      await sleep(2_500);
      const questions = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
      for (const spy of spies) spy.mockRestore();
      const { told, packets, closest } = since(start, there);
      const largest = Math.max(...told.flat().map(({ payload }) => payload.length));
      console.log(
        `${dialect}: ${gone.length} of ${PEOPLE} went: ${packets} presence packets to ${there.length} sockets that stayed, ` +
          `${Math.max(...told.map((one) => one.length))} at most to one, ${closest} ms apart at least, ${largest} people at most in one; ` +
          `${whole.length} to the one who sees all; ${questions} questions and transactions`,
      );
      // Of the large group nobody hears anything: each sees those of their small group who went, and the two next door.
      const indices = people.slice(0, PEOPLE).flatMap((_, i) => (isLeaving(i) ? [] : [i]));
      for (const [n, one] of told.entries()) {
        const i = indices[n];
        const from = i - (i % SMALL);
        const near = [(i + 1) % PEOPLE, (i + PEOPLE - 1) % PEOPLE];
        for (let j = from; j < from + SMALL; j++) near.push(j);
        const expected = new Set(near.filter(isLeaving).map((j) => people[j].id));
        expect(new Set(one.flatMap(({ payload }) => payload.map(({ user_id }) => user_id)))).toEqual(expected);
        expect(one.flatMap(({ payload }) => payload).every(({ is_online, last_seen }) => !is_online && last_seen)).toBe(
          true,
        );
        expect(one.length).toBeLessThanOrEqual(3);
      }
      expect(closest).toBeGreaterThan(500);
      expect(whole.every(({ payload }) => payload.length <= MAX_CHANGES)).toBe(true);
      expect(questions).toBeLessThan(100);
      sockets = there;
    }, 90_000);

    it('loses all the rest: more than one packet holds are told a second later', async () => {
      await quiet();
      const start = Date.now();
      for (const socket of sockets) socket.drop();
      const whole = await eventually(
        () => {
          const { told } = since(start, [watcher]);
          return told[0].flatMap(({ payload }) => payload).length >= sockets.length ? told[0] : undefined;
        },
        'the news of all who went',
        30_000,
      );
      const sizes = whole.map(({ payload }) => payload.length);
      console.log(`${dialect}: ${sockets.length} went: the one who sees all was told of ${sizes.join(', ')}`);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_CHANGES);
      expect(sizes.length).toBeLessThanOrEqual(7);
      expect(new Set(whole.flatMap(({ payload }) => payload.map(({ user_id }) => user_id))).size).toBe(sockets.length);
    }, 60_000);
  });
});
