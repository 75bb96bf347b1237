// Rounds: each subject in turn, A B A B …, so that a machine that changes meanwhile changes under all of them.
import { type Reading, roundsOf } from './figures.js';
import { spreadOf } from './stats.js';
import type { Subject } from './subject.js';
import { direct } from './workloads/direct.js';
import type { Workload } from './workloads/measure.js';

/** Only the one whose turn it is runs; it begins when what it had left to do is done. */
async function turn(subject: Subject, work: Workload, seconds: number): Promise<Reading['figures']> {
  subject.thaw();
  try {
    if (work.isFresh) await subject.restart();
    await subject.joined();
    await subject.quiet();
    const figures = await work.measure(subject, seconds);
    // In the middle of a transaction its database would find it gone, when both go on.
    await subject.quiet();
    return figures;
  } finally {
    subject.freeze();
  }
}

export async function inTurn(
  subjects: Subject[],
  work: Workload,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Reading[]> {
  const readings: Reading[] = [];
  const those = subjects.filter((subject) => work.suits(subject));
  for (let round = 0; round < rounds; round++)
    for (const subject of those) {
      const figures = await turn(subject, work, seconds);
      readings.push({ family: work.family, work: work.work, subject: subject.label, round, figures });
    }
  return readings;
}

/**
 * Messages a second that one took in W1, when that has been measured. Of two builds both count as the slower one: a faster one
 * would be punished with a faster pace.
 */
export const peaksOf =
  (readings: Reading[]) =>
  ({ name }: Subject): number => {
    const labels = new Set(
      readings.map(({ subject }) => subject).filter((label) => label === name || label.startsWith(`${name}@`)),
    );
    const peaks = [...labels].map((label) => spreadOf(roundsOf(readings, direct.work, label, 'messages/s')).median);
    return Math.min(...peaks);
  };
