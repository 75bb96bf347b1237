// What is deleted is gone from SQLite's files as well, whatever happens to the server meanwhile.
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { afterEach, describe, expect, it } from 'vitest';
import { sqliteFile } from '../../src/database/data-source.js';
import { TestApp } from '../support/app.js';
import { call, eventually, Person, send, sendTo } from '../support/client.js';
import { everythingStored } from '../support/everything-stored.js';
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
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    await app.app.close();
    const { PORT: _, ...env } = app.env;
    let server = await ServerProcess.start(env);
    cleanUps.push(() => server.kill());
    const { chat_room_id: room } = await sendTo(await ada.at(server).connect(), bob.id, SECRET);
    // Somebody reads meanwhile, so that the log is not emptied before the crash.
    const reader = new Sqlite(sqliteFile({ dataDir: env['DATA_DIR'] }), { readonly: true });
    reader.exec('BEGIN');
    expect(reader.prepare('SELECT COUNT(*) AS n FROM messages').get()).toEqual({ n: 1 });
    const { status } = await call(server, 'DELETE', `/http/chat_rooms/${room}/messages/1`, { token: ada.token });
    expect(status).toBe(200);
    await server.kill();
    reader.close();
    expect(await isStored()).toBe(true);
    server = await ServerProcess.restart(server, env);
    expect(await isStored()).toBe(false);
  });

  it('is gone soon after the last one to leave has deleted a group', async () => {
    app = await TestApp.start('sqlite');
    cleanUps.push(() => app.stop());
    const ada = await Person.known(app);
    const group = (
      await call(app, 'POST', '/http/chat_groups', { token: ada.token, body: { chat_group_name: 'Group' } })
    ).body.id;
    await send(await ada.connect(), { chat_type: 'group', chat_group_id: group, message: SECRET });
    expect(await isStored()).toBe(true);
    const { status } = await call(app, 'DELETE', `/http/chat_groups/${group}/members/${ada.id}`, { token: ada.token });
    expect(status).toBe(204);
    await eventually(async () => !(await isStored()) || undefined, 'an empty log');
    ada.hangUp();
  });
});
