import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisBus } from '../../src/cluster/redis/redis-bus.js';
import { SharedRates } from '../../src/cluster/shared-rates.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { Windows } from '../../src/common/limits/windows.js';
import { Metrics } from '../../src/common/metrics.js';
import { loadConfig } from '../../src/config/config.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';

describe.skipIf(!hasRedis)('rates on several nodes', () => {
  let redis: RedisServer;
  let nodes: { bus: RedisBus; rates: SharedRates; limits: RateLimits }[] = [];

  const start = async (): Promise<RateLimits> => {
    const config = loadConfig({
      REDIS_URL: redis.url,
      DATABASE_URL: 'mysql://x@127.0.0.1/x',
      SMTP_URL: 'smtp://127.0.0.1',
      JWT_SECRET: 'a secret for tests, longer than 32 bytes',
    });
    const bus = await RedisBus.open(config.redisUrl!, config.redisPrefix);
    const limits = new RateLimits(config, new Metrics(config));
    const rates = new SharedRates(bus, limits, config);
    rates.onApplicationBootstrap();
    nodes.push({ bus, rates, limits });
    return limits;
  };
  const end = async (limits: RateLimits): Promise<void> => {
    const node = nodes.find((one) => one.limits === limits)!;
    nodes = nodes.filter((one) => one !== node);
    await node.rates.beforeApplicationShutdown();
    node.bus.onApplicationShutdown();
  };
  /** Of a window that is longer than a test on a slow machine. */
  const used = (limits: RateLimits): number => limits.windows('wrongPassword').used('7');
  const take = (limits: RateLimits, points: number): void => limits.windows('wrongPassword').take('7', points);
  /** More than it could have taken itself: takes one more until it has heard of so many. */
  const hears = async (limits: RateLimits, points: number): Promise<void> => {
    await expect
      .poll(() => (take(limits, 1), used(limits)), { interval: 300, timeout: 30_000 })
      .toBeGreaterThanOrEqual(points);
  };
  const keys = (): Promise<string[]> => redis.ask<string[]>(['KEYS', '*rate:*']);

  beforeEach(async () => {
    redis = await RedisServer.start();
  });
  afterEach(async () => {
    for (const { limits } of nodes) await end(limits);
    await redis.stop();
  });

  it('are decided by what all have counted, a moment later', async () => {
    const [a, b] = [await start(), await start()];
    take(a, 6_000);
    // Whoever has counted nothing of it learns the total with the first that it counts.
    await hears(b, 6_001);
    take(b, 9_000);
    await hears(a, 15_001);
    const attempt = a.passwordAttempt('ada@example.com', '7', () => Promise.resolve(true));
    await expect(attempt).rejects.toThrow('Too many attempts.');
  });

  it('tell Redis no name of whom they count, and leave nothing there for longer than they count', async () => {
    const a = await start();
    const isRight = (): Promise<boolean> => Promise.resolve(false);
    await a.loginAttempt('ada@example.com', '203.0.113.7', isRight);
    expect(a.mayMail('forgot', 'ada@example.com')).toBe(true);
    await expect.poll(async () => (await keys()).length).toBe(3);
    for (const key of await keys()) {
      expect(key).toMatch(/^parley:rate:[\w-]{22}$/);
      const left = await redis.ask<number>(['PTTL', key]);
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(3_600_000);
    }
  });

  it('forget and give back on all nodes', async () => {
    const [a, b] = [await start(), await start()];
    const [email, network] = ['ada@example.com', '203.0.113.7'];
    const attempt = (limits: RateLimits, right: boolean): Promise<boolean> =>
      limits.passwordAttempt(email, network, () => Promise.resolve(right));
    for (let i = 0; i < 9; i++) await attempt(a, false);
    await attempt(b, false);
    await expect
      .poll(() =>
        attempt(b, false).then(
          () => 'checked',
          (error: Error) => error.message,
        ),
      )
      .toMatch(/^Too many attempts/);
    b.forgetAttempts(email, network);
    await expect.poll(async () => (await keys()).length).toBe(1);
    expect(await attempt(b, true)).toBe(true);
  });

  const areUp = async (isUp: boolean): Promise<void> => {
    await expect.poll(() => nodes.map(({ bus }) => bus.isUp), { timeout: 30_000 }).toEqual([isUp, isUp]);
  };

  it('go on on each node while Redis stands still, and together once it goes on', { timeout: 90_000 }, async () => {
    const [a, b] = [await start(), await start()];
    take(a, 1_000);
    await hears(b, 1_001);
    redis.freeze();
    take(a, 40);
    take(b, 40);
    expect(used(a)).toBeGreaterThanOrEqual(1_040);
    expect(used(b)).toBeGreaterThanOrEqual(1_041);
    await areUp(false);
    take(a, 5_000);
    redis.thaw();
    await areUp(true);
    // What was under way when it stood still may count or not; what came since does.
    await hears(b, 6_001);
  });

  it('keep what each node knows where Redis comes back empty', { timeout: 90_000 }, async () => {
    const [a, b] = [await start(), await start()];
    take(a, 5_000);
    await hears(b, 5_001);
    await redis.kill();
    await redis.run();
    await areUp(true);
    await expect.poll(async () => (take(a, 1), (await keys()).length), { timeout: 30_000 }).toBe(1);
    expect(used(a)).toBeGreaterThanOrEqual(5_000);
  });

  it('are known to a node that starts again', async () => {
    const a = await start();
    take(a, 5_000);
    await end(a);
    const again = await start();
    await hears(again, 5_001);
    expect(used(again)).toBeLessThan(6_000);
  });
});

