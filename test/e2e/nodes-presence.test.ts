// Who is online where several nodes serve one database: a user who moves, comes twice, or goes everywhere at once; a Redis that is away.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Nodes } from '../../src/cluster/nodes.js';
import { DomainEvents } from '../../src/domain-events/domain-events.js';
import { OnlineElsewhere } from '../../src/people/online-elsewhere.js';
import type { PresenceChange, UserRow } from '../../src/sockets/events.js';
import { OFFLINE_AFTER_MS, Presence } from '../../src/sockets/presence.js';
import type { TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, Person, record, sendTo } from '../support/client.js';

import { onNodes, TestCommunity } from '../support/community.js';
import { makeGroup } from '../support/groups.js';

const PATIENCE_MS = 40_000;

onNodes('presence', (kind) => {
  let nodes: TestCommunity;
  let [a, b]: TestApp[] = [];
  let ada: Person;
  let bob: Person;
  /** Ada's, at the first node. */
  let viewer: ChatSocket;
  const people: Person[] = [];

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind);
    [a, b] = nodes.nodes;
    await eventually(() => (a.get(Nodes).living().length === 2 ? true : undefined), 'that the nodes know each other');
  }, 120_000);
  afterAll(() => nodes?.stop());
  beforeEach(async () => {
    [ada, bob] = [await known('Ada'), await known('Bob')];
    viewer = await ada.connect();
    await sendTo(viewer, bob.id, 'hello');
  });
  afterEach(() => {
    for (const person of people.splice(0)) person.hangUp();
  });

  const known = async (name: string): Promise<Person> => {
    const person = await Person.known(a, name);
    people.push(person);
    return person;
  };
  const at = (person: Person, node: TestApp): Person => {
    const same = person.at(node);
    people.push(same);
    return same;
  };
  const about =
    (person: Person, isOnline?: boolean) =>
    (changes: PresenceChange[]): boolean =>
      changes.some((one) => one.user_id === person.id && (isOnline === undefined || one.is_online === isOnline));
  const rowsOf = async (person: Person): Promise<number> =>
    (await a.database.query<object[]>('SELECT node FROM online_people WHERE user_id = ?', [person.id])).length;
  const hasRows = (person: Person, count: number) =>
    eventually(async () => (await rowsOf(person)) === count || undefined, `${count} rows of ${person.firstName}`);
  const shown = async (person: Person, node: TestApp): Promise<UserRow> =>
    (await ada.at(node).get('/http/users')).body.find(({ id }: { id: number }) => id === person.id);
  const isShown = (person: Person, isOnline: boolean, withinMs = PATIENCE_MS) =>
    eventually(
      async () => {
        const rows = await Promise.all(nodes.nodes.map((node) => shown(person, node)));
        return rows.every(({ is_online }) => is_online === isOnline) || undefined;
      },
      `${person.firstName} online: ${isOnline}, on all nodes`,
      withinMs,
    );
  /** How often a node declared somebody offline, from now on. */
  const declarations = (): number[] => {
    const declared: number[] = [];
    for (const node of nodes.nodes)
      node.get(DomainEvents).on('wentOffline', ({ userId, isOurs }) => void (isOurs && declared.push(userId)));
    return declared;
  };

  it('is read from the rows by one at a time, also where news are missed while a node starts', async () => {
    const socket = await at(bob, a).connect();
    await hasRows(bob, 1);
    const copy = b.get(OnlineElsewhere);
    await Promise.all([copy.onApplicationBootstrap(), copy.onApplicationBootstrap()]);
    expect(b.get(Presence).isOnline(bob.id)).toBe(true);
    socket.disconnect();
  });

  it('is told by each node to its own sockets', async () => {
    const online = next<PresenceChange[]>(viewer, 'presence', about(bob, true));
    const b1 = at(bob, b);
    await b1.connect();
    expect(await online).toContainEqual({ user_id: bob.id, is_online: true, last_seen: null });
    await isShown(bob, true);
    const offline = next<PresenceChange[]>(viewer, 'presence', about(bob, false));
    b1.hangUp();
    const change = (await offline).find(({ user_id }) => user_id === bob.id)!;
    expect(Date.now() - Date.parse(change.last_seen!)).toBeLessThan(20_000);
    expect(await shown(bob, a)).toMatchObject({ is_online: false, last_seen: change.last_seen });
    await hasRows(bob, 0);
  });

  it('does not go away who moves, nor leaves the group', async () => {
    const group = await makeGroup(at(bob, a));
    const [a1, b1] = [at(bob, a), at(bob, b)];
    await a1.connect();
    await call(a, 'POST', `/http/chat_groups/${group}`, { token: bob.token, body: { is_enter: true } });
    await isShown(bob, true);
    await hasRows(bob, 1);
    const declared = declarations();
    const told = record<PresenceChange[]>(viewer, 'presence', about(bob, false));
    a1.hangUp();
    await sleep(OFFLINE_AFTER_MS / 2);
    await b1.connect();
    // The first node has let him go, and has forgotten nobody else's row.
    await eventually(() => (a.get(Presence).isHere(bob.id) ? undefined : true), 'the end of his time to come back');
    await hasRows(bob, 1);
    await isShown(bob, true);
    const isIn = `SELECT is_in FROM members WHERE user_id = ${bob.id} AND conversation_id = ${group}`;
    await sleep(2_000);
    expect(await a.database.query(isIn)).toEqual([{ is_in: 1 }]);
    expect([told, declared.filter((id) => id === bob.id)]).toEqual([[], []]);
    b1.hangUp();
    await isShown(bob, false);
    await eventually(
      async () => (await a.database.query<{ is_in: number }[]>(isIn))[0].is_in === 0 || undefined,
      'that he is out of the group',
    );
  });

  it('lasts until the last of two nodes has lost the user', async () => {
    const [a1, b1] = [at(bob, a), at(bob, b)];
    await a1.connect();
    await b1.connect();
    await hasRows(bob, 2);
    const told = record<PresenceChange[]>(viewer, 'presence', about(bob, false));
    a1.hangUp();
    await hasRows(bob, 1);
    await isShown(bob, true);
    expect(told).toEqual([]);
    b1.hangUp();
    await hasRows(bob, 0);
    await isShown(bob, false);
    expect((await shown(bob, a)).last_seen).not.toBeNull();
  });

  it('ends once, where all nodes lose a user at the same time', async () => {
    const declared = declarations();
    const friends = await Promise.all(Array.from({ length: 10 }, (_, i) => known(`Friend ${i}`)));
    const both = friends.flatMap((friend) => [at(friend, a), at(friend, b)]);
    for (const friend of both) await friend.connect();
    for (const friend of friends) await hasRows(friend, 2);
    // A session that has ended is not expected back.
    await Promise.all(friends.map((friend) => friend.at(a).get('/http/logout')));
    for (const friend of both) friend.hangUp();
    for (const friend of friends) await hasRows(friend, 0);
    for (const friend of friends) await isShown(friend, false);
    const times = (one: Person): number => declared.filter((id) => id === one.id).length;
    for (const friend of friends) await expect.poll(() => times(friend), { timeout: PATIENCE_MS }).toBe(1);
  });

  it('is hidden by a block that another node has stored', async () => {
    await at(bob, b).connect();
    await next<PresenceChange[]>(viewer, 'presence', about(bob, true));
    const offline = next<PresenceChange[]>(viewer, 'presence', about(bob, false));
    await call(b, 'PUT', `/http/users/${ada.id}/block`, { token: bob.token });
    expect(await offline).toContainEqual({ user_id: bob.id, is_online: false, last_seen: null });
  });

  it('is told in a small group, whichever nodes its people are on', async () => {
    const eve = await known('Eve');
    const group = await makeGroup(at(ada, a));
    const enter = (person: Person, node: TestApp) =>
      call(node, 'POST', `/http/chat_groups/${group}`, { token: person.token, body: { is_enter: true } });
    await enter(ada, a);
    const e = at(eve, b);
    await e.connect();
    const online = next(viewer, 'presence', about(eve, true));
    await enter(eve, b);
    await online;
    const offline = next(viewer, 'presence', about(eve, false));
    e.hangUp();
    await offline;
    const again = next(viewer, 'presence', about(eve, true));
    await at(eve, b).connect();
    await enter(eve, b);
    await again;
    expect(await shown(eve, a)).toMatchObject({ is_online: true });
  });

  it('is found in the rows while Redis is away, and nobody goes offline when it starts again empty', async () => {
    const eve = await known('Eve');
    await sendTo(viewer, eve.id, 'hello');
    const online = next(viewer, 'presence', about(eve, true));
    await at(eve, b).connect();
    await online;
    await hasRows(eve, 1);
    const told = record<PresenceChange[]>(viewer, 'presence', about(eve));
    await nodes.redis.kill();
    const b1 = at(bob, b);
    await b1.connect();
    await isShown(bob, true);
    b1.hangUp();
    await isShown(bob, false);
    await nodes.redis.run();
    await at(bob, b).connect();
    await isShown(bob, true);
    await isShown(eve, true);
    expect(told).toEqual([]);
  });

  it('comes back with a node that was declared dead by mistake', async () => {
    const b1 = at(bob, b);
    await b1.connect();
    await hasRows(bob, 1);
    const { nodeId } = b.get(Presence)['bus'];
    const told = vi.spyOn(a.get(Presence), 'cameElsewhere');
    // As another node does it.
    await a.database.query('DELETE FROM online_people WHERE node = ?', [nodeId]);
    await a.database.query('DELETE FROM server_beats WHERE id = ?', [nodeId]);
    await hasRows(bob, 1);
    await isShown(bob, true);
    expect(await a.database.query('SELECT node FROM online_people WHERE user_id = ?', [bob.id])).toEqual([
      { node: nodeId },
    ]);
    await expect.poll(() => told.mock.calls, { timeout: PATIENCE_MS }).toContainEqual([bob.id, nodeId]);
  });

  it('outlives the end of a node for those who have gone to another, and ends for the others', async () => {
    const c = await nodes.add();
    const [eve, c1, c2] = [await known('Eve'), at(bob, c), at(bob, b)];
    await sendTo(viewer, eve.id, 'hello');
    await at(eve, c).connect();
    await c1.connect();
    await isShown(bob, true);
    await isShown(eve, true);
    await hasRows(bob, 1);
    const told = record<PresenceChange[]>(viewer, 'presence', about(bob, false));
    const endedAt = Date.now();
    nodes.nodes.pop();
    await c.app.close();
    await c2.connect();
    await eventually(() => a.get(Nodes).living().length === 2 || undefined, 'that it is missed');
    await isShown(eve, false);
    await isShown(bob, true);
    expect(told).toEqual([]);
    expect(Math.abs(Date.parse((await shown(eve, a)).last_seen!) - endedAt)).toBeLessThan(5_000);
    await eventually(
      async () => (await a.database.query<object[]>('SELECT id FROM server_beats')).length === 2 || undefined,
      'that its row is deleted',
    );
  });
});
