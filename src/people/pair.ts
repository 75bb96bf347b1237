import type { ChatTargets } from '../domain-events/events.js';

/** Two users, the lower id first: the same pair, whichever of them wrote to the other. */
export type Pair = ChatTargets['room'];

export const pairOf = (one: number, other: number): Pair => ({ low: Math.min(one, other), high: Math.max(one, other) });

export const pairKey = ({ low, high }: Pair): string => `${low}:${high}`;

/** The other one of the two. */
export const otherOf = ({ low, high }: Pair, userId: number): number => (userId === low ? high : low);
