import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileStorage } from 'parley-client/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bundle } from '../../test/support/browser.js';
import { ParleyError } from '../src/errors.js';
import { takeFileLock } from '../src/file-lock.js';
import type { ParleyStorage } from '../src/seams.js';
import { checkStorage } from './storage-contract.js';

let folder: string;
let path: string;
let opened: ParleyStorage[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-file-'));
  path = join(folder, 'bot.json');
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((storage) => storage.close!()));
  rmSync(folder, { recursive: true, force: true });
});

const open = (at = path): ParleyStorage => {
  const storage = fileStorage(at);
  opened.push(storage);
  return storage;
};
const keysOf = async (storage: ParleyStorage, prefix = ''): Promise<string[]> => [
  ...(await storage.read(prefix)).keys(),
];
const faultOf = async (call: Promise<unknown>): Promise<ParleyError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!ParleyError.is(error)) throw new Error(`It did not fail with a ParleyError: ${String(error)}`);
  return error;
};

describe('The file', () => {
  test('does what a storage does', async () => {
    await expect(checkStorage(open())).resolves.toBeUndefined();
  });

  test('is touched by nobody before the first call, is for its owner alone, and is all there is after close', async () => {
    const storage = open();
    expect(readdirSync(folder)).toEqual([]);
    await storage.write(new Map([['token', 'secret']]));
    expect(readdirSync(folder).sort()).toEqual(['bot.json', 'bot.json.lock']);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ format: 'parley-client/1', rows: { token: 'secret' } });
    await storage.close!();
    await storage.close!();
    expect(readdirSync(folder)).toEqual(['bot.json']);
    expect([...(await open().read(''))]).toEqual([['token', 'secret']]);
  });

  test('gathers the writes that come while one is under way into the next', async () => {
    const storage = open();
    await storage.read('');
    const first = storage.write(new Map([['first', 1]]));
    await sleep(0);
    const later = Array.from({ length: 100 }, (_, n) => storage.write(new Map([[`later:${n}`, n]])));
    await first;
    const rows = () => Object.keys((JSON.parse(readFileSync(path, 'utf8')) as { rows: object }).rows).length;
    expect(rows()).toBe(1);
    await later[0];
    expect(rows()).toBe(101);
    await Promise.all(later);
  });

  test('finishes on close what was begun, and takes nothing after it', async () => {
    const storage = open();
    const writes = Array.from({ length: 10 }, (_, n) => storage.write(new Map([[`${n}`, n]])));
    const order: string[] = [];
    void Promise.all(writes).then(() => order.push('written'));
    await storage.close!().then(() => order.push('closed'));
    expect(order).toEqual(['written', 'closed']);
    expect(await faultOf(storage.write(new Map([['late', 1]])))).toMatchObject({ code: 'closed' });
    expect(await faultOf(storage.read(''))).toMatchObject({ code: 'closed' });
    expect(await keysOf(open())).toHaveLength(10);
    const unused = fileStorage(join(folder, 'unused.json'));
    await unused.close!();
    expect(readdirSync(folder)).not.toContain('unused.json');
  });

  test.each([
    ['half-written', '{"format":"parley-client/1","rows":{"a":"hal'],
    ['empty', ''],
    ['another program’s', '{"name":"bot","version":"1.0.0"}'],
    ['of a newer format', '{"format":"parley-client/2","rows":{}}'],
    ['a list', '[1,2,3]'],
    ['null', 'null'],
    ['not text', Buffer.from('7b22666f726d6174ff22', 'hex')],
  ])('is left as it is where it is %s', async (_, content) => {
    writeFileSync(path, content);
    const storage = open();
    for (const call of [storage.read(''), storage.write(new Map([['a', 1]])), storage.read('')]) {
      const error = await faultOf(call);
      expect(error).toMatchObject({ code: 'storage_failed', retryable: false });
      expect(error.message).toContain(path);
      expect(error.message).toContain('left as it is');
    }
    expect(readFileSync(path)).toEqual(Buffer.from(content));
    expect(readdirSync(folder)).toEqual(['bot.json']);
    // Moved away, it begins anew: without a restart.
    unlinkSync(path);
    await storage.write(new Map([['a', 1]]));
    expect(await keysOf(storage)).toEqual(['a']);
  });

  test('keeps nothing of a write that failed, and goes on after it', async () => {
    const storage = open();
    await storage.write(new Map([['a', 1]]));
    mkdirSync(`${path}.new`);
    const [one, two] = [storage.write(new Map([['a', 2]])), storage.write(new Map([['b', 2]]))];
    expect(await faultOf(one)).toMatchObject({ code: 'storage_failed' });
    expect(await faultOf(two)).toMatchObject({ code: 'storage_failed' });
    expect([...(await storage.read(''))]).toEqual([['a', 1]]);
    rmSync(`${path}.new`, { recursive: true });
    await storage.write(new Map([['c', 3]]));
    expect([...(await storage.read(''))]).toEqual([
      ['a', 1],
      ['c', 3],
    ]);
  });

  test('says what JSON cannot hold, and that a folder is missing', async () => {
    const storage = open();
    expect(await faultOf(storage.write(new Map([['a', 1n]])))).toMatchObject({ code: 'storage_failed' });
    expect(await faultOf(storage.write(new Map([['a', () => 1]])))).toMatchObject({ code: 'storage_failed' });
    expect(existsSync(path)).toBe(false);
    const missing = await faultOf(open(join(folder, 'missing', 'bot.json')).read(''));
    expect(missing).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('ENOENT') });
  });

  test('replaces what a link leads to, not the link, and follows none that lies in its way', async () => {
    const [real, elsewhere] = [join(folder, 'real.json'), join(folder, 'elsewhere')];
    await open(real).write(new Map([['a', 1]]));
    symlinkSync(real, path);
    expect((await faultOf(open().read(''))).message).toContain('in use');
    await opened[0].close!();
    writeFileSync(elsewhere, 'precious');
    symlinkSync(elsewhere, `${real}.new`);
    const storage = open();
    await storage.write(new Map([['b', 2]]));
    expect(await keysOf(storage)).toEqual(['a', 'b']);
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
    expect(JSON.parse(readFileSync(real, 'utf8'))).toMatchObject({ rows: { a: 1, b: 2 } });
  });
});

