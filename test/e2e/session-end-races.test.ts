// Whatever somebody was about to store when their session ended is not stored after the answer that says that it has.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sessions } from '../../src/identity/sessions.js';
import { UserMutex } from '../../src/chat-groups/attendance/user-mutex.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { type Answer, call, type ChatSocket, eventually, next, Person, sendTo } from '../support/client.js';

/** Where a change by a person would show. */
const TABLES = ['members', 'messages', 'message_changes', 'chat_groups', 'access_requests', 'group_removals'];

onAllDialects('a session that ends', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let cyd: Person;
  /** Ada's other device, from which the session is ended. */
  let other: string;
  let socket: ChatSocket;
  /** Groups: Ada's own; Bob's, with Ada in; Bob's open and private ones, without her. */
  let own: number;
  let shared: number;
  let open: number;
  let secret: number;
  let room: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());

  const ask = (person: Person, method: string, path: string, body?: unknown): Promise<Answer> =>
    call(app, method, path, { token: person.token, body });
  const create = async (person: Person, isPrivate = false): Promise<number> =>
    (await ask(person, 'POST', '/http/chat_groups', { chat_group_name: 'A group', is_private: isPrivate })).body.id;

  beforeEach(async () => {
    [ada, bob, cyd] = await Promise.all(['Ada', 'Bob', 'Cyd'].map((name) => Person.known(app, name)));
    // She stays online, and so in her groups, whatever becomes of the other session.
    other = ada.token;
    await ada.connect();
    await ada.session(app);
    [own, shared, open, secret] = [
      await create(ada, true),
      await create(bob),
      await create(bob),
      await create(bob, true),
    ];
    await ask(ada, 'POST', `/http/chat_groups/${own}/members`, { user_id: bob.id });
    await ask(ada, 'POST', `/http/chat_groups/${shared}`, { is_enter: true });
    await ask(cyd, 'POST', `/http/chat_groups/access_requests/${own}`);
    await ask(ada, 'PUT', `/http/users/${cyd.id}/block`);
    room = (await sendTo(await bob.connect(), ada.id, 'Hello')).chat_room_id;
    socket = await ada.connect();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    for (const person of [ada, bob, cyd]) person.hangUp();
  });

  /** What is stored of the chats and people of this test: those of others before it go offline in their own time. */
  const stored = async (): Promise<unknown> => {
    const query = (sql: string, value: number) => app.database.query(sql, [value]);
    return Promise.all([
      query('SELECT * FROM conversations WHERE id >= ? ORDER BY id', own),
      query('SELECT * FROM blocks WHERE blocker_id = ? ORDER BY blocked_id', ada.id),
      ...TABLES.map((table) => query(`SELECT * FROM ${table} WHERE conversation_id >= ? ORDER BY 1, 2`, own)),
    ]);
  };
  const endSession = async (): Promise<void> => {
    const sessions: { id: number; current: boolean }[] = (await ask(ada, 'GET', '/http/sessions')).body;
    const { id } = sessions.find(({ current }) => current)!;
    expect((await call(app, 'DELETE', `/http/sessions/${id}`, { token: other })).status).toBe(204);
  };

  const group = (id: number) => `/http/chat_groups/${id}`;
  const member = (id: number, person: Person) => `${group(id)}/members/${person.id}`;
  const answer = (access: boolean) =>
    ask(ada, 'PUT', `/http/chat_groups/access_requests/${own}`, { requester_id: cyd.id, access });

  const overHttp: [string, () => Promise<Answer>][] = [
    ['creates a group', () => ask(ada, 'POST', '/http/chat_groups', { chat_group_name: 'New' })],
    ['renames one', () => ask(ada, 'PUT', group(own), { chat_group_name: 'Renamed' })],
    ['hands one over', () => ask(ada, 'PUT', group(own), { owner_id: bob.id })],
    ['adds a member', () => ask(ada, 'POST', `${group(own)}/members`, { user_id: cyd.id })],
    ['removes a member', () => ask(ada, 'DELETE', member(own, bob))],
    ['gives a membership up', () => ask(ada, 'DELETE', member(shared, ada))],
    ['enters a group', () => ask(ada, 'POST', group(open), { is_enter: true })],
    ['enters one by its newest page', () => ask(ada, 'GET', group(open))],
    ['leaves a group', () => ask(ada, 'POST', group(shared), { is_enter: false })],
    ['asks for access', () => ask(ada, 'POST', `/http/chat_groups/access_requests/${secret}`)],
    ['lets somebody in', () => answer(true)],
    ['refuses somebody', () => answer(false)],
    ['blocks somebody', () => ask(ada, 'PUT', `/http/users/${bob.id}/block`)],
    ['takes a block back', () => ask(ada, 'DELETE', `/http/users/${cyd.id}/block`)],
    ['has read a room', () => ask(ada, 'PUT', '/http/notifications', { chat_room_id: room })],
  ];
  const attend = (id: number, isEnter: boolean) =>
    socket.emit('message', { chat_type: 'group', chat_group_id: id, is_enter: isEnter });
  const onSocket: [string, () => void][] = [
    ['enters a group', () => attend(open, true)],
    ['leaves a group', () => attend(shared, false)],
    ['has read a room', () => socket.emit('read', { chat_room_id: room })],
    ['writes', () => socket.emit('message', { chat_type: 'room', other_user_id: bob.id, message: 'Hello' })],
  ];

  /** Runs `write`, whose transaction has to wait until the session has ended, and returns what `write` does. */
  const tooLate = async <T>(write: () => T | Promise<T>): Promise<T> => {
    const [unitOfWork, sessions] = [app.get(UnitOfWork), app.get(Sessions)];
    const [run, endAndClose] = [unitOfWork.run.bind(unitOfWork), sessions.endAndClose.bind(sessions)];
    let release!: () => void;
    const ended = new Promise<void>((resolve) => (release = resolve));
    const held: Promise<unknown>[] = [];
    let isEnding = false;
    vi.spyOn(unitOfWork, 'run').mockImplementation((work) => {
      if (isEnding) return run(work);
      const late = ended.then(() => run(work));
      held.push(late.catch(() => undefined));
      return late;
    });
    vi.spyOn(sessions, 'endAndClose').mockImplementation((by, work) => {
      isEnding = true;
      const ending = endAndClose(by, work);
      isEnding = false;
      return ending;
    });
    const written = write();
    await eventually(() => held.length > 0 || undefined, 'the transaction');
    await endSession();
    const before = await stored();
    release();
    await Promise.all(held);
    expect(await stored()).toEqual(before);
    return written;
  };

  describe('before what it does is stored', () => {
    it.each(overHttp)('%s no more', async (_, write) => {
      expect(await tooLate(write)).toMatchObject({ status: 401, body: { code: 'session_revoked' } });
    });
    it.each(onSocket)('%s no more (socket)', async (_, write) => {
      const closed = next<string>(socket, 'disconnect');
      await tooLate(write);
      expect(await closed).toBe('io server disconnect');
    });
  });

  it('while it creates twenty groups, and does everything else at once, stores nothing after the answer', async () => {
    for (let round = 0; round < 3; round++) {
      const writes = [...Array.from({ length: 20 }, () => overHttp[0][1]()), ...overHttp.map(([, write]) => write())];
      for (const [, write] of onSocket) write();
      // One of them is there; they take turns, so that the others wait.
      await Promise.race(writes.slice(0, 20));
      await endSession();
      const before = await stored();
      const created = (await Promise.all(writes)).slice(0, 20);
      // Nobody answers a socket that is closed: its writes took their turns before this one.
      await app.get(UserMutex).run([ada.id], () => app.get(UnitOfWork).run(() => Promise.resolve()));
      expect(await stored()).toEqual(before);
      for (const { status, body } of created)
        if (status !== 201) expect([status, body.code]).toEqual([401, 'session_revoked']);
      expect(created.filter(({ status }) => status !== 201).length).toBeGreaterThan(0);
      await ada.session(app);
      socket = await ada.connect();
    }
  });
});
