import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Dialect, emptyEnvironment } from '../../../test/support/app.js';
import { CHROMIUM, hasChromium } from '../../../test/support/browser.js';
import { Person } from '../../../test/support/client.js';
import { freePort } from '../../../test/support/database-server.js';
import { ServerProcess } from '../../../test/support/server-process.js';

export { hasChromium };

export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
};

const WITHIN_MS = 30_000;

/** A server of its own that serves the web client, and browsers that walk through it as people do. */
export class Walk {
  server!: ServerProcess;
  private browser!: Browser;
  /** What pages said in their consoles, beside what a lost network says. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly env: Record<string, string>,
    private readonly cleanUp: () => Promise<void>,
  ) {}

  static async start(dialect: Dialect = 'sqlite', given: Record<string, string> = {}): Promise<Walk> {
    const port = await freePort();
    const { env, cleanUp } = await emptyEnvironment(dialect);
    const walk = new Walk(
      {
        ...env,
        PORT: String(port),
        PUBLIC_URL: `http://127.0.0.1:${port}`,
        WEB_CLIENT: 'on',
        RATE_LIMITS: 'off',
        ...given,
      },
      cleanUp,
    );
    walk.server = await ServerProcess.start(walk.env);
    walk.browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    return walk;
  }

  get url(): string {
    return this.server.url;
  }

  /** Somebody with an account, who is in no browser yet. */
  join(firstName: string): Promise<Person> {
    return Person.join(this.server, firstName);
  }

  /** A browser of its own: nobody is logged in. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 },
      locale: 'en-GB',
      timezoneId: 'Europe/London',
      ...options,
    });
    context.setDefaultTimeout(WITHIN_MS);
    return context;
  }

  async page(context: BrowserContext, path = '/'): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => this.complaints.push(`${error.message}\n${error.stack}`));
    page.on('console', (message) => {
      if (message.type() !== 'error' || /ERR_|WebSocket connection|Failed to load resource/.test(message.text()))
        return;
      this.complaints.push(message.text());
    });
    await page.goto(this.url + path);
    return page;
  }

  /** A browser in which this person is logged in, at `path`. */
  async enter(person: Person, path = '/', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.page(await this.context(options), '/login');
    await page.getByLabel('E-mail address').fill(person.email);
    await page.getByLabel('Password', { exact: true }).fill(person.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.locator('.app').waitFor();
    if (path !== '/') await page.goto(this.url + path);
    return page;
  }

  /** As a crash does it. */
  async kill(): Promise<void> {
    await this.server.kill();
  }

  async restart(): Promise<void> {
    this.server = await ServerProcess.restart(this.server, this.env);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.server.kill('SIGTERM');
    await this.cleanUp();
  }
}

/** In a `describe`: a walk that all of its tests share, and whose pages complain of nothing. */
export function walkFor(start: () => Promise<Walk> = () => Walk.start()): () => Walk {
  let walk: Walk | undefined;
  beforeAll(async () => {
    if (hasChromium) walk = await start();
  });
  afterAll(async () => {
    if (!walk) return;
    await walk.stop();
    expect(walk.complaints).toEqual([]);
  });
  return () => walk!;
}

/** The texts of the messages in the document, from above. */
export const texts = (page: Page): Promise<string[]> => page.locator('.msg .body').allInnerTexts();

export const composer = (page: Page) => page.locator('.write textarea');

/** Writes a message and sends it by Enter. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** The message with this text. */
export const message = (page: Page, text: string) => page.locator('article.msg', { hasText: text });

/** How far the list of messages is from its end, in CSS pixels. */
export const fromEnd = (page: Page): Promise<number> =>
  page.locator('.log').evaluate((log) => Math.round(log.scrollHeight - log.clientHeight - log.scrollTop));

/** The pages of those who are not logged in. */
export const OUTSIDE = [
  '/login',
  '/register',
  '/forgot',
  '/reset/abc',
  '/welcome#email=a%40b.c',
  '/welcome#error=expired',
  '/welcome#error=not_found',
];

/** The server has stored it, and the sender sees so. */
export const isSent = (page: Page, text: string): Promise<void> =>
  message(page, text)
    .locator('.meta .sr', { hasText: /^sent$/ })
    .first()
    .waitFor();

/** A clock that is stopped refuses to go back, and it goes on until it is stopped: it leaps by so much first. */
const LEAP_MS = 10_000;

/** Time passes on the page only where the test says so (`page.clock.runFor`, `page.clock.resume`), however busy the machine is. */
export async function stopTime(page: Page): Promise<void> {
  await page.clock.install();
  await page.clock.pauseAt(await page.evaluate((leap) => Date.now() + leap, LEAP_MS));
}

/** The key of the first message whose top is in view. */
export const firstInView = (page: Page): Promise<string> =>
  page.locator('.log').evaluate((log) => {
    const { top } = log.getBoundingClientRect();
    const all = [...log.querySelectorAll<HTMLElement>('article.msg')];
    const inView = all.filter((one) => one.getBoundingClientRect().top >= top);
    inView.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top);
    return inView[0].dataset['key']!;
  });