describe('One process at a time', () => {
  let programs: string;
  let children: ChildProcess[] = [];

  beforeAll(async () => {
    programs = mkdtempSync(join(tmpdir(), 'parley-programs-'));
    const write = async (name: string, source: string) =>
      writeFileSync(join(programs, name), await bundle(source, { platform: 'node' }));
    // Writes without an end, several at once, and says what is stored.
    await write(
      'writer.mjs',
      // Large, so that the moments are many in which a file is half there.
      `import { fileStorage } from 'parley-client/node';
       const storage = fileStorage(process.argv[2]);
       const padding = 'x'.repeat(3_000_000);
       const say = (line) => process.stdout.write(line + '\\n');
       const go = async (name) => {
         for (let n = 1; ; n++) {
           await storage.write(new Map([[name, n], [name + ':again', n], ['padding', padding]]));
           say(name + ' ' + n);
         }
       };
       await storage.read('');
       say('ready');
       await Promise.all(['one', 'two', 'three'].map(go));`,
    );
    // Takes it, and keeps it until its input ends.
    await write(
      'keeper.mjs',
      `import { fileStorage } from 'parley-client/node';
       const storage = fileStorage(process.argv[2]);
       try {
         await storage.write(new Map([[String(process.pid), 1]]));
         console.log('got it');
       } catch (error) {
         console.log(error.code + ' ' + error.message);
       }
       process.stdin.resume().once('end', () => storage.close());`,
    );
  });
  afterEach(async () => {
    await Promise.all(children.map((child) => kill(child)));
    children = [];
  });
  afterAll(() => rmSync(programs, { recursive: true, force: true }));

  const start = (program: string): { child: ChildProcess; lines: string[] } => {
    const child = spawn(process.execPath, [join(programs, program), path], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines: string[] = [];
    createInterface(child.stdout).on('line', (line) => lines.push(line));
    return { child, lines };
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // All of its output has been read, too.
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  };
  /** What it says, once it has said it. */
  const line = async (lines: string[], at: number): Promise<string> => {
    await expect.poll(() => lines.length).toBeGreaterThan(at);
    return lines[at];
  };

  test(
    'a process that is killed in the middle of writing loses nothing that was stored',
    { timeout: 120_000 },
    async () => {
      const stored: Record<string, number> = {};
      for (let round = 0; round < 15; round++) {
        const { child, lines } = start('writer.mjs');
        await line(lines, round % 5);
        await sleep(Math.random() * 30);
        await kill(child);
        for (const [name, n] of lines.slice(1).map((said) => said.split(' '))) stored[name] = Number(n);

        const storage = fileStorage(path);
        const rows = await storage.read('');
        for (const [name, n] of Object.entries(stored)) {
          expect(rows.get(name), name).toBeGreaterThanOrEqual(n);
          // Of a write all or nothing.
          expect(rows.get(`${name}:again`)).toBe(rows.get(name));
        }
        await storage.write(new Map(Object.keys(stored).map((name) => [name, undefined])));
        await storage.write(new Map(Object.keys(stored).map((name) => [`${name}:again`, undefined])));
        for (const name of Object.keys(stored)) delete stored[name];
        await storage.close!();
        expect(readdirSync(folder).filter((name) => name !== 'bot.json.new')).toEqual(['bot.json']);
      }
    },
  );

  test('a second one is told who uses it, and gets it when the first is done', async () => {
    const keeper = start('keeper.mjs');
    expect(await line(keeper.lines, 0)).toBe('got it');
    const storage = open();
    const error = await faultOf(storage.read(''));
    expect(error).toMatchObject({ code: 'storage_failed', retryable: false });
    expect(error.message).toContain(`process ${keeper.child.pid} on ${hostname()}`);
    expect(error.message).toContain(`${path}.lock`);
    expect((await faultOf(storage.write(new Map([['a', 1]])))).message).toBe(error.message);
    keeper.child.stdin!.end();
    await once(keeper.child, 'close');
    expect(await keysOf(storage)).toEqual([String(keeper.child.pid)]);
    // Within one process, too.
    expect((await faultOf(open().read(''))).message).toContain(`process ${process.pid}`);
  });

  test('of many processes that find a dead one’s lock, one gets it', async () => {
    const dead = start('keeper.mjs');
    expect(await line(dead.lines, 0)).toBe('got it');
    await kill(dead.child);
    expect(existsSync(`${path}.lock`)).toBe(true);
    const all = Array.from({ length: 6 }, () => start('keeper.mjs'));
    const said = await Promise.all(all.map(({ lines }) => line(lines, 0)));
    expect(said.filter((text) => text === 'got it')).toHaveLength(1);
    expect(said.filter((text) => text.includes('is in use by process'))).toHaveLength(5);
    await Promise.all(all.map(({ child }) => kill(child)));
    expect(await keysOf(open())).toContain(String(all[said.indexOf('got it')].child.pid));
  });

  test('of many that find it at nearly the same moment, too', async () => {
    const lock = join(folder, 'lock');
    for (let round = 0; round < 30; round++) {
      writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), start: '', id: `${round}` }));
      const outcomes = await Promise.allSettled(
        Array.from({ length: 12 }, async () => {
          await sleep(Math.random() * 4);
          return takeFileLock(lock, 'test');
        }),
      );
      const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(winners).toHaveLength(1);
      await winners[0].value.check();
      await winners[0].value.release();
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test('of one that died while it took over, too', async () => {
    const dead = start('keeper.mjs');
    expect(await line(dead.lines, 0)).toBe('got it');
    await kill(dead.child);
    writeFileSync(`${path}.lock~`, readFileSync(`${path}.lock`));
    expect(await keysOf(open())).toEqual([String(dead.child.pid)]);
    expect(readdirSync(folder).sort()).toEqual(['bot.json', 'bot.json.lock']);
  });

  test.runIf(process.platform === 'linux')(
    'another process of the same number is not taken for the one that died',
    async () => {
      const keeper = start('keeper.mjs');
      expect(await line(keeper.lines, 0)).toBe('got it');
      const lock = JSON.parse(readFileSync(`${path}.lock`, 'utf8')) as { pid: number; start: string };
      await kill(keeper.child);
      // As after a reboot, or in a new container, where all are called 1.
      writeFileSync(`${path}.lock`, JSON.stringify({ ...lock, pid: process.pid }));
      expect(await keysOf(open())).toEqual([String(lock.pid)]);
    },
  );

  test('whoever finds that its lock was taken away writes no more', async () => {
    const storage = open();
    await storage.write(new Map([['a', 1]]));
    rmSync(`${path}.lock`);
    const other = open();
    await other.write(new Map([['b', 2]]));
    const error = await faultOf(storage.write(new Map([['a', 3]])));
    expect(error).toMatchObject({ code: 'storage_failed' });
    expect(error.message).toContain('taken away');
    await storage.close!();
    expect([...(await other.read(''))]).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(existsSync(`${path}.lock`)).toBe(true);
  });

  describe('A lock of another machine, whose processes nobody here can ask for', () => {
    const lock = () => join(folder, 'lock');
    const foreign = JSON.stringify({ pid: 1, host: 'elsewhere', start: 'boot 1', id: 'x' });

    test.each([foreign, '', 'nonsense', JSON.stringify({ pid: process.pid, host: hostname(), start: '' })])(
      'is taken over when nobody has touched it for a while: %s',
      async (text) => {
        writeFileSync(lock(), text);
        const taken = await takeFileLock(lock(), 'test', 200);
        expect(JSON.parse(readFileSync(lock(), 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
        await taken.check();
        await taken.release();
        expect(readdirSync(folder)).toEqual([]);
      },
    );

    test('is respected when somebody touches it', async () => {
      writeFileSync(lock(), foreign);
      let seconds = 1;
      const touching = setInterval(() => utimesSync(lock(), seconds, seconds++), 10);
      try {
        const error = await faultOf(takeFileLock(lock(), 'test', 60_000));
        expect(error.message).toContain('process 1 on elsewhere');
      } finally {
        clearInterval(touching);
      }
      expect(readFileSync(lock(), 'utf8')).toBe(foreign);
    });
  });

  test('a holder touches its lock', async () => {
    await open().read('');
    const touched = () => statSync(`${path}.lock`).mtimeMs;
    const before = touched();
    await expect.poll(touched).toBeGreaterThan(before);
  });
});
