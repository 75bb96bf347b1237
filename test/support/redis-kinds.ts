import { RedisClusterServers } from './redis-cluster.js';
import { RedisSentinels } from './redis-sentinels.js';
import { type PrivateRedis, RedisServer } from './redis-server.js';

/** Where nodes can hear each other. */
export const REDIS_KINDS = ['single', 'cluster', 'sentinel'] as const;
export const REDIS_TITLES = { single: 'one Redis', cluster: 'a Redis Cluster', sentinel: 'Redis with Sentinels' };
export type RedisKind = (typeof REDIS_KINDS)[number];

/** @param certificates the folder of `makeCertificates`: it speaks nothing but TLS then */
export function startRedis(kind: RedisKind, certificates?: string): Promise<PrivateRedis> {
  if (kind === 'cluster') return RedisClusterServers.start(certificates === undefined ? {} : { certificates });
  return kind === 'sentinel'
    ? RedisSentinels.start(certificates)
    : RedisServer.start(undefined, undefined, certificates);
}
