// Mails: as files, to a real SMTP server, and while that server is down.
import { readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { afterEach, describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { OutboxMail } from '../../src/mail/outbox-mail.entity.js';
import { Outbox } from '../../src/mail/outbox.js';
import { Seal } from '../../src/mail/seal.js';
import { sqliteFile } from '../../src/config/data-folder.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { call, eventually, linkPath, mails, mailTo, Person } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';

const isRefused = ({ lastError }: OutboxMail) => lastError !== '' && lastError !== 'sending';

const register = (app: TestApp, email: string, name = 'Grace') =>
  call(app, 'POST', '/http/register', {
    body: { email, password: 'long enough', first_name: name, last_name: 'Hopper' },
  });

onAllDialects('the outbox', (dialect) => {
  const running: { stop(): Promise<void> }[] = [];
  const keep = <T extends { stop(): Promise<void> }>(one: T): T => (running.push(one), one);
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
  });

  const waiting = (app: TestApp) => app.database.manager.find(OutboxMail);

  it('hands mails to the SMTP server, in text and HTML', async () => {
    const server = keep(await new MailServer(await freePort()).start());
    const app = keep(
      await TestApp.start(dialect, {
        SMTP_URL: `smtp://127.0.0.1:${server.port}`,
        MAIL_FROM: 'Chat <chat@example.com>',
      }),
    );
    await register(app, 'grace@example.com', 'Your prize waits at https://evil.example/');
    const { from, to, email } = await server.mailTo('grace@example.com');
    expect(from).toBe('chat@example.com');
    expect(to).toEqual(['grace@example.com']);
    expect(email.from).toMatchObject({ name: 'Chat', address: 'chat@example.com' });
    const [link] = /http:\/\/localhost:3000\/http\/register\/[\w-]+/.exec(email.text!)!;
    expect(email.html).toContain(`href="${link}"`);
    expect((await call(app, 'GET', new URL(link).pathname)).status).toBe(200);
    await eventually(async () => (await waiting(app)).length === 0 || undefined, 'an empty outbox');
    // Whoever registers with somebody else's address chooses one word of what they get, and no link.
    expect(email.text).toContain('under the name Your.');
    expect(email.text! + email.html!).not.toMatch(/prize|evil/);
    await register(app, 'other@example.com', 'evil.example now');
    expect((await server.mailTo('other@example.com')).email.text).not.toContain('evil');
  });

  it('escapes the names of those who are known', async () => {
    const app = keep(await TestApp.start(dialect));
    const person = await Person.join(app);
    await person.put('/http/users/profile', {
      first_name: '<b onclick="x">Ada & "Co"</b>',
      password: 'a new password',
      current_password: person.password,
    });
    const { file, text } = await mailTo(app, person.email, 2);
    expect(text).toContain('Hello <b onclick="x">Ada & "Co"</b>,');
    const { html } = await PostalMime.parse(readFileSync(join(app.env['DATA_DIR'], 'outbox', file)));
    expect(html).toContain('Hello &lt;b onclick=&quot;x&quot;&gt;Ada &amp; &quot;Co&quot;&lt;/b&gt;,');
  });

  it('sends at once after a crash what was on its way before it', async () => {
    const server = keep(await new MailServer(await freePort()).start());
    let app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${server.port}` }));
    const content = { subject: 's', paragraphs: ['p'], action: { label: 'l', link: 'http://x/' }, footer: 'f' };
    const sealed = app.get(Seal).encrypt({ to: 'crashed@example.com', mail: content });
    const claimed = {
      sealed,
      createdAt: new Date(),
      attempts: 1,
      nextAttemptAt: new Date(Date.now() + 120_000),
      lastError: 'sending',
    };
    await app.get(UnitOfWork).run((tx) => tx.insert(OutboxMail, claimed));
    running.pop();
    app = keep(await app.restart());
    expect((await server.mailTo('crashed@example.com')).email.subject).toBe('s');
  });

  it('delays a mail while the server is down, through a restart of ours, and sends it once', async () => {
    const server = keep(new MailServer(await freePort()));
    let app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${server.port}` }));
    const answer = await register(app, 'patient@example.com');
    expect(answer.status).toBe(202);
    const row = await eventually(async () => (await waiting(app)).find(isRefused), 'a failed attempt');
    expect(row.lastError).toMatch(/ECONNREFUSED|ESOCKET/);
    expect(row.nextAttemptAt!.getTime()).toBeGreaterThan(Date.now());

    running.pop();
    app = keep(await app.restart());
    await server.start();
    await server.mailTo('patient@example.com');
    await eventually(async () => (await waiting(app)).length === 0 || undefined, 'an empty outbox');
    expect(server.received).toHaveLength(1);
  });

  it('tries again what the server refuses for now, and gives up what it refuses for good', async () => {
    const server = keep(await new MailServer(await freePort()).start());
    const app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${server.port}` }));
    server.refuse = 451;
    await register(app, 'greylisted@example.com');
    await eventually(
      async () => (await waiting(app)).some(({ lastError }) => lastError.includes('451')) || undefined,
      'a refusal',
    );
    server.refuse = undefined;
    await server.mailTo('greylisted@example.com');

    server.refuse = 550;
    await register(app, 'gone@example.com');
    const given = await eventually(
      async () => (await waiting(app)).find(({ lastError }) => lastError.includes('550')),
      'a final refusal',
    );
    expect(given.nextAttemptAt).toBeNull();
    // A mail that was given up holds up nothing behind it.
    server.refuse = undefined;
    await register(app, 'next@example.com');
    await server.mailTo('next@example.com');
    expect(server.received.filter(({ to }) => to.includes('gone@example.com'))).toEqual([]);
  });

  it('waits longer after each attempt, and stops after two days', async () => {
    // A server that hangs up at once.
    const port = await freePort();
    const rude = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
    const app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${port}` }));
    let offset = 0;
    app.get(Clock).now = () => new Date(Date.now() + offset);
    await register(app, 'slow@example.com');
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt++) {
      const row = await eventually(
        async () => (await waiting(app)).find((one) => one.attempts === attempt && isRefused(one)),
        `attempt ${attempt}`,
      );
      // The row is claimed for a while before its next attempt is known.
      const settled = await eventually(async () => {
        const [now] = await waiting(app);
        return now && now.nextAttemptAt!.getTime() - Date.now() - offset < 110_000 ? now : undefined;
      }, 'the next attempt');
      waits.push(settled.nextAttemptAt!.getTime() - Date.now() - offset);
      offset += attempt === 4 ? 49 * 3_600_000 : waits.at(-1)!;
      app.get(Outbox).wake();
      void row;
    }
    expect(waits[3]).toBeGreaterThan(waits[0]);
    await eventually(
      async () => (await waiting(app)).every(({ nextAttemptAt }) => nextAttemptAt === null) || undefined,
      'giving up',
    );
    rude.close();
  });

  it('without a server writes one file for each mail, and no second one after a crash', async () => {
    const app = keep(await TestApp.start(dialect));
    await register(app, 'file@example.com');
    const mail = await mailTo(app, 'file@example.com');
    expect(mail.file).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-\d+\.eml$/);
    // The link stands in one piece, for people who look into the file.
    const folder = join(app.env['DATA_DIR'], 'outbox');
    expect(readFileSync(join(folder, mail.file), 'utf8')).toMatch(
      /^http:\/\/localhost:3000\/http\/register\/[A-Za-z0-9]{33}\r?$/m,
    );

    // As if the process had died between the file and the database.
    await eventually(async () => (await waiting(app)).length === 0 || undefined);
    const row = {
      id: Number(/-(\d+)\.eml$/.exec(mail.file)![1]),
      createdAt: new Date(mail.file.slice(0, 24).replace(/T(\d\d)-(\d\d)-(\d\d)-/, 'T$1:$2:$3.')),
    };
    const sealed = app.get(Seal).encrypt({
      to: 'file@example.com',
      mail: { subject: 's', paragraphs: [], action: { label: '', link: 'http://x/' }, footer: '' },
    });
    await app
      .get(UnitOfWork)
      .run((tx) => tx.insert(OutboxMail, { ...row, sealed, attempts: 1, nextAttemptAt: new Date(), lastError: '' }));
    app.get(Outbox).wake();
    await eventually(async () => (await waiting(app)).length === 0 || undefined, 'an empty outbox');
    expect(readdirSync(folder)).toEqual([mail.file]);
  });

  it('sends at most three mails an hour to one address, and answers the same', async () => {
    const app = keep(await TestApp.start(dialect, { RATE_LIMITS: 'on' }));
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await register(app, 'flood@example.com'));
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    await register(app, 'marker@example.com');
    await mailTo(app, 'marker@example.com');
    expect((await mails(app)).filter(({ to }) => to === 'flood@example.com')).toHaveLength(3);
  });

  it("warns an owner of a new password also after a stranger used up the address's mails", async () => {
    const app = keep(await TestApp.start(dialect, { RATE_LIMITS: 'on' }));
    const owner = await Person.join(app);
    for (let i = 0; i < 4; i++) await register(app, owner.email);
    await owner.put('/http/users/profile', { password: 'a new password' });
    const mail = await eventually(async () =>
      (await mails(app)).find(({ subject }) => subject.includes('password was changed')),
    );
    expect(mail.to).toBe(owner.email);
  });
});

