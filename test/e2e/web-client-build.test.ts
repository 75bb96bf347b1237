// The web client as it is built, and how the built server serves it: once more only where its sources have changed, and below any path.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { emptyEnvironment, temporaryFolder, TestApp } from '../support/app.js';
import { hasChromium, TestBrowser } from '../support/browser.js';
import { call, eventually, mailTo } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { hasNginx, Nginx } from '../support/nginx.js';
import { ServerProcess } from '../support/server-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** `npm run build` has made it before the tests begin. */
const BUILT = join(ROOT, 'web/dist');
const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end();
});

/** What the build needs, in a folder of its own where it can be changed. */
function copyOfSources(): string {
  const folder = temporaryFolder();
  ended.push(() => rmSync(folder, { recursive: true, force: true }));
  const left = new Set(
    ['web/dist', 'web/node_modules', 'client/dist', 'client/node_modules'].map((path) => join(ROOT, path)),
  );
  for (const path of ['web', 'client', 'package.json', 'package-lock.json', 'scripts/build-web.mjs'])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true, filter: (source) => !left.has(source) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

describe('the build', () => {
  it('is made again only where the sources have changed, with compressed forms beside', () => {
    const folder = copyOfSources();
    const dist = join(folder, 'web/dist');
    const build = () => execFileSync(process.execPath, ['scripts/build-web.mjs'], { cwd: folder, encoding: 'utf8' });
    const made = () => statSync(join(dist, 'index.html')).ino;
    expect(build()).toBe('');
    const first = made();
    const assets = readdirSync(join(dist, 'assets'));
    const script = assets.find((name) => /^index-.*\.js$/.test(name));
    const read = (name: string) => readFileSync(join(dist, 'assets', name));
    expect(brotliDecompressSync(read(`${script}.br`))).toEqual(read(script!));
    expect(gunzipSync(read(`${script}.gz`))).toEqual(read(script!));

    // What is no source changes nothing.
    mkdirSync(join(folder, 'web/test'), { recursive: true });
    writeFileSync(join(folder, 'web/test/more.test.ts'), '');
    build();
    expect(made()).toBe(first);

    writeFileSync(join(folder, 'web/public/more.txt'), 'more');
    build();
    expect(readFileSync(join(dist, 'more.txt'), 'utf8')).toBe('more');
    const second = made();
    expect(second).not.toBe(first);

    // One that broke off has left no stamp.
    rmSync(join(dist, '.stamp'));
    build();
    expect(made()).not.toBe(second);
    expect(readdirSync(dist)).toContain('.stamp');
    expect(readdirSync(join(folder, 'web/node_modules')).filter((name) => name.startsWith('.parley-web'))).toEqual([]);
  });

  it('does nothing, and says nothing, where there is no web client', () => {
    const folder = copyOfSources();
    rmSync(join(folder, 'web'), { recursive: true });
    expect(execFileSync(process.execPath, ['scripts/build-web.mjs'], { cwd: folder, encoding: 'utf8' })).toBe('');
    expect(readdirSync(folder)).not.toContain('web');
  });
});

describe('the built server', () => {
  async function start(env: Record<string, string>): Promise<ServerProcess> {
    const { env: empty, cleanUp } = await emptyEnvironment('sqlite');
    const server = await ServerProcess.start({ DATA_DIR: empty['DATA_DIR'], ...env });
    ended.push(cleanUp, () => server.kill());
    await eventually(() => server.output.includes('Try it') || undefined, 'the banner');
    return server;
  }
  const browse = (url: string) => fetch(url, { headers: { accept: 'text/html' }, redirect: 'manual' });
  const rowsOf = ({ output }: ServerProcess) => output.trim().split('\n').slice(-6);

  it('serves it, and says so first', async () => {
    const server = await start({});
    expect(rowsOf(server)[1]).toBe(`  Web client http://localhost:${server.port}`);
    const page = await browse(`${server.url}/login`);
    expect(page.status).toBe(200);
    const files = [...(await page.text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)];
    expect(files.length).toBeGreaterThan(1);
    for (const [, file] of files) {
      const answer = await fetch(server.url + file, { headers: { 'accept-encoding': 'gzip, br' } });
      expect(answer.status, file).toBe(200);
      // What is as small is sent as it is.
      if ((await answer.arrayBuffer()).byteLength > 1_024) expect(answer.headers.get('content-encoding')).toBe('br');
      expect(answer.headers.get('cache-control')).toContain('immutable');
    }
  });

  it('serves none with WEB_CLIENT=off, and names the pages that APP_URL says', async () => {
    const server = await start({ WEB_CLIENT: 'off', APP_URL: 'https://app.example.com/' });
    expect(rowsOf(server)[1]).toBe('  App        https://app.example.com');
    expect((await browse(`${server.url}/login`)).status).toBe(404);
  });
});

/** Collects what a page complains about, refusals of its policy among it. */
function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    const text = `${message.text()} ${message.location().url}`;
    if (message.type() === 'error') complaints.push(text);
  });
  return complaints;
}

