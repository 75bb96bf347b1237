// A node is cut off from the others, or all are: whoever stayed connected holds what they missed, though nobody writes anew.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ParleyClient } from 'parley-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NodeBus } from '../../src/cluster/node-bus.js';
import type { Resync } from '../../src/sockets/events.js';
import { TestApp } from '../support/app.js';
import { call, type ChatSocket, eventually, next, Person, record, send } from '../support/client.js';
import { onNodes, onNodesOverEachRedis, TestCommunity } from '../support/community.js';
import { makeGroup } from '../support/groups.js';
import { clientWith, shown, shows, until } from '../support/person.js';
import { RedisClusterServers } from '../support/redis-cluster.js';
import { startRedis } from '../support/redis-kinds.js';
import type { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const HELD = { isSame: true, told: { reason: 'events_missed' } };

const titles = ({ inbox }: ParleyClient): string[] => inbox.get().rows.map(({ title }) => title);

/** Ada and Bob, each with a client on a node of their own and a chat of the two open; Ada has a stock client beside it. */
class Pair {
  private constructor(
    readonly ada: Person,
    readonly bob: Person,
    readonly hers: ParleyClient,
    readonly his: ParleyClient,
    /** What her stock client is told. */
    readonly told: Resync[],
    private readonly stock: ChatSocket,
    private readonly since: number,
  ) {}

  static async meet(one: TestApp, two: TestApp): Promise<Pair> {
    const [ada, bob] = [await Person.known(one, 'Ada'), await Person.known(two, 'Bob')];
    const [hers, his] = [await clientWith(one, ada.token), await clientWith(two, bob.token)];
    hers.room(bob.id).attach();
    his.room(ada.id).attach();
    await his.room(ada.id).send('before');
    await shows(hers.room(bob.id), ['before']);
    const stock = await ada.connect();
    return new Pair(ada, bob, hers, his, record(stock, 'resync'), stock, hers.connection.get().since);
  }

  /** He says something. @returns what she sees once it is stored */
  async missed(): Promise<readonly string[]> {
    await this.his.room(this.ada.id).send('missed');
    return shown(this.hers.room(this.bob.id));
  }

  /** Waits until she holds it, though nobody writes. @returns whether her connections are those of before, and what her stock client was told */
  async holdsAll(): Promise<object> {
    await shows(this.hers.room(this.bob.id), ['before', 'missed']);
    const told = await eventually(() => this.told[0], 'that a stock client is told', 60_000);
    const isSame = this.hers.connection.get().since === this.since && this.stock.connected;
    return { isSame, told };
  }

  part(): void {
    for (const person of [this.ada, this.bob]) person.hangUp();
  }
}

onNodes('a node that is cut off from Redis', (kind) => {
  let nodes: TestCommunity;
  let proxy: TcpProxy;
  let [one, cutOff]: TestApp[] = [];
  let pair: Pair;

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 1);
    [one] = nodes.nodes;
    proxy = await TcpProxy.start(Number(new URL(nodes.redis.url).port));
    cutOff = await TestApp.startIn({ ...nodes.env, REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    nodes.nodes.push(cutOff);
    await nodes.hearEachOther();
  });
  afterAll(async () => {
    await nodes?.stop();
    await proxy?.close();
  });
  afterEach(() => pair.part());

  const cut = async (how: string): Promise<void> => {
    if (how === 'refused') proxy.refuse();
    else proxy.mute();
    await eventually(() => !cutOff.get(NodeBus).isUp || undefined, 'that it is noticed', 60_000);
  };
  const mend = (): void => {
    // The connection that was mute stays so.
    proxy.refuse();
    proxy.speak();
    proxy.accept();
  };

  it.each(['refused', 'mute'])('and is %s, tells its own sockets to look again', async (how) => {
    pair = await Pair.meet(cutOff, one);
    await cut(how);
    expect(await pair.missed()).toEqual(['before']);
    mend();
    expect(await pair.holdsAll()).toEqual(HELD);
  });

  it('ends what ends for receiving on the others, too, within five seconds', async () => {
    pair = await Pair.meet(one, cutOff);
    const { ada } = pair;
    const removed = await Person.known(one, 'Eve');
    const group = { chat_type: 'group', chat_group_id: await makeGroup(ada) };
    const path = `/http/chat_groups/${group.chat_group_id}/members`;
    await call(one, 'POST', path, { token: ada.token, body: { user_id: removed.id } });
    const [hers, theirs] = [await ada.connect(), await removed.connect()];
    for (const socket of [hers, theirs]) await send(socket, { ...group, is_enter: true });
    const owner = ada.token;
    const ending = await ada.session(one);
    const closed = next(await ada.connect(ending), 'disconnect');
    await cut('refused');
    const removal = await call(cutOff, 'DELETE', `${path}/${removed.id}`, { token: owner });
    const logout = await call(cutOff, 'POST', '/http/logout', { token: ending });
    expect([removal.status, logout.status]).toEqual([204, 200]);
    const answeredAt = performance.now();
    await closed;
    expect(performance.now() - answeredAt).toBeLessThan(5_000);
    await sleep(Math.max(0, answeredAt + 5_000 - performance.now()));
    const got = record(theirs, 'message');
    await send(hers, { ...group, message: 'secret' });
    await sleep(200);
    expect(got).toEqual([]);
    mend();
    removed.hangUp();
  });

  it('has the others tell theirs, of what was written on it', async () => {
    pair = await Pair.meet(one, cutOff);
    await cut('refused');
    expect(await pair.missed()).toEqual(['before']);
    // Longer than the others wait for it.
    await eventually(() => one.get(NodeBus).nodes().length === 0 || undefined, 'that it is given up', 60_000);
    mend();
    expect(await pair.holdsAll()).toEqual(HELD);
  });
});

