// What makes figures worth less than they look.
import { each, type Reading } from './figures.js';
import { warnDuring } from './machine.js';

/** From here on the generator may be what is measured. */
const SATURATED = 0.9;
/** A message that leaves later than this says more about the generator than about the server. */
const LATE_MS = 1;

/** One sentence for each work and kind, naming the subjects. */
export function warningsOf(readings: Reading[]): string[] {
  return each(readings, 'work').flatMap((work) => {
    const rounds = readings.filter((reading) => reading.work === work);
    const worst = (name: 'others' | 'stolen'): number => Math.max(...rounds.map(({ figures }) => figures[name] ?? 0));
    const those = (name: 'generator' | 'sent late ms', limit: number): string[] =>
      each(
        rounds.filter(({ figures }) => (figures[name] ?? 0) >= limit),
        'subject',
      );
    const busy = warnDuring(work, { others: worst('others'), stolen: worst('stolen') });
    const saturated = those('generator', SATURATED);
    const late = those('sent late ms', LATE_MS);
    return [
      ...(busy === undefined ? [] : [busy]),
      ...(saturated.length === 0
        ? []
        : [`${work}: the generator was saturated on ${saturated.join(', ')}; a faster one might get more.`]),
      ...(late.length === 0
        ? []
        : [`${work}: the generator sent late on ${late.join(', ')}; its delay is in the latency.`]),
    ];
  });
}