describe.skipIf(!hasChromium)('in a browser', () => {
  /** @returns what its pages complained about */
  async function somebodyJoins(browser: TestBrowser, base: string, app: TestApp): Promise<string[]> {
    const first = await browser.open(`${base}/with/77`);
    const complaints = complaintsOf(first);
    await first.waitForURL(`${base}/login`);
    await first.goto(`${base}/register`);
    await first.getByLabel('First name').fill('Ada');
    await first.getByLabel('Last name').fill('Lovelace');
    await first.getByLabel('E-mail address').fill('ada@example.com');
    await first.getByLabel('Password', { exact: true }).fill('correct horse');
    await first.keyboard.press('Enter');
    await first.waitForURL(`${base}/mail`);
    const { links } = await mailTo(app, 'ada@example.com');
    const second = await browser.open(links[0]);
    const complaintsOfSecond = complaintsOf(second);
    await second.getByRole('heading', { name: 'You are in.' }).waitFor();
    // The tab that waited went on by itself.
    await first.waitForURL((url) => !/\/(mail|login)$/.test(url.pathname));
    await first.goto(`${base}/settings`);
    await first.getByText('ada@example.com').first().waitFor();
    const said = [...complaints, ...complaintsOfSecond];
    // What is nowhere is said by the app.
    const nowhere = await first.goto(`${base}/nothing/here`);
    expect(nowhere!.status()).toBe(404);
    await first.getByText('There is nothing here.').waitFor();
    return said;
  }

  it('somebody registers, opens the mail, and is in, without typing anything twice', async () => {
    const port = await freePort();
    const base = `http://localhost:${port}`;
    const browser = await TestBrowser.start();
    ended.push(() => browser.stop());
    const app = await TestApp.start('sqlite', { PORT: String(port), PUBLIC_URL: base }, BUILT);
    ended.push(() => app.stop());
    expect(await somebodyJoins(browser, base, app)).toEqual([]);
  });

  it.skipIf(!hasNginx)('the same below a path, behind nginx', async () => {
    const port = await freePort();
    const base = `http://localhost:${port}/our/chat`;
    const [browser, nginx] = await Promise.all([TestBrowser.start(), Nginx.start()]);
    ended.push(
      () => nginx.stop(),
      () => browser.stop(),
    );
    const app = await TestApp.start('sqlite', { PUBLIC_URL: base, TRUST_PROXY: '1' }, BUILT);
    ended.push(() => app.stop());
    nginx.serve(`
      map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
      server {
        listen 127.0.0.1:${port};
        location /our/chat/ {
          proxy_pass ${app.url}/;
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
          proxy_set_header Host $host;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
      }`);
    await eventually(
      () =>
        call({ url: base }, 'GET', '/health/live').then(
          ({ status }) => status === 200 || undefined,
          () => undefined,
        ),
      'the site',
    );
    expect(await somebodyJoins(browser, base, app)).toEqual([]);
  });
});
