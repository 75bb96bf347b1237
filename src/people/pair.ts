import type { ChatTargets } from '../domain-events/events.js';

/** Two people, in an order of which there is only one: who of them wrote to whom does not matter. */
export type Pair = ChatTargets['room'];

export const pairOf = (one: number, other: number): Pair => ({ low: Math.min(one, other), high: Math.max(one, other) });

export const pairKey = ({ low, high }: Pair): string => `${low}:${high}`;

/** The one of the two who is not this one. */
export const otherOf = ({ low, high }: Pair, userId: number): number => (userId === low ? high : low);
