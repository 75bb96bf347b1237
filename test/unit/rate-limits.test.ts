import { describe, expect, it } from 'vitest';
import type { RateLimited } from '../../src/common/errors.js';
import { ListTurns } from '../../src/common/limits/list-turns.js';
import { RateLimits } from '../../src/common/limits/rate-limits.js';
import { Windows } from '../../src/common/limits/windows.js';
import { Metrics } from '../../src/common/metrics.js';
import { loadConfig } from '../../src/config/config.js';

const limits = (env: Record<string, string> = {}) => {
  const config = loadConfig(env);
  return new RateLimits(config, new Metrics(config));
};
const wrong = () => Promise.resolve(false);
/** How many of `attempts` are let through. */
async function letThrough(attempts: Iterable<() => Promise<boolean>>): Promise<number> {
  let passed = 0;
  for (const attempt of attempts)
    await attempt().then(
      () => passed++,
      () => undefined,
    );
  return passed;
}

describe('rate limits', () => {
  it('keep a bounded number of keys, however many accounts one network tries', async () => {
    const some = limits();
    const attempts = Array.from(
      { length: 20_000 },
      (_, i) => () => some.loginAttempt(`a${i}@b.c`, '198.51.100.7', wrong),
    );
    expect(await letThrough(attempts)).toBe(100);
    expect(some.size).toBeLessThanOrEqual(101);
  });

  it('keep nothing of what the server was too busy to check', async () => {
    const some = limits();
    const busy = () => some.loginAttempt('a@b.c', '2001:db8::/64', () => Promise.reject(new Error('busy')));
    await expect(busy()).rejects.toThrow('busy');
    expect(some.size).toBe(0);
  });

  it('allow the networks of one site ten times as much as one of them', async () => {
    const some = limits();
    const from = (network: number, account: string) => () =>
      some.passwordAttempt(account, `2001:db8:1:${network.toString(16)}::/64`, wrong);
    expect(await letThrough(Array.from({ length: 300 }, (_, i) => from(i, 'one account')))).toBe(100);
    expect(await letThrough(Array.from({ length: 2_000 }, (_, i) => from(1_000 + i, `account ${i}`)))).toBe(900);
    // Another site has its own.
    expect(await letThrough([() => some.passwordAttempt('x', '2001:db8:2::/64', wrong)])).toBe(1);
  });

  it('use up nothing of one count where another refuses', () => {
    const some = limits({ REGISTRATIONS_PER_HOUR: '200' });
    for (let i = 0; i < 100; i++) some.registration('198.51.100.7');
    for (let i = 0; i < 100; i++) expect(() => some.registration('198.51.100.7')).toThrow();
    for (let i = 0; i < 50; i++) some.registration('198.51.100.8');
    expect(() => some.registration('198.51.100.8')).toThrow();
  });

  it('leave registrations to others, however many networks one site has', () => {
    const some = limits();
    /** How many get through of 4,000 from 40 networks of a site. */
    const registered = (site: number): number => {
      let passed = 0;
      for (let i = 0; i < 4_000; i++) {
        try {
          some.registration(`2001:db8:${site}:${(i % 40).toString(16)}::/64`);
          passed++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'rate_limited' });
        }
      }
      return passed;
    };
    expect([1, 2, 3, 4].map(registered)).toEqual([500, 250, 125, 63]);
    // And to an IPv4 address.
    some.registration('198.51.100.7');
  });

  it('say how long to wait for a share of the registrations', () => {
    const some = limits({ REGISTRATIONS_PER_HOUR: '2' });
    some.registration('198.51.100.7');
    const waitOf = (network: string): number => {
      try {
        some.registration(network);
        return 0;
      } catch (error) {
        return (error as RateLimited).details.retry_after!;
      }
    };
    const almostAnHour = expect.toSatisfy((wait: number) => wait > 3_500 && wait <= 3_600);
    expect(waitOf('198.51.100.7')).toEqual(almostAnHour);
    // The last one is for anybody else.
    expect(waitOf('198.51.100.8')).toBe(0);
    expect(waitOf('198.51.100.9')).toEqual(almostAnHour);
  });
});

describe('lists', () => {
  it('begin one in each turn of the event loop', async () => {
    const turns = new ListTurns();
    let turn = 0;
    let ticking = setImmediate(function tick() {
      turn++;
      ticking = setImmediate(tick);
    });
    const begun = await Promise.all(
      Array.from({ length: 20 }, async () => {
        await turns.next();
        return turn;
      }),
    );
    clearImmediate(ticking);
    expect(new Set(begun).size).toBe(20);
  });
});

describe('a count in windows', () => {
  it('forgets the oldest where there are too many', () => {
    const windows = new Windows(1, 60, 3);
    for (const key of ['a', 'b', 'c', 'd']) windows.take(key);
    expect(windows.size).toBe(3);
    expect([...'abcd'].map((key) => windows.waitFor(key) > 0)).toEqual([false, true, true, true]);
  });

  it('begins anew once a window is over, and lets go of those that are', async () => {
    const windows = new Windows(1, 0.05);
    for (const key of ['a', 'b', 'c']) windows.take(key);
    const wait = windows.waitFor('a');
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(50);
    await expect.poll(() => windows.waitFor('c')).toBe(0);
    windows.take('d');
    expect(windows.size).toBe(1);
  });
});