describe('a link', () => {
  it('cannot be found in the database, before its mail is sent or after', async () => {
    const environment = await emptyEnvironment('sqlite');
    const server = new MailServer(await freePort());
    const app = await TestApp.startIn(
      { ...environment.env, SMTP_URL: `smtp://127.0.0.1:${server.port}` },
      environment.cleanUp,
    );
    await register(app, 'secret@example.com');
    await eventually(
      async () => (await app.database.manager.find(OutboxMail)).some(({ attempts }) => attempts > 0) || undefined,
    );
    await server.start();
    const { email } = await server.mailTo('secret@example.com');
    const token = linkPath({ links: [/http:\S+/.exec(email.text!)![0]] } as never)
      .split('/')
      .at(-1)!;
    for (const file of [
      sqliteFile({ dataDir: environment.env['DATA_DIR'] }),
      `${sqliteFile({ dataDir: environment.env['DATA_DIR'] })}-wal`,
    ]) {
      expect(readFileSync(file).includes(token)).toBe(false);
      // It would have been found: what is stored in the clear is.
      if (file.endsWith('wal')) expect(readFileSync(file).includes('secret@example.com')).toBe(true);
    }
    await app.stop();
    await server.stop();
  });

  it('is sealed under the server’s secret', () => {
    const sealed = new Seal('one secret').encrypt({ link: 'x' });
    expect(new Seal('one secret').decrypt(sealed)).toEqual({ link: 'x' });
    expect(() => new Seal('another').decrypt(sealed)).toThrow();
    const changed = Buffer.from(sealed, 'base64');
    changed[changed.length - 1] ^= 1;
    expect(() => new Seal('one secret').decrypt(changed.toString('base64'))).toThrow();
  });
});

