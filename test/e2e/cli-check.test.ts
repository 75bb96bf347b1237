// `parley check`, `mail test`, `migrate` and `support`: the built program, run as operators run it.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { emptyEnvironment, onAllDialects, temporaryFolder, TestApp } from '../support/app.js';
import { parley, parleyJson } from '../support/cli.js';
import { Person, sendTo } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';

const found = async (env: Record<string, string>, name: string): Promise<{ status: string; text: string }[]> =>
  (await parleyJson(env, 'check')).checks.filter((one: { name: string }) => one.name === name);

onAllDialects('parley', (dialect) => {
  it('looks at the database before and after it is made, and beside a server that runs', async () => {
    const { env, cleanUp } = await emptyEnvironment(dialect);
    expect((await found(env, 'database'))[0]).toMatchObject({
      status: 'ok',
      text: expect.stringMatching(/first start/),
    });
    const plan = await parley(env, 'migrate', '--plan');
    // What is still to do is no fault: 0, as docs/operations.md says.
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(/^There are no tables .*yet.*\nwould run {2}Messages1763800000000\n/);
    expect((await found({ ...env, MIGRATE_AT_START: 'off' }, 'database'))[0].text).toMatch(/first start/);
    const { pending } = await parleyJson(env, 'migrate', '--plan');
    expect(await parleyJson(env, 'migrate')).toMatchObject({ ok: true, done: pending, pending: [], ran: pending });
    expect(await parleyJson(env, 'migrate')).toMatchObject({ done: pending, pending: [], ran: [] });
    const app = await TestApp.startIn(env, cleanUp);
    const [{ status, text }] = await found(env, 'database');
    expect(status).toBe('ok');
    expect(text).toMatch(/^(SQLite|MariaDB|MySQL) \d+\.\d+.*: the tables are up to date/);
    await app.database.undoLastMigration();
    expect((await found(env, 'database'))[0]).toMatchObject({ status: 'warn' });
    expect((await found({ ...env, MIGRATE_AT_START: 'off' }, 'database'))[0]).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('parley migrate'),
    });
    const refused = await parley(env, 'migrate');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/^Another Parley process .* Stop it first/),
    ]);
    const missing = await parley(env, 'migrate', '--plan', '--json');
    expect([missing.code, JSON.parse(missing.stdout)]).toMatchObject([0, { ok: true, is_plan: true }]);
    expect(JSON.parse(missing.stdout).pending).toHaveLength(1);
    await app.stop();
  });

  it('tells in a report what there is, and nothing that is a secret or a text', async () => {
    const app = await TestApp.start(dialect);
    const [ada, bob] = [await Person.known(app), await Person.known(app)];
    await sendTo(await ada.connect(), bob.id, 'a text that nobody else reads');
    ada.hangUp();
    const log = join(app.env['DATA_DIR'], 'log.txt');
    writeFileSync(log, `a line\nof ${ada.email} with ${ada.token}\n`);
    const secrets = {
      BOT_API_KEY: 'key-that-is-secret',
      SMTP_URL: 'smtp://me:word-that-is-secret@127.0.0.1:1',
      MOTD: 'words of the day',
      ADMIN_EMAILS: 'boss@chat.invalid',
      JWT_SECRET: app.env['JWT_SECRET'] ?? 'a secret for tests, longer than 32 bytes',
    };
    const { code, stdout } = await parley({ ...app.env, ...secrets }, 'support', '--log', log);
    expect(code).toBe(0);
    expect(stdout).toMatch(/engine +(SQLite|MariaDB|MySQL) \d/);
    expect(stdout).toMatch(/last migration +\w+\d{13}\n/);
    expect(stdout).toContain('a line\nof (address) with (token)');
    for (const secret of [...Object.values(secrets), 'is-secret', ada.email, 'a text that', '@example'])
      expect(stdout).not.toContain(secret);
    const report = await parleyJson(app.env, 'support');
    expect(report.database.rows).toHaveProperty('messages');
    if (dialect === 'sqlite') expect(report.database.rows).toMatchObject({ users: 2, messages: 1 });
    await app.stop();
  });
});

