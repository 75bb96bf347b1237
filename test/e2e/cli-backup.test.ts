// `parley backup` while messages are sent, and `parley restore` into an empty database of any kind.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, extract } from 'tar';
import { describe, expect, it } from 'vitest';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { type Dialect, emptyEnvironment, onAllDialects, temporaryFolder, TestApp } from '../support/app.js';
import { allRows } from '../support/all-rows.js';
import { parley, parleyJson, parleyKilled } from '../support/cli.js';
import { call, type Person, sendTo } from '../support/client.js';
import { fullHouse } from '../support/full-house.js';
import { ServerProcess } from '../support/server-process.js';

const SECRET = 'a secret for tests, longer than 32 bytes';

/** Messages of one sender, one after another, until they are stopped; resolves to how many were acknowledged. */
function talk(from: Person, to: Person): { acknowledged: number; stop: () => Promise<void> } {
  let isOver = false;
  const state = { acknowledged: 0, stop: async () => ((isOver = true), await talking) };
  const talking = (async () => {
    const socket = await from.connect();
    while (!isOver)
      if ((await sendTo(socket, to.id, `beside the backup ${state.acknowledged}`)).ok) state.acknowledged++;
    from.hangUp();
  })();
  return state;
}

const bodiesOf = async (app: TestApp, room: number): Promise<string[]> =>
  (await app.database.query('SELECT body FROM messages WHERE conversation_id = ? ORDER BY seq', [room])).map(
    ({ body }: { body: string }) => body,
  );

