// Somebody holds a row for long, or everybody wants the same one: nobody else waits for that.
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { UserRow } from '../../src/sockets/events.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { onServers, TestApp } from '../support/app.js';
import { type Answer, call, type ChatSocket, eventually, next, Person, send, sendTo } from '../support/client.js';
import { makeGroup } from '../support/groups.js';

/** Of the pool's ten connections, those that may wait for rows: three of transactions, and two of the message log. */
const MOST_WAITING = 5;
/** The servers tell anew of their transactions only to one who has not asked for 100 ms. */
const TOLD_AFTER_MS = 150;
const CROWD = Number(process.env['CROWD'] ?? 300);

onServers('where somebody holds a row', (kind) => {
  let app: TestApp;
  let [ada, bob, eve]: Person[] = [];
  let [adas, bobs]: ChatSocket[] = [];
  let group: number;
  let people: Person[];
  const open: (() => void)[] = [];

  beforeAll(async () => {
    app = await TestApp.start(kind);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    people = await Promise.all(Array.from({ length: 30 }, () => Person.known(app, 'Paul')));
    group = await makeGroup(ada);
    [adas, bobs] = [await ada.connect(), await bob.connect()];
    await sendTo(bobs, ada.id, 'the room is there');
  });
  afterEach(() => {
    for (const release of open.splice(0)) release();
    [ada, bob].forEach((person) => person.hangUp());
  });

  /** On a connection past the pool, which may pause for longer than ours. */
  const hold = async (sql: string): Promise<() => void> => {
    const holder = await createConnection(app.env['DATABASE_URL']);
    await holder.query('START TRANSACTION');
    if (kind === 'mariadb') await holder.query('SET SESSION idle_transaction_timeout = 60');
    const [rows] = await holder.query(sql);
    expect(rows).toHaveLength(1);
    const release = () => holder.destroy();
    open.push(release);
    return release;
  };
  const place = ({ token }: Person, isEnter: boolean) =>
    call(app, 'POST', `/http/chat_groups/${group}`, { token, body: { is_enter: isEnter } });
  const say = (socket: ChatSocket, message: string): Promise<any> =>
    send(socket, { chat_type: 'group', chat_group_id: group, message });
  const sessionOf = async ({ id }: Person): Promise<number> =>
    (await app.database.query('SELECT id FROM sessions WHERE user_id = ?', [id]))[0].id;
  /** How many of our connections wait for a row, at most, while `work` runs. */
  const mostWaiting = async (work: () => Promise<void>): Promise<number> => {
    const watcher = await createConnection(app.env['DATABASE_URL']);
    let [most, isOver] = [0, false];
    const watching = (async () => {
      while (!isOver) {
        const [rows] = await watcher.query(
          `SELECT COUNT(*) AS waiting FROM information_schema.INNODB_TRX t
           JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
           WHERE t.trx_state = 'LOCK WAIT' AND p.DB = DATABASE()`,
        );
        most = Math.max(most, (rows as { waiting: number }[])[0].waiting);
        await sleep(TOLD_AFTER_MS);
      }
    })();
    await work().finally(() => (isOver = true));
    await watching;
    await watcher.end();
    return most;
  };
  /** What everybody else does meanwhile, one thing after another. */
  const othersAreServed = async () => {
    for (let i = 0; i < 3; i++) {
      expect(await sendTo(bobs, ada.id, `${i}`)).toMatchObject({ ok: true });
      expect((await bob.put('/http/users/profile', { first_name: `Bob ${i}` })).status).toBe(200);
      expect((await ada.get('/http/chat_rooms')).status).toBe(200);
      const created = await call(app, 'POST', '/http/chat_groups', {
        token: bob.token,
        body: { chat_group_name: `Others ${i}` },
      });
      expect(created.status).toBe(201);
    }
    await app.createSession(bob.id);
  };

  it('a group: thirty people wait for it, and everybody else is served', async () => {
    for (const person of people.slice(0, 20)) expect((await place(person, true)).status).toBe(200);
    const { seq } = await say(adas, 'first');
    const release = await hold(`SELECT id FROM conversations WHERE id = ${group} FOR UPDATE`);
    const waiting: Promise<Answer>[] = [
      ...people.slice(0, 10).map((person) => place(person, false)),
      ...people
        .slice(10, 20)
        .map(({ token }) => call(app, 'DELETE', `/http/chat_groups/${group}/members/${ada.id}`, { token })),
      ...people.slice(20).map((person) => place(person, true)),
      call(app, 'PUT', `/http/chat_groups/${group}/messages/${seq}`, { token: ada.token, body: { message: 'edited' } }),
    ];
    const said = say(adas, 'second');
    expect(await mostWaiting(othersAreServed)).toBeLessThanOrEqual(MOST_WAITING);
    release();
    await Promise.all(waiting);
    // On a machine that is slow, it was refused by then.
    expect((await said).ok ? await said : await say(adas, 'second')).toMatchObject({ ok: true, seq: seq + 1 });
  });

  it.each([
    ['the session', async () => `SELECT id FROM sessions WHERE id = ${await sessionOf(eve)} FOR UPDATE`],
    ['the account', () => `SELECT id FROM users WHERE id = ${eve.id} FOR UPDATE`],
    [
      'the place in a group',
      () => `SELECT user_id FROM members WHERE conversation_id = ${group} AND user_id = ${eve.id} FOR UPDATE`,
    ],
  ])('%s of one who asks for twenty things: nobody but them waits', async (_, sql) => {
    await place(eve, true);
    await say(adas, 'first');
    const others = people.slice(0, 8);
    const release = await hold(await sql());
    const waiting: Promise<Answer>[] = [
      ...others.map(({ id }) => call(app, 'PUT', `/http/users/${id}/block`, { token: eve.token })),
      ...others.map(() => call(app, 'PUT', '/http/notifications', { token: eve.token, body: { chat_id: group } })),
      place(eve, false),
      ...others.map(() => eve.put('/http/users/profile', { first_name: 'Eva' })),
      ...others.map(({ id }) => call(app, 'DELETE', `/http/chat_groups/${group}/members/${id}`, { token: eve.token })),
    ];
    const most = await mostWaiting(async () => {
      await othersAreServed();
      // Also those who share a group with them.
      expect(await say(adas, 'second')).toMatchObject({ ok: true, seq: 2 });
      expect((await place(people[0], true)).status).toBe(200);
    });
    expect(most).toBeLessThanOrEqual(MOST_WAITING);
    release();
    await Promise.all(waiting);
  });

  it('who is online: an account that is erased meanwhile holds none of its chats', async () => {
    await place(eve, true);
    await eve.connect();
    const online = `SELECT user_id FROM online_people WHERE user_id = ${eve.id}`;
    await eventually(async () => (await app.database.query(online)).length || undefined, 'the row of who is online');
    const release = await hold(`${online} FOR UPDATE`);
    const watcher = await createConnection(app.env['DATABASE_URL']);
    const given = { token: eve.token, body: { password: 'nobody knows' } };
    const erased = call(app, 'DELETE', '/http/users/profile', given);
    await eventually(async () => {
      await sleep(TOLD_AFTER_MS);
      const [rows] = await watcher.query("SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'");
      return (rows as unknown[]).length || undefined;
    }, 'the wait for it');
    const [free] = await watcher.query(`SELECT id FROM conversations WHERE id = ${group} FOR UPDATE NOWAIT`);
    expect(free).toHaveLength(1);
    await watcher.end();
    release();
    expect((await erased).status).toBe(204);
    expect(await app.database.query(online)).toEqual([]);
    eve.hangUp();
  });

  it('a crowd enters one group: what is said in it is stored meanwhile, in order, and nothing refused', async () => {
    const crowd: Person[] = [];
    for (let i = 0; i < CROWD; i++) crowd.push(await Person.known(app, 'Paul'));
    // All are members, outside, and have not read it.
    const rows = crowd.map(({ id }) => `(${group}, ${id}, 0, 0, UTC_TIMESTAMP(3))`).join();
    await app.database.query(
      `INSERT INTO members (conversation_id, user_id, last_read_seq, is_in, joined_at) VALUES ${rows}`,
    );
    const usual: number[] = [];
    for (let i = 0; i < 10; i++) usual.push(await timed(() => say(adas, 'before')));

    let entered = 0;
    const enter = async (person: Person): Promise<void> => {
      // As a client does that is told to come again.
      while ((await place(person, true)).status !== 200) await sleep(500);
      entered++;
    };
    const entering = Promise.all(crowd.map(enter));
    const began = performance.now();
    const waits: number[] = [];
    /** How many entered while one message waited. */
    const passed: number[] = [];
    const answers: Promise<any>[] = [];
    while (entered < CROWD) {
      const before = entered;
      const [text, answer] = [`${answers.length}`, {} as { value?: any }];
      const waited = timed(async () => void (answer.value = await say(adas, text)));
      answers.push(
        waited.then((ms) => {
          waits.push(ms);
          passed.push(entered - before);
          return answer.value;
        }),
      );
      await sleep(50);
    }
    const took = performance.now() - began;
    await entering;
    const stored = await Promise.all(answers);
    expect(stored.map(({ ok, seq }) => (ok ? seq : ok))).toEqual(stored.map((_, i) => usual.length + i + 1));
    expect(Math.max(...passed)).toBeLessThan(CROWD / 3);
    const most = (times: number[]) => `${Math.round(Math.max(...times))} ms`;
    if (process.env['CROWD'])
      console.log(`${kind}: ${CROWD} in ${Math.round(took)} ms; waited ${most(usual)} before, ${most(waits)} then`);
  });

  it('a person who goes: since when they are away is told as soon as it is stored', async () => {
    const release = await hold(`SELECT id FROM users WHERE id = ${ada.id} FOR UPDATE`);
    const away = next<{ user_id: number; is_online: boolean }[]>(bobs, 'presence', (changes) =>
      changes.some(({ user_id, is_online }) => user_id === ada.id && !is_online),
    );
    const since = next<UserRow>(bobs, 'user_update', ({ id, last_seen }) => id === ada.id && last_seen !== null);
    ada.hangUp();
    await away;
    release();
    expect(await since).toMatchObject({ id: ada.id, is_online: false });
  });
});

/** How long it took. */
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const since = performance.now();
  await work();
  return performance.now() - since;
};
