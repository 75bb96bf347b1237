import { RedisClusterServers } from './redis-cluster.js';
import { RedisSentinels } from './redis-sentinels.js';
import { type PrivateRedis, RedisServer } from './redis-server.js';

/** Where nodes can hear each other. */
export const REDIS_KINDS = ['single', 'cluster', 'sentinel'] as const;
export const REDIS_TITLES = { single: 'one Redis', cluster: 'a Redis Cluster', sentinel: 'Redis with Sentinels' };
export type RedisKind = (typeof REDIS_KINDS)[number];

export function startRedis(kind: RedisKind): Promise<PrivateRedis> {
  if (kind === 'cluster') return RedisClusterServers.start();
  return kind === 'sentinel' ? RedisSentinels.start() : RedisServer.start();
}
