// The examples as they stand in client/examples, at a real server: pages in a real Chromium, the bot in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Passwords } from '../../src/identity/passwords.js';
import { TestApp, temporaryFolder } from '../../test/support/app.js';
import { hasChromium, type Site, TestBrowser } from '../../test/support/browser.js';
import { eventually } from '../../test/support/client.js';
import { when } from '../src/store.js';
import { knownClient, shows } from '../../test/support/person.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = join(ROOT, 'client/examples');
const PASSWORD = 'correct horse battery';
/** Where the examples look for a server. */
const THEIRS = 'http://localhost:3000';

/** A copy that looks for the server of this test; its packages are those of this repository, the client as it was built. */
function copied(name: string, url: string): string {
  const folder = temporaryFolder();
  cpSync(join(EXAMPLES, name), folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  for (const { name: dependency } of dependenciesOf(name))
    symlinkSync(join(ROOT, 'node_modules', dependency), join(folder, 'node_modules', dependency));
  // What an installation brings along with the client.
  symlinkSync(join(ROOT, 'node_modules/socket.io-client'), join(folder, 'node_modules/socket.io-client'));
  for (const file of ['index.html', 'src/main.tsx']) {
    const path = join(folder, file);
    const text = readOrNothing(path);
    if (text.includes(THEIRS)) writeFileSync(path, text.replaceAll(THEIRS, url));
  }
  return folder;
}

const readOrNothing = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const dependenciesOf = (name: string): { name: string; range: string }[] => {
  const { dependencies } = JSON.parse(readFileSync(join(EXAMPLES, name, 'package.json'), 'utf8'));
  return Object.entries<string>(dependencies).map(([dependency, range]) => ({ name: dependency, range }));
};

async function account(app: TestApp, name: string): Promise<{ id: number; email: string; token: string }> {
  const email = `${name.toLowerCase()}${crypto.randomUUID()}@example.com`;
  const { id, token } = await app.createUser(email, name);
  const hash = await app.get(Passwords).hash(PASSWORD, 'owner');
  await app.database.query('UPDATE users SET password_hash = ? WHERE id = ?', [hash, id]);
  return { id, email, token };
}

describe('the examples', () => {
  const manifest = (path: string): any => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

  it.each(['page', 'react', 'bot'])('%s asks for the packages that are tested here', (name) => {
    const { version, devDependencies } = manifest('client/package.json');
    const known = { ...manifest('package.json').devDependencies, ...devDependencies, 'parley-client': `^${version}` };
    const { dependencies, devDependencies: own = {} } = manifest(`client/examples/${name}/package.json`);
    for (const [dependency, range] of Object.entries({ ...dependencies, ...own }))
      expect([dependency, range]).toEqual([dependency, known[dependency]]);
  });

  it('never make elements of text, and look the same', () => {
    const sources = [
      'page/main.js',
      ...['main', 'App', 'Chats', 'Conversation'].map((file) => `react/src/${file}.tsx`),
    ];
    for (const file of sources)
      expect(readFileSync(join(EXAMPLES, file), 'utf8')).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write/i,
      );
    expect(readFileSync(join(EXAMPLES, 'react/src/style.css'), 'utf8')).toBe(
      readFileSync(join(EXAMPLES, 'page/style.css'), 'utf8'),
    );
  });
});

