// The app on a device: installed, without a network, told of a newer version and of messages; and what is missing without https.
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyEnvironment, temporaryFolder, TestApp } from '../../../test/support/app.js';
import { hasChromium, TestBrowser } from '../../../test/support/browser.js';
import { eventually, Person, sendTo } from '../../../test/support/client.js';
import { TcpProxy } from '../../../test/support/tcp-proxy.js';

const run = promisify(execFile);
const WEB = fileURLToPath(new URL('../..', import.meta.url));
const VITE = fileURLToPath(new URL('../../../node_modules/vite/bin/vite.js', import.meta.url));

/** Two builds of the same sources, whose files differ: as it is released, and with longer names. */
async function built(minify: 'oxc' | 'false'): Promise<string> {
  const folder = temporaryFolder();
  // A process of its own: in this one, Vite would build for tests.
  await run(process.execPath, [VITE, 'build', WEB, '--outDir', folder, '--emptyOutDir', '--minify', minify], {
    env: { ...process.env, NODE_ENV: 'production' },
  });
  return folder;
}

/** A server at an address that stays, whether it runs or not, with whichever build. */
class Place {
  private running: TestApp | undefined;

  private constructor(
    private readonly proxy: TcpProxy,
    private readonly env: Record<string, string>,
    private readonly cleanUp: () => Promise<void>,
    readonly url: string,
  ) {}

  static async open(folder: string, host = '127.0.0.1', path = ''): Promise<Place> {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const proxy = await TcpProxy.start(0);
    const url = `http://${host}:${proxy.port}${path}`;
    const place = new Place(proxy, { ...env, PUBLIC_URL: url }, cleanUp, url);
    await place.start(folder);
    return place;
  }

  async start(folder: string): Promise<void> {
    this.running = await TestApp.startIn(this.env, undefined, false, folder);
    this.proxy.leadTo(Number(new URL(this.running.url).port));
    this.proxy.accept();
  }

  async stop(): Promise<void> {
    this.proxy.refuse();
    await this.running?.app.close();
    this.running = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.proxy.close();
    await this.cleanUp();
  }

  async join(firstName: string): Promise<Person> {
    return Object.assign(await Person.known(this.running!, firstName), { password: 'nobody knows' });
  }
}

