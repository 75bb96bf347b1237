// The end of an account: what goes, what stays, and what is left on the disk.
import { readdirSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { User } from '../../src/identity/user.entity.js';
import { sqliteFile } from '../../src/config/data-folder.js';
import { OwnPassword } from '../../src/auth/own-password.js';
import type { GroupNotice } from '../../src/sockets/events.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, mails, mailTo, next, Person, send, sendTo } from '../support/client.js';
import { everythingStored } from '../support/everything-stored.js';
import { clientWith, groupId, knownClient, lists, openClient, shows, until } from '../support/person.js';
import { freePort } from '../support/database-server.js';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';

const DELETED = { first_name: 'deleted', last_name: 'user' };

const erase = (person: Person, password: unknown = person.password, token = person.token) =>
  call(person.target, 'DELETE', '/http/users/profile', { token, body: { password } });
const forgot = (app: TestApp, email: string) => call(app, 'POST', '/http/password/forgot', { body: { email } });
const create = async (person: Person, name: string, isPrivate = false): Promise<number> => {
  const body = { chat_group_name: name, is_private: isPrivate };
  return (await call(person.target, 'POST', '/http/chat_groups', { token: person.token, body })).body.id;
};
const enter = (person: Person, group: number) =>
  call(person.target, 'POST', `/http/chat_groups/${group}`, { token: person.token, body: { is_enter: true } });
const sayTo = (socket: ChatSocket, group: number, message: string) =>
  send(socket, { chat_type: 'group', chat_group_id: group, message });
const ask = async (socket: ChatSocket, message: string) => {
  const answered = next(socket, 'message', ({ chat_type }: { chat_type: string }) => chat_type === 'bot');
  await send(socket, { chat_type: 'bot', message });
  await answered;
};

onAllDialects('erasing an account', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    ada = await Person.join(app);
    bob = await Person.known(app, 'Bob');
  });

  const shown = async (group: number) =>
    (await bob.get('/http/chat_groups')).body.find(({ id }: { id: number }) => id === group);

  it('leaves nothing of the person, anywhere', async () => {
    const email = 'vanishing.person@nowhere.example';
    const person = await Person.join(app, 'Zyxwvutia', email);
    await person.put('/http/users/profile', { first_name: 'Zorlanda', last_name: 'Qplonkovic' });
    const login = { email, password: person.password };
    const headers = { 'user-agent': 'Wristwatch/77' };
    person.token = (await call(app, 'POST', '/http/login', { body: login, headers })).body.token;
    const socket = await person.connect();
    await ask(socket, 'my turnipsecret is yours');
    await ask(socket, 'and my marrowsecret');
    await sendTo(socket, bob.id, 'words for Bob');
    const group = await create(person, 'Shared');
    await enter(bob, group);
    await sayTo(socket, group, 'words for all');
    for (const name of ['Wromblina', 'Wromblette']) {
      const body = { email, password: 'long enough', first_name: name, last_name: 'Yttriumson' };
      await call(app, 'POST', '/http/register', { body });
    }
    await forgot(app, email);
    await mailTo(app, email, 4);
    await person.put('/http/users/profile', { password: 'the last password', current_password: person.password });
    await mailTo(app, email, 5);
    const traces = [
      'vanishing.person',
      'Zorlanda',
      'zorlanda',
      'Qplonkovic',
      'qplonkovic',
      'Wristwatch',
      'turnipsecret',
      'marrowsecret',
      'Wromblina',
      'Wromblette',
      'Yttriumson',
    ];
    const before = await everythingStored(app);
    for (const trace of traces) expect(before, trace).toContain(trace);
    // Another one, so that nothing is gone just because everything is.
    const [{ password_hash: hash }] = await app.database.query('SELECT password_hash FROM users WHERE id = ?', [
      person.id,
    ]);
    expect(before).toContain(hash);

    expect(await erase(person, 'the last password')).toMatchObject({ status: 204, body: '' });

    const after = await everythingStored(app);
    for (const trace of [...traces, 'Zyxwvutia', 'zyxwvutia', hash]) expect(after, trace).not.toContain(trace);
    expect(after).toContain('words for Bob');
    expect(after).toContain('words for all');
    const outbox = join(app.env['DATA_DIR'], 'outbox');
    for (const file of readdirSync(outbox)) expect(readFileSync(join(outbox, file), 'utf8')).not.toContain(email);
    expect((await mails(app)).some(({ to }) => to === ada.email)).toBe(true);
    const orphans = await app.database.query(
      `SELECT id FROM conversations WHERE kind = 'bot' AND id NOT IN (SELECT conversation_id FROM bot_chats)`,
    );
    expect(orphans).toEqual([]);
    const [row] = await app.database.query('SELECT * FROM users WHERE id = ?', [person.id]);
    expect(row).toMatchObject({
      email: `erased:${person.id}`,
      password_hash: '',
      ...DELETED,
      first_name_key: '',
      last_name_key: '',
      last_seen: null,
    });
    expect(row.erased_at).not.toBeNull();
    const { createdAt } = await app.database.manager.findOneByOrFail(User, { id: person.id });
    expect(createdAt).toEqual(new Date(0));
  });

  it('ends all sessions at once, and tells those who are not gone', async () => {
    const tokens = [ada.token, await ada.login()];
    const sockets = await Promise.all(tokens.map((token) => ada.connect(token)));
    const told = Promise.all(sockets.map((socket) => next<{ code: string }>(socket, 'exception')));
    const closed = Promise.all(sockets.map((socket) => next<string>(socket, 'disconnect')));
    expect((await erase(ada)).status).toBe(204);
    expect((await told).map(({ code }) => code)).toEqual(['session_revoked', 'session_revoked']);
    expect(await closed).toEqual(['io server disconnect', 'io server disconnect']);
    for (const token of tokens)
      expect((await call(app, 'GET', '/http/users/profile', { token })).body.code).toBe('session_revoked');
    await expect(ada.connect()).rejects.toMatchObject({ data: { code: 'session_revoked' } });
    expect((await erase(ada)).body.code).toBe('session_revoked');
    // Going offline stores when somebody was last seen: of her, nothing.
    expect(await app.database.query('SELECT last_seen FROM users WHERE id = ?', [ada.id])).toEqual([
      { last_seen: null },
    ]);
  });

  it('is refused without the right password, and nothing changes', async () => {
    const socket = await ada.connect();
    expect(await erase(ada, 'a guess')).toMatchObject({ status: 403, body: { code: 'wrong_password' } });
    for (const bad of [null, 7, ['x'], 'x'.repeat(129)])
      expect(await erase(ada, bad)).toMatchObject({ status: 400, body: { code: 'invalid' } });
    const none = await call(app, 'DELETE', '/http/users/profile', { token: ada.token });
    expect(none).toMatchObject({ status: 400, body: { code: 'invalid' } });
    expect((await ada.get('/http/users/profile')).body.email).toBe(ada.email);
    expect((await sendTo(socket, bob.id, 'still here')).ok).toBe(true);
    ada.hangUp();
  });

  it('lets one in who is twice at it, and a change of the password', async () => {
    const both = await Promise.all([erase(ada), erase(ada)]);
    expect(both.map(({ status }) => status).sort()).toEqual([204, 401]);

    const eve = await Person.join(app);
    const [gone, changed] = await Promise.all([
      erase(eve),
      eve.put('/http/users/profile', { password: 'a new password' }),
    ]);
    expect([
      [204, 401],
      [403, 200],
    ]).toContainEqual([gone.status, changed.status]);
  });

  it('is refused to who checks the password only after it', async () => {
    const ownPassword = app.get(OwnPassword);
    const check = ownPassword.check.bind(ownPassword);
    let erased!: () => void;
    const isErased = new Promise<void>((resolve) => (erased = resolve));
    const begun = new Promise<void>((resolve) => {
      vi.spyOn(ownPassword, 'check').mockImplementationOnce(async (...given) => {
        resolve();
        await isErased;
        return check(...given);
      });
    });
    const late = erase(ada);
    await begun;
    expect((await erase(ada)).status).toBe(204);
    erased();
    expect(await late).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
  });

  it('frees the address: whoever registers it is somebody else', async () => {
    const old = (await ada.get('/http/users/profile')).body;
    await erase(ada);
    const login = await call(app, 'POST', '/http/login', { body: { email: ada.email, password: ada.password } });
    expect(login).toMatchObject({ status: 401, body: { code: 'login_failed' } });
    expect((await forgot(app, ada.email)).status).toBe(202);
    await call(app, 'POST', '/http/register/resend', { body: { email: ada.email } });
    const again = await Person.join(app, 'Augusta', ada.email);
    // Neither of the two requests above had anybody to write to.
    expect((await mails(app)).filter(({ to }) => to === ada.email)).toHaveLength(1);
    expect(again.id).not.toBe(old.id);
    expect((await again.get('/http/chat_bot')).body).toEqual([]);
    expect((await again.get('/http/chat_rooms')).body).toEqual([]);
    // One address may be erased again and again.
    expect((await erase(again)).status).toBe(204);
  });

  it('takes its links along', async () => {
    const { email } = ada;
    await forgot(app, email);
    const [link, registration] = [
      (await mailTo(app, email, 2)).links[0],
      (await mails(app)).filter(({ to }) => to === email)[1].links[0],
    ];
    await erase(ada);
    for (const url of [link, registration])
      expect(await call(app, 'GET', new URL(url).pathname)).toMatchObject({ status: 404 });
    const token = link.split('/').at(-1);
    expect(
      (await call(app, 'POST', '/http/password/reset', { body: { token, password: 'a new password' } })).status,
    ).toBe(404);
  });

  it('forgets whom they blocked, who blocked them, where they knocked and were put out', async () => {
    const as = (person: Person, method: string, path: string, body?: unknown) =>
      call(app, method, path, { token: person.token, body });
    const secret = await create(bob, 'Secret', true);
    const open = await create(bob, 'Open');
    await enter(ada, open);
    await as(ada, 'POST', `/http/chat_groups/access_requests/${secret}`);
    await as(ada, 'PUT', `/http/users/${bob.id}/block`);
    await as(bob, 'PUT', `/http/users/${ada.id}/block`);
    await as(bob, 'DELETE', `/http/chat_groups/${open}/members/${ada.id}`);
    const rows = async () =>
      Promise.all(
        [
          'blocks WHERE blocker_id',
          'blocks WHERE blocked_id',
          'access_requests WHERE user_id',
          'group_removals WHERE user_id',
        ].map(async (those) => (await app.database.query(`SELECT 1 FROM ${those} = ?`, [ada.id])).length),
      );
    expect(await rows()).toEqual([1, 1, 1, 1]);
    expect((await erase(ada)).status).toBe(204);
    expect(await rows()).toEqual([0, 0, 0, 0]);
    expect((await bob.get('/http/users/blocked')).body).toEqual([]);
    expect((await bob.get(`/http/chat_groups/access_requests/${secret}`)).body).toEqual([]);
  });

  it('leaves what was written to others, by a deleted user whom nobody can write to', async () => {
    const [hers, his, eve] = [openClient(app), await clientWith(app, bob.token), await knownClient(app, 'Eve')];
    await hers.login(ada.email, ada.password);
    const room = his.room(ada.id);
    await hers.room(bob.id).send('Hello Bob');
    await room.send('Hello Ada', { client_id: 'a1' });
    const group = await his.groups.create({ name: 'Engines' });
    await hers.group(groupId(group)).join();
    await hers.group(groupId(group)).send('Hello all');
    await lists(his, ['Engines: Hello all (1)', 'Ada Lovelace: Hello Ada']);
    await hers.me.erase(ada.password);
    expect(hers.auth.get().status).toBe('signed_out');

    await lists(his, ['Engines: Hello all (1)', 'deleted user: Hello Ada']);
    room.attach();
    await shows(room, ['Hello Bob', 'Hello Ada']);
    expect(await group.history()).toMatchObject([{ user_id: ada.id, message: 'Hello all' }]);
    const [shownRoom] = (await bob.get('/http/chat_rooms')).body;
    expect(shownRoom.other_user).toEqual({ id: ada.id, ...DELETED, is_online: false });

    const found = async (query?: string) => (await his.users.find(query)).rows.map(({ id }) => id);
    expect(await found()).toContain(bob.id);
    for (const query of [undefined, 'deleted', 'user', 'Ada', 'Lovelace'])
      expect(await found(query), query).not.toContain(ada.id);
    await until(room.may, ({ why_not }) => why_not === 'gone');
    await expect(room.send('Are you there?')).rejects.toMatchObject({ code: 'not_found' });
    // What is stored already is acknowledged as it was then, to a device that does not know.
    const other = await clientWith(app, bob.token);
    expect(await other.room(ada.id).send('Hello Ada', { client_id: 'a1' })).toMatchObject({ seq: 2 });
    await expect(eve.client.room(ada.id).send('Hello')).rejects.toMatchObject({ code: 'not_found' });
    expect((await call(app, 'GET', '/http/chat_rooms', { token: eve.token })).body).toEqual([]);
    const [{ rooms }] = await app.database.query(
      'SELECT COUNT(*) AS rooms FROM chat_rooms WHERE user_low = ? OR user_high = ?',
      [ada.id, ada.id],
    );
    expect(Number(rooms)).toBe(1);
  });

  it('ends all memberships: groups pass on to their longest members, or end with the last one', async () => {
    const eve = await Person.known(app, 'Eve');
    const own = await create(ada, 'Own');
    const alone = await create(ada, 'Alone', true);
    const bobsGroup = await create(bob, 'Of Bob');
    const [adas, bobs] = [await ada.connect(), await bob.connect()];
    await sayTo(adas, alone, 'words to myself');
    const notice = (kind: string) =>
      next<GroupNotice>(
        bobs,
        'message',
        ({ chat_group_id, notice: told }) =>
          chat_group_id === own && told?.kind === kind && told.user_ids.includes(ada.id),
      );
    for (const group of [own, bobsGroup]) for (const person of [bob, eve]) await enter(person, group);
    const entered = notice('entered');
    for (const group of [own, bobsGroup]) await enter(ada, group);
    await entered;
    const left = notice('left');
    expect((await shown(own)).member_count).toBe(3);
    await erase(ada);

    expect(await shown(own)).toMatchObject({ owner_id: bob.id, member_count: 2 });
    expect(await shown(bobsGroup)).toMatchObject({ owner_id: bob.id, member_count: 2 });
    expect(await shown(alone)).toBeUndefined();
    for (const table of ['messages', 'members', 'chat_groups', 'deleted_conversations'])
      expect(await app.database.query(`SELECT 1 FROM ${table} WHERE conversation_id = ?`, [alone])).toEqual([]);
    const members = (await bob.get(`/http/users/group/${own}`)).body;
    expect(members.map(({ id }: { id: number }) => id)).toEqual([bob.id, eve.id].sort((a, b) => a - b));
    expect(await left).toMatchObject({ message: expect.stringContaining('deleted user') });
    bob.hangUp();
  });

  it('stops a bot that is still thinking from answering into nowhere', async () => {
    const socket = await ada.connect();
    await Promise.all(
      Array.from({ length: 4 }, (_, i) => send(socket, { chat_type: 'bot', message: `question ${i}` })),
    );
    expect((await erase(ada)).status).toBe(204);
    // Questions of others are answered as ever.
    await ask(await bob.connect(), 'Hello');
    expect(await app.database.query('SELECT 1 FROM bot_chats WHERE user_id = ?', [ada.id])).toEqual([]);
    expect(await app.database.query('SELECT 1 FROM bot_questions WHERE user_id = ?', [ada.id])).toEqual([]);
    bob.hangUp();
  });

  it('races with everything that others and they themselves send', async () => {
    const open = await create(bob, 'Open');
    await enter(bob, open);
    const bobs = await bob.connect();
    for (let round = 0; round < 4; round++) {
      const eve = await Person.join(app, 'Eve');
      const eves = await eve.connect();
      const own = await create(eve, `Own ${round}`);
      for (const group of [open, own]) await enter(eve, group);
      await enter(bob, own);
      const room = (await sendTo(eves, bob.id, 'first')).chat_room_id;
      const newcomers = await Promise.all(Array.from({ length: 3 }, () => Person.known(app, 'New')));
      const theirs = await Promise.all(newcomers.map((one) => one.connect()));
      let isOver = false;
      const answers: Promise<unknown>[] = [];
      const flooding = (async () => {
        for (let i = 0; !isOver; i++) {
          answers.push(sendTo(bobs, eve.id, `to ${i}`), sayTo(bobs, own, `own ${i}`));
          // Nobody answers a socket that is closed: these are only sent.
          for (const payload of [
            { chat_type: 'room', other_user_id: bob.id, message: `from ${i}` },
            { chat_type: 'group', chat_group_id: open, message: `from ${i}` },
            { chat_type: 'bot', message: `question ${i}` },
          ] as const)
            eves.emit('message', payload);
          if (i % 5 === 0)
            answers.push(
              enter(eve, open),
              create(eve, `Late ${round}`),
              eve.put('/http/notifications', { chat_room_id: room }),
            );
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      })();
      const first = theirs.map((socket) => sendTo(socket, eve.id, 'a first message'));
      expect((await erase(eve)).status).toBe(204);
      const after = await Promise.all(theirs.map((socket) => sendTo(socket, eve.id, 'too late')));
      for (const { error } of after) expect(error.code).toBe('not_found');
      const places = async () =>
        app.database.query(
          `SELECT c.id, c.last_seq FROM conversations c JOIN chat_rooms r ON r.conversation_id = c.id
           WHERE r.user_low = ? OR r.user_high = ? ORDER BY c.id`,
          [eve.id, eve.id],
        );
      const [{ last }] = await app.database.query(
        'SELECT MAX(seq) AS last FROM messages WHERE sender_id = ? AND conversation_id = ?',
        [eve.id, open],
      );
      const atAnswer = await places();
      // Until more has been refused than was on its way.
      for (let i = 0; i < 10; i++) await sendTo(bobs, eve.id, 'marker');
      isOver = true;
      await flooding;
      await Promise.all(answers);
      expect(await places()).toEqual(atAnswer);
      for (const { ok, error } of await Promise.all(first)) expect(ok || error.code === 'not_found').toBe(true);
      const late = await app.database.query(
        'SELECT 1 FROM messages WHERE sender_id = ? AND conversation_id = ? AND seq > ?',
        [eve.id, open, last ?? 0],
      );
      expect(late).toEqual([]);
      for (const query of [
        'SELECT 1 FROM bot_chats WHERE user_id = ?',
        'SELECT 1 FROM bot_questions WHERE user_id = ?',
        'SELECT 1 FROM sessions WHERE user_id = ?',
        'SELECT 1 FROM chat_groups WHERE owner_id = ?',
        'SELECT 1 FROM members m JOIN chat_groups g ON g.conversation_id = m.conversation_id WHERE m.user_id = ?',
      ])
        expect(await app.database.query(query, [eve.id]), query).toEqual([]);
      newcomers.forEach((one) => one.hangUp());
    }
    const wrong = await app.database.query(
      `SELECT conversation_id FROM chat_groups g WHERE member_count <>
         (SELECT COUNT(*) FROM members m WHERE m.conversation_id = g.conversation_id)`,
    );
    expect(wrong).toEqual([]);
    bob.hangUp();
  });

  it('of two members of one group at once leaves one group, or none', async () => {
    for (let round = 0; round < 4; round++) {
      const people = await Promise.all(Array.from({ length: 3 }, (_, i) => Person.join(app, `P${i}`)));
      const group = await create(people[0], 'Together');
      const others = await create(people[2], 'Others');
      for (const person of people) {
        await enter(person, group);
        await enter(person, others);
      }
      await enter(bob, others);
      const gone = await Promise.all(people.map((person) => erase(person)));
      expect(gone.map(({ status }) => status)).toEqual([204, 204, 204]);
      expect(await shown(group)).toBeUndefined();
      expect(await shown(others)).toMatchObject({ owner_id: bob.id, member_count: 1 });
    }
  });
});

