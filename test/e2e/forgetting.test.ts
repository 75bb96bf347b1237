// What is deleted is gone from SQLite's files as well, whatever happens to the server meanwhile.
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { afterEach, describe, expect, it } from 'vitest';
import { sqliteFile } from '../../src/config/data-folder.js';
import { insertRows } from '../../src/database/dialect.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { TestApp } from '../support/app.js';
import { call, eventually, Person, send } from '../support/client.js';
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

  it('takes along what others have added to it, however much, also where the server is killed at once', async () => {
    app = await TestApp.start('sqlite');
    cleanUps.push(() => app.removeData());
    const [ada, bob] = [await Person.known(app, 'Ada'), await Person.known(app, 'Bob')];
    const { chat_room_id: room } = await send(await ada.connect(), {
      chat_type: 'room',
      other_user_id: bob.id,
      message: SECRET,
      mentions: { user_ids: [bob.id] },
    });
    const answer = { chat_type: 'room', other_user_id: ada.id, message: 'Really?', reply_to: 1 };
    expect(await send(await bob.connect(), answer)).toMatchObject({ ok: true, seq: 2 });
    const path = `/http/chat_rooms/${room}/messages/1`;
    await bob.put(`${path}/reactions`, { emoji: '👍', is_on: true });
    const others = Array.from({ length: 2_000 }, (_, i) => [room, 1, '👍', bob.id + 1 + i] as (string | number)[]);
    await app.get(UnitOfWork).run(async (tx) => {
      await insertRows(tx, 'reactions', 'conversation_id, seq, emoji, user_id', others);
      await tx.query('UPDATE reaction_totals SET total = total + ?', [others.length]);
    });
    for (const one of [ada, bob]) one.hangUp();
    await app.app.close();
    const { PORT: _, ...env } = app.env;
    let server = await ServerProcess.start(env);
    cleanUps.push(() => server.kill());
    expect((await call(server, 'DELETE', path, { token: ada.token })).status).toBe(200);
    await server.kill();
    server = await ServerProcess.restart(server, env);

    const left = () => {
      const file = new Sqlite(sqliteFile({ dataDir: env['DATA_DIR'] }), { readonly: true });
      const rows = ['mentions', 'reactions', 'reaction_totals', 'deleted_reactions'].flatMap((table) =>
        file.prepare(`SELECT * FROM ${table} WHERE conversation_id = ? AND seq = 1`).all(room),
      );
      file.close();
      return rows.length;
    };
    await eventually(() => left() === 0 || undefined, 'the end of 2,001 reactions');
    expect(await isStored()).toBe(false);
    const { body } = await call(server, 'GET', `/http/chat_rooms/${room}?after=0`, { token: bob.token });
    expect(body).toMatchObject([
      { seq: 1, message: '', deleted: true },
      { seq: 2, reply_to: { seq: 1, user_id: ada.id, message: '', deleted: true } },
    ]);
    for (const field of ['mentions', 'reactions']) expect(body[0]).not.toHaveProperty(field);
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
