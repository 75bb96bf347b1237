/** Two people, in an order of which there is only one: who of them wrote to whom does not matter. */
export interface Pair {
  low: number;
  high: number;
}

export const pairOf = (one: number, other: number): Pair => ({ low: Math.min(one, other), high: Math.max(one, other) });

export const pairKey = ({ low, high }: Pair): string => `${low}:${high}`;