describe.skipIf(!hasChromium).each(['page', 'react'])('the example %s', (name) => {
  let browser: TestBrowser;
  let app: TestApp;
  let site: Site;
  let page: Page;
  const faults: string[] = [];
  const folders: string[] = [];

  beforeAll(async () => {
    browser = await TestBrowser.start();
    const folder = temporaryFolder();
    folders.push(folder);
    site = await browser.serve({ folder });
    app = await TestApp.start('sqlite', { CORS_ORIGINS: site.secure });
    const copy = copied(name, app.url);
    folders.push(copy);
    // The plain page is served as it is; the other is built first.
    if (name === 'page') cpSync(copy, folder, { recursive: true, dereference: true });
    else
      await build({ root: copy, configFile: false, logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  });
  afterAll(async () => {
    await browser?.stop();
    await app?.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => page.close());

  async function open(): Promise<void> {
    page = await browser.open('about:blank');
    faults.length = 0;
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (told) => {
      // A login that is refused, and a server that is away, stand in the console by themselves.
      if (told.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(told.text()))
        faults.push(told.text());
    });
    await page.goto(site.secure);
  }

  async function signIn(email: string, password = PASSWORD): Promise<void> {
    await page.getByLabel('E-mail').fill(email);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  async function signOut(): Promise<void> {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  }

  const texts = (): Promise<string[]> => page.locator('.message p:not(.error)').allInnerTexts();
  const becomes = (wanted: string[]): Promise<void> =>
    eventually(
      async () => ((await texts()).join('\n') === wanted.join('\n') ? true : undefined),
      `the messages ${wanted.join(', ')}`,
      20_000,
    ).then(
      () => {},
      async (error: Error) => {
        throw new Error(`${error.message}; there are: ${(await texts()).join(', ')}\n${faults.join('\n')}`);
      },
    );

  it('signs in, finds somebody, talks, and is there again after a reload', async () => {
    const [ada, alan] = [await account(app, 'Ada'), await knownClient(app, 'Alan')];
    await open();
    await signIn(ada.email, 'not the password');
    await page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    await signIn(ada.email);
    await page.getByLabel('Find people').fill('ala');
    await page.getByRole('button', { name: 'Alan Lovelace' }).click();
    await page.getByRole('heading', { name: 'Alan' }).waitFor();
    const markup = '<img src=x onerror=alert(1)> & <b>bold</b>';
    await page.getByLabel('Message', { exact: true }).pressSequentially(markup);
    await page.keyboard.press('Enter');
    await becomes([markup]);
    expect(await page.getByLabel('Message', { exact: true }).inputValue()).toBe('');
    const room = alan.client.room(ada.id);
    room.attach();
    await shows(room, [markup]);
    room.typed();
    await page.getByRole('status').filter({ hasText: 'Somebody types' }).waitFor();
    await room.send('Hello Ada');
    await becomes([markup, 'Hello Ada']);
    // What is shown at the end has been seen.
    await when(room.receipts, (receipts) => receipts.get(ada.id) === 2, { signal: AbortSignal.timeout(20_000) });
    await room.edit(2, 'Hello, dear Ada');
    await becomes([markup, 'Hello, dear Ada']);

    await page.reload();
    await page.getByRole('navigation').getByRole('button', { name: 'Alan Lovelace' }).click();
    await becomes([markup, 'Hello, dear Ada']);
    expect(await page.locator('.message b').allInnerTexts()).toEqual(['You', 'Alan']);
    await signOut();
    expect(await page.getByLabel('E-mail').inputValue()).toBe(ada.email);
    expect(faults).toEqual([]);
    await alan.client.close();
  });

  it('keeps what is written offline, and the caret where it is', async () => {
    const [ada, alan] = [await account(app, 'Ada'), await knownClient(app, 'Alan')];
    const room = alan.client.room(ada.id);
    await room.send('one');
    await open();
    await signIn(ada.email);
    await page.getByRole('navigation').getByRole('button', { name: 'Alan' }).click();
    await becomes(['one']);
    await page.context().setOffline(true);
    const text = page.getByLabel('Message', { exact: true });
    await text.pressSequentially('to');
    await page.keyboard.press('ArrowLeft');
    await text.pressSequentially('w');
    await page.keyboard.press('ArrowRight');
    expect(await text.inputValue()).toBe('two');
    await page.keyboard.press('Shift+Enter');
    await text.pressSequentially('lines');
    await page.keyboard.press('Enter');
    await becomes(['one', 'two\nlines']);
    await page.getByText('waits').waitFor();
    await page.context().setOffline(false);
    await page.getByText('waits').waitFor({ state: 'detached' });
    room.attach();
    await shows(room, ['one', 'two\nlines']);
    await signOut();
    expect(faults).toEqual([]);
    await alan.client.close();
  });

  it('loads earlier messages without moving what is read, and shows the first new one', async () => {
    const [ada, alan] = [await account(app, 'Ada'), await knownClient(app, 'Alan')];
    const room = alan.client.room(ada.id);
    for (let n = 1; n <= 130; n++) await room.send(`message ${n}`);
    await open();
    await signIn(ada.email);
    await page.getByTitle('130 unread').waitFor();
    expect(await page.title()).toBe('(130) Chat');
    await page.getByRole('navigation').getByRole('button', { name: 'Alan' }).click();
    const list = page.getByLabel('Messages', { exact: true });
    const message = (n: number): Locator => list.getByText(`message ${n}`, { exact: true });
    await message(130).waitFor();
    expect(await list.locator('li').count()).toBe(100);
    // A draft of many lines makes the list lower, and the end stays in view: what comes then is seen.
    await page.getByLabel('Message', { exact: true }).fill('a\nb\nc\nd\ne\nf');
    const toEnd = (): Promise<number> =>
      list.evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
    await expect.poll(toEnd).toBeLessThan(1);
    await room.send('message 131');
    await when(room.receipts, (receipts) => receipts.get(ada.id) === 131, { signal: AbortSignal.timeout(20_000) });
    expect(await toEnd()).toBeLessThan(1);

    await list.evaluate((one: HTMLElement) => (one.scrollTop = 0));
    /** How far below the upper edge of the list it stands. */
    const top = (): Promise<number> =>
      message(31).evaluate((one) => one.getBoundingClientRect().top - one.closest('ol')!.getBoundingClientRect().top);
    const before = await top();
    await page.getByRole('button', { name: 'Earlier messages' }).click();
    await message(1).waitFor({ state: 'attached' });
    expect(Math.abs((await top()) - before)).toBeLessThan(1);
    expect(await list.locator('.new p').allInnerTexts()).toEqual(['message 1']);
    expect(faults).toEqual([]);
    await alan.client.close();
  });
});

describe('the example bot', () => {
  let app: TestApp;
  const bots: ChildProcess[] = [];
  const folders: string[] = [];
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
  });
  afterEach(() => bots.splice(0).forEach((bot) => bot.kill('SIGKILL')));
  afterAll(async () => {
    await app.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  function start(
    folder: string,
    token: string,
  ): { bot: ChildProcess; told: () => string; ended: Promise<number | null> } {
    const bot = spawn(process.execPath, ['bot.js'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], PARLEY_URL: app.url, PARLEY_TOKEN: token },
    });
    bots.push(bot);
    let told = '';
    for (const stream of [bot.stdout, bot.stderr]) stream.on('data', (chunk: Buffer) => (told += chunk.toString()));
    return { bot, told: () => told, ended: new Promise((resolve) => bot.once('exit', resolve)) };
  }

  it('answers what came before and comes now, once, also after it was killed', async () => {
    const helper = await account(app, 'Counter');
    const ada = await knownClient(app, 'Ada');
    const room = ada.client.room(helper.id);
    room.attach();
    await room.send('Are you there?');
    const folder = copied('bot', app.url);
    folders.push(folder);
    const first = start(folder, helper.token);
    await shows(room, ['Are you there?', '3 words.']).catch((error: Error) => {
      throw new Error(`${error.message}\n${first.told()}`);
    });
    await room.send('Yes');
    await shows(room, ['Are you there?', '3 words.', 'Yes', '1 word.']);
    first.bot.kill('SIGKILL');
    await first.ended;
    await room.send('Still there, are you?');
    const second = start(folder, helper.token);
    const all = ['Are you there?', '3 words.', 'Yes', '1 word.', 'Still there, are you?', '4 words.'];
    await shows(room, all);
    second.bot.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(second.told()).toBe('Counter listens.\n');
    expect((await room.history()).map(({ message }) => message)).toEqual(all);
    await ada.client.close();
  });
});
