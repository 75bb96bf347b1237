import { expect, it } from 'vitest';
import { roomsOf } from '../../bench/baselines/memberships.js';
import type { Figures, Reading } from '../../bench/figures.js';
import { comparison, familyTable } from '../../bench/report.js';
import { costsOf } from '../../bench/nodes.js';
import { warningsOf } from '../../bench/warnings.js';

const rounds = (subject: string, all: Figures[], work = 'W1 direct', family = 'W1'): Reading[] =>
  all.map((figures, round) => ({ family, work, subject, round, figures }));
const rates = (...values: number[]): Figures[] => values.map((rate) => ({ 'messages/s': rate }));
/** The cells of each line, without the head. */
const cells = (table: string): string[][] =>
  table
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

it('shows each figure with its spread, and its ratio round by round', () => {
  const readings = [...rounds('socket.io', rates(1000, 2000, 4000)), ...rounds('sqlite', rates(500, 1100, 2000))];
  expect(cells(familyTable(readings))).toEqual([
    ['W1 direct', 'socket.io', '2,000 (1,000–4,000)', ''],
    ['W1 direct', 'sqlite', '1,100 (500–2,000)', '0.50 (0.50–0.55)'],
  ]);
});

it('shows shares in percent, and what a machine does not tell as such', () => {
  const readings = rounds('sqlite', [{ 'messages/s': 1, server: 0.975, generator: NaN }]);
  expect(cells(familyTable(readings))).toEqual([['W1 direct', 'sqlite', '1.00', '98%', '?']]);
});

it('says of each figure of two builds whether it is better or worse beyond the spread', () => {
  const now = [1, 2, 3, 4, 5].map((i) => ({
    'messages/s': 110 + i,
    'p99 ms': 20 + i,
    'µs CPU each': 9 + i,
    server: 1,
  }));
  const before = [1, 2, 3, 4, 5].map((i) => ({
    'messages/s': 100 + i,
    'p99 ms': 10 + i,
    'µs CPU each': 15 - i,
    server: 1,
  }));
  const lines = cells(comparison([...rounds('sqlite@abc', before), ...rounds('sqlite', now)], 'abc'));
  expect(lines.map(([, , figure, , , , difference]) => [figure, difference])).toEqual([
    ['messages/s', 'better, beyond the spread'],
    ['µs CPU each', 'within the spread'],
    ['p99 ms', 'worse, beyond the spread'],
  ]);
});

it('compares only what every round of both has', () => {
  const five = (figures: Figures): Figures[] => [1, 2, 3, 4, 5].map(() => ({ 'messages/s': 1, ...figures }));
  const [now, before] = [five({ 'p99.9 ms': 1 }), five({ 'p99.9 ms': 2 })];
  delete before[2]['p99.9 ms'];
  const lines = cells(comparison([...rounds('sqlite@abc', before), ...rounds('sqlite', now)], 'abc'));
  expect(lines.map(([, , figure]) => figure)).toEqual(['messages/s']);
});

it('says what a message costs on several nodes, and what that is more than on one without Redis, round by round', () => {
  const works = [{ family: 'W1', work: 'W1 direct', receivers: 2, suits: () => true, measure: async () => ({}) }];
  const alone = [0.5, 0.6].map((server) => ({ 'messages/s': 10_000, server, database: 0.1 }));
  const two = { 'messages/s': 5_000, server: 0.625, database: 0.1, redis: 0.05 };
  const traffic = { 'Redis commands/s': 10_000, 'Redis KiB/s': 5_000 };
  const readings = [
    ...rounds('alone', alone),
    ...rounds(
      '2 nodes',
      [two, two].map((one) => ({ ...one, ...traffic })),
    ),
  ];
  const costs = costsOf(readings, works);
  expect(costs[0].figures).toEqual({ 'µs/delivery': 30, 'µs/message': 60, 'µs nodes': 50, 'µs database': 10 });
  expect(costs[2].figures).toEqual({
    'µs/delivery': 77.5,
    'µs added': 47.5,
    'µs/message': 155,
    'µs nodes': 125,
    'µs database': 20,
    'µs Redis': 10,
    'Redis commands': 2,
    'Redis bytes': 1_024,
  });
  expect(costs[3].figures['µs added']).toBe(42.5);
  expect(cells(familyTable(costs))[1].slice(0, 4)).toEqual(['W1 direct', '2 nodes', '77.5', '2.40 (2.21–2.58)']);
});

it('warns of a busy machine, and of a generator that is saturated or late', () => {
  const quiet = { others: 0.01, stolen: 0, generator: 0.5, 'sent late ms': 0.1 };
  expect(warningsOf(rounds('sqlite', [quiet]))).toEqual([]);
  const warned = warningsOf([
    ...rounds('sqlite', [quiet, { ...quiet, others: 0.5 }]),
    ...rounds('ws', [quiet, { ...quiet, generator: 0.95 }]),
    ...rounds('limit', [{ ...quiet, 'sent late ms': 3 }, quiet]),
  ]);
  expect(warned).toEqual([
    expect.stringMatching(/^W1 direct: other processes took up to 50 %/),
    expect.stringMatching(/^W1 direct: the generator was saturated on ws;/),
    expect.stringMatching(/^W1 direct: the generator sent late on limit;/),
  ]);
});

it('gives connections of a baseline the rooms of Parley’s', () => {
  const memberships = { sockets: 5_000, groups: 500, membersPerGroup: 200 };
  const members = new Map<string, number[]>();
  const counts = new Set<number>();
  for (let user = 1; user <= memberships.sockets; user++) {
    const rooms = roomsOf(user, memberships);
    counts.add(rooms.length);
    for (const room of rooms) if (!members.get(room)?.push(user)) members.set(room, [user]);
  }
  expect([...counts]).toEqual([23]);
  for (let group = 1; group <= memberships.groups; group++) {
    const first = ((group - 1) * 200) % 5_000;
    expect(members.get(`outside:${group}`)).toEqual(Array.from({ length: 200 }, (_, i) => first + i + 1));
  }
});
