// What is said about many numbers: percentiles of one round, the spread over several, and whether two builds differ.

/** Durations in milliseconds, and what is said about them. */
export class Durations {
  private readonly values: number[] = [];

  add(milliseconds: number): void {
    this.values.push(milliseconds);
  }

  get count(): number {
    return this.values.length;
  }

  /** The nearest-rank percentile; 0 of nothing. */
  percentile(percent: number): number {
    const sorted = this.values.toSorted((a, b) => a - b);
    // 99.9 % of 1,000 is 999.0000000000001 in floating point, and would be the worst of all.
    const rank = Math.ceil(Number(((percent / 100) * sorted.length).toFixed(6)));
    return sorted[Math.max(0, rank - 1)] ?? 0;
  }
}

/** Several rounds of one figure. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @param values one of each round, at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/** Round by round, since what a machine does in one minute it may not do in the next. Both have as many rounds. */
export const ratiosOf = (mine: readonly number[], theirs: readonly number[]): number[] =>
  mine.map((value, round) => value / theirs[round]);

/** Fewer rounds tell too little from chance. */
export const FEWEST_ROUNDS = 5;

export type Difference = 'more' | 'less' | 'within the spread' | 'too few rounds';

/**
 * Whether ratios of rounds are more than noise: all are on one side of 1, and their median is further away from it than half of
 * the distance between the least and the greatest. Of two equal builds, 6 % of the figures differ so by chance with three
 * rounds, 3 % with five, 1 % with seven.
 */
export function differenceOf(ratios: readonly number[]): Difference {
  if (ratios.length < FEWEST_ROUNDS) return 'too few rounds';
  const { median, min, max } = spreadOf(ratios);
  // Of nothing to nothing, such as the longest pause where there was none.
  if (!ratios.every(Number.isFinite)) return 'within the spread';
  const isOneSided = min > 1 || max < 1;
  if (!isOneSided || Math.abs(median - 1) <= (max - min) / 2) return 'within the spread';
  return median > 1 ? 'more' : 'less';
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
