// npm run bench: Parley beside raw Socket.IO and raw ws, in one call, as ratios. `npm run bench -- --help` lists what can be chosen.
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { GENERATOR_CORE, isPinned, pin } from './cpu.js';
import { loadOf, median, type Row, table } from './report.js';
import type { Population } from './seed.js';
import { Subject, type SubjectName, SUBJECTS } from './subjects.js';
import { direct, paced } from './workloads/direct.js';
import { group } from './workloads/group.js';
import { CLIENTS, history } from './workloads/history.js';
import { connect, idle } from './workloads/idle.js';

const HELP = `npm run bench -- [options]
  --work W1,W1p,W2,W3,W4,W5   what to measure (all)
  --on ${SUBJECTS.join(',')}   on what (all; ratios need socket.io)
  --seconds 3                 length of each measurement
  --rounds 3                  repetitions; the middle one counts
  --scale 1                   1, 10 or 100 times the stored users, groups and messages
  --million                   W4 on a chat of 1,000,000 messages, too
  --json FILE                 where the figures go (bench-results.json)`;

const { values: given } = parseArgs({
  options: {
    work: { type: 'string', default: 'W1,W1p,W2,W3,W4,W5' },
    on: { type: 'string', default: SUBJECTS.join(',') },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    million: { type: 'boolean', default: false },
    json: { type: 'string', default: 'bench-results.json' },
    help: { type: 'boolean', default: false },
  },
});
const works = given.work.split(',');
const on = SUBJECTS.filter((name) => given.on.split(',').includes(name));
const [seconds, rounds, scale] = [given.seconds, given.rounds, given.scale].map(Number);

/** Connections of W3. */
const IDLE = 5_000;
/** Connections of W5. */
const COMING = 2_000;
const GROUP_SIZES = [200, 1_000];

const population = (longest: number): Population => ({
  users: 5_000 * scale,
  sockets: IDLE,
  // Of the first 5,000 users, each is in 20.
  groups: 500 * scale,
  membersPerGroup: 200 / scale,
  history: longest,
  background: 20_000 * (scale - 1),
});

const rows: Row[] = [];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const named = (...names: string[]): boolean => names.some((name) => works.includes(name));

/** Each figure beside raw Socket.IO's for the same work. */
function withRatios(): Row[] {
  const baseOf = ({ work, unit }: Row): Row | undefined =>
    rows.find((row) => row.work === work && row.unit === unit && row.subject === 'socket.io');
  return rows.map((row) => ({ ...row, ratio: row.figure / (baseOf(row)?.figure ?? NaN) }));
}

/** The middle one of some repetitions. */
async function repeated(measure: () => Promise<Row[]>): Promise<void> {
  const all: Row[][] = [];
  for (let round = 0; round < rounds; round++) all.push(await measure());
  for (const i of all[0].keys()) rows.push(median(all.map((one) => one[i])));
}

async function w1(subject: Subject): Promise<void> {
  await repeated(async () => {
    const { window, rate, latency } = await direct(subject, seconds);
    return [
      {
        work: 'W1 direct',
        subject: subject.name,
        figure: rate,
        unit: 'messages/s',
        p50: latency.percentile(50),
        p99: latency.percentile(99),
        ...loadOf(window),
      },
    ];
  });
}

async function w1p(subject: Subject): Promise<void> {
  const peak = rows.find(({ work, subject: name }) => work === 'W1 direct' && name === subject.name);
  const pace = Math.floor((peak?.figure ?? (await direct(subject, seconds)).rate) / 2);
  await repeated(async () => {
    const { window, rate, latency } = await paced(subject, pace, seconds);
    const [p50, p99] = [latency.percentile(50), latency.percentile(99)];
    return [
      {
        work: 'W1p at half its peak',
        subject: subject.name,
        figure: rate,
        unit: 'messages/s',
        p50,
        p99,
        ...loadOf(window),
      },
    ];
  });
}

