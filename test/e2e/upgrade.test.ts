// What former versions left is taken over whole: the tables are migrated, and every answer is what it was.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toMoment } from '../../src/database/dialect.js';
import { sqliteDriver } from '../../src/database/sqlite/sqlite-driver.js';
import { type Dialect, emptyDatabase, onAllDialects, temporaryFolder, TestApp } from '../support/app.js';
import { type Answer, call } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';
import { clientWith, openClient, until } from '../support/person.js';

const FORMER = fileURLToPath(new URL('../fixtures/2026-11-25', import.meta.url));
/** Of the dump; the data folder has its own. */
const SECRET = 'the secret of the former version, 32 bytes and more';

interface Former {
  password: string;
  people: Record<string, { id: number; email: string; token: string }>;
  room: number;
  group: number;
  private_group: number;
  /** By the first name of who asked, and the path. */
  answers: Record<string, Record<string, Pick<Answer, 'status' | 'body'>>>;
}

const unpacked = (name: string): Buffer => gunzipSync(readFileSync(join(FORMER, name)));

/** What waits and what can be used has grown old in the fixture: all of that has a day more from now. */
function refreshed(): string[] {
  const [now, tomorrow] = [new Date(), new Date(Date.now() + 86_400_000)].map(toMoment);
  return [
    `UPDATE mail_outbox SET created_at = '${now}', next_attempt_at = '${now}' WHERE next_attempt_at IS NOT NULL`,
    `UPDATE registrations SET expires_at = '${tomorrow}'`,
    `UPDATE password_resets SET expires_at = '${tomorrow}'`,
  ];
}

async function restore(dialect: Dialect): Promise<{ env: Record<string, string>; cleanUp: () => Promise<void> }> {
  const folder = temporaryFolder();
  const env = { DATA_DIR: folder, PORT: '0', PUBLIC_URL: 'http://localhost:3000' };
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  if (dialect === 'sqlite') {
    cpSync(join(FORMER, 'outbox'), join(folder, 'outbox'), { recursive: true });
    cpSync(join(FORMER, 'jwt-secret'), join(folder, 'jwt-secret'));
    for (const name of ['parley.sqlite', 'parley.sqlite-wal'])
      writeFileSync(join(folder, name), unpacked(`${name}.gz`), { mode: 0o600 });
    const file = new (sqliteDriver())(join(folder, 'parley.sqlite'));
    for (const statement of refreshed()) file.exec(statement);
    file.close();
    return { env, cleanUp: async () => removeFolder() };
  }
  const { url, drop } = await emptyDatabase(dialect);
  const connection = await createConnection({ uri: url, multipleStatements: true });
  await connection.query(
    `SET FOREIGN_KEY_CHECKS = 0; ${unpacked('mysql.sql.gz').toString()} SET FOREIGN_KEY_CHECKS = 1`,
  );
  for (const statement of refreshed()) await connection.query(statement);
  await connection.end();
  return {
    env: { ...env, DATABASE_URL: url, JWT_SECRET: SECRET },
    cleanUp: async () => {
      await drop();
      removeFolder();
    },
  };
}