onNodes('a node that dies before it has told what it stored', (kind) => {
  let nodes: TestCommunity;
  let proxy: TcpProxy;

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 1);
    proxy = await TcpProxy.start(Number(new URL(nodes.redis.url).port));
  });
  afterAll(async () => {
    await nodes?.stop();
    await proxy?.close();
  });

  it('has the others tell their sockets to look again', async () => {
    const [one] = nodes.nodes;
    const dying = await TestApp.startIn({ ...nodes.env, REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    await eventually(() => one.get(NodeBus).nodes().length === 1 || undefined, 'that they hear each other', 60_000);
    const pair = await Pair.meet(one, dying);
    proxy.refuse();
    await eventually(() => !dying.get(NodeBus).isUp || undefined, 'that it is noticed', 60_000);
    expect(await pair.missed()).toEqual(['before']);
    // It cannot even say that it goes, and nothing comes of it any more.
    await dying.app.close();
    expect(await pair.holdsAll()).toEqual(HELD);
    pair.part();
  });
});

onNodesOverEachRedis('nodes whose Redis was away', (kind, redis) => {
  let nodes: TestCommunity;
  let pair: Pair;

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 2, {}, startRedis(redis));
  });
  beforeEach(async () => {
    pair = await Pair.meet(nodes.nodes[0], nodes.nodes[1]);
  });
  afterAll(() => nodes?.stop());
  afterEach(() => pair.part());

  it('tell their sockets to look again', async () => {
    const { ada, bob, hers } = pair;
    await nodes.redis.kill();
    await nodes.hearNothing();
    const path = `/http/chat_groups/${await makeGroup(bob)}/members`;
    await call(bob.target, 'POST', path, { token: bob.token, body: { user_id: ada.id } });
    expect(await pair.missed()).toEqual(['before']);
    expect(titles(hers)).not.toContain('Engines');
    await nodes.redis.run();
    expect(await pair.holdsAll()).toEqual(HELD);
    await until(hers.inbox, () => titles(hers).includes('Engines'));
  });
});

onNodes('nodes of which one shard of a Redis Cluster was away', (kind) => {
  describe.runIf(kind === 'mariadb')('over a Redis Cluster', () => {
    let nodes: TestCommunity;
    let cluster: RedisClusterServers;
    let pair: Pair;

    beforeAll(async () => {
      cluster = await RedisClusterServers.start();
      nodes = await TestCommunity.start(kind, 2, {}, cluster);
    });
    afterAll(() => nodes?.stop());
    afterEach(() => pair.part());

    it('tell their sockets to look again, once its channels are listened to', async () => {
      const news = await cluster.masterOf('parley:nodes');
      let victim: RedisServer;
      // His messages go over the channels of both.
      do {
        pair?.part();
        pair = await Pair.meet(nodes.nodes[0], nodes.nodes[1]);
        victim = await cluster.masterOf(`parley:room:user:${pair.ada.id}`);
      } while (victim === news || victim !== (await cluster.masterOf(`parley:room:user:${pair.bob.id}`)));
      await victim.kill();
      expect(await pair.missed()).toEqual(['before']);
      expect(nodes.nodes.every((node) => node.get(NodeBus).isUp)).toBe(true);
      await victim.run();
      expect(await pair.holdsAll()).toEqual(HELD);
    });
  });
});
