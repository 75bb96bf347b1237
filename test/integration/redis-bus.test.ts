import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisBus } from '../../src/cluster/redis/redis-bus.js';
import { parseRedisUrl } from '../../src/config/redis-url.js';
import { REDIS_KINDS, REDIS_TITLES, startRedis } from '../support/redis-kinds.js';
import { hasRedis, type PrivateRedis, RedisServer } from '../support/redis-server.js';

describe.skipIf(!hasRedis).each(REDIS_KINDS.map((kind) => [REDIS_TITLES[kind], kind] as const))(
  'news between nodes over %s',
  (_, kind) => {
    let redis: PrivateRedis;
    let buses: RedisBus[] = [];

    const open = async (prefix = 'test:'): Promise<RedisBus> => {
      const bus = await RedisBus.open(parseRedisUrl(redis.url), prefix);
      buses.push(bus);
      bus.onApplicationBootstrap();
      return bus;
    };
    const both = async (): Promise<[RedisBus, RedisBus]> => {
      const [a, b] = [await open(), await open()];
      await expect.poll(() => [a.nodes(), b.nodes()]).toEqual([[b.nodeId], [a.nodeId]]);
      return [a, b];
    };

    /** Nodes that listen to the channel of this room. */
    const listeners = async (room: string): Promise<number> => {
      const channel = `test:room:${room}`;
      return (await redis.askOf<[string, number]>(channel, ['PUBSUB', 'SHARDNUMSUB', channel]))[1];
    };

    beforeEach(async () => {
      redis = await startRedis(kind);
    });
    afterEach(async () => {
      for (const bus of buses) bus.onApplicationShutdown();
      buses = [];
      await redis.stop();
    });

    it('reach all others, or the one that is named, in order', async () => {
      const [a, b] = await both();
      const c = await open();
      await expect.poll(() => a.nodes().length).toBe(2);
      const heard: unknown[] = [];
      b.on('x', (data, from) => void heard.push(['b', data, from]));
      c.on('x', (data, from) => void heard.push(['c', data, from]));
      for (let i = 0; i < 100; i++) a.tell('x', i, b.nodeId);
      a.tell('x', 'all');
      await expect.poll(() => heard.length).toBe(102);
      const ofB = heard.filter((one) => (one as unknown[])[0] === 'b');
      expect(ofB).toEqual([...Array(100).keys(), 'all'].map((data) => ['b', data, a.nodeId]));
    });

    it('are not given to a node that still starts, which hears them already', async () => {
      const [a, b] = await both();
      const starting = await RedisBus.open(parseRedisUrl(redis.url), 'test:');
      buses.push(starting);
      const heard: unknown[] = [];
      starting.on('x', (data) => void heard.push(data));
      await expect.poll(() => starting.nodes().length).toBe(2);
      a.tell('x', 'for all');
      await expect.poll(() => heard).toEqual(['for all']);
      expect([a.nodes(), b.nodes()]).toEqual([[b.nodeId], [a.nodeId]]);
      starting.onApplicationBootstrap();
      await expect.poll(() => [a.nodes().length, b.nodes().length]).toEqual([2, 2]);
    });

    it('are not heard by another community on the same Redis', async () => {
      const [a] = await both();
      const stranger = await open('other:');
      const heard: unknown[] = [];
      stranger.on('x', (data) => void heard.push(data));
      expect(await a.tellAndWait('x', 1, 2_000)).toBe(true);
      expect([heard, stranger.nodes()]).toEqual([[], []]);
    });

    it('are confirmed once the listeners of all are done, or the time is up, or a node says goodbye', async () => {
      const [a, b] = await both();
      let release = (): void => undefined;
      let began = 0;
      b.on('x', () => {
        began++;
        return new Promise<void>((resolve) => (release = resolve));
      });
      let isDone = false;
      const done = a.tellAndWait('x', 1, 60_000).then((byAll) => (isDone = byAll));
      await expect.poll(() => began).toBe(1);
      await sleep(100);
      expect(isDone).toBe(false);
      release();
      expect(await done).toBe(true);
      expect(await a.tellAndWait('x', 2, 50)).toBe(false);
      const third = a.tellAndWait('x', 3, 60_000);
      await expect.poll(() => began).toBe(3);
      b.onApplicationShutdown();
      expect(await third).toBe(true);
      expect(a.nodes()).toEqual([]);
      // Nothing follows the goodbye: a node that was heard again, and then no more, would pass for one that was killed.
      b.tell('x', 4);
      await sleep(300);
      expect(a.nodes()).toEqual([]);
    });

    it('survive a listener that fails, and say so to nobody', async () => {
      const [a, b] = await both();
      b.on('x', () => {
        throw new Error('no');
      });
      expect(await a.tellAndWait('x', 1, 60_000)).toBe(true);
    });

    it.each(['killed', 'paused'])('stop without waiting while Redis is %s, and go on after it', async (how) => {
      const [a, b] = await both();
      let missed = 0;
      b.onMissed(() => missed++);
      const heard: unknown[] = [];
      b.on('x', (data) => void heard.push(data));
      if (how === 'killed') await redis.kill();
      else redis.freeze();
      await expect.poll(() => a.isUp || b.isUp).toBe(false);
      const began = performance.now();
      for (let i = 0; i < 100_000; i++) a.tell('x', 'x'.repeat(1_000));
      expect(await a.tellAndWait('x', 1, 60_000)).toBe(false);
      // Not one of them is kept or waited for.
      expect(performance.now() - began).toBeLessThan(30_000);
      expect(a.dropped).toBeGreaterThanOrEqual(100_001);
      const before = missed;
      if (how === 'killed') await redis.run();
      else redis.thaw();
      await expect.poll(() => a.isUp && b.isUp && a.nodes().length === 1).toBe(true);
      await expect.poll(() => missed).toBeGreaterThan(before);
      await expect.poll(() => a.tellAndWait('x', 'after', 5_000)).toBe(true);
      expect(heard.at(-1)).toBe('after');
    });

    it('bound what is under way when Redis hangs, before that is noticed', async () => {
      const [a] = await both();
      redis.freeze();
      for (let i = 0; i < 100; i++) a.tell('x', 'x'.repeat(1_000_000));
      expect(a.dropped).toBeGreaterThan(70);
      redis.thaw();
    });

    it('tell of a gap', async () => {
      const [a, b] = await both();
      let missed = 0;
      b.onMissed(() => missed++);
      a.tell('x', 1);
      await redis.askOf('test:nodes', ['SPUBLISH', 'test:nodes', JSON.stringify([[a.nodeId, 1_000, 'x', 1]])]);
      await expect.poll(() => missed).toBeGreaterThanOrEqual(1);
    });

    it('tell afterwards of what could not be carried, though those who missed it were never cut off', async () => {
      const [a, b] = await both();
      let missed = 0;
      b.onMissed(() => missed++);
      // Too much at once.
      for (let i = 0; i < 100; i++) a.carrier.send('one', 'x'.repeat(1_000_000));
      expect(a.dropped).toBeGreaterThan(0);
      await expect.poll(() => missed, { timeout: 10_000 }).toBeGreaterThan(0);
      // And not for ever. What it says each second may have been among it.
      await sleep(2_500);
      const before = [a.dropped, missed];
      await sleep(2_500);
      expect([a.dropped, missed]).toEqual(before);
    });

    it('carry packets to those who listen to the channel, also after Redis was away', async () => {
      const [a, b] = await both();
      const texts: string[] = [];
      b.carrier.onArrival((text) => void texts.push(text));
      await Promise.all([b.carrier.listen('one'), b.carrier.listen('one'), b.carrier.listen('two')]);
      a.carrier.send('one', '1');
      a.carrier.send('other', '2');
      a.carrier.send('two', '3');
      // In a cluster, channels on different servers have no common order.
      await expect.poll(() => texts.toSorted()).toEqual(['1', '3']);
      b.carrier.unlisten('two');
      await expect.poll(() => listeners('two')).toBe(0);
      await redis.kill();
      await expect.poll(() => a.isUp || b.isUp).toBe(false);
      // Nobody waits for what cannot be had now.
      await b.carrier.listen('late');
      await redis.run();
      await expect.poll(() => a.isUp && b.isUp).toBe(true);
      await b.carrier.listen('late');
      for (const room of ['late', 'one']) await expect.poll(() => listeners(room)).toBe(1);
      for (const channel of ['one', 'late', 'two']) a.carrier.send(channel, channel);
      await expect.poll(() => texts.slice(2).toSorted()).toEqual(['late', 'one']);
    });
  },
);

describe.skipIf(!hasRedis)('a start with a REDIS_URL that leads elsewhere', () => {
  let redis: RedisServer;
  const open = (url: string): Promise<RedisBus> => RedisBus.open(parseRedisUrl(url), 'test:');

  beforeEach(async () => {
    redis = await RedisServer.start();
  });
  afterEach(() => redis.stop());

  it('refuses a wrong password, in a sentence', async () => {
    await redis.ask(['CONFIG', 'SET', 'requirepass', 'secret']);
    await expect(open(redis.url)).rejects.toThrow(/Redis refuses the user or the password in REDIS_URL/);
  });

  it('refuses a database that Redis does not have', async () => {
    await expect(open(`${redis.url}/99`)).rejects.toThrow(/Redis has no database of the number/);
  });

  it('refuses several addresses that are of no Redis Cluster', async () => {
    await expect(open(`${redis.url},127.0.0.1:${redis.port}`)).rejects.toThrow(/are not of a Redis Cluster/);
  });

  it('refuses a Redis that is no Sentinel', async () => {
    await expect(open(`redis+sentinel://127.0.0.1:${redis.port}/x`)).rejects.toThrow(/is no Sentinel/);
  });
});
