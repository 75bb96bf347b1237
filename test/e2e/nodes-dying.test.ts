// A node that is killed, or stands still for too long: who was there goes offline in time, and nobody else does.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Nodes } from '../../src/cluster/nodes.js';
import type { PresenceChange, UserRow } from '../../src/sockets/events.js';
import type { TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, Person, record, sendTo, type Target } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { makeGroup } from '../support/groups.js';
import { ServerProcess } from '../support/server-process.js';

/** It takes some twelve seconds on an idle machine. */
const PATIENCE_MS = 60_000;

onNodes('a node that dies', (kind) => {
  let nodes: TestCommunity;
  let here: TestApp;
  /** A process of its own. */
  let there: ServerProcess;
  let viewer: ChatSocket;
  let [ada, bob, cyd, eve]: Person[] = [];
  const people: Person[] = [];

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 1);
    [here] = nodes.nodes;
  }, 120_000);
  afterAll(() => nodes?.stop());
  beforeEach(async () => {
    there = await startProcess();
    await eventually(() => here.get(Nodes).living().length === 2 || undefined, 'that it is known', PATIENCE_MS);
    [ada, bob, cyd, eve] = await Promise.all(['Ada', 'Bob', 'Cyd', 'Eve'].map((name) => Person.known(here, name)));
    people.push(ada, bob, cyd, eve);
    viewer = await ada.connect();
    for (const { id } of [bob, cyd, eve]) await sendTo(viewer, id, 'hello');
  }, 180_000);
  afterEach(async () => {
    for (const person of people.splice(0)) person.hangUp();
    await there.kill();
  });

  const startProcess = async (): Promise<ServerProcess> =>
    ServerProcess.start({ ...nodes.env, RATE_LIMITS: 'off', PORT: String(await freePort()) });
  const at = (person: Person, node: Target): Person => {
    const same = person.at(node);
    people.push(same);
    return same;
  };
  const shown = async (person: Person): Promise<UserRow> =>
    (await ada.get('/http/users')).body.find(({ id }: { id: number }) => id === person.id);
  const isShown = (person: Person, isOnline: boolean) =>
    eventually(
      async () => (await shown(person)).is_online === isOnline || undefined,
      `${person.firstName} online: ${isOnline}`,
      PATIENCE_MS,
    );
  const rowsOf = async (person: Person): Promise<number> =>
    (await here.database.query<object[]>('SELECT node FROM online_people WHERE user_id = ?', [person.id])).length;
  const hasRows = (person: Person, count: number) =>
    eventually(
      async () => (await rowsOf(person)) === count || undefined,
      `${count} rows of ${person.firstName}`,
      PATIENCE_MS,
    );
  const offline = (person: Person) =>
    record<PresenceChange[]>(viewer, 'presence', (changes) =>
      changes.some(({ user_id, is_online }) => user_id === person.id && !is_online),
    );

  it('takes those offline who were there alone, as seen at its last beat, and nobody who is elsewhere by then', async () => {
    const group = await makeGroup(at(cyd, here));
    await at(bob, there).connect();
    await at(cyd, there).connect();
    await at(eve, there).connect();
    await at(eve, here).connect();
    await call(there, 'POST', `/http/chat_groups/${group}`, { token: cyd.token, body: { is_enter: true } });
    for (const [person, count] of [[bob, 1] as const, [cyd, 1] as const, [eve, 2] as const]) {
      await isShown(person, true);
      await hasRows(person, count);
    }
    const [cydWent, eveWent] = [offline(cyd), offline(eve)];
    await there.kill('SIGKILL');
    const killedAt = Date.now();
    await at(cyd, here).connect();
    await isShown(bob, false);
    console.log(`${kind}: offline ${((Date.now() - killedAt) / 1_000).toFixed(1)} s after the node was killed`);
    const seen = Date.parse((await shown(bob)).last_seen!);
    expect(Math.abs(killedAt - seen)).toBeLessThan(10_000);
    await hasRows(bob, 0);
    await hasRows(eve, 1);
    await hasRows(cyd, 1);
    await eventually(
      async () => (await here.database.query<object[]>('SELECT id FROM server_beats')).length === 1 || undefined,
      'that nothing of it is left',
      PATIENCE_MS,
    );
    // As long as it takes to take somebody out of a group.
    await sleep(2_000);
    const isIn = `SELECT is_in FROM members WHERE user_id = ${cyd.id} AND conversation_id = ${group}`;
    expect(await here.database.query(isIn)).toEqual([{ is_in: 1 }]);
    expect([(await shown(cyd)).is_online, (await shown(eve)).is_online]).toEqual([true, true]);
    expect([cydWent, eveWent]).toEqual([[], []]);
  });

  it('was only paused, and stores again whom it has', async () => {
    await at(bob, there).connect();
    await isShown(bob, true);
    await hasRows(bob, 1);
    void there.kill('SIGSTOP');
    await isShown(bob, false);
    await hasRows(bob, 0);
    expect(here.get(Nodes).living()).toHaveLength(1);
    void there.kill('SIGCONT');
    await isShown(bob, true);
    await hasRows(bob, 1);
    await eventually(() => here.get(Nodes).living().length === 2 || undefined, 'that it lives', PATIENCE_MS);
    for (const person of people) if (person.target === there) person.hangUp();
    await isShown(bob, false);
    await hasRows(bob, 0);
  });

  it('is not declared dead by one that was itself paused', async () => {
    const other = await startProcess();
    try {
      await at(bob, here).connect();
      await hasRows(bob, 1);
      const went = offline(bob);
      // All but this one stand still, and see a beat of this one that is old when they wake.
      for (const node of [there, other]) void node.kill('SIGSTOP');
      await sleep(11_000);
      for (const node of [there, other]) void node.kill('SIGCONT');
      await eventually(() => here.get(Nodes).living().length === 3 || undefined, 'that all live', PATIENCE_MS);
      await hasRows(bob, 1);
      expect(went).toEqual([]);
    } finally {
      await other.kill();
    }
  });
});
