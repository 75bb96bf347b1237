import { ahead } from '../format.js';

/** So the server calls "until I turn it back on": a year for which nobody waits. */
export const FOR_GOOD = new Date('9999-01-01T00:00:00Z');

/** `Muted until 18:00`; `Muted`, for good. */
export const mutedWords = (until: string): string =>
  new Date(until) >= FOR_GOOD ? 'Muted' : `Muted until ${ahead(until)}`;
