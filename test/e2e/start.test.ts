// The built program as people run it: what it prints, what it says about mistakes, how it ends and comes back.
import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Dialect, emptyEnvironment, onAllDialects, temporaryFolder, TestApp } from '../support/app.js';
import { call, eventually, mailTo, next, open } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { storedRows } from '../support/ledger.js';
import { joinedClient, lists, openClient, shows, until } from '../support/person.js';
import { ServerProcess } from '../support/server-process.js';

const running: ServerProcess[] = [];
const cleanUps: (() => Promise<void>)[] = [];
const keep = (server: ServerProcess): ServerProcess => (running.push(server), server);
afterEach(async () => {
  for (const server of running.splice(0)) await server.kill();
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const environment = async (dialect: Dialect) => {
  const { env, cleanUp } = await emptyEnvironment(dialect);
  cleanUps.push(cleanUp);
  const { PORT: _, PUBLIC_URL: __, ...rest } = env;
  return rest;
};

onAllDialects('the server', (dialect) => {
  it('prints one banner: the API, the mails, the data', async () => {
    const env = await environment(dialect);
    const server = keep(await ServerProcess.start(env));
    const banner = await eventually(() => (server.output.includes('Try it') ? server.output : undefined));
    expect(banner.trim().split('\n')).toHaveLength(5);
    expect(banner).toContain(`http://localhost:${server.port}/http/docs      events  /http/docs/events`);
    expect(banner).toContain(`http://localhost:${server.port}/dev/mail`);
    expect(banner).toContain(
      dialect === 'sqlite' ? `SQLite in ${env['DATA_DIR']}` : `· ${{ mariadb: 'MariaDB', mysql: 'MySQL' }[dialect]} ·`,
    );
    expect(banner).not.toContain('\x1b');
    expect((await call(server, 'GET', '/')).headers.get('location')).toBe('/http/docs');
    expect((await call(server, 'GET', '/http/docs')).body).toContain("Parley's API");
    const { paths } = (await call(server, 'GET', '/http/docs-json')).body;
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/http/chat_rooms/{id}', '/http/chat_groups/{id}', '/http/chat_bot']),
    );
    expect((await call(server, 'GET', '/http/docs/events')).body).toContain('SendRoomMessage');
    expect((await call(server, 'GET', '/http/docs/events.json')).body.asyncapi).toBe('3.0.0');
  });

  it('lets no second process use its data, and is itself as well as before', async () => {
    const env = await environment(dialect);
    const first = keep(await ServerProcess.start(env));
    const second = keep(await ServerProcess.spawn(env));
    expect(await second.exit()).toBe(1);
    expect(second.output.trim()).toMatch(
      /^Another Parley process uses .* Stop it first, or give this one its own .*\.$/,
    );
    expect((await call(first, 'GET', '/health/ready')).status).toBe(200);
    // A lock dies with its process, however that dies.
    await first.kill();
    keep(await ServerProcess.start(env));
  });

  it('after kill -9 has every message that was acknowledged, once, and goes on', async () => {
    const env = await environment(dialect);
    const first = keep(await ServerProcess.start({ ...env, RATE_LIMITS: 'off' }));
    const [ada, bob] = [await joinedClient(first, 'Ada'), await joinedClient(first, 'Bob')];
    const [toBob, toAda] = [ada.client.room(bob.id), bob.client.room(ada.id)];
    const texts = Array.from({ length: 200 }, (_, i) => `message ${i + 1}`);
    const acknowledged = new Map<string, number>();
    const sending = texts.map(async (text) => {
      const stored = await toBob.send(text);
      acknowledged.set(text, stored.seq);
      return stored;
    });
    toBob.attach();
    await eventually(() => acknowledged.size > 20 || undefined, 'the first 20');
    await first.kill();
    const known = [...acknowledged];
    expect(known.length).toBeLessThan(200);
    // Bob opens it while the server is away: what he missed comes, too.
    toAda.attach();

    await ServerProcess.restart(first, { ...env, RATE_LIMITS: 'off' }).then(keep);
    expect((await Promise.all(sending)).map(({ seq }) => seq)).toEqual(texts.map((_, i) => i + 1));
    for (const [text, seq] of known) expect([text, seq]).toEqual([texts[seq - 1], seq]);
    // Whoever opens it with more than a page in it begins at the newest.
    await until(toAda.timeline, ({ items }) => items.length > 0);
    while (!toAda.timeline.get().at_start) await toAda.loadOlder();
    for (const chat of [toAda, toBob]) await shows(chat, texts);
    await lists(bob.client, [`Ada Lovelace: ${texts.at(-1)} (200)`]);
    expect(ada.client.waiting.get()).toEqual({ queued: 0, failed: 0 });
    const stored = await storedRows({ ...env });
    expect(stored.map(({ seq, body }) => [seq, body])).toEqual(texts.map((text, i) => [i + 1, text]));
  });

  it('ends on SIGTERM with sockets and a half-sent request open, and remembers who was online', async () => {
    const env = await environment(dialect);
    const first = keep(await ServerProcess.start(env));
    const [ada, bob] = [await joinedClient(first, 'Ada'), await joinedClient(first, 'Bob')];
    await bob.client.close();
    const closed = until(ada.client.connection, ({ state }) => state !== 'online');
    const half = connect(first.port, '127.0.0.1').on('error', () => {});
    half.write(
      'POST /http/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    await eventually(() => half.bytesWritten > 0 || undefined);
    expect(await first.kill('SIGTERM')).toMatch(/SIGTERM/);
    await closed;
    const second = keep(await ServerProcess.start(env));
    const later = openClient(second);
    await later.login(bob.email, bob.password);
    const [shown] = (await later.users.find('Ada')).rows;
    expect(shown).toMatchObject({ id: ada.id, is_online: false });
    expect(Date.parse(shown.last_seen!)).toBeGreaterThan(Date.now() - 60_000);
  });
});

describe('a stop', () => {
  it('waits for requests that are half here, and for no connection that has had its answer', async () => {
    const server = keep(await ServerProcess.start(await environment('sqlite')));
    const socket = open(server);
    await next(socket, 'connect');
    const head =
      'POST /http/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n';
    const [never, late] = ['never', 'late'].map(() => connect(server.port, '127.0.0.1').on('error', () => {}));
    const closed: string[] = [];
    never.on('close', () => closed.push('never')).write(head);
    late.on('close', () => closed.push('late')).write(head);
    const answer = new Promise<string>((resolve) => late.once('data', (chunk) => resolve(chunk.toString())));
    await eventually(() => (never.bytesWritten > 0 && late.bytesWritten > 0) || undefined);
    await call(server, 'GET', '/health/live');
    const stopping = next(socket, 'disconnect');
    const ended = server.kill('SIGTERM');
    await stopping;
    late.write('{}');
    expect(await answer).toContain('HTTP/1.1 400');
    await ended;
    await eventually(() => closed.length === 2 || undefined);
    expect(closed).toEqual(['late', 'never']);
  });
});

describe('a mistake', () => {
  const start = async (env: Record<string, string>) => {
    const server = keep(await ServerProcess.spawn({ ...(await environment('sqlite')), ...env }));
    return { code: await server.exit(), output: server.output.trim() };
  };

  it('in the configuration stops the start, with every name and no secret', async () => {
    const { code, output } = await start({
      PORT: 'http',
      JWT_SECRET: 'hunter2',
      DATABASE_URL: 'postgres://root:hunter2@x/y',
    });
    expect(code).toBe(1);
    expect(output).toMatch(/PORT must be/);
    expect(output).toMatch(/JWT_SECRET must be/);
    expect(output).toMatch(/DATABASE_URL must be/);
    expect(output).not.toContain('hunter2');
    expect(output).not.toMatch(/ at .*\.js/);
  });

  it('of two servers on one port is one line', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    const { code, output } = await start({ PORT: String(port) });
    other.close();
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^[^\\n]*${port}[^\\n]*set PORT\\.$`));
  });

  it('of a database that is not there is one line', async () => {
    const { code, output } = await start({
      DATABASE_URL: `mysql://root:hunter2@127.0.0.1:${await freePort()}/parley`,
      JWT_SECRET: 'x'.repeat(32),
    });
    expect(code).toBe(1);
    expect(output).toMatch(/^The database in DATABASE_URL cannot be used: [^\n]*$/);
    expect(output).not.toContain('hunter2');
  });

  it('of a mail server that refuses is one line, and the server runs', async () => {
    const server = keep(
      await ServerProcess.start({ ...(await environment('sqlite')), SMTP_URL: `smtp://127.0.0.1:${await freePort()}` }),
    );
    const begin = 'The mail server in SMTP_URL cannot be used';
    const line = await eventually(() => server.output.split('\n').find((text) => text.includes(begin)));
    expect(line).toMatch(/ECONNREFUSED.*check SMTP_URL\. Mails wait in the outbox\./);
    // No terminal, no colours.
    expect(server.output).not.toContain('\x1b');
  });

  it('of a wrong PUBLIC_URL, and of a page that is not allowed, is told once', async () => {
    const server = keep(
      await ServerProcess.start({ ...(await environment('sqlite')), PUBLIC_URL: 'https://chat.example.com' }),
    );
    for (let i = 0; i < 3; i++)
      await call(server, 'GET', '/http/users', { headers: { origin: 'http://localhost:5173' } });
    for (let i = 0; i < 3; i++) await call(server, 'GET', '/http/users');
    const told = await eventually(() => (server.output.includes('Set PUBLIC_URL') ? server.output : undefined));
    expect(
      told.match(/Refused a page of http:\/\/localhost:5173\. If it is yours, add it to CORS_ORIGINS/g),
    ).toHaveLength(1);
    expect(
      told.match(
        /A request came for 127\.0\.0\.1.*but this server's own links lead to https:\/\/chat\.example\.com\. Set PUBLIC_URL/g,
      ),
    ).toHaveLength(1);
  });

  it('of a driver that was not built names the command', async () => {
    const { driverProblem } = await import('../../src/database/sqlite/sqlite-driver.js');
    const missing = new Error(
      'Could not locate the bindings file. Tried: …/node_modules/better-sqlite3/build/better_sqlite3.node',
    );
    expect(driverProblem(missing)?.message).toContain('node drivers/install.mjs');
    expect(
      driverProblem(Object.assign(new Error('better-sqlite3: disk I/O error'), { code: 'SQLITE_IOERR' })),
    ).toBeUndefined();
  });

  it.skipIf(process.getuid?.() === 0)('of a data folder that cannot be written is told', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'locked'));
    chmodSync(join(folder, 'locked'), 0o500);
    expect((await start({ DATA_DIR: join(folder, 'locked') })).code).toBe(1);
  });
});