describe.skipIf(!hasChromium)('the app on a device', () => {
  let browser: TestBrowser;
  let folder: string;
  let newer: string;
  let place: Place;
  let pages: Page[] = [];
  /** What pages said in their consoles, beside what a lost network says. */
  const complaints: string[] = [];

  beforeAll(async () => {
    [browser, folder, newer] = await Promise.all([TestBrowser.start(), built('oxc'), built('false')]);
  });
  afterAll(async () => {
    await browser?.stop();
    for (const one of [folder, newer]) if (one) rmSync(one, { recursive: true, force: true });
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });
  beforeEach(async () => {
    place = await Place.open(folder);
  });
  afterEach(async () => {
    await Promise.all(pages.map((page) => page.close()));
    pages = [];
    await place.close();
  });

  async function open(url = place.url): Promise<Page> {
    const page = await browser.context.newPage();
    pages.push(page);
    page.setDefaultTimeout(60_000);
    await page.setViewportSize({ width: 1280, height: 800 });
    page.on('pageerror', ({ message, stack }) => complaints.push(`${message}\n${stack}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/ERR_|WebSocket connection|Failed to load resource/.test(message.text()))
        complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  async function enter(person: Person, url = place.url): Promise<Page> {
    const page = await open(`${url}/login`);
    await page.getByLabel('E-mail address').fill(person.email);
    await page.getByLabel('Password', { exact: true }).fill(person.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.locator('.app').waitFor();
    return page;
  }

  /** Has kept all that it opens with. */
  const ready = (page: Page) => page.evaluate(async () => void (await navigator.serviceWorker.ready));
  const say = async (page: Page, text: string): Promise<void> => {
    await page.locator('.write textarea').fill(text);
    await page.locator('.write textarea').press('Enter');
  };
  /** What the page remembers of this text: the list, and the conversation. */
  const remembered = async (page: Page, text: string): Promise<void> => {
    await expect
      .poll(() =>
        page.evaluate(async (wanted) => {
          const done = <T>(request: IDBRequest<T>): Promise<T> =>
            new Promise((resolve, reject) => {
              request.addEventListener('success', () => resolve(request.result));
              request.addEventListener('error', () => reject(request.error!));
            });
          let count = 0;
          for (const { name } of await indexedDB.databases()) {
            const database = await done(indexedDB.open(name!));
            for (const store of database.objectStoreNames) {
              const rows = database.transaction(store).objectStore(store);
              const [keys, values] = await Promise.all([done(rows.getAllKeys()), done(rows.getAll())]);
              for (const [i, key] of keys.entries())
                if ((key as string).startsWith('cache:') && JSON.stringify(values[i]).includes(wanted)) count++;
            }
            database.close();
          }
          return count;
        }, text),
      )
      .toBeGreaterThanOrEqual(2);
  };
  /** Among the messages. */
  const said = (page: Page, text: string) => page.locator('article', { hasText: text });
  const notifications = (page: Page) =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const all = await registration.getNotifications();
      return all.map(({ title, body, tag }) => ({ title, body, tag }));
    });

  it('has a manifest in which Chromium finds no fault', async () => {
    const page = await open();
    const { errors, manifest, url } = (await browser.command(page, 'Page.getAppManifest')) as {
      errors: unknown[];
      url: string;
      manifest: { name: string; display: string; startUrl: string; scope: string; icons: { url: string }[] };
    };
    expect(errors).toEqual([]);
    expect(url).toBe(`${place.url}/manifest.webmanifest`);
    expect(manifest).toMatchObject({ name: 'Parley', startUrl: `${place.url}/`, scope: `${place.url}/` });
    const { installabilityErrors } = (await browser.command(page, 'Page.getInstallabilityErrors')) as {
      installabilityErrors: { errorId: string }[];
    };
    expect(installabilityErrors).toEqual([]);
    expect(manifest.icons.length).toBe(4);
    for (const icon of manifest.icons) {
      const { status, headers } = await fetch(icon.url);
      expect([status, headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)]);
    }
  });

  it('opens without a network after one visit, and sends later what is written then', async () => {
    const ada = await place.join('Ada');
    const alan = await place.join('Alan');
    const page = await enter(ada);
    await page.goto(`${place.url}/with/${alan.id}`);
    await say(page, 'before');
    await said(page, 'before').locator('.meta svg').waitFor();
    await ready(page);
    await remembered(page, 'before');
    await place.stop();
    await page.reload();
    await page.locator('.row', { hasText: 'Alan' }).waitFor();
    await said(page, 'before').waitFor();
    await say(page, 'meanwhile');
    await said(page, 'meanwhile').waitFor();
    await page.goto(`${place.url}/settings`);
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    // What is not the app's is left to the network.
    const other = await open('about:blank');
    await expect(other.goto(`${place.url}/http/docs`)).rejects.toThrow('ERR_');
    await page.goto(`${place.url}/with/${alan.id}`);
    await said(page, 'meanwhile').waitFor();
    await place.start(folder);
    await eventually(
      async () => {
        const { body } = await alan.at({ url: place.url }).get(`/http/chat_rooms/${ada.id}`);
        return JSON.stringify(body).includes('meanwhile') || undefined;
      },
      'the message',
      60_000,
    );
  });

  it('keeps the files of its build and nothing else', async () => {
    const ada = await place.join('Ada');
    const page = await enter(ada);
    await ready(page);
    await page.reload();
    await page.locator('.app').waitFor();
    const kept = await page.evaluate(async () => {
      const names = await caches.keys();
      const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return { caches: names.length, paths: all.flat().map(({ url }) => new URL(url).pathname) };
    });
    expect(kept.caches).toBe(1);
    expect(kept.paths).toContain('/index.html');
    expect(kept.paths.length).toBeGreaterThan(3);
    for (const path of kept.paths) expect(path).toMatch(/^\/(index\.html|assets\/[\w.-]+\.(js|css))$/);
  });

  it('says that a new version is here, and reloads to it when one wants to', async () => {
    const ada = await place.join('Ada');
    const alan = await place.join('Alan');
    const page = await enter(ada);
    await page.goto(`${place.url}/with/${alan.id}`);
    await ready(page);
    const scripts = (): Promise<string[]> => page.evaluate(() => [...document.scripts].map(({ src }) => src));
    const before = await scripts();
    await page.locator('.write textarea').fill('half a sent');
    await place.stop();
    await place.start(newer);
    await page.getByText('A new version is here.').waitFor();
    expect(await scripts()).toEqual(before);
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Reload' }).click()]);
    await expect.poll(() => page.locator('.write textarea').inputValue()).toBe('half a sent');
    expect(await scripts()).not.toEqual(before);
    await expect.poll(() => page.evaluate(async () => (await caches.keys()).length)).toBe(1);
    expect(await page.getByText('A new version is here.').isVisible()).toBe(false);
  });

  it('does not speak of a new version to a page that is the new one', async () => {
    const page = await open();
    await ready(page);
    await place.stop();
    await place.start(newer);
    await page.reload();
    // The worker of the new build begins by itself, since no page of the old one is open.
    await expect
      .poll(async () =>
        page.evaluate(async () => {
          const { active, waiting, installing } = await navigator.serviceWorker.ready;
          return [active?.state, waiting, installing, (await caches.keys()).length];
        }),
      )
      .toEqual(['activated', null, null, 1]);
    await page.locator('form').waitFor();
  });

  it('asks who comes back to what they missed, and notifies once of what comes then, however many tabs are open', async () => {
    const ada = await place.join('Ada');
    const alan = await place.join('Alan');
    const socket = await alan.connect();
    const page = await enter(ada);
    await ready(page);
    // Of what was chosen in another tab, a tab may hear late.
    const other = await open('about:blank');
    await other.addInitScript(() => {
      addEventListener('storage', (event) => event.stopImmediatePropagation(), true);
    });
    await other.goto(place.url);
    await other.locator('.app').waitFor();
    // Hidden since another tab is in front.
    await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('hidden');
    expect((await sendTo(socket, ada.id, 'Meet at the station?')).ok).toBe(true);
    await page.locator('.row.unread').waitFor();
    expect(await page.locator('.invitation').innerText()).toBe('');
    await page.bringToFront();
    await page.getByText('Alan wrote while you were away. Be told next time?').waitFor();
    await browser.context.grantPermissions(['notifications'], { origin: place.url });
    await page.getByRole('button', { name: 'Yes' }).click();
    await page.getByText('Be told next time?').waitFor({ state: 'detached' });
    expect(await notifications(page)).toEqual([]);
    // A second one of the same conversation would take the place of the first without a trace.
    for (const tab of [page, other])
      await tab.evaluate(() => {
        const shown: string[] = [];
        Object.assign(window, { shown });
        const { prototype } = ServiceWorkerRegistration;
        prototype.showNotification = new Proxy(Reflect.get(prototype, 'showNotification'), {
          apply(show, registration, given: Parameters<typeof prototype.showNotification>) {
            shown.push(given[1]!.body!);
            return Reflect.apply(show, registration, given);
          },
        });
      });
    for (const [sent, body] of [
      ['At **ten**, say', 'At ten, say'],
      ['Bring the cards', 'Bring the cards'],
    ]) {
      expect((await sendTo(socket, ada.id, sent)).ok).toBe(true);
      await expect.poll(() => notifications(page)).toEqual([{ title: 'Alan Lovelace', body, tag: `room:${alan.id}` }]);
    }
    const shown = await Promise.all(
      [page, other].map((tab) => tab.evaluate(() => (window as { shown?: string[] }).shown!)),
    );
    expect(shown.flat().sort()).toEqual(['At ten, say', 'Bring the cards']);
    // What is read is no news.
    await page.goto(`${place.url}/with/${alan.id}`);
    await said(page, 'Bring the cards').waitFor();
    await expect.poll(() => notifications(page)).toEqual([]);
    alan.hangUp();
  });

  it('takes No for an answer, on this device for ever', async () => {
    const ada = await place.join('Ada');
    const alan = await place.join('Alan');
    const socket = await alan.connect();
    const page = await enter(ada);
    const other = await open('about:blank');
    const missing = async (text: string): Promise<void> => {
      await other.bringToFront();
      await expect.poll(() => page.evaluate(() => document.visibilityState)).toBe('hidden');
      await sendTo(socket, ada.id, text);
      await page.locator('.row.unread', { hasText: text }).waitFor();
      await page.bringToFront();
    };
    await missing('one');
    await page.getByText('Be told next time?').waitFor();
    await page.getByRole('button', { name: 'No', exact: true }).click();
    await page.getByText('Be told next time?').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.matches('a.row'))).toBe(true);
    await page.reload();
    await page.locator('.row.unread').waitFor();
    await missing('two');
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    expect(await page.locator('.invitation').innerText()).toBe('');
    alan.hangUp();
  });

  it('opens the finder from the shortcut of the installed app', async () => {
    const ada = await place.join('Ada');
    const page = await enter(ada);
    await page.goto(`${place.url}/?find`);
    await page.locator('dialog.finder').waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  it('offers itself after the third day, once', async () => {
    const ada = await place.join('Ada');
    const page = await enter(ada);
    await ready(page);
    const offer = () => page.evaluate(() => window.dispatchEvent(new Event('beforeinstallprompt')));
    await offer();
    expect(await page.getByRole('button', { name: 'Install' }).count()).toBe(0);
    await page.evaluate(() => localStorage.setItem('parley:days', '3 2026-1-1'));
    await page.reload();
    await page.locator('.app').waitFor();
    await ready(page);
    await offer();
    await page.getByText('Install Parley?').waitFor();
    await page.getByRole('button', { name: 'No', exact: true }).click();
    await page.reload();
    await page.locator('.app').waitFor();
    await ready(page);
    await offer();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    expect(await page.getByText('Install Parley?').count()).toBe(0);
  });

  it('works without https, and offers nothing that needs it', async () => {
    const plain = await Place.open(folder, 'parley.test');
    try {
      const ada = await plain.join('Ada');
      const alan = await plain.join('Alan');
      const page = await enter(ada, plain.url);
      expect(await page.evaluate(() => [isSecureContext, 'serviceWorker' in navigator])).toEqual([false, false]);
      await page.goto(`${plain.url}/with/${alan.id}`);
      await say(page, 'hello');
      await said(page, 'hello').locator('.meta svg').waitFor();
      await page.evaluate(() => window.dispatchEvent(new Event('beforeinstallprompt')));
      expect(await page.locator('.invitation').innerText()).toBe('');
    } finally {
      await plain.close();
    }
  });
});