describe('parley check', () => {
  it('says in one line each what is wrong with the configuration, and tries nothing else', async () => {
    const { code, stdout } = await parley({ PORT: 'x', JWT_SECRET: 'short secret' }, 'check');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^FAIL {2}configuration {2}PORT must be .*\nFAIL {2}configuration {2}JWT_SECRET must be .*\n$/,
    );
    expect(stdout).not.toContain('short secret');
  });

  it('says why a database, a Redis and a mail server cannot be used, and ends with 1', async () => {
    const port = await freePort();
    const env = {
      DATA_DIR: temporaryFolder(),
      DATABASE_URL: `mysql://root:hidden@127.0.0.1:${port}/parley`,
      REDIS_URL: `redis://:hidden@127.0.0.1:${port}`,
      SMTP_URL: `smtp://me:hidden@127.0.0.1:${port}`,
      JWT_SECRET: 'a secret for tests, longer than 32 bytes',
    };
    const { code, stdout, stderr } = await parley(env, 'check');
    expect([code, stderr]).toEqual([1, '']);
    for (const name of ['database', 'redis', 'mail'])
      expect(stdout).toMatch(new RegExp(`^FAIL {2}${name} .*${port}`, 'm'));
    expect(stdout).not.toContain('hidden');
  });

  it('knows whether the server runs, and warns of http and proxies', async () => {
    const app = await TestApp.start('sqlite');
    const { port } = new URL(app.url);
    const at = { ...app.env, PORT: port };
    expect((await found({ ...at, PUBLIC_URL: app.url }, 'public url'))[0].text).toContain('answers');
    const elsewhere = await found({ ...at, PUBLIC_URL: `http://127.0.0.2:${await freePort()}` }, 'public url');
    expect(elsewhere[0]).toMatchObject({ status: 'warn', text: expect.stringContaining(`runs at ${app.url}`) });
    const plain = await found({ ...at, PUBLIC_URL: 'http://chat.invalid' }, 'public url');
    expect(plain.map(({ text }) => text).join()).toContain('passwords and tokens cross the network');
    expect((await found({ ...at, PUBLIC_URL: 'https://chat.invalid' }, 'proxies'))[0].status).toBe('warn');
    await app.stop();
  });

  it.skipIf(process.platform === 'win32')(
    'names files that others can read, with the cure, and makes none',
    async () => {
      const folder = temporaryFolder();
      const nowhere = join(folder, 'nowhere');
      expect((await found({ DATA_DIR: nowhere }, 'files'))[0].status).toBe('ok');
      expect(existsSync(nowhere)).toBe(false);
      writeFileSync(join(folder, 'jwt-secret'), 'short');
      chmodSync(join(folder, 'jwt-secret'), 0o644);
      const files = await found({ DATA_DIR: folder }, 'files');
      expect(files.map(({ text }) => text)).toEqual([
        expect.stringContaining(`chmod 600 '${join(folder, 'jwt-secret')}'`),
        expect.stringContaining('less than 32 bytes'),
      ]);
    },
  );
});

describe('parley mail test', () => {
  it('sends the mail that the server would, and prints the dialogue without the password', async () => {
    const server = await new MailServer(await freePort(), {
      disabledCommands: ['STARTTLS'],
      authOptional: false,
      onAuth: ({ password }, _session, done) =>
        password === 'pass word' ? done(null, { user: 'me' }) : done(new Error('no such login')),
    }).start();
    const env = {
      DATA_DIR: temporaryFolder(),
      SMTP_URL: `smtp://me:pass%20word@127.0.0.1:${server.port}`,
      MAIL_FROM: 'Parley <parley@chat.example.com>',
    };
    expect((await found(env, 'mail'))[0]).toMatchObject({
      status: 'ok',
      text: expect.stringContaining('takes the login'),
    });
    const sent = await parley(env, 'mail', 'test', 'ada@example.com');
    expect(sent.code).toBe(0);
    expect(sent.stdout).toMatch(/^< 220 /m);
    expect(sent.stdout).toContain('> AUTH PLAIN (hidden)\n');
    expect(sent.stdout).toContain('> RCPT TO:<ada@example.com>\n');
    expect(sent.stdout).toContain(`127.0.0.1:${server.port} has taken the mail.`);
    expect(sent.stdout).not.toContain(Buffer.from('\0me\0pass word').toString('base64'));
    expect(server.received).toMatchObject([{ to: ['ada@example.com'], email: { subject: 'A test of Parley' } }]);
    const wrong = await parley(
      { ...env, SMTP_URL: env.SMTP_URL.replace('pass', 'other') },
      'mail',
      'test',
      'a@example.com',
    );
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toContain('does not take the user and password of SMTP_URL');
    server.refuse = 550;
    const refused = await parleyJson(env, 'mail', 'test', 'nobody@example.com');
    expect(refused).toMatchObject({ ok: false, result: expect.stringContaining('no such user here') });
    expect(refused.dialogue).toContain('> RCPT TO:<nobody@example.com>');
    await server.stop();
  });

  it('becomes a file without a mail server', async () => {
    const folder = temporaryFolder();
    expect((await parley({ DATA_DIR: folder }, 'mail', 'test', 'ada@example.com')).code).toBe(0);
    const [name] = readdirSync(join(folder, 'outbox'));
    expect(readFileSync(join(folder, 'outbox', name), 'utf8')).toContain('A test of Parley');
  });
});

describe('the command line', () => {
  it('says in one line what is wrong with it, and nothing else', async () => {
    for (const [words, line] of [
      [['bogus'], /^error: unknown command 'bogus'\n$/],
      [['mail', 'test', 'ada'], /^ada is no mail address\. For example: .*\n$/],
    ] as const) {
      const { code, stdout, stderr } = await parley({}, ...words);
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(line)]);
    }
  });

  it('helps, and says where an error arose only where that is wanted', async () => {
    const help = await parley({});
    expect([help.code, help.stderr]).toEqual([0, '']);
    for (const name of ['check', 'mail', 'migrate', 'support'])
      expect(help.stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'parley.sqlite'));
    const short = await parley({ DATA_DIR: folder }, 'migrate', '--plan');
    expect(short).toMatchObject({ code: 1, stderr: expect.stringMatching(/^[^\n]+\n$/) });
    for (const long of [
      await parley({ DATA_DIR: folder }, 'migrate', '--plan', '--verbose'),
      await parley({ DATA_DIR: folder, DEBUG: '1' }, 'migrate', '--plan'),
    ])
      expect(long.stderr).toMatch(/\n +at /);
  });
});
