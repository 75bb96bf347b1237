// What several nodes cost: one node without Redis, and as many as are asked for on a Redis, each time with the same people and works.
import type { Build } from './builds.js';
import { ALONE, type Figures, type Reading, roundsOf } from './figures.js';
import { parleyNodes } from './launches.js';
import type { NodesOptions } from './options.js';
import type { Population } from './seed.js';
import { spreadOf } from './stats.js';
import type { Launch } from './subject.js';
import { direct } from './workloads/direct.js';
import { groups } from './workloads/group.js';
import type { Workload } from './workloads/measure.js';
import { paced } from './workloads/paced.js';

const GROUP_SIZE = 200;

/** How to start each of them, one by one. */
export async function* launches(
  { on, counts }: NodesOptions,
  build: Build,
  population: Population,
): AsyncGenerator<Launch> {
  yield await parleyNodes(build, on, population, { label: ALONE, count: 1, hasRedis: false });
  for (const count of counts)
    yield await parleyNodes(build, on, population, {
      label: count === 1 ? '1 on Redis' : `${count} nodes`,
      count,
      hasRedis: true,
    });
}

/** @param readings what was measured before: the pace is the same for all, and half of what the slowest one did in W1 */
export function nodeWorks(has: (family: string) => boolean, readings: readonly Reading[]): Workload[] {
  const pace = (): number => {
    const those = readings.filter(({ work }) => work === direct.work);
    const peaks = those.map(({ subject }) => spreadOf(roundsOf(those, direct.work, subject, 'messages/s')).median);
    return Math.floor(Math.min(...peaks) / 2);
  };
  return [
    ...(has('W1') || has('W1p') ? [direct] : []),
    ...(has('W1p') ? [paced('half of the slowest one’s peak', pace)] : []),
    ...(has('W2') ? groups([GROUP_SIZE]) : []),
  ];
}

/** The same rounds as costs of one delivery and of one message, from shares of cores and rates of the same window. */
export function costsOf(readings: readonly Reading[], works: readonly Workload[]): Reading[] {
  const costs = readings.flatMap((reading) => {
    const receivers = works.find(({ work }) => work === reading.work)?.receivers;
    return receivers === undefined ? [] : [{ ...reading, figures: costOf(reading.figures, receivers) }];
  });
  for (const { work, round, subject, figures } of costs) {
    const alone = costs.find((one) => one.work === work && one.round === round && one.subject === ALONE);
    if (alone && subject !== ALONE) figures['µs added'] = figures['µs/delivery']! - alone.figures['µs/delivery']!;
  }
  return costs;
}

function costOf(figures: Figures, receivers: number): Figures {
  const messages = figures['messages/s'] ?? figures['deliveries/s']! / receivers;
  const micros = (cores: number | undefined): number => ((cores ?? 0) / messages) * 1e6;
  const [nodes, database, redis] = [figures.server, figures.database, figures.redis].map(micros);
  const all = nodes + database + redis;
  return {
    'µs/delivery': all / receivers,
    'µs/message': all,
    'µs nodes': nodes,
    'µs database': database,
    ...(figures.redis !== undefined && {
      'µs Redis': redis,
      'Redis commands': figures['Redis commands/s']! / messages,
      'Redis bytes': (figures['Redis KiB/s']! * 1024) / messages,
    }),
  };
}
