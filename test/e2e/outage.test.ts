// The database server dies and comes back: nothing is lost, and nobody has to help.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApp, temporaryFolder } from '../support/app.js';
import { call, eventually, Person, sendTo } from '../support/client.js';
import { PrivateMariaDb } from '../support/mariadb.js';

const server = await PrivateMariaDb.start();

describe.skipIf(!server)('while MariaDB is away', () => {
  let app: TestApp;

  beforeAll(async () => {
    await server!.query('CREATE DATABASE outage');
    app = await TestApp.startIn({
      DATABASE_URL: `${server!.url}/outage`,
      JWT_SECRET: 'a secret for tests, longer than 32 bytes',
      DATA_DIR: temporaryFolder(),
      PUBLIC_URL: 'http://localhost:3000',
    });
  });
  afterAll(async () => {
    await app.stop();
    await server!.stop();
  });

  it('everything says so, and works again once it is back', async () => {
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await ada.connect();
    const first = await sendTo(socket, bob.id, 'before', 'id-1');
    await server!.kill();

    expect((await sendTo(socket, bob.id, 'during', 'id-2')).error.code).toBe('unavailable');
    for (const path of ['/http/users', '/health/ready']) {
      const answer = await ada.get(path);
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect((await call(app, 'GET', '/health/live')).status).toBe(200);
    // Not a word about the token, which may be as good as ever.
    const anew = ada.connect().catch(() => undefined);
    await anew;
    expect(socket.connected).toBe(true);

    await server!.run();
    await eventually(async () => (await ada.get('/health/ready')).status === 200 || undefined, 'the database');
    const second = await eventually(async () => {
      const answer = await sendTo(socket, bob.id, 'during', 'id-2');
      return answer.ok ? answer : undefined;
    });
    expect([first.seq, second.seq]).toEqual([1, 2]);
    expect(await sendTo(socket, bob.id, 'before', 'id-1')).toEqual(first);
    // The lock against a second process is taken again, too.
    await eventually(async () => {
      const [row] = await server!.query("SELECT IS_USED_LOCK(CONCAT('parley:', MD5('outage'))) AS holder");
      return row['holder'] ?? undefined;
    }, 'the lock');
  });
});
