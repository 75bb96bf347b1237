import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock, seeded } from '../src/testing/index.js';

describe('the fake clock', () => {
  it('stands still until it is moved, and begins when it is told to', async () => {
    const clock = new FakeClock('2026-11-22T06:46:35.437Z');
    expect(clock.now()).toBe(Date.parse('2026-11-22T06:46:35.437Z'));
    await clock.pass(1_500);
    expect(clock.now()).toBe(Date.parse('2026-11-22T06:46:36.937Z'));
    expect(() => new FakeClock('tomorrow')).toThrow('This is no date: tomorrow');
  });

  it('runs timers in the order of their times, and those of one time in the order in which they were set', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20)), fc.array(fc.nat(9), { minLength: 1 }), async (delays, steps) => {
        const clock = new FakeClock(0);
        const ran: [at: number, number: number][] = [];
        delays.forEach((ms, i) => clock.after(ms, () => ran.push([clock.now(), i])));
        for (const ms of steps) await clock.pass(ms);
        const end = clock.now();
        const due = delays.flatMap((ms, i): [number, number][] => (ms <= end ? [[ms, i]] : []));
        expect(ran).toEqual(due.sort(([a, i], [b, j]) => a - b || i - j));
        expect(clock.waiting).toBe(delays.length - due.length);
      }),
    ));

  it('lets what follows from a timer happen before the next one', async () => {
    const clock = new FakeClock(0);
    const happened: string[] = [];
    const slowly = async (what: string): Promise<void> => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      happened.push(`${what} at ${clock.now()}`);
      if (what === 'one') clock.after(5, () => void slowly('another'));
    };
    clock.after(10, () => void slowly('one'));
    clock.after(10, () => void slowly('two'));
    clock.after(12, () => void slowly('three'));
    await clock.pass(20);
    expect(happened).toEqual(['one at 10', 'two at 10', 'three at 12', 'another at 15']);
  });

  it('does not run what was ended, also by an earlier timer of the same moment', async () => {
    const clock = new FakeClock(0);
    const ran: string[] = [];
    clock.after(5, () => {
      ran.push('first');
      end();
    });
    const end = clock.after(5, () => ran.push('never'));
    clock.after(-5, () => ran.push('now'));
    await clock.pass(0);
    expect(ran).toEqual(['now']);
    await clock.pass(10);
    expect(ran).toEqual(['now', 'first']);
    expect(clock.waiting).toBe(0);
  });

  it('passes on what a timer throws, and goes on', async () => {
    const clock = new FakeClock(0);
    clock.after(1, () => {
      throw new Error('a mistake');
    });
    let hasRun = false;
    clock.after(2, () => (hasRun = true));
    const [failed, next] = [clock.pass(5), clock.pass(5)];
    await expect(failed).rejects.toThrow('a mistake');
    await next;
    expect([hasRun, clock.now()]).toEqual([true, 6]);
  });

  it('says so where a timer begins itself again and again', async () => {
    const clock = new FakeClock(0, () => Promise.resolve());
    const again = (): void => void clock.after(0, again);
    again();
    await expect(clock.pass(1)).rejects.toThrow('A timer begins itself again');
  });

  it('draws the same numbers by the same seed', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seeded(seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    for (const number of draw(7)) expect(number >= 0 && number < 1).toBe(true);
  });
});