onAllDialects('mail to somebody who is erased', (dialect) => {
  it('does not leave any more, and that of others does', async () => {
    const environment = await emptyEnvironment(dialect);
    const app = await TestApp.startIn(environment.env);
    const [ada, bob] = [await Person.join(app), await Person.join(app, 'Bob')];
    await app.stop();
    // A mail server that is down.
    const env = { ...environment.env, SMTP_URL: `smtp://127.0.0.1:${await freePort()}` };
    const waiting = await TestApp.startIn(env, environment.cleanUp);
    for (const { email } of [ada, bob]) await forgot(waiting, email);
    const count = async () => Number((await waiting.database.query('SELECT COUNT(*) AS n FROM mail_outbox'))[0].n);
    expect(await count()).toBe(2);
    expect((await erase(ada.at(waiting))).status).toBe(204);
    expect(await count()).toBe(1);
    const [row] = await waiting.database.query('SELECT recipient FROM mail_outbox');
    expect(row.recipient).toMatch(/^[0-9a-f]{64}$/);
    await waiting.stop();
  });
});

onAllDialects('erasing many accounts at once', (dialect) => {
  it('leaves no mail to any of them on the disk', async () => {
    const app = await TestApp.start(dialect);
    const outbox = join(app.env['DATA_DIR'], 'outbox');
    const people = await Promise.all(Array.from({ length: 12 }, () => Person.join(app)));
    for (const { email } of people) for (let i = 0; i < 2; i++) await forgot(app, email);
    await Promise.all(people.map(({ email }) => mailTo(app, email, 3)));
    const stays = await Person.join(app);
    // A file that is gone before it is read, as where another one is faster, or a draft gets its name.
    symlinkSync('nowhere', join(outbox, '.draft.eml'));
    const gone = await Promise.all(people.map((person) => erase(person)));
    expect(gone.map(({ status }) => status)).toEqual(people.map(() => 204));
    unlinkSync(join(outbox, '.draft.eml'));
    const left = readdirSync(outbox).map((file) => readFileSync(join(outbox, file), 'utf8'));
    for (const { email } of people) expect(left.filter((mail) => mail.includes(email))).toEqual([]);
    expect(left.some((mail) => mail.includes(stays.email))).toBe(true);
    await app.stop();
  });
});

