import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core';
import { build, defaultClientConditions, defaultServerConditions } from 'vite';

/*
 * Pages in a real Chromium. A file of tests starts one in `beforeAll` and stops it in `afterAll`; each test serves a site of its own,
 * whose origin is new, so that it shares no storage, locks or channels with others:
 *
 *   describe.skipIf(!hasChromium)('…', () => {
 *     const site = await browser.serve({ '/': '<script src="/page.js"></script>', '/page.js': await bundle("import …") });
 *     const page = await browser.open(site.secure);
 */

export const CHROMIUM = '/usr/bin/chromium';
const START_WITHIN_MS = 60_000;

/** Whether this machine has a Chromium to start. */
export const hasChromium = existsSync(CHROMIUM);
if (!hasChromium) {
  const missing = 'NO CHROMIUM ON THIS MACHINE: WHAT RUNS IN BROWSERS IS NOT TESTED. To test it, apt install chromium.';
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but: ${missing}`);
  console.warn(`\n*** ${missing}\n`);
}

export interface Site {
  /** http on 127.0.0.1, which counts as secure: there are Web Locks, service workers, `crypto.randomUUID`. */
  readonly secure: string;
  /** The same pages on a host with a name, as on a LAN without https: there is none of these. */
  readonly plain: string;
  /** The end of the server, too, so that pages find themselves offline. */
  stop(): Promise<void>;
}

/** Paths (`/`, `/page.js`) and what stands there, or a folder. A folder's unknown paths are answered with its index.html. */
export type Files = Readonly<Record<string, string>> | { readonly folder: string };

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

/** Beginnings of a new profile, as Chromium keeps it. `{ profile: { default_content_setting_values: { cookies: 2 } } }`: it stores nothing. */
export type Preferences = Readonly<Record<string, unknown>>;

/** Chromium with a profile of its own on the disk, and no way to any host but this machine. */
export class TestBrowser {
  /** Playwright's, for what is not here: cookies, routes, CDP sessions (`context.newCDPSession(page)`). */
  context!: BrowserContext;
  private process!: ChildProcess;
  private connection!: Browser;
  private readonly servers: Server[] = [];
  private sessions = new WeakMap<Page, Promise<CDPSession>>();
  private readonly end = (): void => void this.process.kill('SIGKILL');

  private constructor(private readonly profile: string) {}

  /** Only where `hasChromium`. */
  static async start(preferences: Preferences = {}): Promise<TestBrowser> {
    const browser = new TestBrowser(mkdtempSync(join(tmpdir(), 'parley-chromium-')));
    mkdirSync(join(browser.profile, 'Default'));
    writeFileSync(join(browser.profile, 'Default', 'Preferences'), JSON.stringify(preferences));
    await browser.run();
    return browser;
  }

  /** Starts it, or starts it again after `kill`, with what the profile has stored. */
  async run(): Promise<void> {
    this.process = spawn(CHROMIUM, [...OPTIONS, `--user-data-dir=${this.profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    process.once('exit', this.end);
    // Without its defaults, by which every tab believes that it is in front and none can be frozen.
    this.connection = await chromium.connectOverCDP(await this.address(), { noDefaults: true });
    this.context = this.connection.contexts()[0]!;
  }

  /** As a crash does it: without a chance to write anything. */
  async kill(): Promise<void> {
    process.off('exit', this.end);
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    // Once all of its processes have let go of the pipe: until then, they may still write into the profile.
    const ended = new Promise((resolve) => this.process.once('close', resolve));
    this.process.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    await Promise.all(this.servers.map((server) => stopped(server)));
    rmSync(this.profile, { recursive: true, force: true });
  }

  async serve(files: Files): Promise<Site> {
    const server = createServer(({ url }, response) => {
      const { pathname } = new URL(url!, 'http://site');
      const found = read(files, pathname);
      response.writeHead(found === undefined ? 404 : 200, {
        'content-type': TYPES[extname(pathname)] ?? 'application/octet-stream',
      });
      response.end(found);
    });
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const [secure, plain] = [`http://127.0.0.1:${port}`, `http://parley.test:${port}`];
    return { secure, plain, stop: () => stopped(server) };
  }

  /** A new tab, in front. Those behind it are hidden, as they are to people: `page.bringToFront()` shows one again. */
  async open(url: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }

  /** To another page and back. @returns whether it came out of the back/forward cache, still running, or was loaded anew */
  async awayAndBack(page: Page, away: string, meanwhile: () => Promise<void> = async () => {}): Promise<boolean> {
    const url = page.url();
    await page.evaluate('window.isSame = true');
    await page.goto(away);
    await meanwhile();
    await page.evaluate('history.back()');
    // Playwright itself knows no back/forward cache, and may still ask the page that was left.
    const expression = 'JSON.stringify([location.href, document.readyState, window.isSame === true])';
    for (;;) {
      const { result } = (await this.command(page, 'Runtime.evaluate', { expression })) as {
        result: { value: string };
      };
      const [at, state, isSame] = JSON.parse(result.value) as [string, string, boolean];
      if (at === url && state === 'complete') return isSame;
      await sleep(20);
    }
  }

  /** `frozen`: stops timers and tasks of the tab, as the browser does to one that was long in the background. */
  async setLifecycle(page: Page, state: 'frozen' | 'active'): Promise<void> {
    await this.command(page, 'Page.setWebLifecycleState', { state });
  }

  /** The tab's process dies. */
  async crash(page: Page): Promise<void> {
    const crashed = new Promise((resolve) => page.once('crash', resolve));
    // No answer comes.
    this.command(page, 'Page.crash').catch(() => {});
    await crashed;
  }

  /** Of the Chrome DevTools Protocol, to this tab. What it overrides stays so until the tab is closed. */
  async command(page: Page, method: string, parameters: Record<string, unknown> = {}): Promise<unknown> {
    let session = this.sessions.get(page);
    if (!session) this.sessions.set(page, (session = this.context.newCDPSession(page)));
    return (await session).send(method as 'Page.setWebLifecycleState', parameters as { state: 'active' });
  }

  /** Where it can be spoken to. */
  private address(): Promise<string> {
    return new Promise((resolve, reject) => {
      let said = '';
      const late = setTimeout(() => reject(new Error(`Chromium did not start:\n${said}`)), START_WITHIN_MS);
      this.process.stderr!.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
        if (!address) return;
        clearTimeout(late);
        resolve(address);
      });
      this.process.once('exit', (code) => {
        clearTimeout(late);
        reject(new Error(`Chromium ended (${code}):\n${said}`));
      });
    });
  }
}