onAllDialects('a backup', (dialect) => {
  it('is taken while messages are sent, and holds all that was acknowledged before it, for every database', async () => {
    const app = await TestApp.start(dialect);
    const { ada, bob, room } = await fullHouse(app);
    const file = join(temporaryFolder(), 'parley.tar.gz');
    const talking = talk(ada, bob);
    while (talking.acknowledged < 20) await new Promise((resolve) => setTimeout(resolve, 20));
    const before = talking.acknowledged;
    const made = await parley(app.env, 'backup', file);
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await talking.stop();
    expect(talking.acknowledged).toBeGreaterThan(before);
    const said = await bodiesOf(app, room);

    const targets: Dialect[] = dialect === 'sqlite' ? ['sqlite', 'mariadb', 'mysql'] : [dialect, 'sqlite'];
    for (const target of targets) {
      const { env, cleanUp } = await emptyEnvironment(target).catch(() => ({ env: undefined, cleanUp: undefined }));
      // A database server that this machine does not have.
      if (!env) continue;
      const restored = await parleyJson(env, 'restore', file);
      expect(restored).toMatchObject({ ok: true, findings: [] });
      expect(restored.advice === null).toBe((dialect === 'sqlite') === (target === 'sqlite') || target === 'sqlite');
      const rows = await allRows(env);
      for (const [table, count] of Object.entries<number>(restored.manifest.rows))
        if (table in rows) expect([table, rows[table].length]).toEqual([table, count]);
      const copy = await TestApp.startIn({ ...env }, cleanUp);
      const there = await bodiesOf(copy, room);
      expect(there.length).toBeGreaterThanOrEqual(5 + before);
      expect(there).toEqual(said.slice(0, there.length));
      // The secret came with it: whoever was logged in is still.
      if (target === 'sqlite' || target === dialect)
        expect((await call(copy, 'GET', `/http/chat_rooms/${room}`, { token: ada.token })).status).toBe(200);
      expect((await parleyJson(env, 'verify', '--hurry')).findings).toEqual([]);
      await copy.stop();
    }
    await app.stop();
  });

  it('is not restored over anything, nor where it is damaged or newer', async () => {
    const app = await TestApp.start(dialect);
    await fullHouse(app);
    const folder = temporaryFolder();
    const file = join(folder, 'parley.tar.gz');
    expect((await parley(app.env, 'backup', file)).code).toBe(0);
    const before = await parley(app.env, 'backup', file);
    expect([before.code, before.stderr]).toEqual([1, expect.stringMatching(/is there already/)]);
    const beside = await parley(app.env, 'restore', file);
    expect([beside.code, beside.stderr]).toEqual([1, expect.stringMatching(/^Another Parley process uses /)]);
    await app.app.close();
    const over = await parley(app.env, 'restore', file);
    expect([over.code, over.stderr]).toEqual([1, expect.stringMatching(/^There (is a database|are tables) in /)]);

    const { env, cleanUp } = await emptyEnvironment(dialect);
    const refusal = async (path: string): Promise<string> => {
      const { code, stderr } = await parley(env, 'restore', path);
      expect(code).toBe(1);
      return stderr;
    };
    const bytes = readFileSync(file);
    writeFileSync(join(folder, 'short'), bytes.subarray(0, bytes.length / 2));
    writeFileSync(join(folder, 'text'), 'no archive at all');
    expect(await refusal(join(folder, 'short'))).toMatch(/cannot be unpacked|damaged/);
    expect(await refusal(join(folder, 'text'))).toMatch(/cannot be unpacked|no backup/);
    expect(await refusal(join(folder, 'none'))).toMatch(/^There is no file/);

    /** The same archive with something changed in it. */
    const changed = async (change: (inside: string) => void): Promise<string> => {
      const inside = temporaryFolder();
      await extract({ file, cwd: inside });
      change(inside);
      const path = join(temporaryFolder(), 'changed.tar.gz');
      await create({ gzip: true, file: path, cwd: inside }, readdirSync(inside));
      return path;
    };
    const damaged = await changed((inside) => {
      const database = new (sqliteDriver())(join(inside, 'parley.sqlite'));
      database.exec("UPDATE messages SET body = 'forged' WHERE seq = 1");
      database.close();
    });
    expect(await refusal(damaged)).toMatch(/is damaged: parley\.sqlite is not what the manifest says/);
    const newer = await changed((inside) => {
      const manifest = JSON.parse(readFileSync(join(inside, 'manifest.json'), 'utf8'));
      writeFileSync(
        join(inside, 'manifest.json'),
        JSON.stringify({ ...manifest, parley: '9.9.9', migrations: [...manifest.migrations, 'Later1999999999999'] }),
      );
    });
    expect(await refusal(newer)).toMatch(
      /newer Parley \(9\.9\.9\): its tables are those of Later1999999999999, .* up to \w+\d{13}\./,
    );
    const evil = await changed((inside) => {
      mkdirSync(join(inside, 'outbox', 'deep'), { recursive: true });
      writeFileSync(join(inside, 'parley.lock2'), 'not ours');
    });
    // What is refused leaves nothing behind; what nobody knows is left in the archive.
    expect(await parleyJson(env, 'restore', evil)).toMatchObject({ ok: true });
    expect(readdirSync(env['DATA_DIR'])).not.toContain('parley.lock2');
    expect(readdirSync(env['DATA_DIR']).filter((name) => name.startsWith('.'))).toEqual([]);
    await cleanUp();
    await app.removeData();
  });

  it('that is killed leaves no file, and a restore that is killed nothing that a server starts on', async () => {
    const app = await TestApp.start(dialect);
    const { room } = await fullHouse(app);
    // Enough to be in the middle of.
    for (let from = 1_000; from < 31_000; from += 500) {
      const rows = Array.from(
        { length: 500 },
        (_, i) => `(${room + 500}, ${from + i}, 0, 'text ${from + i}', '2026-01-01 00:00:00.007')`,
      );
      await app.database.query(
        `INSERT INTO messages (conversation_id, seq, sender_id, body, created_at) VALUES ${rows.join()}`,
      );
    }
    const folder = temporaryFolder();
    const file = join(folder, 'parley.tar.gz');
    const isCopying = () => readdirSync(folder).some((name) => existsSync(join(folder, name, 'parley.sqlite')));
    expect(await parleyKilled(app.env, ['backup', file], isCopying)).toBe(true);
    expect(existsSync(file)).toBe(false);
    expect((await parley(app.env, 'backup', file)).code).toBe(0);
    await app.app.close();

    const { env, cleanUp } = await emptyEnvironment(dialect);
    let looks = 0;
    const isRestoring = async (): Promise<boolean> => {
      // A look costs the command time: not at every moment.
      if (++looks % 5 > 0) return false;
      const rows = await allRows(env).catch(() => undefined);
      return (rows?.['messages']?.length ?? 0) > 0;
    };
    expect(await parleyKilled(env, ['restore', file], isRestoring)).toBe(true);
    const server = await ServerProcess.spawn(env);
    expect(await server.exit()).toBe(1);
    expect(server.output).toContain('a part of a copy, which broke off');
    expect((await parley(env, 'restore', file)).code).toBe(0);
    const [ours, theirs] = [await allRows(app.env), await allRows(env)];
    for (const table of Object.keys(ours))
      if (!ON_THE_MOVE.has(table)) expect(theirs[table], table).toEqual(ours[table]);
    expect(readdirSync(env['DATA_DIR']).filter((name) => name.startsWith('.restore'))).toEqual([]);
    await cleanUp();
    await app.removeData();
  });
});

/** What a server that stops afterwards writes: beats, and who is online. */
const ON_THE_MOVE = new Set(['server_beats', 'online_people', 'users', 'members']);

describe('parley backup', () => {
  it('says what to do where there is nothing, or no folder', async () => {
    const { code, stderr } = await parley({ DATA_DIR: temporaryFolder() }, 'backup', '/tmp/never.tar.gz');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^There is no database in .*\n$/)]);
    const nowhere = await parley({ DATA_DIR: temporaryFolder() }, 'backup', '/no/such/folder/file.tar.gz');
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringMatching(/^There is no folder .*\n$/)]);
  });

  it('tells of a secret that is another one than in the backup', async () => {
    const app = await TestApp.start('sqlite');
    const file = join(temporaryFolder(), 'parley.tar.gz');
    await parley(app.env, 'backup', file);
    const env = { DATA_DIR: temporaryFolder(), JWT_SECRET: SECRET };
    expect((await parley(env, 'restore', file)).stdout).toContain('JWT_SECRET is not that of the backup');
    rmSync(env.DATA_DIR, { recursive: true });
    await app.stop();
  });
});
