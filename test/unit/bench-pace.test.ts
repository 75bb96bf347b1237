import fc from 'fast-check';
import { expect, it } from 'vitest';
import { atPace, dueAt, dueBy } from '../../bench/pace.js';

it('spreads messages evenly', () => {
  expect([0, 1, 2, 3].map((number) => dueAt(number, 2_000))).toEqual([0, 0.5, 1, 1.5]);
  expect(dueAt(750, 750)).toBe(1000);
});

it('says how many are due: all whose time has come, and no other', () => {
  expect([-1, 0, 0.4, 0.5, 1000].map((elapsed) => dueBy(elapsed, 2_000))).toEqual([0, 1, 1, 2, 2001]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 60_000, noNaN: true }),
      (pace, elapsed) => {
        const due = dueBy(elapsed, pace);
        expect(dueAt(due - 1, pace)).toBeLessThanOrEqual(elapsed);
        // One that is due to within rounding may count either way.
        expect(dueAt(due, pace)).toBeGreaterThan(elapsed - 1e-6);
      },
    ),
  );
});

it('sends each message once, in order, and none before it is due', async () => {
  const sent: number[] = [];
  await atPace(1_000, 50, (number, due) => {
    expect(performance.now()).toBeGreaterThanOrEqual(due);
    sent.push(number);
  });
  expect(sent).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

it('does not wait for anything: what could not leave in time keeps the time at which it was due', async () => {
  const dues: number[] = [];
  await atPace(1_000, 20, (number, due) => {
    dues.push(due);
    // The generator stands still, for longer than until the last one is due.
    for (const until = performance.now() + 40; number === 0 && performance.now() < until;);
  });
  for (const [i, due] of dues.entries()) expect(due - dues[0]).toBeCloseTo(i, 6);
});
