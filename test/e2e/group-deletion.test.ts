// Owners delete their groups: who may, what is left, what others hear of it, and what happens at the same time.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, next, Person } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { makeGroup, sayIn } from '../support/groups.js';

interface GroupNews {
  chat_group_id: number;
  deleted?: true;
}

const ended = (group: number) => ({ chat_group_id: group, deleted: true });
const isEnd = ({ deleted }: GroupNews): boolean => deleted === true;
const FREEZE = 'UPDATE chat_groups SET is_frozen = 1 WHERE conversation_id = ?';

onAllDialects('a group that its owner deletes', (dialect) => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let eve: Person;
  let group: number;

  beforeAll(async () => {
    app = await TestApp.start(dialect);
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob, eve] = [await Person.known(app), await Person.known(app, 'Bob'), await Person.known(app, 'Eve')];
    group = await makeGroup(ada, [bob]);
  });
  afterEach(() => {
    for (const person of [ada, bob, eve]) person.hangUp();
  });

  const remove = ({ token }: Person, id = group) => call(app, 'DELETE', `/http/chat_groups/${id}`, { token });
  const isGone = (table: string, column = 'conversation_id') =>
    eventually(async () => {
      const rows: unknown[] = await app.database.query(`SELECT 1 FROM ${table} WHERE ${column} = ?`, [group]);
      return rows.length === 0 || undefined;
    }, `the end of its ${table}`);

  it('is gone for everybody with the answer, and its rows soon after', async () => {
    const sockets = [await ada.connect(), await bob.connect(), await eve.connect()];
    expect((await sayIn(sockets[0], group, 'words')).ok).toBe(true);
    const told = sockets.map((socket) => next<GroupNews>(socket, 'group_update', isEnd));
    expect((await remove(ada)).status).toBe(204);
    for (const person of [ada, bob, eve]) {
      const rows: { id: number }[] = (await person.get('/http/chat_groups')).body;
      expect(rows.some(({ id }) => id === group)).toBe(false);
      expect((await person.get(`/http/chat_groups/${group}`)).status).toBe(404);
    }
    expect((await sayIn(sockets[1], group, 'words')).error.code).toBe('not_found');
    for (const one of told) expect(await one).toEqual(ended(group));
    for (const table of ['members', 'messages']) await isGone(table);
    await isGone('conversations', 'id');
  });

  it('is deleted by nobody else, and once', async () => {
    expect(await remove(bob)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await remove(eve)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect((await call(app, 'DELETE', `/http/chat_groups/${group}`)).status).toBe(401);
    expect((await remove(ada, 1_999_999_999)).status).toBe(404);
    expect((await bob.get(`/http/chat_groups/${group}`)).status).toBe(200);
    expect((await remove(ada)).status).toBe(204);
    expect(await remove(ada)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('is not deleted while it is frozen', async () => {
    await app.database.query(FREEZE, [group]);
    expect(await remove(ada)).toMatchObject({ status: 403, body: { code: 'group_frozen' } });
    expect((await bob.get(`/http/chat_groups/${group}`)).status).toBe(200);
  });

  it('makes room for another one', async () => {
    const small = await TestApp.start('sqlite', { GROUPS_OWNED_PER_USER: '1' });
    const owner = await Person.known(small);
    const id = await makeGroup(owner);
    const another = () =>
      call(small, 'POST', '/http/chat_groups', { token: owner.token, body: { chat_group_name: 'Another' } });
    expect((await another()).status).toBe(409);
    await call(small, 'DELETE', `/http/chat_groups/${id}`, { token: owner.token });
    expect((await another()).status).toBe(201);
    await small.stop();
  });

  it.each([0, 1, 2, 3])('ends once while others enter, write and leave, round %i', async () => {
    const b = await bob.connect();
    const entering = { token: eve.token, body: { is_enter: true } };
    const [one, two, entered, said, left] = await Promise.all([
      remove(ada),
      remove(ada),
      call(app, 'POST', `/http/chat_groups/${group}`, entering),
      sayIn(b, group, 'words'),
      call(app, 'DELETE', `/http/chat_groups/${group}/members/${bob.id}`, { token: bob.token }),
    ]);
    expect([one.status, two.status].sort()).toEqual([204, 404]);
    expect([200, 404]).toContain(entered.status);
    expect(said.ok || said.error.code === 'not_found').toBe(true);
    expect([204, 404]).toContain(left.status);
    for (const table of ['chat_groups', 'members', 'messages', 'group_departures']) await isGone(table);
  });
});

onNodes('a group that its owner deletes', (kind) => {
  let nodes: TestCommunity;
  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 2);
  });
  afterAll(() => nodes?.stop());

  it('is gone on each node with the answer', async () => {
    const [one, two] = nodes.nodes as [TestApp, TestApp];
    const ada = await Person.known(one);
    const bob = (await Person.known(one, 'Bob')).at(two);
    const group = await makeGroup(ada, [bob]);
    const b = await bob.connect();
    const told = next<GroupNews>(b, 'group_update', isEnd);
    const answers = await Promise.all(
      [one, two].map((node) => call(node, 'DELETE', `/http/chat_groups/${group}`, { token: ada.token })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404]);
    expect((await sayIn(b, group, 'words')).error.code).toBe('not_found');
    expect(await told).toEqual(ended(group));
    bob.hangUp();
  });
});
