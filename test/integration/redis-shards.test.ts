// Several servers of Redis: what becomes of news and packets when one of them fails, or another one takes its place.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { slotOf } from '../../src/cluster/redis/key-slot.js';
import { RedisBus } from '../../src/cluster/redis/redis-bus.js';
import { parseRedisUrl } from '../../src/config/redis-url.js';
import { RedisClusterServers } from '../support/redis-cluster.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';

let buses: RedisBus[] = [];
afterEach(() => {
  for (const bus of buses) bus.onApplicationShutdown();
  buses = [];
});

const open = async (url: string): Promise<RedisBus> => {
  const bus = await RedisBus.open(parseRedisUrl(url), 'test:');
  buses.push(bus);
  bus.onApplicationBootstrap();
  return bus;
};
const bothAt = async (url: string): Promise<[RedisBus, RedisBus]> => {
  const [a, b] = [await open(url), await open(url)];
  await hear(a, b);
  return [a, b];
};
const hear = async (a: RedisBus, b: RedisBus): Promise<void> => {
  await expect.poll(() => a.isUp && b.isUp && [a.nodes(), b.nodes()]).toEqual([[b.nodeId], [a.nodeId]]);
  await expect.poll(() => a.tellAndWait('x', 'all', 2_000)).toBe(true);
};

const PATIENCE = { timeout: 60_000, interval: 20 };

/** Packets from one node to another, by rooms. */
class Mail {
  readonly got: string[] = [];
  private sent = 0;

  constructor(
    private readonly from: RedisBus,
    private readonly to: RedisBus,
  ) {
    to.carrier.onArrival((text) => void this.got.push(text));
  }

  async listen(...rooms: string[]): Promise<void> {
    await Promise.all(rooms.map(async (room) => this.to.carrier.listen(room)));
  }

  send(room: string): string {
    const text = `${room} ${++this.sent}`;
    this.from.carrier.send(room, text);
    return text;
  }

  /** Sends one, which must arrive. */
  async passes(room: string): Promise<void> {
    const text = this.send(room);
    await vi.waitUntil(() => this.got.includes(text), PATIENCE);
  }

  /** Sends one after the other, until one arrives. */
  async comesBack(room: string): Promise<void> {
    const texts: string[] = [];
    await vi.waitUntil(() => {
      texts.push(this.send(room));
      return texts.some((text) => this.got.includes(text));
    }, PATIENCE);
    await this.passes(room);
  }
}

