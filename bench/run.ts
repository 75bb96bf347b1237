// npm run bench: Parley beside raw Socket.IO and raw ws, beside an older commit, or as several nodes, in turns. `npm run bench -- --help` lists what
// can be chosen; docs/performance.md says how to read what comes out.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type Build, buildOf, OWN } from './builds.js';
import { isInterrupted, undoAll, undoAtTheEnd, undoOnSignals } from './cleanup.js';
import { GENERATOR_CORE, isPinned, pin } from './cpu.js';
import { each, type Reading } from './figures.js';
import { baseline, pageOf, parley } from './launches.js';
import { machineBefore, warnBefore } from './machine.js';
import { costsOf, launches, nodeWorks } from './nodes.js';
import { type Options, readOptions } from './options.js';
import { comparison, familyTable } from './report.js';
import type { Population } from './seed.js';
import { BASELINES, DATABASES, type Launch, Subject } from './subject.js';
import { inTurn, peaksOf } from './turns.js';
import { warningsOf } from './warnings.js';
import { connect } from './workloads/connect.js';
import { direct } from './workloads/direct.js';
import { groups } from './workloads/group.js';
import { anyHistory, history } from './workloads/history.js';
import { idle, IDLE } from './workloads/idle.js';
import type { Workload } from './workloads/measure.js';
import { paced } from './workloads/paced.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const STORED = 20_000;
const MILLION = 1_000_000;

const population = (scale: number, stored: number): Population => ({
  users: 5_000 * scale,
  sockets: IDLE,
  // Of the first 5,000 users, each is in 20.
  groups: 500 * scale,
  membersPerGroup: 200 / scale,
  history: stored,
  background: STORED * (scale - 1),
});

async function started(launch: Launch): Promise<Subject> {
  say(`… ${launch.label}`);
  const subject = await Subject.start(launch);
  undoAtTheEnd(() => subject.stop());
  return subject;
}

/** One node without Redis, and each number of nodes, standing still as soon as it is there. */
async function startNodes({ nodes, scale }: Options): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for await (const launch of launches(nodes!, OWN, population(scale, STORED))) {
    const subject = await started(launch);
    subject.freeze();
    subjects.push(subject);
  }
  return subjects;
}

/** All that are chosen, each standing still until its turn comes. */
async function startAll({ on, scale }: Options, builds: Build[], stored: number): Promise<Subject[]> {
  const people = population(scale, stored);
  const subjects: Subject[] = [];
  const add = async (launch: Launch): Promise<void> => void subjects.push(await started(launch));
  for (const name of DATABASES.filter((database) => on.includes(database)))
    try {
      for (const build of builds) {
        const launch = await parley(build, name, people);
        if (launch) await add(launch);
        else say(`${name} is not on this machine: skipped.`);
      }
    } catch (error) {
      // An older commit may not know this database. What there is of it is not compared, either.
      if (builds.length === 1 || isInterrupted()) throw error;
      say(`${name} cannot be compared: ${String(error)}`);
    }
  const withPage = subjects[0] as Subject | undefined;
  for (const name of BASELINES.filter((one) => on.includes(one)))
    if (name !== 'fastify') await add(baseline(name, people));
    else if (withPage) await add(baseline(name, people, await pageOf(withPage)));
    else say('fastify sends what Parley sends, which is not measured: skipped.');
  for (const subject of subjects) subject.freeze();
  return subjects;
}

function workloads({ families, nodes, paces }: Options, readings: Reading[]): Workload[] {
  const has = (...names: string[]): boolean => families.some((family) => names.includes(family));
  if (nodes) return nodeWorks(has, readings);
  const peaks = peaksOf(readings);
  const steady = paces.map((pace) =>
    'percent' in pace
      ? paced(`${pace.percent}% of its peak`, (subject) => Math.floor((peaks(subject) * pace.percent) / 100))
      : paced(`${pace.perSecond.toLocaleString('en')}/s`, (subject) =>
          pace.perSecond < peaks(subject) ? pace.perSecond : undefined,
        ),
  );
  return [
    ...(has('W1', 'W1p') ? [direct] : []),
    ...(has('W1p') ? steady : []),
    ...(has('W2') ? groups() : []),
    ...(has('W4') ? [history(STORED), anyHistory(STORED)] : []),
    ...(has('W5') ? [connect] : []),
    ...(has('W3') ? [idle] : []),
  ];
}

async function bench(options: Options): Promise<void> {
  if (!isPinned) say('No taskset, or one core: nothing is pinned, and all share what there is.');
  pin(process.pid, GENERATOR_CORE);
  const other = options.compare === undefined ? undefined : await buildOf(options.compare, say);
  const builds = other ? [other, OWN] : [OWN];
  const machine = await machineBefore();
  const warnings = [warnBefore(machine)].filter((warning) => warning !== undefined);
  for (const warning of warnings) say(warning);

  const readings: Reading[] = [];
  const save = (): void => {
    const commit = execFileSync('git', ['describe', '--always', '--dirty'], { cwd: OWN.root }).toString().trim();
    const about = { when: new Date().toISOString(), commit, other: other?.revision, node: process.version, isPinned };
    const all = { ...about, machine, options, warnings: [...warnings, ...warningsOf(readings)], readings };
    writeFileSync(options.json, `${JSON.stringify(all, null, 1)}\n`);
  };
  const measure = async (subjects: Subject[], works: Workload[]): Promise<void> => {
    for (const work of works) {
      say(`… ${work.work}`);
      readings.push(...(await inTurn(subjects, work, options)));
      // What there is is kept, whatever comes next.
      save();
    }
  };

  const subjects = await (options.nodes ? startNodes(options) : startAll(options, builds, STORED));
  const works = workloads(options, readings);
  if (options.nodes) {
    // Each node is one more process that has compiled nothing yet.
    say('… warming up');
    await inTurn(subjects, direct, { rounds: 1, seconds: options.seconds });
  }
  await measure(subjects, works);
  for (const subject of subjects) await subject.stop();
  if (options.isMillion) {
    const parleys = options.on.filter((name) => DATABASES.some((database) => database === name));
    await measure(await startAll({ ...options, on: parleys }, builds, MILLION), [history(MILLION)]);
  }

  const tellAll = (those: Reading[]): void => {
    for (const family of each(those, 'family'))
      say(`\n${familyTable(those.filter((reading) => reading.family === family))}`);
  };
  tellAll(readings);
  if (options.nodes) tellAll(costsOf(readings, works));
  if (other) say(`\n${comparison(readings, other.revision!)}`);
  say(['', ...warningsOf(readings), `Written to ${options.json}.`].join('\n'));
}

undoOnSignals();
try {
  const options = readOptions(process.argv.slice(2));
  if (typeof options === 'string') say(options);
  else await bench(options);
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (!isInterrupted()) process.stderr.write(`${text}\n`);
  process.exitCode = 1;
} finally {
  await undoAll();
}
