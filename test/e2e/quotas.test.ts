// How much of a thing one person may have at a time: groups, memberships, sessions.
import { afterEach, expect, it } from 'vitest';
import { GroupMembership } from '../../src/chat-groups/membership/group-membership.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, next, Person, send } from '../support/client.js';

const EXCEEDED = { status: 409, body: { code: 'quota_exceeded' } };

onAllDialects('quotas', (dialect) => {
  let app: TestApp;
  afterEach(() => app.stop());

  const post = (person: Person, path: string, body: unknown) =>
    call(app, 'POST', `/http/${path}`, { token: person.token, body });
  const create = (person: Person, isPrivate = false) =>
    post(person, 'chat_groups', { chat_group_name: 'Engines', is_private: isPrivate });
  const made = async (person: Person, isPrivate = false): Promise<number> => (await create(person, isPrivate)).body.id;
  const leave = (person: Person, group: number) =>
    call(app, 'DELETE', `/http/chat_groups/${group}/members/${person.id}`, { token: person.token });
  const memberships = async (person: Person): Promise<number> =>
    (await person.get('/http/chat_groups')).body.filter(({ is_member }: { is_member: boolean }) => is_member).length;

  it('bound how many groups one owns, also where several come at once', async () => {
    app = await TestApp.start(dialect, { GROUPS_OWNED_PER_USER: '3' });
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const statuses = (await Promise.all(Array.from({ length: 6 }, () => create(ada)))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, 201, 201, 409, 409, 409]);
    expect(await create(ada)).toMatchObject(EXCEEDED);
    // One that is handed over counts there, and not where there are as many already: then its name stays as well.
    const given = await made(bob);
    await post(bob, `chat_groups/${given}/members`, { user_id: ada.id });
    expect(await bob.put(`/http/chat_groups/${given}`, { owner_id: ada.id, chat_group_name: 'Looms' })).toMatchObject(
      EXCEEDED,
    );
    const [mine, kept] = (await ada.get('/http/chat_groups')).body;
    expect((await bob.get('/http/chat_groups')).body.find(({ id }: { id: number }) => id === given)).toMatchObject({
      name: 'Engines',
      owner_id: bob.id,
    });
    expect((await ada.put(`/http/chat_groups/${kept.id}`, { owner_id: ada.id })).status).toBe(200);
    await leave(ada, mine.id);
    const both = [bob.put(`/http/chat_groups/${given}`, { owner_id: ada.id }), create(ada)];
    expect((await Promise.all(both)).filter(({ status }) => status === 409)).toHaveLength(1);
  });

  it('bound how many groups one is a member of, whoever lets them in', async () => {
    app = await TestApp.start(dialect, { MEMBERSHIPS_PER_USER: '2' });
    const [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    const open = [await made(ada), await made(ada)];
    const [opener, closed] = [await made(eve), await made(eve, true)];
    for (const group of open) expect((await bob.get(`/http/chat_groups/${group}`)).status).toBe(200);
    const socket = await bob.connect();
    expect(await bob.get(`/http/chat_groups/${opener}`)).toMatchObject(EXCEEDED);
    expect(await post(bob, `chat_groups/${opener}`, { is_enter: true })).toMatchObject(EXCEEDED);
    expect(await send(socket, { chat_type: 'group', chat_group_id: opener, is_enter: true })).toMatchObject({
      ok: false,
      error: { code: 'quota_exceeded' },
    });
    expect(await create(bob)).toMatchObject(EXCEEDED);
    expect(await post(eve, `chat_groups/${closed}/members`, { user_id: bob.id })).toMatchObject(EXCEEDED);
    expect((await post(bob, `chat_groups/access_requests/${closed}`, undefined)).status).toBe(201);
    const grant = () => eve.put(`/http/chat_groups/access_requests/${closed}`, { requester_id: bob.id, access: true });
    expect(await grant()).toMatchObject(EXCEEDED);
    expect(await memberships(bob)).toBe(2);
    // Entering where one is a member already is nothing new; and once there is room, one of two that come at once fits.
    expect((await bob.get(`/http/chat_groups/${open[0]}`)).status).toBe(200);
    await leave(bob, open[1]);
    const answers = await Promise.all([
      grant(),
      post(eve, `chat_groups/${opener}/members`, { user_id: bob.id }),
      bob.get(`/http/chat_groups/${open[1]}`),
      create(bob),
    ]);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(3);
    expect(await memberships(bob)).toBe(2);
  });

  it('hold where only the database keeps two apart', async () => {
    app = await TestApp.start(dialect, { MEMBERSHIPS_PER_USER: '1' });
    const bob = await Person.known(app, 'Bob');
    const groups: number[] = [];
    for (let i = 0; i < 4; i++) groups.push(await made(await Person.known(app)));
    const membership = app.get(GroupMembership);
    const admissions = groups.map((group) =>
      app.get(UnitOfWork).run(async (tx) => membership.addMember(tx, await membership.lock(tx, group), bob.id, false)),
    );
    const refused = (await Promise.allSettled(admissions)).filter(({ status }) => status === 'rejected');
    expect(refused.map((one) => (one as PromiseRejectedResult).reason)).toEqual(
      Array(3).fill(expect.objectContaining({ code: 'quota_exceeded' })),
    );
    expect(await memberships(bob)).toBe(1);
  });

  it('leave what somebody has who had more before', async () => {
    app = await TestApp.start(dialect);
    const ada = await Person.known(app);
    const groups = [await made(ada), await made(ada), await made(ada)];
    await app.app.close();
    app = await TestApp.startIn({ ...app.env, MEMBERSHIPS_PER_USER: '2', GROUPS_OWNED_PER_USER: '1' }, app.removeData);
    const again = ada.at(app);
    expect(await memberships(again)).toBe(3);
    const socket = await again.connect();
    for (const chat_group_id of groups)
      expect(await send(socket, { chat_type: 'group', chat_group_id, message: 'hello' })).toMatchObject({ ok: true });
    expect(await create(again)).toMatchObject(EXCEEDED);
    for (const group of groups.slice(1)) await leave(again, group);
    expect(await create(again)).toMatchObject(EXCEEDED);
    await leave(again, groups[0]);
    expect((await create(again)).status).toBe(201);
  });

  it('leave every group an owner: whoever is left groups may have more, and makes no more', async () => {
    app = await TestApp.start(dialect, { GROUPS_OWNED_PER_USER: '1' });
    const [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    const [own, left] = [await made(bob), await made(ada)];
    // Bob has been a member for longest; Eve owns none.
    for (const { id } of [bob, eve]) await post(ada, `chat_groups/${left}/members`, { user_id: id });
    await leave(ada, left);
    const owned = async (person: Person): Promise<number[]> =>
      (await person.get('/http/chat_groups')).body
        .filter(({ owner_id }: { owner_id: number }) => owner_id === person.id)
        .map(({ id }: { id: number }) => id);
    expect(await owned(bob)).toEqual([own, left]);
    // Owners they are: only one more is too many, also to be given.
    expect((await bob.put(`/http/chat_groups/${left}`, { chat_group_name: 'Looms' })).status).toBe(200);
    expect(await create(bob)).toMatchObject(EXCEEDED);
    const more = await made(eve);
    await post(eve, `chat_groups/${more}/members`, { user_id: bob.id });
    expect(await eve.put(`/http/chat_groups/${more}`, { owner_id: bob.id })).toMatchObject(EXCEEDED);
    await leave(bob, own);
    expect(await create(bob)).toMatchObject(EXCEEDED);
    await leave(bob, left);
    expect(await owned(eve)).toEqual([left, more]);
    expect((await create(bob)).status).toBe(201);
  });

  it('end the oldest session for one more, with its sockets, also where several log in at once', async () => {
    app = await TestApp.start(dialect, { SESSIONS_PER_USER: '2' });
    const ada = await Person.join(app);
    const oldest = ada.token;
    const socket = await ada.connect();
    const told = next<{ code: string }>(socket, 'exception');
    const closed = next(socket, 'disconnect');
    const second = await ada.login();
    expect((await call(app, 'GET', '/http/users/profile', { token: oldest })).status).toBe(200);
    const third = await ada.login();
    expect((await call(app, 'GET', '/http/users/profile', { token: oldest })).body.code).toBe('session_revoked');
    expect((await told).code).toBe('session_revoked');
    await closed;
    for (const token of [second, third])
      expect((await call(app, 'GET', '/http/users/profile', { token })).status).toBe(200);
    await Promise.all(Array.from({ length: 5 }, () => ada.login()));
    const live = await ada.get('/http/sessions');
    // Of those at once, the one that is in use may be the one that ended.
    if (live.status === 200) expect(live.body).toHaveLength(2);
    await ada.login();
    expect((await ada.get('/http/sessions')).body).toHaveLength(2);
  });
});