describe('started by npm', () => {
  it('ends with it', async () => {
    const server = keep(await ServerProcess.spawnByNpm(await environment('sqlite')));
    await server.ready();
    await server.kill('SIGTERM');
    const isGone = () =>
      fetch(`${server.url}/health/live`).then(
        () => undefined,
        () => true,
      );
    expect(await eventually(isGone, 'the end of the server')).toBe(true);
  });
});

describe('in production', () => {
  it('logs JSON and shows no mails', async () => {
    const server = keep(await ServerProcess.start({ ...(await environment('sqlite')), NODE_ENV: 'production' }));
    const line = await eventually(() => server.output.split('\n').find((text) => text.includes('"ready"')));
    expect(JSON.parse(line)).toMatchObject({ level: 'log', context: 'Parley' });
    expect((await call(server, 'GET', '/dev/mail')).status).toBe(404);
  });
});

describe('the demo', () => {
  const PASSWORD = 'parley demo';

  it('makes two people who talk, at a server that runs, and again without adding anything', async () => {
    const env = await environment('sqlite');
    const server = keep(await ServerProcess.start(env));
    for (const _ of [1, 2]) {
      const demo = keep(await ServerProcess.spawn({ ...env, PORT: String(server.port) }, 'demo.js'));
      expect(await demo.exit()).toBe(0);
      expect(demo.output).toContain('ada@example.com and alan@example.com share room 1 and group 2');
    }
    const alan = openClient(server);
    const { id } = await alan.login('alan@example.com', PASSWORD);
    await lists(alan, ['Analytical Engines: Glad to be in.', 'Ada Lovelace: This one stores it, at least. (1)']);
    const room = alan.chat(alan.inbox.get().rows[1].key);
    await room.attach().ready;
    expect(room.timeline.get().items).toMatchObject([
      { seq: 1, mine: false, message: 'Hello Alan, can you read this?' },
      { seq: 2, mine: true, user_id: id, message: 'I can, Ada. Can machines?' },
      { seq: 3, mine: false, message: 'This one stores it, at least.' },
    ]);
  });

  it('works without a server, and leaves what it made', async () => {
    const env = await environment('sqlite');
    const demo = keep(await ServerProcess.spawn(env, 'demo.js'));
    expect(await demo.exit()).toBe(0);
    const server = keep(await ServerProcess.start(env));
    const ada = openClient(server);
    await ada.login('ada@example.com', PASSWORD);
    ada.bot.attach();
    const { items } = await until(ada.bot.timeline, (timeline) => timeline.items.length === 2);
    expect(items[0]).toMatchObject({ mine: true, message: 'Hello! What can you do?' });
    expect(
      ada.inbox
        .get()
        .rows.map(({ title }) => title)
        .toSorted(),
    ).toEqual(['Alan Turing', 'Analytical Engines', 'Helper']);
  });

  it.each([
    ['in production', { NODE_ENV: 'production' }, 'Not in production.'],
    ['with a mail server', { SMTP_URL: 'smtp://127.0.0.1:9' }, '/dev/mail, which is off'],
  ])('refuses %s', async (_, env, sentence) => {
    const demo = keep(
      await ServerProcess.spawn({ ...(await environment('sqlite')), ...(env as Record<string, string>) }, 'demo.js'),
    );
    expect(await demo.exit()).toBe(1);
    expect(demo.output).toContain(sentence);
  });
});

