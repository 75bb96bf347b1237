// What is deleted is gone from SQLite's files as well, whatever happens to the server meanwhile.
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { afterEach, describe, expect, it } from 'vitest';
import { sqliteFile } from '../../src/database/data-source.js';
import { TestApp } from '../support/app.js';
import { eventually } from '../support/client.js';
import { everythingStored } from '../support/everything-stored.js';
import { clientWith, knownClient, listed, lists } from '../support/person.js';
import { ServerProcess } from '../support/server-process.js';

const Sqlite = sqliteDriver();

const SECRET = 'a turnipsecret';

describe('what was deleted from SQLite', () => {
  let app: TestApp;
  const cleanUps: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  const isStored = async () => (await everythingStored(app)).includes(SECRET);

  it('is not left behind by kill -9', async () => {
    app = await TestApp.start('sqlite');
    cleanUps.push(() => app.removeData());
    const [{ token }, bob] = [
      await app.createUser('ada@example.com', 'Ada'),
      await app.createUser('bob@example.com', 'Bob'),
    ];
    await app.app.close();
    const { PORT: _, ...env } = app.env;
    let server = await ServerProcess.start(env);
    cleanUps.push(() => server.kill());
    const client = await clientWith(server, token);
    const room = client.room(bob.id);
    await room.send(SECRET);
    // Somebody reads meanwhile, so that the log is not emptied before the crash.
    const reader = new Sqlite(sqliteFile({ dataDir: env['DATA_DIR'] }), { readonly: true });
    reader.exec('BEGIN');
    expect(reader.prepare('SELECT COUNT(*) AS n FROM messages').get()).toEqual({ n: 1 });
    await room.delete(1);
    await server.kill();
    reader.close();
    expect(await isStored()).toBe(true);
    server = await ServerProcess.restart(server, env);
    expect(await isStored()).toBe(false);
    await lists(client, ['Bob Lovelace: [deleted]']);
  });

  it('is gone soon after the last one to leave has deleted a group', async () => {
    app = await TestApp.start('sqlite');
    cleanUps.push(() => app.stop());
    const { client } = await knownClient(app);
    const group = await client.groups.create({ name: 'Group' });
    await group.send(SECRET);
    expect(await isStored()).toBe(true);
    await group.leave();
    await eventually(async () => !(await isStored()) || undefined, 'an empty log');
    expect(listed(client)).toEqual([]);
  });
});
