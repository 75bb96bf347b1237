import { parseArgs } from 'node:util';
import { DATABASES, type DatabaseName, type SubjectName, SUBJECTS } from './subject.js';

const FAMILIES = ['W1', 'W1p', 'W2', 'W3', 'W4', 'W5'] as const;
export type Family = (typeof FAMILIES)[number];

/** What is measured of several nodes, on what, and how many there may be. */
const NODE_FAMILIES = ['W1', 'W1p', 'W2'] as const;
const NODE_DATABASES = ['mariadb', 'mysql'] as const;
const MOST_NODES = 8;

const HELP = `npm run bench -- [options]
  --work ${FAMILIES.join(',')}   what to measure (all; W1p measures W1 as well, for its peak)
  --on ${SUBJECTS.join(',')}
                              on what (all; with --compare ${DATABASES.join(',')})
  --compare REVISION          beside an older commit, or the folder of a checkout with its dependencies
  --nodes 1,2,3               what several nodes cost: so many on one database and one Redis, beside one without Redis
                              (--work ${NODE_FAMILIES.join(',')}; --on ${NODE_DATABASES.join(' or ')}; not with --compare)
  --pace 25%,750              W1p at these shares of the peak, and messages a second (10 to 90 %, and 750, 2,000 and 5,000 a second)
  --seconds 3                 length of each measurement
  --rounds 3                  repetitions (with --compare or --nodes 5)
  --scale 1                   1, 10 or 100 times the stored users, groups and messages
  --million                   W4 on a chat of 1,000,000 messages, too
  --json FILE                 where all figures of all rounds go (bench-results.json)`;

/** Several nodes. */
export interface NodesOptions {
  counts: number[];
  on: Exclude<DatabaseName, 'sqlite'>;
}

export interface Options {
  families: Family[];
  on: SubjectName[];
  compare: string | undefined;
  nodes: NodesOptions | undefined;
  paces: Pace[];
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

/** Undefined where they are not asked for. */
function nodesOf(values: {
  nodes?: string;
  on?: string;
  compare?: string;
  million: boolean;
}): NodesOptions | undefined {
  if (values.nodes === undefined) return undefined;
  if (values.compare !== undefined) throw new Error('--nodes measures this folder alone: leave --compare away');
  if (values.million) throw new Error('--million is about W4, which is not measured with --nodes');
  const counts = values.nodes.split(',').map(Number);
  if (!counts.every((count) => Number.isInteger(count) && count >= 1 && count <= MOST_NODES))
    throw new Error(`--nodes ${values.nodes}: not numbers of nodes from 1 to ${MOST_NODES}, with commas between them`);
  const on = chosen(NODE_DATABASES, values.on, ['mariadb']);
  if (on.length > 1) throw new Error(`--nodes measures on one database: --on ${NODE_DATABASES.join(' or ')}`);
  return { counts: [...new Set(counts)].sort((a, b) => a - b), on: on[0] };
}

/** Of W1p: messages a second, or percent of the peak. */
export type Pace = { perSecond: number } | { percent: number };

const paceOf = (given: string): Pace =>
  given.endsWith('%') ? { percent: positive('pace', given.slice(0, -1)) } : { perSecond: positive('pace', given) };

/** @returns the help where it was asked for */
export function readOptions(args: string[]): Options | string {
  const { values } = parseArgs({
    args,
    options: {
      work: { type: 'string' },
      on: { type: 'string' },
      compare: { type: 'string' },
      nodes: { type: 'string' },
      pace: { type: 'string', default: '10%,25%,50%,75%,90%,750,2000,5000' },
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
  const nodes = nodesOf(values);
  const families: readonly Family[] = nodes ? NODE_FAMILIES : FAMILIES;
  const isHeldAgainst = compare !== undefined || nodes !== undefined;
  return {
    families: chosen(families, values.work, families),
    on: nodes ? [nodes.on] : chosen<SubjectName>(SUBJECTS, values.on, compare === undefined ? SUBJECTS : DATABASES),
    compare,
    nodes,
    paces: values.pace.split(',').map(paceOf),
    seconds: positive('seconds', values.seconds),
    rounds: Math.ceil(positive('rounds', values.rounds ?? (isHeldAgainst ? '5' : '3'))),
    scale: positive('scale', values.scale),
    isMillion: values.million,
    json: values.json,
  };
}
