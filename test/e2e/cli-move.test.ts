// `parley move`: from the embedded database to a server and back, under the same numbers.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emptyDatabase, onServers, temporaryFolder, TestApp } from '../support/app.js';
import { allRows } from '../support/all-rows.js';
import { parley, parleyJson, parleyKilled } from '../support/cli.js';
import { call } from '../support/client.js';
import { fullHouse } from '../support/full-house.js';
import { ServerProcess } from '../support/server-process.js';

const JWT_SECRET = 'a secret for tests, longer than 32 bytes';
const COMMON = { PUBLIC_URL: 'http://localhost:3000', WEB_CLIENT: 'off', JWT_SECRET };

onServers('a move', (kind) => {
  it('takes everything to a server and back, and numbers go on where they were', async () => {
    const app = await TestApp.start('sqlite', { JWT_SECRET });
    const { ada, group } = await fullHouse(app);
    const create = async (at: TestApp): Promise<number> =>
      (await call(at, 'POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: 'New' } })).body.id;
    const [{ highest }] = await app.database.query(
      "SELECT seq AS highest FROM sqlite_sequence WHERE name = 'conversations'",
    );
    const [{ last }] = await app.database.query('SELECT MAX(id) AS last FROM conversations');
    // The chat with the highest number has ended: it is never given again.
    expect(highest).toBeGreaterThan(last);
    const running = await parley(app.env, 'move', 'mysql://root@127.0.0.1:1/parley');
    expect([running.code, running.stderr]).toEqual([1, expect.stringMatching(/^Another Parley process uses .*\n$/)]);
    await app.app.close();

    const { url, drop } = await emptyDatabase(kind);
    const before = await allRows(app.env);
    const moved = await parleyJson(app.env, 'move', url);
    expect(moved).toMatchObject({ ok: true, findings: [], rows: { messages: before['messages'].length } });
    const onServer = { ...COMMON, DATA_DIR: app.env['DATA_DIR'], DATABASE_URL: url };
    expect(await allRows(onServer)).toEqual(before);
    expect(await allRows(app.env)).toEqual(before);
    const again = await parley(app.env, 'move', url);
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/^There are tables in the database .*empty/)]);

    const there = await TestApp.startIn(onServer);
    const history = await call(there, 'GET', `/http/chat_groups/${group}`, { token: ada.token });
    expect(history.body.length).toBe(22);
    expect(await create(there)).toBe(highest + 1);
    await there.app.close();
    expect((await parleyJson(onServer, 'verify', '--hurry')).findings).toEqual([]);

    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const into = await parley(onServer, 'move', file);
    expect([into.code, into.stderr]).toEqual([
      1,
      expect.stringMatching(/^\S+file is a file, and not a folder\. Correct the target\.\n$/),
    ]);
    const folder = join(temporaryFolder(), 'back');
    const after = await allRows(onServer);
    expect((await parley(onServer, 'move', folder)).code).toBe(0);
    const back = { ...COMMON, DATA_DIR: folder };
    expect(await allRows(back)).toEqual(after);
    const home = await TestApp.startIn(back);
    expect(await create(home)).toBe(highest + 2);
    await home.stop();
    await drop();
    await app.removeData();
  });

  it('that is killed leaves the source as it was, and a target on which nothing starts until it is done again', async () => {
    const app = await TestApp.start('sqlite', { JWT_SECRET });
    const { room } = await fullHouse(app);
    for (let from = 1_000; from < 31_000; from += 500) {
      const rows = Array.from(
        { length: 500 },
        (_, i) => `(${room + 500}, ${from + i}, 0, 'text ${from + i}', '2026-01-01 00:00:00.007')`,
      );
      await app.database.query(
        `INSERT INTO messages (conversation_id, seq, sender_id, body, created_at) VALUES ${rows.join()}`,
      );
    }
    await app.app.close();
    const before = await allRows(app.env);
    const { url, drop } = await emptyDatabase(kind);
    const onServer = { ...COMMON, DATA_DIR: app.env['DATA_DIR'], DATABASE_URL: url };
    let looks = 0;
    const isCopying = async (): Promise<boolean> => {
      if (++looks % 5 > 0) return false;
      const rows = await allRows(onServer).catch(() => undefined);
      return (rows?.['messages']?.length ?? 0) > 0;
    };
    expect(await parleyKilled(app.env, ['move', url], isCopying)).toBe(true);
    const refused = await ServerProcess.spawn(onServer);
    expect([await refused.exit(), refused.output]).toEqual([
      1,
      expect.stringContaining('a part of a copy, which broke off'),
    ]);
    const checked = await parley(onServer, 'check');
    expect(checked.stdout).toMatch(/^FAIL {2}database .*a part of a copy/m);
    expect(await allRows(app.env)).toEqual(before);
    expect((await parley(app.env, 'move', url)).code).toBe(0);
    expect(await allRows(onServer)).toEqual(before);
    const server = await ServerProcess.start(onServer);
    await server.kill('SIGTERM');
    await drop();
    await app.removeData();
  });
});

describe('parley move', () => {
  it('says what is wrong with a target', async () => {
    const app = await TestApp.start('sqlite', { JWT_SECRET });
    await app.app.close();
    for (const [target, code, line] of [
      ['redis://localhost', 2, /^The target is mysql:/],
      ['mysql://nobody', 2, /^The target must be a URL like/],
      ['mysql://root:hidden@127.0.0.1:1/parley', 1, /^The database in the target cannot be used: no server answers/],
      [temporaryFolder(), 2, /^Both are embedded databases/],
    ] as const) {
      const ran = await parley(app.env, 'move', target);
      expect([ran.code, ran.stdout, ran.stderr]).toEqual([code, '', expect.stringMatching(line)]);
      expect(ran.stderr).not.toContain('hidden');
    }
    const empty = temporaryFolder();
    mkdirSync(empty, { recursive: true });
    expect((await parley({ DATA_DIR: empty }, 'move', 'mysql://root@127.0.0.1:1/parley')).stderr).toMatch(
      /^There is no database/,
    );
    await app.removeData();
  });
});
