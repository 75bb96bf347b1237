// A database that says nothing, and closes nothing: everybody gets an answer all the same.
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { STATEMENT_WITHIN_MS } from '../../src/database/mysql/watched-pool.js';
import { emptyDatabase, onServers, TestApp, temporaryFolder } from '../support/app.js';
import { type ChatSocket, eventually, Person, sendTo } from '../support/client.js';
import { storedRows } from '../support/ledger.js';
import { type LostPart, TcpProxy } from '../support/tcp-proxy.js';

/** What the protocol promises. */
const PROMISED_MS = 10_000;

onServers('a database that falls silent', (kind) => {
  let app: TestApp;
  let proxy: TcpProxy;
  let direct: Record<string, string>;
  let drop: () => Promise<void>;
  let [ada, bob]: Person[] = [];
  let [adas, bobs]: ChatSocket[] = [];

  beforeEach(async () => {
    const database = await emptyDatabase(kind);
    drop = database.drop;
    const url = new URL(database.url);
    proxy = await TcpProxy.start(Number(url.port));
    direct = {
      DATABASE_URL: database.url,
      JWT_SECRET: 'a secret for tests, longer than 32 bytes',
      DATA_DIR: temporaryFolder(),
      PUBLIC_URL: 'http://localhost:3000',
    };
    app = await TestApp.startIn({ ...direct, DATABASE_URL: proxy.urlOf(url.pathname.slice(1)) });
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    [adas, bobs] = [await ada.connect(), await bob.connect()];
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    proxy.speak();
    [ada, bob].forEach((person) => person.hangUp());
    await app.stop();
    await proxy.close();
    await drop();
  });

  /** Resolves to the outcome, unless that is later than promised. */
  const inTime = <T>(answer: Promise<T>): Promise<T | 'too late'> =>
    Promise.race([answer, new Promise<'too late'>((resolve) => setTimeout(resolve, PROMISED_MS, 'too late'))]);
  const stored = (socket: ChatSocket, to: Person, text: string) =>
    eventually(
      async () => {
        const answer = await sendTo(socket, to.id, text, text);
        return answer.ok ? answer : undefined;
      },
      'a message that is stored',
      PROMISED_MS,
    );

  it('leaves nobody without an answer, and serves again when it speaks', async () => {
    expect((await sendTo(adas, bob.id, 'before')).seq).toBe(1);
    proxy.mute();
    const texts = Array.from({ length: 10 }, (_, i) => `${i}`);
    const sent = texts.map((text) => inTime(sendTo(adas, bob.id, text, text)));
    const asked = [
      ada.get('/health/ready'),
      ada.get('/http/users'),
      // More than the pool has connections.
      ...Array.from({ length: 15 }, () => ada.get('/http/chat_rooms')),
      bob.put('/http/users/profile', { first_name: 'Robert' }),
      bob.put('/http/users/profile', { first_name: 'Rob' }),
    ].map(inTime);
    // Ones that come while others wait already.
    await asked[0];
    sent.push(inTime(sendTo(bobs, ada.id, 'later', 'later')));
    for (const answer of await Promise.all(sent)) expect(answer).toMatchObject({ error: { code: 'unavailable' } });
    for (const answer of await Promise.all(asked)) expect(answer).toMatchObject({ status: 503 });
    proxy.speak();
    for (const text of texts) await stored(adas, bob, text);
    expect((await storedRows(direct)).map(({ body }) => body)).toEqual(['before', ...texts]);
    await eventually(async () => (await ada.get('/health/ready')).status === 200 || undefined, 'the database');
  });

  it('gives nothing up that was answered while its process stood still', async () => {
    // Sent, and not answered yet.
    const asked = app.database.query<{ slept: number }[]>('SELECT SLEEP(0.2) AS slept');
    const sent = sendTo(adas, bob.id, 'one');
    await new Promise(setImmediate);
    // For longer than a statement may take. What leads to the database stands still, too.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STATEMENT_WITHIN_MS + 500);
    expect(await asked).toEqual([{ slept: 0 }]);
    expect(await sent).toMatchObject({ ok: true, seq: 1 });
  });

  it.each([
    ['was carried out', 'answer'],
    ['was not, and of whose half the server hears nothing more', 'commit'],
  ] as const)('in the middle of a COMMIT that %s: stored once and told once', async (_, part: LostPart) => {
    const heard: string[] = [];
    bobs.on('message', (event) => heard.push((event as { message: string }).message));
    await sendTo(adas, bob.id, 'before');
    // And not that of who has just come online, say.
    proxy.muteAt(part, 'INSERT INTO messages');
    const answers = [inTime(sendTo(adas, bob.id, 'one', 'one'))];
    await eventually(() => proxy.cuts === 1 || undefined, 'the COMMIT');
    answers.push(inTime(sendTo(bobs, ada.id, 'two', 'two')));
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ error: { code: 'unavailable' } });
    proxy.speak();
    // Where the server still holds the chat for the old connection, that is ended there.
    const repeats = [await stored(adas, bob, 'one'), await stored(bobs, ada, 'two'), await stored(adas, bob, 'one')];
    expect(repeats.map(({ seq }) => seq)).toEqual([2, 3, 2]);
    expect((await storedRows(direct)).map(({ body }) => body)).toEqual(['before', 'one', 'two']);
    await eventually(() => heard.length >= 3 || undefined, 'all messages');
    expect(heard).toEqual(['before', 'one', 'two']);
  });

  it('that has lost its majority is unavailable, and does not fill the log', async () => {
    const lines = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
    // What a node of a Galera cluster says then, in its own packet.
    const says = `SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = 1047, MESSAGE_TEXT = 'WSREP has not yet prepared node for application use'`;
    await app.database.query(`CREATE TRIGGER no_quorum BEFORE INSERT ON messages FOR EACH ROW ${says}`);
    await app.database.query(`CREATE TRIGGER no_quorum_either BEFORE UPDATE ON users FOR EACH ROW ${says}`);
    for (let i = 0; i < 20; i++) expect((await sendTo(adas, bob.id, `${i}`)).error.code).toBe('unavailable');
    const answer = await bob.put('/http/users/profile', { first_name: 'Robert' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(lines.mock.calls.length).toBeLessThan(5);
    await app.database.query('DROP TRIGGER no_quorum');
    expect((await stored(adas, bob, 'back')).seq).toBe(1);
  });
});
