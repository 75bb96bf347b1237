// The figures of docs/scaling.md: what computes them is right where one knows the answer, and the page shows what it prints.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCRIPT = join(ROOT, 'scripts/simulate-scale.mjs');
const scale: any = await import(pathToFileURL(SCRIPT).href);
const a = scale.DEFAULTS;
const run = promisify(execFile);

it('the page shows what the script prints', async () => {
  const { stdout } = await run(process.execPath, [SCRIPT], { maxBuffer: 2 ** 24 });
  const page = readFileSync(join(ROOT, 'docs/scaling.md'), 'utf8');
  const tables = stdout.split('\n\n').filter((part) => part.startsWith('|'));
  expect(tables).toHaveLength(12);
  for (const table of tables) expect(page).toContain(table);
});

it.each([
  ['--set', 'mesages=3'],
  ['--set', 'messages=0'],
  ['--set', 'messages=many'],
  ['--set'],
  ['--seed', 'x'],
  ['everything'],
])('the script refuses %s %s in one line', async (...args) => {
  const refused: any = await run(process.execPath, [SCRIPT, ...args]).catch((error: unknown) => error);
  expect(refused.code).toBe(1);
  expect(refused.stderr.trim().split('\n')).toHaveLength(1);
});

describe('between nodes', () => {
  it('one socket is on one node, and very many are on all', () => {
    expect(scale.nodesWith(7, 1)).toBeCloseTo(1);
    expect(scale.nodesWith(7, 1_000)).toBeCloseTo(7);
  });

  it('a direct message costs two channels and its home, however many nodes there are; what is told to all, as many texts', () => {
    for (const nodes of [1, 2, 50, 5_000]) {
      const each = scale.carried(nodes, a);
      expect(each['direct message'].commands).toBeCloseTo(3 - 1 / nodes);
      expect(each['coming online, or going offline']).toMatchObject({ commands: 1, arrivals: nodes });
    }
  });
});

it('a plan has room for what it says', () => {
  for (const people of [1, 10_000, 1_000_000]) {
    for (const isToldToAll of [true, false]) {
      const plan = scale.plan(people, a, isToldToAll);
      expect(plan.nodes).toBeGreaterThanOrEqual(2);
      expect(plan.nodeLoad).toBeLessThanOrEqual(a.load);
      expect(plan.sockets / plan.nodes).toBeLessThanOrEqual(a.socketsPerNode);
    }
  }
  expect(scale.plan(100_000_000, a).isPossible).toBe(false);
});

describe('the storm', () => {
  const options = { clients: 1_000, nodes: 2, rate: 100, client: 'socket.io-client', seed: 7 };

  it.each(Object.keys(scale.CLIENTS))('ends with everybody back, no sooner than the nodes can (%s)', (client) => {
    for (const bound of [Infinity, 10, 1])
      for (const awayMs of [0, 5_000]) {
        const { half, most, all, longest } = scale.storm({ ...options, client, bound, awayMs });
        expect(all).toBeGreaterThanOrEqual(awayMs + (options.clients / options.nodes / options.rate) * 1_000);
        expect([half, most, all]).toEqual([half, most, all].toSorted((one, other) => one - other));
        expect(longest).toBeLessThanOrEqual(Math.max(1, bound));
      }
  });

  it('is the same for the same seed, and another one for another', () => {
    expect(scale.storm(options)).toEqual(scale.storm(options));
    expect(scale.storm(options)).not.toEqual(scale.storm({ ...options, seed: 8 }));
  });

  it('one client is back after its pause and its handshake', () => {
    const { all, tries } = scale.storm({ ...options, clients: 1 });
    expect(all).toBeGreaterThanOrEqual(510);
    expect(all).toBeLessThanOrEqual(1_510);
    expect(tries).toBe(1);
  });
});

it('the hot group is busy in proportion while nothing is gathered', () => {
  const once = scale.hotGroup({ sockets: 1_000, rate: 10, seconds: 200, a, isGathered: false });
  expect(once.busy).toBeCloseTo((10 * 1_000 * a.deliver) / 1e6, 2);
  const gathered = scale.hotGroup({ sockets: 25_000, rate: 10, seconds: 60, a });
  expect(gathered.mean).toBeGreaterThan(1);
  expect(gathered.most).toBeGreaterThan(gathered.half);
});