describe('a .env file', () => {
  /** What a process in a folder with this file reads, or says about it. */
  const read = (content: string | Buffer): string => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, '.env'), content);
    const module = JSON.stringify(new URL('../../dist/config/environment.js', import.meta.url).href);
    const script = `import { loadEnvironment } from ${module};
      try { const c = loadEnvironment((sentence) => console.log(sentence)); console.log(c.sessionTtlMs, c.logLevel); }
      catch (error) { console.log(error.constructor.name, error.message); }`;
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      env: { PATH: process.env['PATH'], LOG_LEVEL: 'error' },
    })
      .toString()
      .trim();
  };

  it('is read, beneath the environment', () => {
    expect(read('SESSION_TTL=1h\nLOG_LEVEL=warn\n')).toBe('3600000 error');
  });

  it('may begin with a byte order mark, and end its lines as Windows does', () => {
    expect(read('\ufeffSESSION_TTL=1h\r\nLOG_LEVEL=warn\r\n')).toBe('3600000 error');
  });

  it.each([
    ['UTF-16', Buffer.from('\ufeffSESSION_TTL=1h\n', 'utf16le')],
    ['UTF-16 without a mark', Buffer.from('SESSION_TTL=1h\n', 'utf16le')],
    ['UTF-16, the other way round', Buffer.from('\ufeffSESSION_TTL=1h\n', 'utf16le').swap16()],
    ['Latin-1', Buffer.from('BOT_PROMPT=Sei h\xf6flich\n', 'latin1')],
  ])('in %s is refused in one sentence', (_, content) => {
    expect(read(content)).toMatch(/^ConfigError \.env is not UTF-8.*: save it as UTF-8, and start again\.$/);
  });

  it('is told of names that mean nothing', () => {
    expect(read('SESION_TTL=1h\nNODE_OPTIONS=--trace-warnings\nUV_THREADPOOL_SIZE=16\nSMPT_URL=x\n')).toBe(
      '.env sets what Parley does not read: SESION_TTL, SMPT_URL, UV_THREADPOOL_SIZE. Compare the spelling with .env.example.\n2592000000 error',
    );
  });
});