describe('windows that are shared', () => {
  const shared = (points = 10, seconds = 60, maxKeys?: number): Windows => {
    const windows = new Windows(points, seconds, maxKeys);
    windows.share();
    return windows;
  };

  it('tell each change once, and what gives itself back not at all', () => {
    const windows = shared();
    windows.take('a', 2);
    windows.take('a');
    windows.take('b');
    windows.giveBack('b');
    expect(windows.takeUnsent(10)).toEqual([{ key: 'a', points: 3, isForgotten: false, endsInMs: expect.any(Number) }]);
    expect(windows.takeUnsent(10)).toEqual([]);
  });

  it('count on what they know themselves, and what came since', () => {
    const windows = shared();
    windows.take('a', 4);
    windows.takeUnsent(10);
    windows.take('a', 1);
    windows.heard('a', 7, 1_000);
    expect(windows.used('a')).toBe(8);
    expect(windows.endsIn('a')).toBeLessThanOrEqual(1_000);
    // Redis has lost the beginning: neither the count nor its end is put off.
    windows.heard('a', 1, 60_000);
    expect(windows.used('a')).toBe(5);
    expect(windows.endsIn('a')).toBeLessThanOrEqual(1_000);
    // It was forgotten meanwhile.
    windows.forget('a');
    windows.heard('a', 9, 1_000);
    expect(windows.used('a')).toBe(0);
  });

  it('hold back what hardly counts, for a second or until it is much', () => {
    const windows = shared(1_000);
    windows.take('a', 9);
    expect(windows.takeUnsent(10)).toEqual([]);
    windows.take('a');
    expect(windows.takeUnsent(10)).toMatchObject([{ points: 10 }]);
    windows.take('a');
    expect(windows.takeUnsent(10, true)).toMatchObject([{ points: 1 }]);
  });

  it('keep no more than their number while nobody fetches it', () => {
    const windows = shared(10, 60, 3);
    for (let i = 0; i < 10; i++) windows.take(`key ${i}`);
    for (let i = 0; i < 10; i++) windows.forget(`other ${i}`);
    expect(windows.takeUnsent(100).length).toBeLessThanOrEqual(3);
    expect(windows.size).toBeLessThanOrEqual(3);
  });
});
