import { parseArgs } from 'node:util';
import { DATABASES, type SubjectName, SUBJECTS } from './subject.js';

const FAMILIES = ['W1', 'W1p', 'W2', 'W3', 'W4', 'W5'] as const;
export type Family = (typeof FAMILIES)[number];

const HELP = `npm run bench -- [options]
  --work ${FAMILIES.join(',')}   what to measure (all; W1p measures W1 as well, for its peak)
  --on ${SUBJECTS.join(',')}
                              on what (all; with --compare ${DATABASES.join(',')})
  --compare REVISION          beside an older commit, or the folder of a checkout with its dependencies
  --seconds 3                 length of each measurement
  --rounds 3                  repetitions (with --compare 5)
  --scale 1                   1, 10 or 100 times the stored users, groups and messages
  --million                   W4 on a chat of 1,000,000 messages, too
  --json FILE                 where all figures of all rounds go (bench-results.json)`;

export interface Options {
  families: Family[];
  on: SubjectName[];
  compare: string | undefined;
  seconds: number;
  rounds: number;
  scale: number;
  isMillion: boolean;
  json: string;
}

/** Those of `known` that are named; one that is not known is a mistake. */
function chosen<T extends string>(known: readonly T[], given: string | undefined, all: readonly T[]): T[] {
  if (given === undefined) return [...all];
  const names = given.split(',');
  const wrong = names.filter((name) => !known.some((one) => one === name));
  if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: not one of ${known.join(', ')}`);
  return known.filter((name) => names.includes(name));
}

function positive(name: string, given: string): number {
  const value = Number(given);
  if (!(value > 0)) throw new Error(`--${name} ${given}: not a number above 0`);
  return value;
}

/** @returns the help where it was asked for */
export function readOptions(args: string[]): Options | string {
  const { values } = parseArgs({
    args,
    options: {
      work: { type: 'string' },
      on: { type: 'string' },
      compare: { type: 'string' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string' },
      scale: { type: 'string', default: '1' },
      million: { type: 'boolean', default: false },
      json: { type: 'string', default: 'bench-results.json' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return HELP;
  const { compare } = values;
  return {
    families: chosen(FAMILIES, values.work, FAMILIES),
    on: chosen<SubjectName>(SUBJECTS, values.on, compare === undefined ? SUBJECTS : DATABASES),
    compare,
    seconds: positive('seconds', values.seconds),
    rounds: Math.ceil(positive('rounds', values.rounds ?? (compare === undefined ? '3' : '5'))),
    scale: positive('scale', values.scale),
    isMillion: values.million,
    json: values.json,
  };
}
