// The package as others get it: packed, installed into an empty project, and used there from JavaScript, TypeScript and a bundler.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Passwords } from '../../src/identity/passwords.js';
import { TestApp, temporaryFolder } from '../../test/support/app.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLIENT = join(ROOT, 'client');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const manifest = JSON.parse(readFileSync(join(CLIENT, 'package.json'), 'utf8'));
/** What the entry points that are not for everybody stand on, in the versions that are tested here. */
const BESIDE = ['react', '@types/react', '@preact/signals-core'].map(
  (name) => `${name}@${manifest.devDependencies[name]}`,
);

const project = temporaryFolder();
const installed = join(project, 'node_modules/parley-client');
let packed: string[];
let app: TestApp;

beforeAll(async () => {
  app = await TestApp.start('sqlite');
  // What is packed was built before the first test. To build it again would take it from those that run beside this one.
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: CLIENT,
  });
  const [{ filename, files }] = JSON.parse(stdout);
  packed = files.map(({ path }: { path: string }) => path);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${filename}`, ...BESIDE], {
    cwd: project,
  });
});
afterAll(async () => {
  await app?.stop();
  rmSync(project, { recursive: true, force: true });
});

/** All paths that an entry of `exports` may lead to. */
const targets = (entry: string | Record<string, string>): string[] =>
  typeof entry === 'string' ? [entry] : Object.values(entry);
const entries = Object.entries<string | Record<string, string>>(manifest.exports).filter(
  ([path]) => path !== './package.json',
);

describe('the package', () => {
  it('holds what is built, its sources, and what everybody reads; nothing else', () => {
    const [built, others] = [
      packed.filter((path) => /^(dist|src)\//.test(path)),
      packed.filter((path) => !/^(dist|src)\//.test(path)),
    ];
    expect(others.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    expect(built.filter((path) => !/\.(ts|js|map)$/.test(path))).toEqual([]);
    expect(readFileSync(join(installed, 'LICENSE'), 'utf8')).toBe(readFileSync(join(ROOT, 'LICENSE'), 'utf8'));
    const names = (folder: string, ending: string): string[] =>
      packed
        .filter((path) => path.startsWith(folder) && path.endsWith(ending))
        .map((path) => path.slice(folder.length, -ending.length));
    for (const ending of ['.js', '.d.ts'])
      expect(names('dist/', ending)).toEqual(expect.arrayContaining(names('src/', '.ts')));
  });

  it('leads by its exports to files that are there: types first, ES modules for all else', () => {
    expect(manifest).toMatchObject({ type: 'module', sideEffects: false });
    for (const name of ['main', 'module', 'browser', 'types']) expect(manifest).not.toHaveProperty(name);
    for (const [path, entry] of entries) {
      expect(Object.keys(entry)).toEqual(['parley-source', 'types', 'default']);
      for (const target of targets(entry)) expect([path, existsSync(join(installed, target))]).toEqual([path, true]);
    }
  });

  it('depends on socket.io-client alone', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['socket.io-client']);
    const optional = Object.keys(manifest.peerDependenciesMeta);
    expect(Object.keys(manifest.peerDependencies)).toEqual(optional);
  });

  it('has the version of the server that it is made with', () => {
    expect(manifest.version).toBe(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version);
    expect(manifest.engines).toEqual(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).engines);
  });
});

describe('in a project that has installed it', () => {
  it('signs in to a server and sends a message, in a program of Node', async () => {
    const password = 'correct horse battery';
    const [ada, alan] = [
      await app.createUser('ada@example.com', 'Ada'),
      await app.createUser('alan@example.com', 'Alan'),
    ];
    const hash = await app.get(Passwords).hash(password, 'owner');
    await app.database.query('UPDATE users SET password_hash = ? WHERE id = ?', [hash, ada.id]);
    writeFileSync(
      join(project, 'program.js'),
      `import { ParleyClient, ParleyError } from 'parley-client';
       import { fileStorage } from 'parley-client/node';
       const [url, email, password, other] = process.argv.slice(2);
       const parley = new ParleyClient(url, { storage: fileStorage('./outbox.json') });
       const failure = await parley.login(email, 'wrong').catch((error) => error);
       const me = await parley.login(email, password);
       const message = await parley.room(Number(other)).send('Hello from a package');
       await parley.close();
       console.log(JSON.stringify({ failed: ParleyError.is(failure, 'login_failed'), me, message }));`,
    );
    const { stdout } = await run(process.execPath, ['program.js', app.url, 'ada@example.com', password, `${alan.id}`], {
      cwd: project,
      timeout: 60_000,
    });
    expect(JSON.parse(stdout)).toMatchObject({
      failed: true,
      me: { id: ada.id, email: 'ada@example.com' },
      message: { seq: 1, user_id: ada.id, message: 'Hello from a package' },
    });
  });

  it('has no default export anywhere', async () => {
    const script = `const found = {};
      for (const path of ${JSON.stringify(entries.map(([path]) => path))}) found[path] = Object.keys(await import('parley-client' + path.slice(1)));
      console.log(JSON.stringify(found));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: project });
    const found = Object.entries<string[]>(JSON.parse(stdout));
    expect(found).toHaveLength(entries.length);
    for (const [, names] of found) {
      expect(names.length).toBeGreaterThan(0);
      expect(names).not.toContain('default');
    }
  });

  const CONSUMER = `
    import { type Chat, chatKey, computed, type Item, memoryStorage, ParleyClient, ParleyError, type ParleyOptions, type Store, when } from 'parley-client';
    import { ParleyProvider, useAttached, useParley, useStore } from 'parley-client/react';
    import { fromStore } from 'parley-client/signals';

    const options: ParleyOptions = { storage: memoryStorage(), page: null, tabs: null };
    export const parley = new ParleyClient('https://chat.example.com', options);
    export const unread: Store<number> = computed(parley.inbox, (inbox) => inbox.unread);
    export const shown = fromStore(unread).value.toFixed();
    export async function main(chat: Chat): Promise<string> {
      await using closing = parley;
      using attached = chat.attach({ signal: AbortSignal.timeout(1_000) });
      await attached.ready;
      await when(closing.connection, ({ synced }) => synced);
      const texts = chat.timeline.get().items.map((item: Item) => (item.kind === 'message' ? item.message : item.change));
      try {
        for await (const { text } of parley.bot.ask('?')) texts.push(text);
      } catch (error) {
        if (ParleyError.is(error, 'bot_unavailable')) texts.push(String(error.retry_after_ms));
        // @ts-expect-error A store is read by get().
        texts.push(chat.timeline.items);
      }
      return chatKey(chat.ref) + texts.join();
    }
    export function useCount(chat: Chat): [number, boolean] {
      const attached = useAttached(chat);
      const count = useStore(chat.timeline, ({ items }) => items.length);
      const all: number = useStore(useParley().inbox).unread;
      return [count + all, attached !== undefined];
    }
    export const provider = ParleyProvider({ client: parley, children: 'text' });
  `;

  /** Strict, and also what the package declares is checked. */
  const STRICT = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types: [],
  };
  const PAGE_LIB = ['ES2022', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'];

  it.each([
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ['bundler', { module: 'preserve', moduleResolution: 'bundler' }],
  ])('compiles in a strict project of TypeScript, its modules found as by %s', async (name, options) => {
    const folder = join(project, `strict-${name}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: { ...STRICT, ...options, target: 'ES2022', lib: PAGE_LIB },
        files: ['consumer.ts'],
      }),
    );
    const told = await run(process.execPath, [TSC, '-p', folder]).catch(({ stdout }: { stdout: string }) => ({
      stdout,
    }));
    expect(told.stdout).toBe('');
  });

  it('gives a bundler what is used, and nothing where nothing is', async () => {
    const bundled = async (source: string): Promise<string> => {
      writeFileSync(join(project, 'entry.js'), source);
      const built = await build({
        root: project,
        configFile: false,
        logLevel: 'error',
        build: { write: false, modulePreload: false, rollupOptions: { input: join(project, 'entry.js') } },
      });
      const { output } = built as { output: { code: string }[] };
      return output.map(({ code }) => code).join('');
    };
    expect((await bundled(`import 'parley-client'; import { parseChatKey } from 'parley-client';`)).trim()).toBe('');
    const small = await bundled(`import { ParleyError } from 'parley-client'; console.log(ParleyError.is(1));`);
    expect(small).toContain('ParleyError');
    expect(small.length).toBeLessThan(4_000);
  });
});