describe('/dev/mail', () => {
  const started = async (env: Record<string, string>) => {
    const environment = await emptyEnvironment('sqlite');
    return TestApp.startIn({ ...environment.env, ...env }, environment.cleanUp);
  };

  it('shows mails with their links, escaped, to this machine alone', async () => {
    const app = await started({});
    const person = await Person.join(app);
    await person.put('/http/users/profile', {
      first_name: '<script>alert(1)</script>',
      password: 'a new password',
      current_password: person.password,
    });
    await mailTo(app, person.email, 2);
    const page = await call(app, 'GET', '/dev/mail', { headers: { accept: 'text/html' } });
    expect(page.body).toContain('&lt;script&gt;');
    expect(page.body).not.toContain('<script>alert');
    expect(page.body).toMatch(
      /<a class="btn primary" href="http:\/\/localhost:3000\/http\/register\/[\w-]+">Create my account<\/a>/,
    );
    expect(page.headers.get('refresh')).toBe('5');
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    // A browser applies the style only if it is, to the letter, the one that the policy names.
    const [, style] = /<style>([^]*)<\/style>/.exec(page.body)!;
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    const { request } = await import('node:http');
    const status = await new Promise((resolve) =>
      request(`${app.url}/dev/mail`, { headers: { host: 'rebound.example:3000' } }, ({ statusCode }) =>
        resolve(statusCode),
      ).end(),
    );
    expect(status).toBe(404);
    await app.stop();
  });

  it.each([
    ['with a mail server', { SMTP_URL: 'smtp://127.0.0.1:9' }],
    ['in production', { NODE_ENV: 'production' }],
    ['with a public URL', { PUBLIC_URL: 'https://chat.example.com' }],
    ['on a public address', { HOST: '0.0.0.0' }],
  ])('is not there %s', async (_, env) => {
    const app = await started(env);
    expect((await call(app, 'GET', '/dev/mail')).status).toBe(404);
    await app.stop();
  });
});