describe('erasing on SQLite while somebody reads the file', () => {
  it('forgets what the log held once they are done', async () => {
    const app = await TestApp.start('sqlite');
    const email = 'vanishing.person@nowhere.example';
    const person = await Person.join(app, 'Zyxwvutia', email);
    const Sqlite = sqliteDriver();
    const reader = new Sqlite(sqliteFile({ dataDir: app.env['DATA_DIR'] }), { readonly: true });
    reader.exec('BEGIN');
    expect(reader.prepare('SELECT COUNT(*) AS n FROM users').get()).toEqual({ n: 1 });
    const start = Date.now();
    expect((await erase(person)).status).toBe(204);
    // It does not wait for the reader, and neither does anybody else.
    expect(Date.now() - start).toBeLessThan(4_000);
    expect(await everythingStored(app)).toContain('vanishing.person');
    reader.exec('COMMIT');
    reader.close();
    await eventually(
      async () => !(await everythingStored(app)).includes('vanishing.person') || undefined,
      'an empty log',
    );
    expect(await app.database.query('PRAGMA busy_timeout')).toEqual([{ timeout: 5000 }]);
    await app.stop();
  });
});

describe('guessing at the password for it', () => {
  it('is limited like a login', async () => {
    const app = await TestApp.start('sqlite', { RATE_LIMITS: 'on' });
    const person = await Person.join(app);
    const statuses = [];
    for (let i = 0; i < 11; i++) statuses.push((await erase(person, `guess ${i}`)).status);
    expect(statuses).toEqual([...Array(10).fill(403), 429]);
    expect((await erase(person)).status).toBe(429);
    await app.stop();
  });
});