async function w2(subject: Subject, size: number): Promise<void> {
  await repeated(async () => {
    const busy = await group(subject, size, 16, seconds);
    const quiet = await group(subject, size, 1, seconds);
    const work = `W2 group of ${size}`;
    const latency = { p50: quiet.fanOut.percentile(50), p99: quiet.fanOut.percentile(99) };
    return [
      { work, subject: subject.name, figure: busy.rate, unit: 'deliveries/s', ...loadOf(busy.window) },
      { work, subject: subject.name, figure: busy.cpuPerDelivery, unit: 'µs CPU/delivery' },
      {
        work: `${work}, one in flight`,
        subject: subject.name,
        figure: quiet.rate,
        unit: 'deliveries/s',
        ...latency,
        ...loadOf(quiet.window),
        note: 'until the last member has it',
      },
    ];
  });
}

async function w3(subject: Subject): Promise<void> {
  const { held, resident } = await idle(subject, IDLE);
  const work = `W3 ${IDLE} idle`;
  rows.push({ work, subject: subject.name, figure: held / 1024, unit: 'KiB held/connection' });
  rows.push({ work, subject: subject.name, figure: resident / 1024, unit: 'KiB resident/connection' });
}

async function w4(subject: Subject, stored: number): Promise<void> {
  await repeated(async () => {
    const { window, rate, latency } = await history(subject, seconds);
    return [
      {
        work: `W4 last 100 of ${stored}`,
        subject: subject.name,
        figure: rate,
        unit: 'requests/s',
        p50: latency.percentile(50),
        p99: latency.percentile(99),
        ...loadOf(window),
        note: `${CLIENTS} clients`,
      },
    ];
  });
}

async function w5(subject: Subject): Promise<void> {
  await repeated(async () => {
    const { window, rate, statements } = await connect(subject, COMING);
    return [
      {
        work: `W5 ${COMING} connect`,
        subject: subject.name,
        figure: rate,
        unit: 'connections/s',
        ...loadOf(window),
        note: statements === undefined ? '' : `${statements.toFixed(1)} statements each`,
      },
    ];
  });
}

/** Starts a server, measures on it, and stops it. */
async function serving(
  name: SubjectName,
  longest: number,
  measure: (subject: Subject) => Promise<void>,
): Promise<void> {
  const subject = await Subject.start(name, population(longest));
  if (!subject) return say(`${name} is not on this machine: skipped.`);
  try {
    await measure(subject);
  } finally {
    await subject.stop();
  }
}

async function measureOn(name: SubjectName): Promise<void> {
  const isParley = name === 'sqlite' || name === 'mariadb' || name === 'mysql';
  say(`… ${name}`);
  if (named('W1', 'W1p', 'W2', 'W4'))
    await serving(name, 20_000, async (subject) => {
      if (named('W1')) await w1(subject);
      if (named('W1p') && isParley) await w1p(subject);
      if (named('W2') && name !== 'socket.io-relay') for (const size of GROUP_SIZES) await w2(subject, size);
      if (named('W4') && isParley) await w4(subject, 20_000);
    });
  // On processes of their own: memory is measured on a fresh one, and thousands who have just gone are work for a while.
  if (named('W3') && name !== 'socket.io-relay') await serving(name, 0, w3);
  if (named('W5') && (isParley || name === 'socket.io')) await serving(name, 0, w5);
  if (named('W4') && isParley && given.million) await serving(name, 1_000_000, (subject) => w4(subject, 1_000_000));
}

if (given.help) {
  say(HELP);
} else {
  pin(process.pid, GENERATOR_CORE);
  if (!isPinned) say('No taskset, or one core: nothing is pinned, and all share what there is.');
  for (const name of on) await measureOn(name);
  rows.sort((a, b) => a.work.localeCompare(b.work, 'en', { numeric: true }) || a.unit.localeCompare(b.unit));
  say(`\n${table(withRatios())}`);
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, isPinned };
  writeFileSync(given.json, `${JSON.stringify({ machine, options: given, rows: withRatios() }, null, 2)}\n`);
  say(`\nWritten to ${given.json}.`);
}
