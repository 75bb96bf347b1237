// Mails on their way to real SMTP servers that are slow, full, or not what they say they are.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConsoleLogger } from '@nestjs/common';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { OutboxMail } from '../../src/mail/outbox-mail.entity.js';
import { Outbox } from '../../src/mail/outbox.js';
import { emptyEnvironment, onAllDialects, temporaryFolder, TestApp } from '../support/app.js';
import { call, eventually } from '../support/client.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';

const running: { stop(): Promise<void> }[] = [];
const keep = <T extends { stop(): Promise<void> }>(one: T): T => (running.unshift(one), one);
afterEach(async () => {
  for (const one of running) if (one instanceof MailServer) one.letGo();
  for (const one of running.splice(0)) await one.stop();
});

const register = (app: TestApp, email: string) =>
  call(app, 'POST', '/http/register', {
    body: { email, password: 'long enough', first_name: 'Grace', last_name: 'Hopper' },
  });
const forgot = (app: TestApp, email: string) => call(app, 'POST', '/http/password/forgot', { body: { email } });

const serve = async (options?: SMTPServerOptions) => keep(await new MailServer(await freePort(), options).start());
const stalledAre = (server: MailServer, count: number) =>
  eventually(() => (server.stalled.length >= count ? server.stalled : undefined), `${count} mails under way`);

const allArrived = (server: MailServer, count: number) =>
  eventually(
    () => new Set(server.received.map(({ to }) => to[0])).size === count || undefined,
    `${count} mails`,
    60_000,
  );

onAllDialects('mails that leave together', (dialect) => {
  // What stalls does so until it is let go, and would otherwise end after 30 s: whatever arrives before then passed it by.
  it('are not held by a domain that stalls, nor are others of that domain by some of it', async () => {
    const server = await serve();
    const app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${server.port}` }));
    server.stalls = (address) => address.startsWith('tarpit');
    await Promise.all(['tarpit1@slow.example', 'tarpit2@slow.example'].map((address) => register(app, address)));
    await stalledAre(server, 2);
    await register(app, 'fresh@slow.example');
    await server.mailTo('fresh@slow.example');

    await Promise.all([3, 4, 5].map((n) => register(app, `tarpit${n}@slow.example`)));
    await register(app, 'fresh@other.example');
    await server.mailTo('fresh@other.example');
    // The first two have stalled all the time.
    expect(server.stalled.length).toBeGreaterThanOrEqual(2);

    server.letGo();
    await allArrived(server, 7);
  }, 120_000);

  it('leave a place to a new password while registrations flood all others', async () => {
    const server = await serve();
    const app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${server.port}` }));
    await app.createUser('owner@example.com', 'Ada');
    server.stalls = (address) => address.startsWith('flood');
    for (let i = 0; i < 12; i++) await register(app, `flood${i}@domain${i}.example`);
    await stalledAre(server, 4);
    await forgot(app, 'owner@example.com');
    expect((await server.mailTo('owner@example.com')).email.subject).toBe('Set a new Parley password');
    expect(server.connections).toBeLessThanOrEqual(5);
    server.letGo();
    await allArrived(server, 13);
  }, 120_000);

  it('leave in the order of what they are: new before refused, passwords before registrations', async () => {
    const server = keep(new MailServer(await freePort()));
    let app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${server.port}` }));
    await app.createUser('owner@example.com', 'Ada');
    for (let i = 0; i < 3; i++) await register(app, `refused${i}@domain${i}.example`);
    const attempts = () => app.database.manager.find(OutboxMail);
    const isRefused = ({ lastError }: OutboxMail) => lastError !== '' && lastError !== 'sending';
    await eventually(async () => (await attempts()).every(isRefused) || undefined, 'three refusals');
    app.get(Outbox).wake = () => {};
    await register(app, 'new@other.example');
    await forgot(app, 'owner@example.com');
    // As if they were under way when the process died: all are due at the same moment of the next start.
    await app.database.query(
      "UPDATE mail_outbox SET next_attempt_at = '2999-01-01 00:00:00.000', last_error = 'sending'",
    );
    await server.start();
    server.stalls = () => true;
    running.splice(running.indexOf(app), 1);
    app = keep(await app.restart());
    const order = (await stalledAre(server, 4)).slice(0, 4).map(({ address }) => address);
    expect(order.slice(0, 2)).toEqual(['owner@example.com', 'new@other.example']);
    expect(order.slice(2).every((address) => address.startsWith('refused'))).toBe(true);
    server.letGo();
    await allArrived(server, 5);
  }, 120_000);

  it('are broken off where the server stops, and sent after its start', async () => {
    const server = await serve();
    let app = keep(await TestApp.start(dialect, { SMTP_URL: `smtp://127.0.0.1:${server.port}` }));
    server.stalls = () => true;
    await register(app, 'patient@example.com');
    await stalledAre(server, 1);
    running.splice(running.indexOf(app), 1);
    const restarted = app.restart();
    // The first connection is given up, and the start makes another.
    const [, second] = await stalledAre(server, 2);
    app = keep(await restarted);
    second.letGo();
    const { email } = await server.mailTo('patient@example.com');
    expect(email.messageId).toMatch(/^<[0-9a-f]{32}@localhost>$/);
    await eventually(async () => (await app.database.manager.count(OutboxMail)) === 0 || undefined, 'an empty outbox');
    expect(server.received).toHaveLength(1);
  });

  it('may wait in thousands, and then registrations are refused before passwords', async () => {
    const app = keep(await TestApp.start(dialect, { SMTP_URL: 'smtp://127.0.0.1:9' }));
    await app.createUser('owner@example.com', 'Ada');
    const insert = (rows: number) =>
      app.database.query(
        `INSERT INTO mail_outbox (sealed, created_at, attempts, next_attempt_at, last_error) ` +
          Array(rows)
            .fill(`SELECT 'x', '2026-01-01 00:00:00.000', 0, '2999-01-01 00:00:00.000', ''`)
            .join(' UNION ALL '),
      );
    await insert(100);
    const twice = () =>
      app.database.query(
        'INSERT INTO mail_outbox (sealed, created_at, attempts, next_attempt_at, last_error) SELECT sealed, created_at, attempts, next_attempt_at, last_error FROM mail_outbox',
      );
    for (let rows = 100; rows < 10_000; rows *= 2) await twice();
    app.get(Outbox).wake();
    let tries = 0;
    const refused = await eventually(
      async () => {
        // Another address each time: one that has got a few mails gets no more, and is told nothing of it.
        const answer = await register(app, `one-more-${++tries}@example.com`);
        return answer.status === 202 ? undefined : answer;
      },
      'a refusal',
      120_000,
    );
    expect(refused).toMatchObject({ status: 503, body: { code: 'busy' } });
    for (const email of ['owner@example.com', 'nobody@example.com'])
      expect((await forgot(app, email)).status).toBe(202);
    await app.database.query("DELETE FROM mail_outbox WHERE sealed = 'x'");
    app.get(Outbox).wake();
    await eventually(async () => (await register(app, 'again@example.com')).status === 202 || undefined, 'room');
  });
});

