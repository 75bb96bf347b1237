// What `parley` and a start of the server say of a DATA_DIR that is mistyped, a file, not for this user, or holds no database; and change.
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/app.js';
import { parley, parleyJson, parleyWithoutRoot, WITHOUT_ROOT } from '../support/cli.js';
import { ServerProcess } from '../support/server-process.js';

/** All that need a database; the folder of the last words is a new one. */
const commands = (around: string): string[][] => [
  ['migrate', '--plan'],
  ['verify', '--hurry'],
  ['backup', join(around, 'new.tar.gz')],
  ['user', 'list'],
  ['move', 'mysql://root@127.0.0.1:1/parley'],
];
/** Those that make a database where there is none. */
const making = (around: string): string[][] => [['migrate'], ['restore', join(around, 'parley.tar.gz')]];

/** Everything below a folder, with sizes and modes. */
const everything = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => [name, lstatSync(join(folder, name))] as const)
    .map(([name, { size, mode, mtimeMs }]) => `${name} ${size} ${mode} ${mtimeMs}`)
    .sort();

describe.skipIf(process.platform === 'win32')('DATA_DIR', () => {
  let around: string;
  beforeAll(async () => {
    around = temporaryFolder();
    const good = join(around, 'good');
    await parley({ DATA_DIR: good }, 'migrate');
    await parley({ DATA_DIR: good }, 'backup', join(around, 'parley.tar.gz'));
    chmodSync(join(around, 'parley.tar.gz'), 0o644);
    // Somebody else may look into it, and make the file of a backup.
    chmodSync(around, 0o777);
  });
  afterAll(() => chmodSync(around, 0o700));

  /** A folder with this as its database, which belongs to whom commands run as. */
  const withDatabase = (name: string, make: (file: string) => void): string => {
    const folder = join(around, name);
    mkdirSync(folder, { mode: 0o700 });
    make(join(folder, 'parley.sqlite'));
    if (WITHOUT_ROOT.uid !== undefined)
      for (const one of [folder, join(folder, 'parley.sqlite')]) chownSync(one, WITHOUT_ROOT.uid, WITHOUT_ROOT.gid!);
    return folder;
  };

  /** Each command says it in one line and with 1, as do `support`, `check` and a start, and nothing is changed. */
  const allSay = async (dataDir: string, line: RegExp, words: string[][]): Promise<void> => {
    const before = everything(around);
    const env = { DATA_DIR: dataDir };
    for (const one of words) {
      const { code, stdout, stderr } = await parleyWithoutRoot(env, ...one);
      expect([one[0], code, stdout, stderr]).toEqual([one[0], 1, '', expect.stringMatching(/^[^\n]+\n$/)]);
      expect([one[0], stderr]).toEqual([one[0], expect.stringMatching(line)]);
    }
    const support = await parleyWithoutRoot(env, 'support');
    expect([support.code, support.stdout.split('## Database\n')[1]]).toEqual([0, expect.stringMatching(line)]);
    expect(everything(around)).toEqual(before);
  };

  const checkSays = async (dataDir: string, status: string, line: RegExp): Promise<void> => {
    const { stdout } = await parleyWithoutRoot({ DATA_DIR: dataDir }, 'check');
    const [, found, text] = /^(\S+) +database +(.*)$/m.exec(stdout)!;
    expect([found, text]).toEqual([status, expect.stringMatching(line)]);
  };

  /** A server that is started there says it in one line, without a stack, and ends. */
  const startSays = async (dataDir: string, line: RegExp): Promise<void> => {
    const server = await ServerProcess.spawn({
      DATA_DIR: dataDir,
      PORT: '0',
      PUBLIC_URL: 'http://localhost:3000',
      WEB_CLIENT: 'off',
    });
    expect([await server.exit(), server.output]).toEqual([1, expect.stringMatching(line)]);
    expect(server.output).not.toMatch(/\n +at /);
  };

  it('that is mistyped is made by nothing that only reads', async () => {
    const nowhere = join(around, 'nowhere', 'deep');
    const line = /^There is no database in .*deep: the folder is not there\. Check DATA_DIR/;
    const [plan, ...others] = commands(around);
    await allSay(nowhere, line, others);
    const planned = await parleyWithoutRoot({ DATA_DIR: nowhere }, ...plan);
    expect([planned.code, planned.stdout]).toEqual([
      0,
      expect.stringMatching(/^There are no tables yet\. .*deep: the/),
    ]);
    await checkSays(nowhere, 'ok', /none yet, and the first start makes it/);
    expect(existsSync(join(around, 'nowhere'))).toBe(false);
  });

  it('that is a file, or below one, is called that', async () => {
    const file = join(around, 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o644);
    const all = [...commands(around), ...making(around), ['mail', 'test', 'ada@example.com']];
    for (const [path, line] of [
      [file, /^\S+file is a file, and not a folder\. Correct DATA_DIR\.$/m],
      [join(file, 'below'), /^\S+file\/below lies below a file, and not a folder\. Correct DATA_DIR\.$/m],
    ] as const) {
      await allSay(path, line, all);
      await checkSays(path, 'FAIL', line);
      await startSays(path, line);
    }
    expect(statSync(file).size).toBe(0);
  });

  it('that is a link to nothing is no server that never started', async () => {
    symlinkSync(join(around, 'unmounted'), join(around, 'link'));
    const line = /^\S+link is a link to a folder that is not there\. Mount it, or correct DATA_DIR\.$/m;
    const { code, stderr } = await parleyWithoutRoot({ DATA_DIR: join(around, 'link') }, 'migrate', '--plan');
    // Nor a folder in it, which nobody has made: the disk is not mounted.
    expect(await parleyWithoutRoot({ DATA_DIR: join(around, 'link', 'parley') }, 'check')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/link is a link to a folder that is not there\. Mount it/),
    });
    expect([code, stderr]).toEqual([1, expect.stringMatching(line)]);
    await startSays(join(around, 'link'), line);
  });

  it('that this user may not look into is not empty, nor is what lies in it', async () => {
    const locked = join(around, 'locked');
    mkdirSync(locked, { mode: 0o700 });
    writeFileSync(join(locked, 'parley.sqlite'), '');
    const unlocked = statSync(locked).mode;
    for (const folder of [locked, join(locked, 'below')]) {
      const line = /^This user may not look into \S+locked\. Run it as the user of the server, or correct DATA_DIR\.$/m;
      chmodSync(locked, 0);
      try {
        for (const words of [...commands(around), ...making(around), ['mail', 'test', 'ada@example.com']]) {
          const { code, stdout, stderr } = await parleyWithoutRoot({ DATA_DIR: folder }, ...words);
          expect([words[0], code, stdout, stderr]).toEqual([words[0], 1, '', expect.stringMatching(line)]);
        }
        await checkSays(folder, 'FAIL', line);
      } finally {
        chmodSync(locked, unlocked);
      }
    }
    expect(readdirSync(locked)).toEqual(['parley.sqlite']);
  });

  it('with a database that this user may not read is not damaged', async () => {
    const folder = withDatabase('unreadable', (file) => writeFileSync(file, ''));
    chmodSync(join(folder, 'parley.sqlite'), 0);
    const line = /^This user may not read \S+parley\.sqlite\. Run it as the user of the server/m;
    await allSay(folder, line, [...commands(around), ...making(around)]);
    await checkSays(folder, 'FAIL', line);
    expect(readdirSync(folder)).toEqual(['parley.sqlite']);
  });

  it('with something else in place of the database says so, before anything is made beside it', async () => {
    const text = withDatabase('text', (file) => writeFileSync(file, 'this is a letter, and no database at all'));
    const no = /^\S+parley\.sqlite is no database: .* Move it away, and restore a backup\.$/m;
    const folder = withDatabase('folder', (file) => mkdirSync(file));
    const noFile = /^\S+parley\.sqlite is no file\. Move it away, or correct DATA_DIR\.$/m;
    for (const [path, line] of [
      [text, no],
      [folder, noFile],
    ] as const) {
      await allSay(path, line, [...commands(around), ...making(around)]);
      await checkSays(path, 'FAIL', line);
      expect(readdirSync(path)).toEqual(['parley.sqlite']);
    }
    await startSays(text, no);
  });

  it('with a database without a byte holds nothing to look at', async () => {
    const file = withDatabase('hollow', (path) => writeFileSync(path, ''));
    const [plan, verify, backup, list, move] = commands(around);
    const before = everything(file);
    for (const words of [verify, backup, list]) {
      const { code, stderr } = await parleyWithoutRoot({ DATA_DIR: file }, ...words);
      expect([words[0], code, stderr]).toEqual([
        words[0],
        1,
        expect.stringMatching(/^There are no tables in \S+hollow: the database is empty\. .*restore a backup\.\n$/),
      ]);
    }
    const moved = await parleyWithoutRoot({ DATA_DIR: file }, ...move);
    expect([moved.code, moved.stderr]).toEqual([1, expect.stringMatching(/^The database is empty: .*Check DATA_DIR/)]);
    const planned = await parleyWithoutRoot({ DATA_DIR: file }, ...plan);
    expect([planned.code, planned.stdout]).toEqual([
      0,
      expect.stringMatching(/^There are no tables in \S+hollow yet\.\n/),
    ]);
    await checkSays(file, 'warn', /is a file without a byte.*restore a backup/);
    expect(everything(file)).toEqual(before);
    // It is as good as none for what makes one.
    expect((await parleyJson({ DATA_DIR: file }, 'restore', join(around, 'parley.tar.gz'))).ok).toBe(true);
  });

  it('on a database server is needed, too: the mails of a backup are in it', async () => {
    const locked = join(around, 'locked-too');
    mkdirSync(locked);
    chmodSync(locked, 0);
    const env = { DATA_DIR: locked, DATABASE_URL: 'mysql://root@127.0.0.1:1/parley', JWT_SECRET: 'x'.repeat(32) };
    const { code, stderr } = await parleyWithoutRoot(env, 'backup', join(around, 'new.tar.gz'));
    chmodSync(locked, 0o700);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^This user may not look into \S+locked-too\./)]);
  });

  it('is not made by a restore of what cannot be read', async () => {
    const fresh = join(around, 'fresh');
    const secret = join(around, 'secret.tar.gz');
    writeFileSync(secret, 'x');
    chmodSync(secret, 0);
    const inside = join(around, 'closed');
    mkdirSync(inside);
    chmodSync(inside, 0);
    for (const [path, line] of [
      [join(around, 'good'), /^\S+good is a folder\. Name a file\.\n$/],
      [join(around, 'no.tar.gz'), /^There is no file \S+no\.tar\.gz\.\n$/],
      [secret, /^This user may not read \S+secret\.tar\.gz\./],
      [join(inside, 'some.tar.gz'), /^This user may not look into \S+closed\./],
    ] as const) {
      const { code, stderr } = await parleyWithoutRoot({ DATA_DIR: fresh }, 'restore', path);
      expect([code, stderr]).toEqual([1, expect.stringMatching(line)]);
    }
    expect(existsSync(fresh)).toBe(false);
    const env = { DATA_DIR: join(around, 'good') };
    for (const [path, line] of [
      [join(around, 'parley.tar.gz', 'new'), /^\S+parley\.tar\.gz is a file, and not a folder\./],
      [join(inside, 'new'), /^This user may not look into \S+closed\./],
    ] as const) {
      const { code, stderr } = await parleyWithoutRoot(env, 'backup', path);
      expect([code, stderr]).toEqual([1, expect.stringMatching(line)]);
    }
    const log = await parleyWithoutRoot({ DATA_DIR: fresh }, 'support', '--log', join(around, 'no.log'));
    expect([log.code, log.stderr]).toEqual([1, expect.stringMatching(/^There is no file \S+no\.log\.\n$/)]);
    chmodSync(inside, 0o700);
  });
});
