import { setTimeout as sleep } from 'node:timers/promises';
import { between } from '../../client/src/testing/random.js';
import { RedisClusterServers } from '../support/redis-cluster.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import type { PrivateRedis, RedisServer } from '../support/redis-server.js';

const SLOTS = 16_384;

/** What may happen to a part of Redis, and what it is called. */
interface Breakage {
  readonly what: string;
  happen(): Promise<void>;
}

/** What may happen to one of several servers of Redis; nothing where there is one, which is killed and paused as a whole. */
export function redisFaults(redis: PrivateRedis, random: () => number): (() => Promise<Breakage>)[] {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)];
  const killed = (server: RedisServer, name: string): Breakage => {
    const pause = between(random, [0, 6_000]);
    return {
      what: `${name} ${server.port} killed, started again empty after ${pause} ms`,
      async happen() {
        await server.stop();
        await sleep(pause);
        await redis.mend();
      },
    };
  };
  const paused = (server: RedisServer, name: string): Breakage => {
    const pause = between(random, [200, 8_000]);
    return {
      what: `${name} ${server.port} paused for ${pause} ms`,
      async happen() {
        server.freeze();
        await sleep(pause);
        await redis.mend();
      },
    };
  };
  if (redis instanceof RedisSentinels)
    return [
      async () => killed(await redis.master(), 'the master of Redis'),
      async () => paused(await redis.master(), 'the master of Redis'),
      () => Promise.resolve(killed(pick(redis.sentinels), 'Sentinel')),
      () => Promise.resolve(paused(pick(redis.sentinels), 'Sentinel')),
    ];
  if (!(redis instanceof RedisClusterServers)) return [];
  return [
    () => Promise.resolve(killed(pick(redis.servers), 'Redis')),
    () => Promise.resolve(paused(pick(redis.servers), 'Redis')),
    async () => {
      const master = await redis.masterOfSlot(Math.floor(random() * SLOTS));
      const replica = await redis.replicaOf(master);
      return {
        what: `Redis ${replica.port} takes over from ${master.port}`,
        async happen() {
          await replica.ask(['CLUSTER', 'FAILOVER']);
          await redis.ready();
        },
      };
    },
    async () => {
      const to = await redis.masterOfSlot(Math.floor(random() * SLOTS));
      const slots = Array.from({ length: 10 }, () => Math.floor(random() * SLOTS));
      const news = await redis.masterOf('parley:nodes');
      return {
        what: `10 slots, and that of the news, go to Redis ${to.port}`,
        async happen() {
          for (const slot of slots) await redis.moveSlot(slot, to);
          if (news !== to) await redis.moveSlot(await to.ask<number>(['CLUSTER', 'KEYSLOT', 'parley:nodes']), to);
        },
      };
    },
  ];
}