describe('the way to the mail server', () => {
  const folder = temporaryFolder();
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  let withTls: SMTPServerOptions;
  beforeAll(() => {
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...names, '-keyout', key, '-out', certificate],
      { stdio: 'ignore' },
    );
    withTls = { key: readFileSync(key), cert: readFileSync(certificate) };
  });

  /** An app that tells its log, and tries to send one mail; the one before it is stopped, since Nest has one logger for all. */
  async function send(server: MailServer, env: Record<string, string>): Promise<{ app: TestApp; log: string[] }> {
    for (const one of running.filter((each) => each instanceof TestApp)) {
      running.splice(running.indexOf(one), 1);
      await one.stop();
    }
    const log: string[] = [];
    const logger = new ConsoleLogger();
    logger.warn = (line: string) => void log.push(line);
    logger.log = logger.error = () => {};
    const environment = await emptyEnvironment('sqlite');
    const url = { SMTP_URL: `smtp://parley:hunter2@localhost:${server.port}` };
    const app = keep(await TestApp.startIn({ ...environment.env, ...url, ...env }, environment.cleanUp, logger));
    await register(app, 'grace@example.com');
    return { app, log };
  }
  const isNotSent = (log: string[]) =>
    eventually(() => log.find((line) => line.startsWith('Mail 1 could not be sent')), 'a mail that could not be sent');

  it('is encrypted or not taken: one that strips STARTTLS sees neither password nor link', async () => {
    const seen: string[] = [];
    const server = await serve({
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: ({ username }, _session, done) => (seen.push(username!), done(null, { user: username })),
    });
    const { log } = await send(server, { SMTP_TLS: 'required' });
    expect(await isNotSent(log)).toMatch(/ETLS.*offers no STARTTLS.*SMTP_TLS=optional/);
    expect(log.find((line) => line.startsWith('The mail server'))).toMatch(/offers no STARTTLS.*SMTP_TLS=optional/);
    expect([seen, server.received]).toEqual([[], []]);

    await send(server, { SMTP_TLS: 'optional' });
    expect((await server.mailTo('grace@example.com')).isSecure).toBe(false);
    expect(seen).toContain('parley');
  });

  it('ends at the server of the certificate, or of that in SMTP_CA', async () => {
    const server = await serve({ ...withTls, onAuth: (_auth, _session, done) => done(null, { user: 'parley' }) });
    const { log } = await send(server, { SMTP_TLS: 'required' });
    expect(await isNotSent(log)).toMatch(/certificate cannot be checked; set SMTP_CA/);
    expect(server.received).toEqual([]);
    expect(log.every((line) => !line.includes('\n') && !line.includes('hunter2'))).toBe(true);

    await send(server, { SMTP_TLS: 'required', SMTP_CA: certificate });
    expect((await server.mailTo('grace@example.com')).isSecure).toBe(true);
    const other = `smtp://parley:hunter2@127.0.0.1:${server.port}`;
    const named = await send(server, { SMTP_URL: other, SMTP_TLS: 'required', SMTP_CA: certificate });
    expect(await isNotSent(named.log)).toMatch(/certificate is for another name/);
    // On this machine, clear text would do.
    await send(server, {});
    expect((await server.mailTo('grace@example.com', 2)).isSecure).toBe(true);
  });

  it('begins with certificates that can be read', async () => {
    const environment = await emptyEnvironment('sqlite');
    for (const [file, sentence] of [
      [join(folder, 'nowhere.pem'), 'SMTP_CA cannot be read (ENOENT)'],
      [key, 'SMTP_CA holds no certificate'],
    ])
      await expect(
        TestApp.startIn({ ...environment.env, SMTP_URL: 'smtp://127.0.0.1:9', SMTP_CA: file }),
      ).rejects.toThrow(sentence);
    await environment.cleanUp();
  });
});
