// The files at the root that other programs read: they parse, and what they say of this project is so.
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/config.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const yaml = (path: string): any => parse(read(path), { uniqueKeys: true });
const nodeVersion = read('.nvmrc').trim();
const dockerfile = read('Dockerfile');
const PORT = loadConfig({}).port;
/** What .ci/run installs of Debian's packages. */
const ciPackages = [...read('.ci/run').matchAll(/packages\+=\(([^)]+)\)/g)].flatMap(([, names]) => names.split(' '));

describe('the Dockerfile', () => {
  it('builds and runs on the Node of .nvmrc', () => {
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(images).toEqual([`node:${nodeVersion}-slim`, `node:${nodeVersion}-slim`]);
  });

  it('asks for its health at a path and a port that exist', () => {
    const [, port, path] = /\$\{process\.env\.PORT \|\| (\d+)\}(\/[a-z/]+)/.exec(dockerfile)!;
    expect(port).toBe(String(PORT));
    expect(dockerfile).toContain(`EXPOSE ${port}\n`);
    const [, folder, name] = path.split('/');
    const controller = read('src/api/health/health.controller.ts');
    expect(controller).toContain(`@Controller('${folder}')`);
    expect(controller).toContain(`@Get('${name}')`);
  });
});

describe('.devcontainer', () => {
  const devcontainer = JSON.parse(read('.devcontainer/devcontainer.json'));

  it('has the Node of .nvmrc, and the packages that .ci/run installs', () => {
    expect(devcontainer.features['ghcr.io/devcontainers/features/node:1'].version).toBe(nodeVersion);
    for (const name of ciPackages) expect(devcontainer.onCreateCommand.split(' ')).toContain(name);
    expect(devcontainer.postCreateCommand).toBe('npm ci');
  });

  it('forwards the port that the server listens on', () => {
    expect(devcontainer.forwardPorts).toEqual([PORT]);
    expect(Object.keys(devcontainer.portsAttributes)).toEqual([String(PORT)]);
  });
});

describe('.github', () => {
  it('has a workflow that runs .ci/run on the oldest Node, and holds no right to write', () => {
    const { jobs, permissions } = yaml('.github/workflows/ci.yml');
    expect(permissions).toEqual({ contents: 'read' });
    expect(jobs.run.steps.at(-1)).toEqual({ run: '.ci/run' });
    accessSync(join(ROOT, '.ci/run'), constants.X_OK);
    const oldest = /\d+/.exec(JSON.parse(read('package.json')).engines.node)![0];
    expect(jobs.run.container.image).toBe(`node:${oldest}-bookworm`);
    expect(read('.ci/run')).toContain(`with-node.sh ${nodeVersion} `);
  });

  it('keeps the packages of every lockfile up to date, and the actions', () => {
    const { updates } = yaml('.github/dependabot.yml');
    const folders = updates
      .filter((one: any) => one['package-ecosystem'] === 'npm')
      .flatMap(({ directory, directories }: any) => directories ?? [directory]);
    expect(folders).toEqual(['/', '/drivers/*']);
    const drivers = readdirSync(join(ROOT, 'drivers'), { withFileTypes: true }).filter((one) => one.isDirectory());
    for (const { name } of drivers) {
      expect(existsSync(join(ROOT, 'drivers', name, 'package-lock.json'))).toBe(true);
      expect(read(`drivers/${name}/package.json`)).toContain(`"^${name.split('-').at(-1)}.`);
    }
    expect(updates.map((one: any) => one['package-ecosystem'])).toContain('github-actions');
    for (const one of updates) expect(Object.keys(one.groups)).toHaveLength(1);
  });

  it.each(['bug', 'feature'])('has a form for a %s', (name) => {
    const form = yaml(`.github/ISSUE_TEMPLATE/${name}.yml`);
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const fields = form.body.filter(({ type }: any) => type !== 'markdown');
    for (const { type, id, attributes } of fields) {
      expect(['input', 'textarea', 'dropdown', 'checkboxes']).toContain(type);
      expect(id).toMatch(/^[a-z]+$/);
      expect(attributes.label).toBeTruthy();
    }
    expect(new Set(fields.map(({ id }: any) => id)).size).toBe(fields.length);
    expect(yaml('.github/ISSUE_TEMPLATE/config.yml')).toEqual({ blank_issues_enabled: false });
  });

  it('asks in pull requests for commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...read('.github/PULL_REQUEST_TEMPLATE.md').matchAll(/`npm (?:run )?(\S+)`/g)].map(
      ([, name]) => name,
    );
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(scripts).toHaveProperty(name);
  });
});

it('package.json has the scripts that Nest developers type', () => {
  expect(JSON.parse(read('package.json')).scripts).toMatchObject({
    test: 'vitest run',
    'test:watch': 'vitest',
    'test:e2e': 'vitest run test/e2e',
    'test:cov': 'vitest run --coverage',
  });
  const { devDependencies } = JSON.parse(read('package.json'));
  expect(devDependencies['@vitest/coverage-v8']).toBe(devDependencies.vitest);
});
