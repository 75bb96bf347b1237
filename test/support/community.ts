import { describe } from 'vitest';
import { NodeBus } from '../../src/cluster/node-bus.js';
import { emptyEnvironment, onServers, TestApp } from './app.js';
import { eventually } from './client.js';
import type { ServerKind } from './database-server.js';
import { REDIS_KINDS, REDIS_TITLES, type RedisKind, startRedis } from './redis-kinds.js';
import { hasRedis, type PrivateRedis } from './redis-server.js';

/** The same tests on MariaDB and on MySQL, where there is a Redis. */
export function onNodes(name: string, tests: (kind: ServerKind) => void): void {
  describe.skipIf(!hasRedis)('several nodes', () => onServers(name, tests));
}

/** The same, on MariaDB also over a Redis Cluster, and over Redis with Sentinels. */
export function onNodesOverEachRedis(name: string, tests: (kind: ServerKind, redis: RedisKind) => void): void {
  onNodes(name, (kind) => {
    const kinds = kind === 'mariadb' ? REDIS_KINDS : (['single'] as const);
    for (const redis of kinds) describe(`over ${REDIS_TITLES[redis]}`, () => tests(kind, redis));
  });
}

/** Several nodes of one community in this process, on one database, behind nothing. Rates are off unless `env` says otherwise. */
export class TestCommunity {
  private constructor(
    readonly nodes: TestApp[],
    readonly redis: PrivateRedis,
    readonly env: Record<string, string>,
    private readonly cleanUp: () => Promise<void>,
  ) {}

  static async start(
    kind: ServerKind,
    count = 2,
    given: Record<string, string> = {},
    redis: PrivateRedis | Promise<PrivateRedis> = startRedis('single'),
  ): Promise<TestCommunity> {
    return TestCommunity.over(await redis, kind, count, given);
  }

  private static async over(
    redis: PrivateRedis,
    kind: ServerKind,
    count: number,
    given: Record<string, string>,
  ): Promise<TestCommunity> {
    const { env, cleanUp } = await emptyEnvironment(kind);
    // Nothing listens at that port: tests of mails give a server of their own.
    const all = { ...env, REDIS_URL: redis.url, SMTP_URL: 'smtp://127.0.0.1:9', ...given };
    const community = new TestCommunity([], redis, all, cleanUp);
    for (let i = 0; i < count; i++) await community.add();
    return community;
  }

  /** One more node. */
  async add(): Promise<TestApp> {
    const node = await TestApp.startIn(this.env);
    this.nodes.push(node);
    await this.hearEachOther();
    return node;
  }

  /** Waits until they do. */
  async hearEachOther(): Promise<void> {
    const hears = (node: TestApp): boolean => {
      const bus = node.get(NodeBus);
      return bus.isUp && bus.nodes().length === this.nodes.length - 1;
    };
    await eventually(() => this.nodes.every(hears) || undefined, 'that all nodes hear each other', 60_000);
  }

  /** Waits until none does. */
  async hearNothing(): Promise<void> {
    const isDeaf = (node: TestApp): boolean => !node.get(NodeBus).isUp;
    await eventually(() => this.nodes.every(isDeaf) || undefined, 'that no node hears another', 60_000);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.app.close();
    await this.redis.stop();
    await this.cleanUp();
  }
}
