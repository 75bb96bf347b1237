// What a server of MariaDB or MySQL may demand, refuse or become: encrypted connections, wrong logins, read-only.
import { cpSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import { Database } from '../../src/database/data-source.js';
import { dataSourceOptions } from '../../src/database/data-source-options.js';
import { insertRows } from '../../src/database/dialect.js';
import { SESSION } from '../../src/database/mysql/mysql-session.js';
import { lockName } from '../../src/database/single-process-lock.js';
import { StartError } from '../../src/common/start-error.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { TestApp, temporaryFolder } from '../support/app.js';
import { call, eventually, Person, sendTo } from '../support/client.js';
import { makeCertificates } from '../support/certificates.js';
import { canStart, DatabaseServer, SERVER_KINDS, TITLES, UNFLUSHED } from '../support/database-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const OURS = { JWT_SECRET: 'a secret for tests, longer than 32 bytes', PUBLIC_URL: 'http://localhost:3000' };
const envOf = (url: string, more: Record<string, string> = {}) => ({
  ...OURS,
  DATABASE_URL: url,
  DATA_DIR: temporaryFolder(),
  ...more,
});

async function open(url: string): Promise<Database> {
  const config = loadConfig(envOf(url));
  return Database.open(config, await dataSourceOptions(config));
}

const TLS = ['--ssl-ca=parley-ca.crt', '--ssl-cert=parley.crt', '--ssl-key=parley.key'];

/** The line that the start ends with. */
async function refusal(url: string): Promise<string> {
  const error = await open(url).then(
    async (database) => database.destroy().then(() => new Error('It started.')),
    (thrown: Error) => thrown,
  );
  expect(error, error.stack).toBeInstanceOf(StartError);
  expect(error.message).not.toMatch(/\n|hunter2/);
  return error.message;
}

for (const kind of SERVER_KINDS)
  describe.skipIf(!canStart(kind))(`a server of ${TITLES[kind]}`, () => {
    const certificates = makeCertificates();
    const show = (name: string) => (folder: string) => {
      for (const end of ['crt', 'key']) cpSync(join(certificates, `${name}.${end}`), join(folder, `parley.${end}`));
      cpSync(join(certificates, 'ca.crt'), join(folder, 'parley-ca.crt'));
    };
    let server: DatabaseServer;
    let databases = 0;
    const cleanUps: (() => unknown)[] = [];
    /** As root, encrypted. */
    const sql = async (...statements: string[]) => {
      const connection = await createConnection({ uri: server.url, ssl: { rejectUnauthorized: false } });
      for (const statement of statements) await connection.query(statement);
      await connection.end();
    };
    /** The URL of an empty database, for a user who has the rights to it and no others. */
    const empty = async (rights = 'ALL', options = ''): Promise<string> => {
      const name = `own${++databases}`;
      const user = `${name}@'%'`;
      await sql(
        `CREATE DATABASE ${name}`,
        `CREATE USER ${user} IDENTIFIED BY 'hunter2%'`,
        `GRANT ${rights} ON ${name}.* TO ${user}`,
      );
      if (options) await sql(`ALTER USER ${user} ${options}`);
      return `mysql://${name}:hunter2%25@localhost:${server.port}/${name}`;
    };

    beforeAll(async () => {
      server = await DatabaseServer.start(kind, [...UNFLUSHED[kind], ...TLS], show('localhost'));
    }, 120_000);
    afterEach(async () => {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    });
    afterAll(() => server.stop());

    describe('that takes encrypted connections only', () => {
      const ca = `ssl-ca=${encodeURIComponent(join(certificates, 'ca.crt'))}`;
      beforeAll(() => sql('SET GLOBAL require_secure_transport = ON'));
      afterAll(() => sql('SET GLOBAL require_secure_transport = OFF'));

      it.each(['', '?ssl-mode=REQUIRED', `?${ca}`, `?ssl-mode=VERIFY_IDENTITY&${ca}`])(
        'gets them all, with "%s"',
        async (query) => {
          const database = await open((await empty()) + query);
          cleanUps.push(() => database.destroy());
          const ciphers = await Promise.all(
            Array.from({ length: 3 }, () => database.query<{ Value: string }[]>("SHOW STATUS LIKE 'Ssl_cipher'")),
          );
          for (const [{ Value }] of ciphers) expect(Value).toMatch(/^(TLS|ECDHE|DHE)/);
        },
      );

      it('is not used by a start that would have it otherwise', async () => {
        const url = await empty();
        expect(await refusal(`${url}?ssl-mode=DISABLED`)).toMatch(
          /takes encrypted connections only, .* Say ssl-mode=REQUIRED|demands TLS, and ssl-mode is DISABLED/,
        );
        const other = `ssl-ca=${encodeURIComponent(join(certificates, 'other-ca.crt'))}`;
        expect(await refusal(`${url}?${other}`)).toMatch(/^TLS with the server in DATABASE_URL failed .* ssl-ca\.$/);
        // No authority that is well known.
        expect(await refusal(`${url}?ssl-mode=VERIFY_CA`)).toMatch(/^TLS with .* failed/);
        const reload = kind === 'mariadb' ? 'FLUSH SSL' : 'ALTER INSTANCE RELOAD TLS';
        show('elsewhere.example')(server.dataFolder);
        await sql(reload);
        expect(await refusal(`${url}?ssl-mode=VERIFY_IDENTITY&${ca}`)).toMatch(/^TLS with .*elsewhere\.example/);
        await (await open(`${url}?ssl-mode=VERIFY_CA&${ca}`)).destroy();
        show('localhost')(server.dataFolder);
        await sql(reload);
      });
    });

    it('that refuses is told in one line that names the cure', async () => {
      const url = await empty();
      expect(await refusal(url.replace(/\d+$/, '999'))).toMatch(/GRANT ALL|CREATE DATABASE/);
      expect(await refusal(`mysql://root@localhost:${server.port}/nowhere`)).toMatch(
        /^There is no database nowhere at localhost:\d+\. CREATE DATABASE/,
      );
      expect(await refusal(url.replace('hunter2%25', 'hunter2'))).toMatch(
        /refuses the user own\d+: wrong name or password/,
      );
      expect(await refusal(await empty('SELECT'))).toMatch(/may not do what Parley needs \(CREATE .*GRANT ALL ON `own/);
      // The lock has the one connection.
      expect(await refusal(await empty('ALL', 'WITH MAX_USER_CONNECTIONS 1'))).toMatch(
        /has no connection left .*lower DATABASE_POOL/,
      );
      await sql('SET GLOBAL read_only = 1');
      cleanUps.push(() => sql('SET GLOBAL read_only = 0'));
      expect(await refusal(url)).toMatch(/is read-only .*Name the one that takes writes\.$/);
    });

    it('that does not answer a connection of the start in time is asked again', async () => {
      let connections = 0;
      const late = createServer((client) => {
        // The first one asks what the server is; the second one gets no answer.
        if (++connections === 2) return;
        const target = connect(server.port, '127.0.0.1');
        for (const [from, to] of [
          [client, target],
          [target, client],
        ])
          from.on('error', () => to.destroy()).pipe(to);
      });
      await new Promise<void>((resolve) => void late.listen(0, '127.0.0.1', resolve));
      cleanUps.push(() => late.close());
      const url = new URL(await empty());
      url.port = String((late.address() as AddressInfo).port);
      const database = await open(`${url}?ssl-mode=DISABLED`);
      expect(connections).toBeGreaterThan(2);
      await database.destroy();
    });

    it('that does not take what a connection is set to ends the start in one line, and no process that runs', async () => {
      const all = SESSION.all as unknown as string[];
      const wrong = 'SET SESSION no_such_variable = 1';
      const app = await TestApp.startIn(envOf(await empty()));
      cleanUps.push(() => app.stop());
      const ada = await Person.known(app);
      all.push(wrong);
      cleanUps.push(() => all.splice(all.indexOf(wrong) >>> 0, 1));
      expect(await refusal(await empty())).toMatch(
        /refuses `SET SESSION no_such_variable = 1`, which Parley needs: Unknown system variable/,
      );
      // As where a proxy sets other rules while the process runs: each new connection is refused.
      for (const { id } of await server.query<{ id: number }>(
        `SELECT id FROM information_schema.processlist WHERE user LIKE 'own%'`,
      ))
        await sql(`KILL ${id}`).catch(() => undefined);
      await eventually(async () => ((await ada.get('/http/users')).body.code === 'unavailable' ? true : undefined));
      all.pop();
      await eventually(async () => ((await ada.get('/http/users')).status === 200 ? true : undefined));
    });

    it(
      'that was the primary and is read-only now loses its connections to the new one',
      { timeout: 120_000 },
      async () => {
        const next = await DatabaseServer.start(kind, [...UNFLUSHED[kind], ...TLS], show('localhost'));
        cleanUps.push(() => next.stop());
        const proxy = await TcpProxy.start(server.port);
        cleanUps.push(() => proxy.close());
        const [, name] = /\/(own\d+)$/.exec(await empty())!;
        for (const statement of [
          `CREATE DATABASE ${name}`,
          `CREATE USER ${name}@'%' IDENTIFIED BY 'hunter2%'`,
          `GRANT ALL ON ${name}.* TO ${name}@'%'`,
        ])
          await next.query(statement);
        const at = (port: number) => `mysql://${name}:hunter2%25@localhost:${port}/${name}`;
        await (await open(at(next.port))).destroy();
        const app = await TestApp.startIn(envOf(at(proxy.port)));
        cleanUps.push(() => app.stop());
        // As many connections as there may be.
        await Promise.all(Array.from({ length: 30 }, () => app.database.query('SELECT SLEEP(0.05)')));
        const register = (email: string) =>
          call(app, 'POST', '/http/register', {
            body: { email, password: 'long enough 7', first_name: 'Ada', last_name: 'L' },
          });

        await sql('SET GLOBAL read_only = 1');
        cleanUps.push(() => sql('SET GLOBAL read_only = 0'));
        proxy.leadTo(next.port);
        const first = await register('first@example.com');
        expect([first.status, first.body.code]).toEqual([503, 'unavailable']);
        // From here on nobody is sent to the old one: the other connections are given up, too.
        for (let i = 0; i < 12; i++)
          await app
            .get(UnitOfWork)
            .run((tx) => insertRows(tx, 'message_changes', 'conversation_id, change_seq, seq', [[1, i, i]]));
        expect(await next.query(`SELECT COUNT(*) AS count FROM ${name}.message_changes`)).toEqual([{ count: 12 }]);
        await eventually(async () => {
          const [{ holder }] = await next.query<{ holder: number | null }>(
            `SELECT IS_USED_LOCK('${lockName(name)}') AS holder`,
          );
          return holder ?? undefined;
        }, 'the lock on the new one');
      },
    );

    it('that knows no shared locks, as TiDB, is asked for others', async () => {
      const app = await TestApp.startIn(envOf(await empty()));
      cleanUps.push(() => app.stop());
      const database = app.get(Database);
      expect(database.locking).toMatchObject({ skipsLocked: true, shares: true });
      database.locking = { ...database.locking!, shares: false };
      const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
      await sql("SET GLOBAL log_output = 'TABLE'", 'SET GLOBAL general_log = 1');
      cleanUps.push(() => sql('SET GLOBAL general_log = 0'));
      expect((await sendTo(await ada.connect(), bob.id, 'hello')).seq).toBe(1);
      const log = await server.query<{ argument: Buffer }>(
        "SELECT argument FROM mysql.general_log WHERE command_type = 'Query'",
      );
      const statements = log.map(({ argument }) => argument.toString());
      expect(statements.some((text) => /FROM sessions .*FOR UPDATE/s.test(text))).toBe(true);
      expect(statements.filter((text) => /SHARE MODE|FOR SHARE/.test(text))).toEqual([]);
    });
  });
