// Who may start on a database that others use: many nodes, one process by itself, and programs of other versions.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database } from '../../src/database/data-source.js';
import { migrations } from '../../src/database/migrations/all.js';
import { CLAIMED_BY_NOBODY, restLease, takeLease } from '../../src/database/lease-rows.js';
import { assertNotTooOld, type KnownMigration } from '../../src/database/schema-floors.js';
import { StartError } from '../../src/common/start-error.js';
import { emptyDatabase, emptyEnvironment, onAllDialects, onServers } from '../support/app.js';
import { parley } from '../support/cli.js';
import { nodeEnvironment, openDatabase } from '../support/nodes.js';
import { ServerProcess } from '../support/server-process.js';

onServers('a database of many nodes', (kind) => {
  let node: Record<string, string>;
  let drop: () => Promise<void>;
  const opened: Database[] = [];

  const open = async (env: Record<string, string>): Promise<Database> => {
    const database = await openDatabase(env);
    opened.push(database);
    return database;
  };
  const alone = (env: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'REDIS_URL'));
  const refusal = (env: Record<string, string>): Promise<Error> =>
    open(env).then(
      () => expect.unreachable('It started.'),
      (error: Error) => error,
    );

  beforeEach(async () => {
    const made = await emptyDatabase(kind);
    drop = made.drop;
    node = nodeEnvironment(made.url);
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.destroy();
    await drop();
  });

  it('is made once by those that start at once on an empty one, and all of them start', async () => {
    const databases = await Promise.all([open(node), open(node), open(node)]);
    const done = await databases[0].query<{ name: string }[]>('SELECT name FROM migrations ORDER BY id');
    expect(done.map(({ name }) => name)).toEqual(migrations.map(({ name }) => name));
    const floors = await databases[1].query<object[]>('SELECT migration FROM schema_floors');
    expect(floors).toHaveLength(migrations.length);
  });

  it('is made by two processes that migrate at once', async () => {
    const both = await Promise.all([parley(node, 'migrate'), parley(node, 'migrate')]);
    for (const { code, stdout } of both)
      expect([code, stdout]).toEqual([0, expect.stringContaining('The tables are up to date.\n')]);
  });

  it('waits for a node that migrates, and goes on where that one died', async () => {
    const first = await open(node);
    await first.undoLastMigration();
    await takeLease(first.manager, 'migrations', 77);
    const second = await open(node);
    const [lease] = await second.query<{ holder: number }[]>("SELECT holder FROM leases WHERE name = 'migrations'");
    expect(lease.holder).not.toBe(77);
    expect(await second.showMigrations()).toBe(false);
  });

  it('refuses a process without REDIS_URL, while a node lives', async () => {
    const first = await open(node);
    const error = await refusal(alone(node));
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toMatch(/^Parley processes with REDIS_URL use the database .* or stop them first\.$/);
    // Its lock is released with it: the nodes are not in its way.
    await open(node);
    for (const database of opened.splice(0)) await database.destroy();
    expect(first.isInitialized).toBe(false);
    await open(alone(node));
  });

  it('is taken by a process without REDIS_URL soon after the last node died', async () => {
    const first = await open(node);
    await takeLease(first.manager, 'node 5', 5);
    await first.destroy();
    opened.splice(0);
    expect((await open(alone(node))).isInitialized).toBe(true);
  });

  it('refuses nodes, while a process without REDIS_URL lives', async () => {
    const lone = await open(alone(node));
    const error = await refusal(node);
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toMatch(/^A Parley process without REDIS_URL uses the database .* REDIS_URL, too\.$/);
    // What it showed of itself is in nobody's way.
    const left = await lone.query<object[]>('SELECT 1 FROM leases WHERE holder <> 0 AND until > UTC_TIMESTAMP(3)');
    expect(left).toEqual([]);
    await lone.destroy();
    opened.splice(0);
    const first = await open(node);
    await restLease(first.manager, 'nothing', 1);
  });
});

onServers('the look for what nodes left that ended', (kind) => {
  it('reads what is claimed, and not all that waits', async () => {
    const { url, drop } = await emptyDatabase(kind);
    const database = await openDatabase(nodeEnvironment(url));
    const columns = 'sealed, created_at, attempts, next_attempt_at, last_error, claimed_by';
    await database.query(
      `INSERT INTO mail_outbox (${columns}) VALUES ('x', UTC_TIMESTAMP(3), 0, UTC_TIMESTAMP(3), 'sending', 7)`,
    );
    for (let rows = 1; rows < 5_000; rows *= 2)
      await database.query(
        `INSERT INTO mail_outbox (${columns}) SELECT sealed, created_at, 0, next_attempt_at, '', NULL FROM mail_outbox`,
      );
    await database.query('ANALYZE TABLE mail_outbox');
    const look = `SELECT id FROM mail_outbox WHERE claimed_by IS NOT NULL AND ${CLAIMED_BY_NOBODY} LIMIT 100`;
    expect(await database.query(look)).toHaveLength(1);
    const plan = await database.query<{ table: string; key: string | null }[]>(
      `EXPLAIN ${kind === 'mysql' ? 'FORMAT=TRADITIONAL' : ''} ${look}`,
    );
    expect(plan.find(({ table }) => table === 'mail_outbox')!.key).toBe('ix_mail_outbox_claimed_by');
    await database.destroy();
    await drop();
  });
});

onAllDialects('tables that were changed by a newer program', (dialect) => {
  it('refuse an older one, in one sentence, and no other', async () => {
    const { env, cleanUp } = await emptyEnvironment(dialect);
    const database = await openDatabase(env);
    await assertNotTooOld(database);
    await database.query(
      "INSERT INTO schema_floors (migration, oldest_program) VALUES ('Later1', '0.9.0'), ('Later2', '0.10.1')",
    );
    for (const version of ['0.10.1', '0.10.2', '0.11.0', '1.0.0-rc.1', '10.0.0'])
      await assertNotTooOld(database, version);
    for (const version of ['0.0.9', '0.9.0', '0.10.0', '0.10.0-rc.1'])
      await expect(assertNotTooOld(database, version)).rejects.toThrow(
        `This is Parley ${version}, and the tables were changed by a newer one: they need Parley 0.10.1 or newer.`,
      );
    await database.destroy();
    const server = await ServerProcess.spawn(env);
    expect(await server.exit()).toBe(1);
    expect(server.output.trim()).toMatch(/^This is Parley \S+, and the tables were changed by a newer one: .*\.$/);
    await cleanUp();
  });
});

it('the oldest program that a migration allows beside it is a version', () => {
  const named = migrations.flatMap((One) => (new One() as KnownMigration).oldestBeside ?? []);
  expect(named.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