describe.skipIf(!hasRedis)('a Redis Cluster', () => {
  let cluster: RedisClusterServers;
  beforeAll(async () => {
    cluster = await RedisClusterServers.start({ withReplicas: true });
  });
  afterAll(() => cluster?.stop());
  afterEach(() => cluster.mend());

  /** By server, a room of which it has the channel; the first one's has the channel of news, too. */
  const roomsByServer = async (): Promise<[server: RedisServer, room: string][]> => {
    const rooms = new Map<RedisServer, string>([[await cluster.masterOf('test:nodes'), '']]);
    for (let i = 0; rooms.size < 3 || rooms.values().next().value === ''; i++) {
      const server = await cluster.masterOf(`test:room:${i}`);
      if (!rooms.get(server)) rooms.set(server, String(i));
    }
    return [...rooms];
  };

  it('has each name in the slot that Parley takes it for', async () => {
    for (const name of ['test:nodes', '{test:nodes}:5', 'a{}b{c}', '{', 'x{é}', 'x{y', 'ein längerer Name', '']) {
      expect([name, slotOf(name)]).toEqual([name, await cluster.servers[0].ask(['CLUSTER', 'KEYSLOT', name])]);
    }
    expect(slotOf('{test:nodes}:5')).toBe(slotOf('test:nodes'));
  });

  it('is found by one of its addresses, also a replica’s', async () => {
    const a = await open(cluster.servers[0].url);
    const b = await open((await cluster.replicaOf(await cluster.masterOf('test:nodes'))).url);
    await hear(a, b);
    await expect(open(`${cluster.servers[0].url}/3`)).rejects.toThrow(/has only database 0/);
  });

  it('takes tens of thousands of channels, and gives each its packets', async () => {
    const [a, b] = await bothAt(cluster.url);
    const mail = new Mail(a, b);
    const rooms = Array.from({ length: 20_000 }, (_, i) => `many${i}`);
    await mail.listen(...rooms);
    const count = async (): Promise<number> => {
      let sum = 0;
      for (const master of cluster.servers)
        sum += (await master.ask<string[]>(['PUBSUB', 'SHARDCHANNELS', 'test:room:many*'])).length;
      return sum;
    };
    await expect.poll(count).toBe(20_000);
    for (let i = 0; i < 20_000; i += 500) await mail.passes(rooms[i]);
    for (const room of rooms) b.carrier.unlisten(room);
    await expect.poll(count).toBe(0);
    // What was counted is what there is: no connection was given up.
    await sleep(4_000);
    expect(b.isUp).toBe(true);
    expect(b.dropped).toBe(0);
  });

  it.each(['killed', 'paused'])(
    'of which one shard is %s carries what goes over the others, and waits for nothing',
    async (how) => {
      const [a, b] = await bothAt(cluster.url);
      const mail = new Mail(a, b);
      const [[, newsRoom], [victim, lost], [, other]] = await roomsByServer();
      await mail.listen(newsRoom, lost, other);
      let missed = 0;
      b.onMissed(() => missed++);
      const replica = await cluster.replicaOf(victim);
      // Nobody takes over.
      await replica.kill();
      if (how === 'killed') await victim.kill();
      else victim.freeze();
      const until = performance.now() + 5_000;
      let longest = 0;
      while (performance.now() < until) {
        await mail.passes(newsRoom);
        await mail.passes(other);
        const began = performance.now();
        for (let i = 0; i < 2_000; i++) a.carrier.send(lost, 'x'.repeat(1_000));
        await b.carrier.listen(`late${other}`);
        longest = Math.max(longest, performance.now() - began);
        expect(await a.tellAndWait('x', 'all', 10_000)).toBe(true);
        await sleep(50);
      }
      // A channel of a shard that hangs is waited for no longer than a second.
      expect(longest).toBeLessThan(10_000);
      expect(a.dropped).toBeGreaterThan(2_000);
      expect(a.isUp && b.isUp).toBe(true);
      // Not while it is away: nobody would find what is lost the next moment.
      expect(missed).toBe(0);
      if (how === 'killed') await victim.run();
      else victim.thaw();
      await replica.run();
      await mail.comesBack(lost);
      await expect.poll(() => missed).toBeGreaterThan(0);
    },
  );

  it('bounds what waits for a shard that hangs, before that is noticed', async () => {
    const [a] = await bothAt(cluster.url);
    const [, [victim, lost]] = await roomsByServer();
    victim.freeze();
    for (let i = 0; i < 100; i++) a.carrier.send(lost, 'x'.repeat(1_000_000));
    expect(a.dropped).toBeGreaterThan(70);
  });

  it('of which the shard of news is away carries packets over the others, and news again after it', async () => {
    const [a, b] = await bothAt(cluster.url);
    const mail = new Mail(a, b);
    const [[victim], [, other]] = await roomsByServer();
    await mail.listen(other);
    const replica = await cluster.replicaOf(victim);
    await replica.kill();
    await victim.kill();
    await expect.poll(() => a.isUp || b.isUp).toBe(false);
    expect(await a.tellAndWait('x', 'all', 60_000)).toBe(false);
    await mail.passes(other);
    let missed = 0;
    b.onMissed(() => missed++);
    await victim.run();
    await replica.run();
    await hear(a, b);
    expect(missed).toBeGreaterThan(0);
  });

  it.each(['killed', 'paused', 'made a replica'])('goes on with the replica of a master that is %s', async (how) => {
    const [a, b] = await bothAt(cluster.url);
    const mail = new Mail(a, b);
    const [[news, newsRoom], , [, other]] = await roomsByServer();
    await mail.listen(newsRoom, other);
    const replica = await cluster.replicaOf(news);
    if (how === 'killed') await news.kill();
    else if (how === 'paused') news.freeze();
    else await replica.ask(['CLUSTER', 'FAILOVER']);
    await mail.passes(other);
    await expect.poll(async () => (await cluster.masterOf('test:nodes')) === replica).toBe(true);
    await mail.comesBack(newsRoom);
    await hear(a, b);
    if (how === 'killed') await news.run();
    else news.thaw();
    await cluster.ready();
    // The old one is a replica by now, and nobody went back to it.
    await mail.comesBack(newsRoom);
    await mail.passes(other);
    const counted = await replica.ask<[string, number]>(['PUBSUB', 'SHARDNUMSUB', `test:room:${newsRoom}`]);
    expect(counted[1]).toBe(1);
  });

  it('is followed where slots move, there and back', async () => {
    const [a, b] = await bothAt(cluster.url);
    const mail = new Mail(a, b);
    const [[news], [second, room], [, other]] = await roomsByServer();
    await mail.listen(room, other);
    const [roomSlot, newsSlot] = [slotOf(`test:room:${room}`), slotOf('test:nodes')];
    for (const [toRoom, toNews] of [
      [news, second],
      [second, news],
    ]) {
      await cluster.moveSlot(roomSlot, toRoom);
      await cluster.moveSlot(newsSlot, toNews);
      await mail.passes(other);
      await mail.comesBack(room);
      await hear(a, b);
      expect(await cluster.masterOf(`test:room:${room}`)).toBe(toRoom);
    }
  });

  it('is listened to again where a master has forgotten who listens, though its slots are where they were', async () => {
    const [a, b] = await bothAt(cluster.url);
    const mail = new Mail(a, b);
    const [, [server, room], [another]] = await roomsByServer();
    await mail.listen(room);
    const slot = String(slotOf(`test:room:${room}`));
    const [own, other] = [
      await server.ask<string>(['CLUSTER', 'MYID']),
      await another.ask<string>(['CLUSTER', 'MYID']),
    ];
    // Away and back, before anybody can look.
    await server.askAtOnce([other, own].map((id) => ['CLUSTER', 'SETSLOT', slot, 'NODE', id]));
    await mail.comesBack(room);
    expect(await cluster.masterOf(`test:room:${room}`)).toBe(server);
  });

  it('is used by a user with the rights that docs/operations.md names, and no other', async () => {
    const [rights] = /`(\+@connection [^`]*)`/.exec(readFileSync('docs/operations.md', 'utf8'))!.slice(1);
    const rules = ['on', '>secret', '~test:*', '&test:*', '&{test:*', ...rights.split(' ')];
    for (const server of cluster.servers) await server.ask(['ACL', 'SETUSER', 'parley', 'reset', ...rules]);
    const [a, b] = await bothAt(cluster.url.replace('//', '//parley:secret@'));
    const mail = new Mail(a, b);
    const rooms = (await roomsByServer()).map(([, room]) => room);
    await mail.listen(...rooms);
    for (const room of rooms) await mail.passes(room);
    const change = { key: 'k', points: 2, isForgotten: true, endsInMs: 60_000 };
    expect((await a.counts.add([change]))[0]?.total).toBe(2);
    expect((await a.counts.add([{ ...change, isForgotten: false, points: -2 }]))[0]?.total).toBe(0);
    // Subscriptions are counted, too.
    await sleep(4_000);
    for (const server of cluster.servers) expect(await server.ask<unknown[]>(['ACL', 'LOG'])).toEqual([]);
    await expect(open(cluster.url.replace('//', '//parley:wrong@'))).rejects.toThrow(
      /refuses the user or the password/,
    );
  });

  it('counts rates by key, each at the master that has it', async () => {
    const [a] = await bothAt(cluster.url);
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    const change = (key: string) => ({ key, points: 2, isForgotten: false, endsInMs: 60_000 });
    for (const total of [2, 4]) {
      const totals = await a.counts.add(keys.map(change));
      expect(totals.map((one) => one?.total)).toEqual(keys.map(() => total));
    }
    const victim = await cluster.masterOf('test:rate:k0');
    victim.freeze();
    const totals = await a.counts.add(keys.map(change));
    expect(totals[0]).toBeUndefined();
    expect(totals.filter((one) => one?.total === 6).length).toBeGreaterThan(5);
  });
});

describe.skipIf(!hasRedis)('Redis with Sentinels', () => {
  let redis: RedisSentinels;
  beforeEach(async () => {
    redis = await RedisSentinels.start();
  });
  afterEach(() => redis?.stop());

  it.each(['killed', 'paused', 'made a replica'])('goes on with the replica of a master that is %s', async (how) => {
    const [a, b] = await bothAt(redis.url);
    const mail = new Mail(a, b);
    await mail.listen('one');
    const [old, replica] = redis.servers;
    if (how === 'killed') await old.kill();
    else if (how === 'paused') old.freeze();
    // Until the Sentinels know of a fit replica.
    else
      await expect
        .poll(() => redis.sentinels[0].ask(['SENTINEL', 'FAILOVER', 'parley-test']).catch(() => ''))
        .toBe('OK');
    await expect.poll(() => redis.master()).toBe(replica);
    await mail.comesBack('one');
    await hear(a, b);
    if (how === 'killed') await old.run();
    else old.thaw();
    await redis.ready();
    await hear(a, b);
    await mail.passes('one');
    // Subscribed to once: not by what was left of the connection before, too. A Sentinel may have made the clients connect anew meanwhile.
    await expect.poll(() => replica.ask(['PUBSUB', 'SHARDNUMSUB', 'test:room:one'])).toEqual(['test:room:one', 1]);
  });

  it('goes on with the master while no Sentinel answers, or most are paused', async () => {
    const [a, b] = await bothAt(redis.url);
    const mail = new Mail(a, b);
    await mail.listen('one');
    redis.sentinels[0].freeze();
    redis.sentinels[1].freeze();
    const c = await open(redis.url);
    await expect.poll(() => c.nodes().length).toBe(2);
    for (const sentinel of redis.sentinels) await sentinel.stop();
    for (let i = 0; i < 8; i++) {
      await mail.passes('one');
      expect(await a.tellAndWait('x', 'all', 5_000)).toBe(true);
      await sleep(500);
    }
    // Also after the connection has broken.
    await redis.servers[0].ask(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await mail.comesBack('one');
  });

  it('is entered with the Sentinels’ own password, and the name of the master', async () => {
    const [sentinel] = redis.sentinels;
    await expect(open(redis.url.replace(/[^/]+$/, 'other'))).rejects.toThrow(/have no master of the name other/);
    await expect(open(sentinel.url)).rejects.toThrow(/leads to a Sentinel; write redis\+sentinel:/);
    await sentinel.ask(['ACL', 'SETUSER', 'default', 'resetpass', '>secret']);
    await redis.servers[0].ask(['CONFIG', 'SET', 'requirepass', 'hidden']);
    const url = `redis+sentinel://:hidden@127.0.0.1:${sentinel.port}/parley-test`;
    await expect(open(`${url}/0`)).rejects.toThrow(/Redis refuses the user or the password/);
    const bus = await open(`${url}/0?sentinel_password=secret`);
    await expect.poll(() => bus.isUp).toBe(true);
  });
});
