// compose.yaml: what Compose makes of it, and what it says of the image and of the settings.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DCLinter } from 'dclint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/config.js';
import { parseRedisUrl } from '../../src/config/redis-url.js';
import { variables } from '../../src/config/variables.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const dockerfile = read('Dockerfile');
const PORT = loadConfig({}).port;

describe('compose.yaml', () => {
  const { services, volumes, secrets } = parse(read('compose.yaml'), { uniqueKeys: true, merge: true });
  const { parley } = services;
  /** All that is read from the environment or from .env. */
  const asked = [...read('compose.yaml').matchAll(/\$\{([A-Z_]+)/g)].map(([, name]) => name);

  it('is what the Compose specification allows', () => {
    const order = ['service-keys-order', 'services-alphabetical-order', 'top-level-properties-order'];
    // The image is built here, and has no other name than its own.
    const ours = ['no-build-and-image', 'service-image-require-explicit-tag'];
    const rules = Object.fromEntries([...order, ...ours].map((rule) => [rule, 0 as const]));
    const linter = new DCLinter({ rules, quiet: true, debug: false, exclude: [] });
    const [{ messages }] = linter.lintFiles([join(ROOT, 'compose.yaml')], false);
    expect(messages).toEqual([]);
  });

  it('sets and asks for variables that Parley knows', () => {
    const notParleys = new Set(['MYSQL_PASSWORD', 'REDIS_PASSWORD', 'CLUSTER_PORT']);
    expect(Object.keys(parley.environment).filter((name) => !(name in variables))).toEqual([]);
    expect(asked.filter((name) => !(name in variables) && !notParleys.has(name))).toEqual([]);
    expect(asked).toContain('PUBLIC_URL');
    expect(secrets['mysql-password']).toEqual({ environment: 'MYSQL_PASSWORD' });
    expect(secrets['redis-password']).toEqual({ environment: 'REDIS_PASSWORD' });
  });

  it('makes of them an environment that the server starts with', () => {
    const fill = (given: Record<string, string>) =>
      Object.fromEntries(Object.entries(parley.environment).map(([name, text]) => [name, filled(String(text), given)]));
    const alone = loadConfig(fill({ PUBLIC_URL: 'https://chat.example.com' }));
    expect(alone).toMatchObject({ publicUrl: 'https://chat.example.com', databaseUrl: undefined, production: true });
    const mysql = services.mysql.environment;
    const beside = fill({ PUBLIC_URL: 'https://chat.example.com', MYSQL_PASSWORD: 'ab12' });
    expect(new URL(beside['DATABASE_URL'])).toMatchObject({
      hostname: 'mysql',
      username: mysql.MYSQL_USER,
      password: 'ab12',
      pathname: `/${mysql.MYSQL_DATABASE}`,
    });
    expect(alone.redisUrl).toBeUndefined();
    const cluster = fill({ PUBLIC_URL: 'https://chat.example.com', MYSQL_PASSWORD: 'ab12', REDIS_PASSWORD: 'cd34' });
    const given = { JWT_SECRET: 'x'.repeat(32), SMTP_URL: 'smtp://mail.example.com' };
    expect(loadConfig({ ...cluster, ...given }).redisUrl).toEqual(parseRedisUrl('redis://:cd34@redis:6379'));
    expect(() => fill({})).toThrow(/PUBLIC_URL/);
  });

  it('has in the profile cluster what deploy/haproxy expects, by the same settings', () => {
    expect(services['parley-2'].environment).toEqual(parley.environment);
    const { environment, volumes: mounted, profiles } = services.haproxy;
    expect(profiles).toEqual(['cluster']);
    const file = String(mounted[0]).split(':')[0];
    for (const name of Object.keys(environment)) expect(read(file)).toContain(`\${${name}-`);
    for (const node of [environment.PARLEY_NODE_1, environment.PARLEY_NODE_2])
      expect(Object.keys(services).map((name) => `${name}:${parley.environment.PORT}`)).toContain(node);
  });

  it('holds no secret, and opens its ports to this machine alone', () => {
    const values = Object.values(services).flatMap(({ environment }: any) => Object.entries(environment ?? {}));
    for (const [name, value] of values)
      if (/PASSWORD|SECRET|KEY/.test(name)) expect(String(value)).toMatch(/^(\$\{|\/run\/secrets\/|yes$)/);
    for (const name of ['mysql', 'redis', 'parley-2']) expect(services[name].ports).toBeUndefined();
    expect(services.haproxy.ports).toEqual(['127.0.0.1:${CLUSTER_PORT:-8080}:8080']);
    expect(parley.ports).toEqual([`127.0.0.1:\${PORT:-${PORT}}:${parley.environment.PORT}`]);
  });

  it('keeps what the image keeps, and gives it time to end', () => {
    expect(parley.volumes).toEqual([`parley-data:${/^VOLUME (.+)$/m.exec(dockerfile)![1]}`]);
    expect(parley.environment.DATA_DIR).toBe(/DATA_DIR=(\S+)/.exec(dockerfile)![1]);
    expect(Object.keys(volumes)).toEqual(['parley-data', 'mysql-data']);
    expect(Number.parseInt(parley.stop_grace_period)).toBeGreaterThanOrEqual(20);
    // The version that the tests run on.
    expect(read('README.md')).toContain(`MySQL ${services.mysql.image.split(':')[1]}`);
  });

  it('promises no Redis that the server does not read', () => {
    expect('REDIS_URL' in variables || !('redis' in services)).toBe(true);
  });

  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;
  it.skipIf(!hasCompose)('is read by Docker Compose, which asks for PUBLIC_URL', () => {
    const config = (env: Record<string, string>) =>
      execFileSync('docker', ['compose', '--env-file', '/dev/null', 'config', '--format', 'json'], {
        cwd: ROOT,
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          DOCKER_CONFIG: process.env['DOCKER_CONFIG'],
          ...env,
        },
        stdio: 'pipe',
      }).toString();
    expect(() => config({})).toThrow(/PUBLIC_URL/);
    const given = { PUBLIC_URL: 'http://localhost:3000' };
    expect(Object.keys(JSON.parse(config(given)).services)).toEqual(['parley']);
    const both = JSON.parse(config({ ...given, COMPOSE_PROFILES: 'mysql', MYSQL_PASSWORD: 'ab12' })).services;
    expect(Object.keys(both).toSorted()).toEqual(['mysql', 'parley']);
    expect(both.parley.environment.DATABASE_URL).toBe('mysql://parley:ab12@mysql:3306/parley');
  });
});

/** As Compose fills in what a value names: `${A:-else}`, `${A:+then}`, `${A-else}`, `${A:?error}`, nested from the inside out. */
function filled(text: string, given: Record<string, string>): string {
  const innermost = /\$\{([A-Z_]+)(?:(:?[-+?])([^${}]*))?\}/;
  for (let match = innermost.exec(text); match; match = innermost.exec(text)) {
    const [whole, name, operator = '-', word = ''] = match;
    const value = given[name] ?? '';
    if (operator.endsWith('?') && !value) throw new Error(`${name}: ${word}`);
    const result = operator.endsWith('+') ? (value ? word : '') : value || word;
    text = text.replace(whole, () => result);
  }
  return text;
}
