// What commands do with tables that a newer program has changed, as a server does that starts on them; and with a copy that broke off.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UNFINISHED } from '../../src/database/copy/unfinished.js';
import { emptyEnvironment, onAllDialects, temporaryFolder, TestApp } from '../support/app.js';
import { parley, parleyJson } from '../support/cli.js';
import { freePort } from '../support/database-server.js';
import { ServerProcess } from '../support/server-process.js';

const LATER = 'Later1999999999999';
const NEWER = new RegExp(
  `^A newer Parley has changed the tables: their last migration is ${LATER}, which this one \\(`,
);
const NEEDED = /the tables were changed by a newer one: they need Parley 9\.9\.9 or newer/;
const BROKE_OFF = /^The database holds a part of a copy, which broke off .* again: it begins anew\./;

onAllDialects('tables', (dialect) => {
  /** Of a server that has stopped, after these statements. */
  const tablesAfter = async (...statements: string[]): Promise<TestApp> => {
    const app = await TestApp.start(dialect, { JWT_SECRET: 'a secret for tests, longer than 32 bytes' });
    for (const sql of statements) await app.database.query(sql);
    await app.app.close();
    return app;
  };
  const ranLater = `INSERT INTO migrations (timestamp, name) VALUES (1999999999999, '${LATER}')`;
  const floor = (migration: string, oldest: string): string =>
    `INSERT INTO schema_floors (migration, oldest_program) VALUES ('${migration}', '${oldest}')`;

  it('of a newer program, beside which this one may run, are used with a warning that names their last migration', async () => {
    const app = await tablesAfter(ranLater, floor(LATER, '0.1.0'));
    for (const words of [
      ['verify', '--hurry'],
      ['user', 'list'],
    ]) {
      const { code, stderr } = await parley(app.env, ...words);
      expect([words[0], code, stderr]).toEqual([words[0], 0, expect.stringMatching(NEWER)]);
      expect((await parleyJson(app.env, ...words)).warnings).toEqual([expect.stringMatching(NEWER)]);
    }
    const plan = await parley(app.env, 'migrate', '--plan');
    expect([plan.code, plan.stdout]).toEqual([0, expect.stringContaining(`Made by a newer Parley: ${LATER}.\n`)]);
    expect((await parley(app.env, 'support')).stdout).toMatch(new RegExp(`^of a newer Parley +${LATER}$`, 'm'));
    const server = await ServerProcess.start({ ...app.env, PORT: String(await freePort()) });
    await server.kill('SIGTERM');
    expect(server.output).toMatch(new RegExp(NEWER.source.slice(1)));

    const file = join(temporaryFolder(), 'parley.tar.gz');
    const made = await parley(app.env, 'backup', file);
    if (dialect === 'sqlite') {
      expect([made.code, made.stderr]).toEqual([0, expect.stringMatching(/Only a version that does restores this/)]);
      expect(made.stdout).toContain(LATER);
      const { env, cleanUp } = await emptyEnvironment(dialect);
      const { code, stderr } = await parley(env, 'restore', file);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(new RegExp(`its tables are those of ${LATER}, and this one .* up to \\w+\\d{13}\\.`)),
      ]);
      await cleanUp();
    } else {
      // What is copied row by row goes into tables that this program makes.
      expect([made.code, made.stderr]).toEqual([
        1,
        expect.stringMatching(/Run the command with the version that does/),
      ]);
      expect(existsSync(file)).toBe(false);
    }
    await app.removeData();
  });

  it('of a newer program that needs them for itself are read with a warning, and neither changed nor backed up', async () => {
    const app = await tablesAfter(ranLater, floor(LATER, '9.9.9'));
    const file = join(temporaryFolder(), 'parley.tar.gz');
    for (const words of [
      ['verify', '--hurry'],
      ['migrate', '--plan'],
    ]) {
      const { code, stderr } = await parley(app.env, ...words);
      expect([words[0], code, stderr]).toEqual([words[0], 0, expect.stringMatching(NEEDED)]);
    }
    for (const words of [['user', 'list'], ['migrate'], ['backup', file]]) {
      const { code, stderr } = await parley(app.env, ...words);
      expect([words[0], code, stderr]).toEqual([words[0], 1, expect.stringMatching(NEEDED)]);
    }
    expect(existsSync(file)).toBe(false);
    expect((await parley(app.env, 'support')).stdout).toMatch(/^no server starts .*need Parley 9\.9\.9/m);
    await app.removeData();
  });

  it('of a copy that broke off are looked at by nothing, and all say what to do', async () => {
    const app = await tablesAfter(floor(UNFINISHED.migration, UNFINISHED.oldestProgram));
    const file = join(temporaryFolder(), 'parley.tar.gz');
    for (const words of [
      ['verify', '--hurry'],
      ['migrate', '--plan'],
      ['migrate'],
      ['user', 'list'],
      ['backup', file],
      ['move', dialect === 'sqlite' ? 'mysql://root@127.0.0.1:1/parley' : temporaryFolder()],
    ]) {
      const { code, stdout, stderr } = await parley(app.env, ...words);
      expect([words[0], code, stdout, stderr]).toEqual([words[0], 1, '', expect.stringMatching(BROKE_OFF)]);
    }
    expect(existsSync(file)).toBe(false);
    expect((await parley(app.env, 'support')).stdout).toMatch(/^no server starts .*a part of a copy/m);
    await app.removeData();
  });
});
