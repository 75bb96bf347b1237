import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOf, Durations, ratiosOf, spreadOf } from '../../bench/stats.js';

const durations = (values: number[]): Durations => {
  const all = new Durations();
  for (const value of values) all.add(value);
  return all;
};
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('percentiles', () => {
  it('are values that were measured, by nearest rank', () => {
    const all = durations(upTo(1000).reverse());
    expect([50, 99, 99.9, 100].map((percent) => all.percentile(percent))).toEqual([500, 990, 999, 1000]);
    expect(durations([5, 1, 3]).percentile(50)).toBe(3);
    expect(durations([7]).percentile(99.9)).toBe(7);
    expect(durations([]).percentile(50)).toBe(0);
  });

  it('have at least that share of all at or below them, and less without them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { minLength: 1 }),
        fc.constantFrom(1, 50, 90, 99, 99.9, 100),
        (values, percent) => {
          const found = durations(values).percentile(percent);
          const needed = (percent / 100) * values.length - 1e-6;
          expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(needed);
          expect(values.filter((value) => value < found).length).toBeLessThan(needed);
        },
      ),
    );
  });
});

describe('the spread of rounds', () => {
  it('is the middle one, the least and the greatest, whatever their order', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spreadOf([10, 9, 100])).toEqual({ median: 10, min: 9, max: 100 });
  });

  it('of ratios is taken round by round, so that a machine that slows down for all is no difference', () => {
    expect(ratiosOf([20, 10, 4], [10, 5, 2])).toEqual([2, 2, 2]);
  });
});

describe('a difference', () => {
  it('is one where all rounds agree, and by more than they differ among themselves', () => {
    expect(differenceOf([1.1, 1.12, 1.11, 1.09, 1.1])).toBe('more');
    expect(differenceOf([0.9, 0.91, 0.92, 0.9, 0.9])).toBe('less');
  });

  it('is none where one round says the opposite', () => {
    expect(differenceOf([1.5, 1.6, 0.99, 1.5, 1.6])).toBe('within the spread');
    expect(differenceOf([1, 1, 1, 1, 1])).toBe('within the spread');
  });

  it('is none where rounds agree about the side alone', () => {
    expect(differenceOf([1.01, 1.02, 1.02, 1.03, 1.6])).toBe('within the spread');
  });

  it('is not told from few rounds, nor from nothing', () => {
    expect(differenceOf([2, 2, 2, 2])).toBe('too few rounds');
    expect(differenceOf(ratiosOf([0, 1, 1, 1, 1], [0, 2, 2, 2, 2]))).toBe('within the spread');
    expect(differenceOf(ratiosOf([1, 1, 1, 1, 1], [0, 0, 0, 0, 0]))).toBe('within the spread');
  });

  it('is rarely seen between equals', () => {
    // A generator with a seed: the same numbers in every run.
    let state = 1;
    const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
    const noise = (): number => 0.05 * (random() + random() + random() - 1.5);
    const trials = 4_000;
    const differ = (rounds: number): number =>
      Array.from({ length: trials }, () => differenceOf(upTo(rounds).map(() => (1 + noise()) / (1 + noise())))).filter(
        (difference) => difference !== 'within the spread',
      ).length / trials;
    expect(differ(5)).toBeLessThan(0.05);
    expect(differ(7)).toBeLessThan(0.015);
  });
});
