// client/README.md, word for word: pages and programs are run at a real server, all other code is compiled.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Passwords } from '../../src/identity/passwords.js';
import { TestApp, temporaryFolder } from '../../test/support/app.js';
import { hasChromium, TestBrowser } from '../../test/support/browser.js';
import { knownClient, shows } from '../../test/support/person.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(ROOT, 'client/README.md'), 'utf8');
const PASSWORD = 'correct horse battery';

interface Block {
  language: string;
  title: string | undefined;
  text: string;
}

const blocks: Block[] = [...README.matchAll(/^```(\w+)(?: title=(\S+))?\n([\s\S]*?)^```$/gm)].map(
  ([, language, title, text]) => ({ language, title, text }),
);
const titled = (title: string): string => blocks.find((block) => block.title === title)!.text;

/** A project in which the client is installed, as it was built. */
function project(files: Record<string, string>): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(ROOT, 'client'), join(folder, 'node_modules/parley-client'));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const folders: string[] = [];
let app: TestApp;
let browser: TestBrowser | undefined;
beforeAll(async () => {
  if (hasChromium) browser = await TestBrowser.start();
});
afterAll(async () => {
  await browser?.stop();
  await app?.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('the README of the client', () => {
  it('has no block that nobody tries', () => {
    expect(blocks.length * 2).toBe(README.match(/^ *(```|~~~)/gm)?.length);
    expect(blocks.filter(({ title }) => title !== undefined).map(({ title }) => title)).toEqual([
      'index.html',
      'bot.js',
      'chat.test.js',
    ]);
    const others = blocks.filter(({ title }) => title === undefined).map(({ language }) => language);
    expect(new Set(others)).toEqual(new Set(['sh', 'ts', 'tsx']));
  });

  it('gives commands whose parts are there', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text.trim());
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(commands).toEqual([
      'npm install parley-client vite',
      'CORS_ORIGINS=http://localhost:5173 npm start',
      'npx vite --port 5173',
    ]);
    expect(scripts).toMatchObject({ start: expect.any(String), demo: expect.any(String) });
    expect(readFileSync(join(ROOT, '.env.example'), 'utf8')).toContain('#CORS_ORIGINS=');
  });

  it('leads to pages and headings that are there', () => {
    const headings = [...README.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    const anchors = headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const [, target] of README.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('#')) expect(anchors).toContain(target.slice(1));
      else expect([target, existsSync(join(ROOT, 'client', target))]).toEqual([target, true]);
    }
  });

  it('compiles in a strict project', async () => {
    const code = blocks.filter(({ language }) => language === 'ts' || language === 'tsx');
    expect(code.length).toBeGreaterThan(2);
    const compilerOptions = {
      target: 'ES2022',
      lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
      module: 'preserve',
      moduleResolution: 'bundler',
      jsx: 'react-jsx',
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
    };
    const folder = project({
      ...Object.fromEntries(code.map(({ language, text }, n) => [`block-${n}.${language}`, text])),
      'tsconfig.json': JSON.stringify({ compilerOptions }),
    });
    folders.push(folder);
    for (const name of ['react', '@types'])
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const told = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch(
      ({ stdout }: { stdout: string }) => ({ stdout }),
    );
    expect(told.stdout).toBe('');
  });

  it.skipIf(!hasChromium)('brings a stranger to a chat in fifteen lines', async () => {
    const html = titled('index.html');
    const [, script] = /<script type="module">\n([\s\S]*)<\/script>/.exec(html)!;
    expect(
      script
        .trim()
        .split('\n')
        .filter((line) => line.trim() !== '').length,
    ).toBeLessThanOrEqual(15);
    const folder = project({});
    folders.push(folder);
    const site = await browser!.serve({ folder: join(folder, 'dist') });
    app = await TestApp.start('sqlite', { CORS_ORIGINS: site.secure });
    writeFileSync(join(folder, 'index.html'), html.replace('http://localhost:3000', app.url));
    await build({ root: folder, configFile: false, logLevel: 'error' });

    const email = 'grace@example.com';
    const { id } = await app.createUser(email, 'Grace');
    const hash = await app.get(Passwords).hash(PASSWORD, 'owner');
    await app.database.query('UPDATE users SET password_hash = ? WHERE id = ?', [hash, id]);
    const alan = await knownClient(app, 'Alan');
    const page = await browser!.open('about:blank');
    const answers: Record<string, string> = {
      'E-mail': email,
      Password: PASSWORD,
      'The id of whom to talk to': `${alan.id}`,
    };
    page.on('dialog', (dialog) => void dialog.accept(answers[dialog.message()]));
    await page.goto(site.secure);
    const room = alan.client.room(id);
    await room.send('Hello Grace');
    await page.getByText('Hello Grace').waitFor();
    await page.getByLabel('Message').fill('Hello <b>Alan</b>');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Hello <b>Alan</b>').waitFor();
    room.attach();
    await shows(room, ['Hello Grace', 'Hello <b>Alan</b>']);
    await page.close();
    await alan.client.close();
  });

  it('shows a bot that answers once', async () => {
    app ??= await TestApp.start('sqlite');
    const { id, token } = await app.createUser('bot@example.com', 'Bot');
    const ada = await knownClient(app, 'Ada');
    const folder = project({ 'bot.js': titled('bot.js').replace('http://localhost:3000', app.url) });
    folders.push(folder);
    const room = ada.client.room(id);
    room.attach();
    await room.send('one');
    const env = { PATH: process.env['PATH'], PARLEY_TOKEN: token };
    let bot: ChildProcess | undefined;
    try {
      bot = spawn(process.execPath, ['bot.js'], { cwd: folder, env, stdio: 'inherit' });
      await shows(room, ['one', 'You said: one']);
      await room.send('two');
      await shows(room, ['one', 'You said: one', 'two', 'You said: two']);
      expect(
        (await room.history()).map(({ client_id }) => client_id).filter((name) => name?.startsWith('re-')),
      ).toEqual(['re-1', 're-3']);
    } finally {
      bot?.kill('SIGKILL');
    }
    await ada.client.close();
  });

  it('shows a test that passes', async () => {
    const folder = project({ 'chat.test.js': titled('chat.test.js') });
    folders.push(folder);
    const run = spawn(process.execPath, ['--test', '--test-reporter=tap'], { cwd: folder });
    let told = '';
    for (const stream of [run.stdout, run.stderr]) stream.on('data', (chunk: Buffer) => (told += chunk.toString()));
    const code = await new Promise((resolve) => run.once('close', resolve));
    expect(told).toMatch(/^# pass 1$/m);
    expect(code).toBe(0);
  });
});
