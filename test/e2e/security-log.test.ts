// What the log tells a security officer, and what it keeps to itself.
import { readFileSync } from 'node:fs';
import { ConsoleLogger } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clock } from '../../src/common/timing/clock.js';
import type { SecurityEvent } from '../../src/common/logs/security-log.js';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { call, eventually, linkPath, linkToken, mails, mailTo, open, next, Person, send } from '../support/client.js';
import { staff, suspend } from '../support/staff.js';

/** How the tests' accounts are made. */
const PASSWORD = 'nobody knows';
const NEW_EMAIL = 'lovelace@example.com';
const HERE = 'network=127\\.0\\.0\\.1';
const ME = 'user_id=\\d+';
const SESSION = `${ME} session_id=\\d+`;

/** Every event, with what its line says. One that is missing here does not compile. */
const LINES: Record<SecurityEvent, string> = {
  registration: HERE,
  account_created: ME,
  login: `${SESSION} ${HERE}`,
  login_failed: `${ME} ${HERE}`,
  locked_out: HERE,
  wrong_password: `${SESSION} ${HERE}`,
  token_refused: `code=token_invalid ${HERE}`,
  session_ended: `${SESSION} by=logout`,
  password_set: `${SESSION} proven=false ${HERE}`,
  reset_requested: HERE,
  password_reset: `${ME} ${HERE}`,
  password_restored: `${ME} ${HERE}`,
  email_change_requested: `${SESSION} ${HERE}`,
  email_change_refused: `${SESSION} ${HERE}`,
  email_changed: `${ME} ${HERE}`,
  email_returned: `${ME} ${HERE}`,
  export_requested: `${SESSION} ${HERE}`,
  export_downloaded: `${ME} ${HERE}`,
  reauthentication_demanded: `${SESSION} ${HERE}`,
  erasure_refused: `${SESSION} ${HERE}`,
  account_erased: `${ME} ${HERE}`,
  elevated: `${SESSION} ${HERE}`,
  suspended_login: `${ME} ${HERE}`,
  limit_reached: HERE,
  origin_refused: HERE,
};

class Recorder extends ConsoleLogger {
  readonly lines: string[] = [];
  override printMessages(messages: unknown[], context?: string): void {
    if (context === 'Security') this.lines.push(...messages.map(String));
  }
}

const startWith = async (logger: ConsoleLogger, env: Record<string, string>): Promise<TestApp> => {
  const environment = await emptyEnvironment('sqlite');
  return TestApp.startIn({ ...environment.env, RATE_LIMITS: 'on', ...env }, environment.cleanUp, logger);
};

