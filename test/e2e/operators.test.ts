// What operators set, and what the server warns them of.
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecretKey } from 'node:crypto';
import { JwtService } from '@nestjs/jwt';
import { describe, expect, it } from 'vitest';
import { OutboxMail } from '../../src/mail/outbox-mail.entity.js';
import { Outbox } from '../../src/mail/outbox.js';
import { Links } from '../../src/auth/links.js';
import { passwordWasReset } from '../../src/mail/mails.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { emptyEnvironment, TestApp } from '../support/app.js';
import { call, eventually, mailTo, Person } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';

const [FIRST, SECOND] = ['the first secret, longer than 32 bytes', 'the second secret, longer than 32 bytes'];

describe('a secret that is changed', () => {
  it('ends no session and loses no mail while the one before is given as JWT_SECRET_PREVIOUS', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const before = await TestApp.startIn({ ...env, JWT_SECRET: FIRST });
    const person = await Person.known(before);
    const erased = await Person.join(before);
    // Two that wait, as where the mail server was away.
    await before.get(UnitOfWork).run(async (tx) => {
      const mail = passwordWasReset(before.get(Links), { firstName: 'Ada' });
      for (const to of [person.email, erased.email]) await before.get(Outbox).add(tx, to, mail);
      await tx.update(OutboxMail, { attempts: 0 }, { nextAttemptAt: new Date(Date.now() + 3_600_000) });
    });
    await before.app.close();

    const app = await TestApp.startIn({ ...env, JWT_SECRET: SECOND, JWT_SECRET_PREVIOUS: FIRST });
    expect((await person.at(app).get('/http/users/profile')).status).toBe(200);
    const password = erased.password;
    const { token } = erased;
    expect((await call(app, 'DELETE', '/http/users/profile', { token, body: { password } })).status).toBe(204);
    await app.database.query('UPDATE mail_outbox SET next_attempt_at = created_at');
    app.get(Outbox).wake();
    expect((await mailTo(app, person.email)).subject).toContain('password was changed');
    expect(await app.database.query('SELECT id FROM mail_outbox WHERE recipient IS NOT NULL')).toEqual([]);
    const fresh = await app.createSession(person.id);
    await app.app.close();

    const after = await TestApp.startIn({ ...env, JWT_SECRET: SECOND }, cleanUp);
    expect((await call(after, 'GET', '/http/users', { token: fresh })).status).toBe(200);
    expect((await person.at(after).get('/http/users')).body.code).toBe('token_invalid');
    await after.stop();
  });
});

describe('a token', () => {
  it('says whose and for whom it is; without either it is from before, and with another one it is refused', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const app = await TestApp.startIn({ ...env, JWT_SECRET: FIRST }, cleanUp);
    const { token } = await Person.known(app);
    const key = createSecretKey(Buffer.from(FIRST));
    const jwt = new JwtService({ secretOrKeyProvider: () => key, signOptions: { algorithm: 'HS256' } });
    const { iss, aud, iat: _, ...claims } = jwt.decode<Record<string, unknown>>(token);
    expect({ iss, aud }).toEqual({ iss: 'parley', aud: 'parley' });
    const status = async (more: object) =>
      (await call(app, 'GET', '/http/users', { token: jwt.sign({ ...claims, ...more }) })).status;
    expect(await status({})).toBe(200);
    expect(await status({ iss, aud })).toBe(200);
    for (const other of [{ iss: 'x', aud }, { iss, aud: 'x' }, { iss }, { aud }, { iss, aud: [aud, 'x'] }])
      expect(await status(other)).toBe(401);
    await app.stop();
  });
});

describe('API_DOCS=off', () => {
  it('hides the pages and the documents, and the way to them', async () => {
    const app = await TestApp.start('sqlite', { API_DOCS: 'off' });
    for (const path of [
      '',
      'http/docs',
      'http/docs-json',
      'http/docs-yaml',
      'http/docs/events',
      'http/docs/events.json',
    ])
      expect((await call(app, 'GET', `/${path}`)).status, path).toBe(404);
    expect((await call(app, 'GET', '/health/live')).status).toBe(200);
    await app.stop();
  });

  it('names no page that is hidden', async () => {
    const messages = async (env: Record<string, string>): Promise<string[]> => {
      const app = await TestApp.start('sqlite', env);
      const route = await call(app, 'GET', '/http/nowhere');
      const ada = await Person.known(app);
      const event: { error: { message: string } } = await ((await ada.connect()) as any)
        .timeout(10_000)
        .emitWithAck('nothing');
      ada.hangUp();
      await app.stop();
      return [route.body.message, event.error.message];
    };
    expect(await messages({ API_DOCS: 'off' })).toEqual(['There is no such route.', 'There is no such event.']);
    expect(await messages({})).toEqual([
      'There is no such route. See /http/docs.',
      'There is no such event. See /http/docs/events.',
    ]);
  });
});

describe.skipIf(process.platform === 'win32')('files', () => {
  const modes = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0)
      .sort();

  it("are their owner's alone in a folder that is everybody's, and the log names what is not, with its cure", async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const folder = env['DATA_DIR'];
    chmodSync(folder, 0o755);
    const settings = { DATA_DIR: folder, NODE_ENV: 'production', PUBLIC_URL: 'http://chat.example.com' };
    const server = await ServerProcess.start(settings);
    await call(server, 'POST', '/http/register', {
      body: { email: 'ada@example.com', password: 'correct horse', first_name: 'Ada', last_name: '' },
    });
    await eventually(() => server.output.includes('"ready"') || undefined, 'the log');
    await server.kill('SIGTERM');
    expect(modes(folder)).toEqual([]);
    expect(server.output).toContain(`chmod 700 '${folder}'`);
    expect(server.output).toContain('PUBLIC_URL is http://chat.example.com');
    expect(server.output).not.toContain('chmod 600');

    chmodSync(join(folder, 'jwt-secret'), 0o640);
    chmodSync(join(folder, 'parley.sqlite'), 0o644);
    mkdirSync(join(folder, 'outbox'), { recursive: true });
    writeFileSync(join(folder, 'outbox', '1.eml'), '');
    chmodSync(join(folder, 'outbox', '1.eml'), 0o644);
    const again = await ServerProcess.start({ ...settings, PUBLIC_URL: 'https://chat.example.com' });
    await again.kill('SIGTERM');
    for (const name of ['jwt-secret', 'parley.sqlite'])
      expect(again.output).toContain(`chmod 600 '${join(folder, name)}'`);
    expect(again.output).toContain(`chmod -R go= '${join(folder, 'outbox')}'`);
    expect(again.output).not.toContain('PUBLIC_URL is');
    await cleanUp();
  });
});