onAllDialects('what the version of 25 November 2026 left', (dialect) => {
  const former = JSON.parse(unpacked(dialect === 'sqlite' ? 'sqlite.json.gz' : 'mysql.json.gz').toString()) as Former;
  const { Ada: ada, Zoë: zoe, İbrahim: ibrahim, Grace: grace, Gone: gone } = former.people;
  let app: TestApp;
  let smtp: MailServer;

  beforeAll(async () => {
    smtp = await new MailServer(await freePort()).start();
    const { env, cleanUp } = await restore(dialect);
    app = await TestApp.startIn({ ...env, SMTP_URL: `smtp://127.0.0.1:${smtp.port}` }, cleanUp);
  });
  afterAll(async () => {
    await app.stop();
    await smtp.stop();
  });

  it.each(Object.keys(former.answers))('answers %s as before, with the token from before', async (name) => {
    const { token } = former.people[name];
    const entries = Object.entries(former.answers[name]);
    expect(entries).toHaveLength(16);
    for (const [path, { status, body }] of entries) {
      // Her question waited, and is answered by now or soon.
      if (name === 'Grace' && path === '/http/chat_bot') continue;
      const now = await call(app, 'GET', path, { token });
      expect({ path, status: now.status }).toEqual({ path, status });
      if (status === 200) expect(now.body, path).toMatchObject(body);
      else expect(now.body.code, path).toBe(body.code);
    }
  });

  it('is found by whatever way names are looked for now', async () => {
    const client = await clientWith(app, ada.token);
    const found = async (query: string) => (await client.users.find(query)).rows.map(({ id }) => id);
    expect(await found('STRASSE')).toEqual([zoe.id]);
    expect(await found('zoe')).toEqual([zoe.id]);
    expect(await found('ibrahim')).toEqual([ibrahim.id]);
  });

  it('takes the passwords from before, and nothing of who was erased', async () => {
    expect(await openClient(app).login(zoe.email, former.password)).toMatchObject({ id: zoe.id });
    const erased = openClient(app);
    await expect(erased.login(gone.email, former.password)).rejects.toMatchObject({ code: 'login_failed' });
    await expect(erased.useToken(gone.token)).rejects.toMatchObject({ code: 'session_revoked' });
  });

  it('numbers on, and knows what was sent before', async () => {
    const client = await clientWith(app, ada.token);
    const [room, group] = [client.room(zoe.id), client.group(former.group)];
    const before = former.answers['Ada']['/http/chat_rooms'].body.find(({ id }: { id: number }) => id === former.room);
    expect(await room.send('message 5 äöü 👩‍👩‍👧', { client_id: 'c5' })).toMatchObject({ seq: 5 });
    expect(await room.send('after the upgrade')).toMatchObject({ seq: before.last_seq + 1 });
    const last = (await group.history({ after: 0 })).length;
    expect(await group.send('all here')).toMatchObject({ seq: last + 1 });
    const [first, second] = client.inbox.get().rows;
    expect(first).toMatchObject({ key: group.key, unread: 0, last_message: { message: 'all here' } });
    expect(second).toMatchObject({ key: room.key, unread: 0, last_message: { message: 'after the upgrade' } });
    // Blocks hold, in both directions.
    await expect(client.room(gone.id).send('anybody?')).rejects.toMatchObject({ code: 'not_found' });
    const blocked = await clientWith(app, ibrahim.token);
    await expect(blocked.room(grace.id).send('please')).rejects.toMatchObject({ code: 'blocked' });
  });

  it('answers the question that waited', async () => {
    const { bot } = await clientWith(app, grace.token);
    bot.attach();
    const { items } = await until(bot.timeline, (timeline) => timeline.items.length === 2);
    expect(items).toMatchObject([
      { seq: 1, mine: true, message: 'Hello from before', client_id: 'q2' },
      { seq: 2, mine: false },
    ]);
  });

  it('sends the mails that waited, whose links are good', async () => {
    const device = await clientWith(app, grace.token);
    const client = openClient(app);
    const [confirmation, reset] = [await smtp.mailTo('new@example.com'), await smtp.mailTo(grace.email)].map(
      ({ email }) => /http:\/\/localhost:3000\/http\/\S+/.exec(email.text!)![0].split('/').at(-1)!,
    );
    expect(await client.confirm(confirmation)).toMatchObject({ email: 'new@example.com' });
    expect(await client.login('new@example.com', former.password)).toMatchObject({ email: 'new@example.com' });
    await client.resetPassword(reset, 'a new long password');
    await until(device.auth, (auth) => auth.status === 'signed_out' && auth.reason?.code === 'session_revoked');
  });

  it('starts again without anything to migrate', async () => {
    const rows = () => app.database.query<{ name: string }[]>('SELECT name FROM migrations ORDER BY id');
    const before = await rows();
    app = await app.restart();
    expect(await rows()).toEqual(before);
    expect((await call(app, 'GET', '/health/ready')).status).toBe(200);
  });
});
