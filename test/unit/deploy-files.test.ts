// What monitoring is given in deploy/: it parses, and asks for nothing that the server does not tell.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { variables } from '../../src/config/variables.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** By name, the labels: those of the documentation, which is what the server tells (`test/e2e/metrics.test.ts`), and those of Node. */
function known(): Map<string, readonly string[]> {
  const all = new Map<string, readonly string[]>([['up', ['job', 'instance']]]);
  for (const [, name, labels = ''] of read('docs/operations.md').matchAll(/^\| `(parley_\w+)(?:\{([\w,]+)\})?`/gm))
    all.set(name, labels.split(',').filter(Boolean));
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name } of registry.getMetricsAsArray()) all.set(name, []);
  return all;
}

const HISTOGRAM = /_(bucket|sum|count)$/;
/** What Prometheus itself adds. */
const ADDED = ['job', 'instance', 'le'];

/** Whatever an expression asks for that does not exist. */
function faultsOf(expr: string, all: Map<string, readonly string[]>): string[] {
  const used = [...expr.matchAll(/\b((?:parley|nodejs|process)_\w+|up)\b(?:\{([^}]*)\})?/g)];
  expect(used.length, expr).toBeGreaterThan(0);
  return used.flatMap(([, name, given = '']) => {
    const labels = all.get(name) ?? all.get(name.replace(HISTOGRAM, ''));
    if (!labels) return [`there is no ${name}`];
    const asked = [...given.matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label);
    return asked.filter((label) => ![...labels, ...ADDED].includes(label)).map((label) => `${name} has no ${label}`);
  });
}

describe('deploy/', () => {
  const all = known();

  it('has alerts that can fire, and say what to do', () => {
    const { groups } = parse(read('deploy/prometheus/alerts.yml'), { uniqueKeys: true });
    const rules = groups.flatMap((group: { rules: object[] }) => group.rules);
    expect(rules.length).toBeGreaterThanOrEqual(6);
    expect(new Set(rules.map(({ alert }: { alert: string }) => alert)).size).toBe(rules.length);
    for (const { expr, labels, annotations } of rules) {
      expect(faultsOf(expr, all)).toEqual([]);
      expect(['page', 'ticket']).toContain(labels.severity);
      expect(annotations).toEqual({ summary: expect.stringMatching(/\.$/), action: expect.stringMatching(/\.$/) });
    }
  });

  it('has a dashboard of what there is, and shows all of it', () => {
    const text = read('deploy/grafana/parley.json');
    const { panels, uid } = JSON.parse(text);
    expect(uid).toBe('parley');
    const expressions: string[] = panels.flatMap((panel: { targets: { expr: string }[] }) =>
      panel.targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')),
    );
    expect(expressions.flatMap((expr) => faultsOf(expr, all))).toEqual([]);
    const shown = [...all.keys()].filter((name) => name.startsWith('parley_') && !text.includes(name));
    expect(shown).toEqual([]);
    expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
  });

  it('notices what does not exist', () => {
    expect(faultsOf('rate(parley_nothing_total[5m])', all)).toEqual(['there is no parley_nothing_total']);
    expect(faultsOf('parley_mail_total{user="1"}', all)).toEqual(['parley_mail_total has no user']);
  });
});

describe('deploy/systemd', () => {
  const units = ['parley.service', 'parley@.service'];
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

  it.skipIf(!hasSystemd)('is what systemd takes, and hardened', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
    try {
      for (const unit of units) {
        // Node may be elsewhere on this machine.
        const text = read(`deploy/systemd/${unit}`).replace('/usr/bin/node', process.execPath);
        writeFileSync(join(folder, unit), text);
        const { stderr, status } = spawnSync('systemd-analyze', ['verify', join(folder, unit)]);
        // It looks at other units of this machine, too.
        expect(
          stderr
            .toString()
            .split('\n')
            .filter((line) => line.includes('parley')),
        ).toEqual([]);
        expect(status).toBe(0);
      }
      const options = ['security', '--offline=true', '--threshold=20', join(folder, units[0])];
      expect(() => execFileSync('systemd-analyze', options, { stdio: 'pipe' })).not.toThrow();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('sets what Parley reads, and differs for many nodes in what tells them apart', () => {
    const [one, many] = units.map((unit) =>
      read(`deploy/systemd/${unit}`)
        .split('\n')
        .filter((line) => !line.startsWith('#')),
    );
    for (const text of [one, many]) {
      const [, set] = /^Environment=(.*)$/m.exec(text.join('\n'))!;
      for (const pair of set.split(' ')) {
        const name = pair.split('=')[0];
        expect(name === 'UV_THREADPOOL_SIZE' || name in variables, name).toBe(true);
      }
    }
    const differing = many.filter((line) => !one.includes(line)).map((line) => line.split('=')[0]);
    expect(differing).toEqual(['Description', 'Environment', 'StateDirectory']);
  });
});