describe('below a path of PUBLIC_URL', () => {
  it('everything that is linked stays', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const app = await TestApp.startIn({ ...env, PUBLIC_URL: 'http://localhost:3000/our/chat/' }, cleanUp);
    const page = async (path: string) => {
      const answer = await fetch(app.url + path, { headers: { accept: 'text/html' }, redirect: 'manual' });
      return { location: answer.headers.get('location'), text: await answer.text() };
    };
    expect((await page('/')).location).toBe('/our/chat/http/docs');
    const linked = async (path: string) =>
      [...(await page(path)).text.matchAll(/(?:href|src|action)="(?!data:)([^"#]+)"/g)].map(([, url]) => url);
    const pages = [
      '/http/docs',
      '/http/docs/',
      '/http/docs/events',
      '/http/password/forgot',
      '/http/password/reset/nope',
    ];
    for (const path of pages) {
      const urls = await linked(path);
      expect(urls.length, path).toBeGreaterThan(0);
      for (const url of urls)
        expect(new URL(url, `http://localhost:3000/our/chat${path}`).pathname).toMatch(/^\/our\/chat\//);
    }
    const { servers, info } = (await call(app, 'GET', '/http/docs-json')).body;
    expect(servers).toEqual([{ url: '/our/chat' }]);
    expect(info.description).toContain('(/our/chat/http/docs/events)');
    expect((await call(app, 'GET', '/http/docs/events.json')).body.servers.parley.pathname).toBe('/our/chat');
    await call(app, 'POST', '/http/register', {
      body: { email: 'a@example.com', password: 'correct horse', first_name: 'A', last_name: 'B' },
    });
    const { links } = await mailTo(app, 'a@example.com');
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(link).toMatch(/^http:\/\/localhost:3000\/our\/chat(\/http\/register\/|$)/);
    await app.stop();
  });
});