const OPTIONS = [
  '--headless=new',
  '--remote-debugging-port=0',
  // Root has no sandbox.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-breakpad',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-extensions',
  '--disable-sync',
  '--no-pings',
  '--password-store=basic',
  '--use-mock-keychain',
  '--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

function read(files: Files, path: string): string | Buffer | undefined {
  const { folder } = files;
  if (typeof folder !== 'string') return (files as Record<string, string>)[path];
  const file = join(folder, path);
  const isFile = existsSync(file) && statSync(file).isFile();
  return readFileSync(isFile ? file : join(folder, 'index.html'));
}

function stopped(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = join(ROOT, 'entry-of-bundle.ts');

export interface BundleOptions {
  /** `node`: an ES module, which imports Node's own. */
  platform?: 'browser' | 'node';
  minify?: boolean;
  /** Packages, and what is taken in their stead. */
  alias?: Readonly<Record<string, string>>;
}

/**
 * One script of a module in TypeScript and all that it imports. Its paths are relative to the project's folder
 * (`./client/src/storage.ts`); packages of this repository are taken from their sources.
 */
export async function bundle(
  source: string,
  { platform = 'browser', minify = false, alias = {} }: BundleOptions = {},
): Promise<string> {
  const isNode = platform === 'node';
  const conditions = ['parley-source', ...(isNode ? defaultServerConditions : defaultClientConditions)];
  const built = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions, alias },
    ssr: { noExternal: true, resolve: { conditions } },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === ENTRY ? id : undefined),
        load: (id) => (id === ENTRY ? source : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      minify,
      modulePreload: false,
      ssr: isNode,
      rollupOptions: { input: ENTRY, output: { format: isNode ? 'es' : 'iife' } },
    },
  });
  for (const one of [built].flat()) {
    for (const part of 'output' in one ? one.output : []) if (part.type === 'chunk') return part.code;
  }
  throw new Error('Vite has made nothing.');
}