describe('the security log', () => {
  const log = new Recorder();
  let app: TestApp;
  let offset = 0;
  beforeAll(async () => {
    app = await startWith(log, { REAUTHENTICATE_AFTER: '15m' });
    app.get(Clock).now = () => new Date(Date.now() + offset);
  });
  afterAll(() => app.stop());

  const post = (path: string, body: unknown) => call(app, 'POST', `/http/${path}`, { body });
  const told = (event: SecurityEvent) =>
    eventually(() => log.lines.find((line) => new RegExp(`^${event} ${LINES[event]}( |$)`).test(line)), event);

  it('tells of everything that happens to accounts, once each, and holds nothing secret', async () => {
    const person = await Person.join(app);
    await told('registration');
    await told('account_created');
    await told('login');
    await call(app, 'GET', '/http/logout', { token: person.token });
    await told('session_ended');
    await person.login();

    await person.put('/http/users/profile', { first_name: 'Eve', current_password: 'a wrong guess' });
    await told('wrong_password');
    offset = 16 * 60_000;
    await person.put('/http/users/profile', { password: 'taken over once' });
    await told('reauthentication_demanded');
    await person.login();
    await person.put('/http/users/profile', { password: 'taken over once' });
    await told('password_set');
    const erase = (password: string) =>
      call(app, 'DELETE', '/http/users/profile', { token: person.token, body: { password } });
    await erase('taken over once');
    await told('erasure_refused');
    const changeEmail = (password: string) =>
      call(app, 'POST', '/http/users/profile/email', { token: person.token, body: { email: NEW_EMAIL, password } });
    await changeEmail('taken over once');
    await told('email_change_refused');
    const restoring = linkPath(await mailTo(app, person.email, 2))
      .split('/')
      .at(-1)!;
    await post('password/restore', { token: restoring });
    await told('password_restored');
    await post('password/forgot', { email: person.email });
    await told('reset_requested');
    const resetting = linkPath(await mailTo(app, person.email, 4))
      .split('/')
      .at(-1)!;
    await post('password/reset', { token: resetting, password: 'set by the owner' });
    await told('password_reset');
    await person.login('set by the owner');
    await changeEmail('set by the owner');
    await told('email_change_requested');
    const confirming = linkToken(await mailTo(app, NEW_EMAIL));
    await post('email/confirm', { token: confirming });
    await told('email_changed');
    const returning = linkToken(await mailTo(app, person.email, 6));
    await post('email/return', { token: returning });
    await told('email_returned');
    await post('password/reset', { token: linkToken(await mailTo(app, person.email, 7)), password: 'set once more' });
    await person.login('set once more');
    await call(app, 'POST', '/http/users/profile/export', { token: person.token, body: { password: 'set once more' } });
    await told('export_requested');
    const sent = async () => (await mails(app)).find(({ subject }) => subject === 'Your Parley export is ready');
    const exported = linkToken(await eventually(sent, 'the mail about the export'));
    await fetch(`${app.url}/http/export/${exported}`).then((answer) => answer.arrayBuffer());
    await told('export_downloaded');
    const { token } = person;
    await erase('set once more');
    await told('account_erased');
    for (const by of ['logout', 'password_restored', 'email_returned', 'erasure'])
      expect(log.lines.some((line) => line.startsWith('session_ended ') && line.endsWith(`by=${by}`))).toBe(true);

    const all = log.lines.join('\n');
    const links = [restoring, resetting, confirming, returning, exported];
    const secrets = [person.email, NEW_EMAIL, person.password, 'taken over', 'wrong guess', token, ...links, 'Ada'];
    for (const secret of secrets) expect(all).not.toContain(secret);
  });

  it('tells of those who may do more than others, and of those who may do nothing', async () => {
    const grace = await staff(app, 'admin');
    await told('elevated');
    const person = await Person.known(app);
    expect((await suspend(app, grace, person)).status).toBe(200);
    await eventually(() => log.lines.find((line) => /^session_ended .*by=suspension$/.test(line)));
    await post('login', { email: person.email, password: PASSWORD });
    await told('suspended_login');
  });

  it('tells of what is refused, on both transports', async () => {
    const person = await Person.known(app);
    await call(app, 'GET', '/http/users', { token: 'x.y.z' });
    await told('token_refused');
    await call(app, 'GET', '/http/users', { headers: { origin: 'https://evil.example' } });
    await told('origin_refused');
    await eventually(() => log.lines.every((line) => !line.includes('evil')) || undefined);

    const before = log.lines.length;
    const refused = open(app, { auth: { token: 'x.y.z' } });
    await next(refused, 'connect_error');
    const line = await eventually(() => log.lines.slice(before).find((one) => one.startsWith('token_refused ')));
    expect(line).toMatch(/code=token_invalid network=127\.0\.0\.1/);
    for (let i = 0; i < 11; i++) await post('login', { email: person.email, password: 'a wrong guess' });
    await told('login_failed');
    await told('locked_out');
    await told('limit_reached');
  });

  it('counts what comes again within a second, instead of repeating it', async () => {
    const before = log.lines.length;
    const socket = await (await Person.known(app)).connect();
    void send(socket, {});
    await Promise.all(Array.from({ length: 200 }, () => call(app, 'GET', '/http/users', { token: 'x.y.z' })));
    const counts = () =>
      log.lines
        .slice(before)
        .filter((line) => line.startsWith('token_refused '))
        .map((line) => Number(/ count=(\d+)$/.exec(line)?.[1] ?? 1));
    await eventually(() => counts().reduce((sum, count) => sum + count, 0) === 200 || undefined, 'all of them');
    expect(counts().length).toBeLessThan(100);
    socket.disconnect();
  });
});

describe('the sample for fail2ban in docs/operations.md', () => {
  const failregex = (): RegExp => {
    const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const [, given] = /^failregex = (.*)$/m.exec(docs)!;
    return new RegExp(given.replace('<SUBNET>', '(?<network>[0-9a-f.:]+(?:/\\d+)?)'));
  };

  it('finds the networks in the lines of a server in production', async () => {
    const lines: string[] = [];
    class Json extends ConsoleLogger {
      constructor() {
        super({ json: true, colors: false });
      }
    }
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (chunk: string | Uint8Array) => lines.push(...String(chunk).split('\n')) > 0;
    try {
      const app = await startWith(new Json(), { NODE_ENV: 'production', TRUST_PROXY: '1' });
      const person = await Person.known(app);
      const from = (address: string, password: string) =>
        call(app, 'POST', '/http/login', {
          body: { email: person.email, password },
          headers: { 'x-forwarded-for': address },
        });
      await from('203.0.113.7', 'a wrong guess');
      await from('2001:db8:1:2::3', 'a wrong guess');
      await from('198.51.100.1', PASSWORD);
      await app.stop();
    } finally {
      process.stdout.write = write;
    }
    const found = lines.flatMap((line) => failregex().exec(line)?.groups?.['network'] ?? []);
    expect(found).toEqual(['203.0.113.7', '2001:db8:1:2::/64']);
    const line = lines.find((one) => one.includes('login_failed'));
    expect(JSON.parse(line!)).toMatchObject({ context: 'Security', message: { event: 'login_failed' } });
  });
});
