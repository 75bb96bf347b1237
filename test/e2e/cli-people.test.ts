// `parley admin`, `user`, `group`, `report` and `audit`: the built program, beside a server that runs, and without one.
import { chownSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import { openToRead } from '../../src/database/open-to-read.js';
import { emptyEnvironment, onAllDialects, onServers, temporaryFolder, TestApp } from '../support/app.js';
import { parley, parleyJson, type Ran } from '../support/cli.js';
import { call, type ChatSocket, eventually, mailTo, Person, send, sendTo } from '../support/client.js';
import { TestCommunity } from '../support/community.js';
import { ask as askBot } from '../support/bot.js';
import { CompletionsServer, Dictation } from '../support/completions-server.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';
import { hasRedis } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';
import { auditAfter, KNOWN_PASSWORD } from '../support/staff.js';

const socketOf = (dataDir: string): string => join(dataDir, 'console.sock');

/** Resolves when it is closed, however long the command takes that closes it. */
const closing = (socket: ChatSocket): Promise<unknown> =>
  new Promise((resolve) => void socket.once('disconnect', resolve));

/** A request by the socket of the command line. */
const ask = (
  dataDir: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: any }> =>
  new Promise((resolve, reject) => {
    const asked = request({ socketPath: socketOf(dataDir), method, path, headers, agent: false }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode!, body: body === '' ? undefined : JSON.parse(body) }),
        reject,
      );
    });
    asked.once('error', reject);
    asked.end();
  });

describe('the command line beside a server', () => {
  let app: TestApp;
  let ada: Person;
  let bob: Person;
  let lastId: number;

  beforeAll(async () => {
    app = await TestApp.start('sqlite');
  });
  afterAll(() => app.stop());
  beforeEach(async () => {
    [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    lastId = (await auditAfter(app)).length;
  });
  afterEach(() => [ada, bob].forEach((person) => person.hangUp()));

  const run = (...words: string[]): Promise<Ran> => parley(app.env, ...words);
  const json = (...words: string[]): Promise<any> => parleyJson(app.env, ...words);
  const acts = () => auditAfter(app, lastId);
  const hashOf = async ({ id }: Person): Promise<string> =>
    (await app.database.query('SELECT password_hash AS hash FROM users WHERE id = ?', [id]))[0].hash;
  const login = () => call(app, 'POST', '/http/login', { body: { email: ada.email, password: KNOWN_PASSWORD } });

  it('names admins and takes that back, each with a row in the audit log', async () => {
    const granted = await run('admin', 'grant', ada.email, '--reason', 'she runs it');
    expect([granted.code, granted.stdout]).toEqual([0, `${ada.email} (user ${ada.id}) is an admin from now on.\n`]);
    expect((await ada.get('/http/users/profile')).body.role).toBe('admin');
    expect((await json('admin', 'grant', String(bob.id), '--role', 'moderator')).user.role).toBe('moderator');
    const { stdout } = await run('admin', 'list');
    expect(stdout).toMatch(new RegExp(`^${ada.id} +admin +${ada.email} +Ada Lovelace\n${bob.id} +moderator `));
    const refused = await run('admin', 'revoke', ada.email);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^The server would be left without/)]);
    expect((await run('admin', 'revoke', bob.email)).code).toBe(0);
    const detail = { role: ['person', 'admin'], reason: 'she runs it' };
    expect(await acts()).toMatchObject([
      { actor_id: null, action: 'change_user', target: `user ${ada.id}`, detail },
      { target: `user ${bob.id}`, detail: { role: ['person', 'moderator'] } },
      { target: `user ${bob.id}`, detail: { role: ['moderator', 'person'] } },
    ]);
    expect((await run('audit')).stdout).toMatch(/^\d+ +20\S+Z +console +change_user +user \d+ +\{"role":/);
  });

  it('suspends at once, resumes, and shows', async () => {
    const closed = closing(await ada.connect());
    expect((await run('user', 'suspend', ada.email.toUpperCase(), '--reason', 'spam')).code).toBe(0);
    await closed;
    expect(await login()).toMatchObject({ status: 403, body: { code: 'suspended' } });
    expect((await json('user', 'list', '--suspended')).users).toMatchObject([{ id: ada.id, is_suspended: true }]);
    expect((await run('user', 'show', String(ada.id))).stdout).toMatch(/^suspended +since 20/m);
    // It is so already: nothing is done.
    expect((await run('user', 'suspend', ada.email)).code).toBe(0);
    expect((await run('user', 'resume', ada.email)).code).toBe(0);
    expect((await login()).status).toBe(200);
    expect(await acts()).toMatchObject([
      { detail: { is_suspended: [false, true], reason: 'spam' } },
      { detail: { is_suspended: [true, false] } },
    ]);
  });

  it('finds people by name and address, lists sessions, ends them, ends the password, and erases', async () => {
    expect((await run('user', 'list', ada.email.slice(0, -4))).stdout).toContain(`${ada.id}  ${ada.email}  Ada`);
    expect((await json('user', 'list', 'bob')).users.map(({ id }: { id: number }) => id)).toContain(bob.id);
    expect((await run('user', 'list', 'nobody is called so')).stdout).toBe('Nobody is like that.\n');
    expect((await json('user', 'sessions', ada.email, '--end')).sessions).toHaveLength(1);
    expect((await ada.get('/http/users/profile')).status).toBe(401);
    expect((await run('user', 'reset', ada.email)).code).toBe(0);
    expect((await mailTo(app, ada.email)).links[0]).toContain('/reset/');
    expect((await login()).status).toBe(401);
    const unsure = await run('user', 'delete', ada.email);
    expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringMatching(/for ever\. Run it with --yes/)]);
    expect((await run('user', 'delete', ada.email, '--yes')).code).toBe(0);
    expect((await run('user', 'show', ada.email)).stderr).toMatch(/^Nobody has the address/);
    expect((await acts()).map(({ action }) => action)).toEqual(['end_sessions', 'reset_password', 'erase_user']);
  });

  it('freezes groups, hands them over, and deletes them', async () => {
    const made = await call(app, 'POST', '/http/chat_groups', {
      token: ada.token,
      body: { chat_group_name: 'Engines' },
    });
    const id = String(made.body.id);
    const members = `/http/chat_groups/${id}/members`;
    await call(app, 'POST', members, { token: ada.token, body: { user_id: bob.id } });
    expect((await run('group', 'list')).stdout).toMatch(new RegExp(`^${id} +Engines +owner ${ada.id} +2 members`, 'm'));
    expect((await json('group', 'freeze', id)).group.is_frozen).toBe(true);
    expect(await send(await ada.connect(), { chat_type: 'group', chat_group_id: +id, message: 'x' })).toMatchObject({
      ok: false,
    });
    expect((await json('group', 'freeze', id, '--end')).group.is_frozen).toBe(false);
    expect((await json('group', 'hand-over', id, bob.email)).group.owner_id).toBe(bob.id);
    expect((await run('group', 'delete', id)).code).toBe(2);
    expect((await run('group', 'delete', id, '--yes')).code).toBe(0);
    expect((await run('group', 'delete', id, '--yes')).code).toBe(1);
    expect((await acts()).map(({ action }) => action)).toEqual([...Array(3).fill('change_group'), 'delete_group']);
  });

  it('shows what was reported, without letting it take hold of the terminal, and settles it', async () => {
    const said = 'No\u001b[2J\u202e!\nsecond line';
    const { chat_room_id: room, seq } = await sendTo(await bob.connect(), ada.id, said);
    const body = { chat_room_id: room, seq, reason: 'abuse', note: 'He does not stop.' };
    const { id } = (await call(app, 'POST', '/http/reports', { token: ada.token, body })).body;
    expect((await run('report', 'list')).stdout).toMatch(new RegExp(`^${id} +open +\\S+ +abuse +of user ${bob.id} `));
    const { stdout } = await run('report', 'show', String(id));
    expect(stdout).toContain('note    He does not stop.');
    expect(stdout).toContain(`user ${bob.id}: No\ufffd[2J\ufffd!\n     second line`);
    expect((await json('report', 'show', String(id))).report.messages[0].message).toBe(said);
    const settled = await run('report', 'resolve', String(id), '--action', 'delete_message');
    expect(settled.stdout).toBe(`Report ${id} is resolved, and the message is deleted.\n`);
    expect((await run('report', 'resolve', String(id), '--dismiss')).code).toBe(1);
    const when = '\\d{4}-\\S+Z';
    expect((await run('report', 'resolve', String(id), '--action', 'delete_message')).stdout).toMatch(
      new RegExp(
        `^Report ${id} was resolved already, ${when}, by console, action delete_message\\. Nothing was done now\\.\n$`,
      ),
    );
    expect((await run('report', 'show', String(id))).stdout).toMatch(
      new RegExp(`^done +delete_message, by console, ${when}$`, 'm'),
    );
    expect((await json('report', 'list')).reports).toEqual([]);
    const page = (await ada.get(`/http/chat_rooms/${room}`)).body;
    expect(JSON.stringify(page)).not.toContain('second line');
  });

  it('invites people, and changes who may register', async () => {
    const made = await run('invite', 'create', '--uses', '2', '--note', 'for the club');
    expect(made.stdout).toMatch(/^Invitation \d+ is good for 2 accounts until 20\S+Z:\n\S*invite=[\w-]+/);
    expect((await json('settings', 'set', 'registration', 'invite')).settings.registration).toEqual({
      value: 'invite',
      environment: 'open',
      is_set: true,
    });
    const [, invite] = /invite=([\w-]+)/.exec(made.stdout)!;
    const register = (more: object) => {
      const body = {
        email: 'new@example.com',
        password: 'correct horse',
        first_name: 'New',
        last_name: 'One',
        ...more,
      };
      return call(app, 'POST', '/http/register', { body });
    };
    expect(await register({})).toMatchObject({ status: 403, body: { code: 'invite_required' } });
    expect((await register({ invite })).status).toBe(202);
    const [{ id, state }] = (await json('invite', 'list')).invites;
    expect(state).toBe('live');
    expect((await run('invite', 'revoke', String(id))).code).toBe(0);
    expect((await run('invite', 'list')).stdout).toMatch(
      new RegExp(`^${id} +revoked +0 of 2 accounts +until .* for the club`),
    );
    expect((await register({ invite })).body.code).toBe('invite_invalid');
    expect((await run('settings', 'set', 'registration')).stdout).toMatch(/^registration +open +from the environment/);
    expect(
      (await json('settings', 'set', 'allowed_domains', 'a.example, B.example')).settings.allowed_domains.value,
    ).toEqual(['a.example', 'b.example']);
    expect((await run('settings', 'show')).stdout).toMatch(/^allowed_domains +a\.example, b\.example +set$/m);
  });

  it('shows who has made invitations, and says how many end with their maker', async () => {
    await run('admin', 'grant', ada.email);
    await run('admin', 'grant', bob.email);
    const invite = async () => {
      await call(app, 'POST', '/http/admin/elevate', { token: bob.token, body: { password: KNOWN_PASSWORD } });
      expect((await call(app, 'POST', '/http/admin/invites', { token: bob.token, body: {} })).status).toBe(201);
    };
    await run('invite', 'create');
    await invite();
    await invite();
    expect((await run('invite', 'list')).stdout).toMatch(
      new RegExp(`^(\\d+ +live .* by ${bob.email}\n){2}\\d+ +live .* by console\n`),
    );
    expect((await run('user', 'show', bob.email)).stdout).toMatch(/^invitations +2 that can be used$/m);
    const gone = ' 2 invitations that they had made have ended.\n';
    expect((await run('admin', 'revoke', bob.email)).stdout).toBe(
      `${bob.email} (user ${bob.id}) has no role any more. An address in ADMIN_EMAILS gets one again with its next password.${gone}`,
    );
    for (const words of [['suspend'], ['reset'], ['delete', '--yes']]) {
      await run('user', 'resume', bob.email);
      await run('admin', 'grant', bob.email);
      // A reset has ended the password, too.
      await app.database.query('UPDATE users SET password_hash = ? WHERE id = ?', [await hashOf(ada), bob.id]);
      bob.token = await app.createSession(bob.id);
      await invite();
      const { stdout } = await run('user', words[0], bob.email, ...words.slice(1));
      expect(stdout.trim()).toMatch(/ 1 invitation that they had made has ended\.$/);
    }
    expect((await run('invite', 'list')).stdout).toMatch(/^\d+ +revoked .* by console, or an account that is erased$/m);
    expect((await acts()).filter(({ detail }) => 'invites' in detail)).toHaveLength(4);
  });

  it("has a socket that is the server's user's alone, for what admins do and nothing else", async () => {
    const dataDir = app.env['DATA_DIR'];
    expect(statSync(socketOf(dataDir)).mode & 0o077).toBe(0);
    expect((await ask(dataDir, 'GET', '/http/admin/stats')).status).toBe(200);
    for (const [method, path] of [
      ['GET', '/http/users'],
      ['GET', '/http/users/profile'],
      ['GET', '/http/chat_rooms'],
      ['POST', '/http/logout'],
      ['POST', '/http/admin/elevate'],
    ])
      expect(await ask(dataDir, method, path), path).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await call(app, 'GET', '/http/admin/stats')).status).toBe(401);
  });
});

describe('the socket of the command line', () => {
  it('answers nobody behind a proxy', async () => {
    const app = await TestApp.start('sqlite');
    const path = '/http/admin/stats';
    for (const name of ['X-Forwarded-For', 'Forwarded'])
      expect((await ask(app.env['DATA_DIR'], 'GET', path, { [name]: 'for=10.0.0.1' })).status).toBe(403);
    expect((await ask(app.env['DATA_DIR'], 'GET', path)).status).toBe(200);
    await app.stop();
  });

  it('is made again after a process that was killed, and goes with one that stops', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const killed = await ServerProcess.start({ ...env, PORT: String(await freePort()) });
    await killed.kill();
    expect(statSync(socketOf(env['DATA_DIR'])).isSocket()).toBe(true);
    const server = await ServerProcess.restart(killed, env);
    expect((await ask(env['DATA_DIR'], 'GET', '/http/admin/stats')).status).toBe(200);
    await server.kill('SIGTERM');
    expect(() => statSync(socketOf(env['DATA_DIR']))).toThrow('ENOENT');
    await cleanUp();
  });

  it('is not made where its path would be too long, and the commands say so', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const long = { ...env, DATA_DIR: join(env['DATA_DIR'], 'x'.repeat(110)) };
    const app = await TestApp.startIn(long, cleanUp);
    expect((await call(app, 'GET', '/health/live')).status).toBe(200);
    expect(await parley(long, 'user', 'list')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is too long'),
    });
    await app.stop();
  });
});

describe('the command line without a server', () => {
  it.skipIf(process.getuid?.() !== 0)('makes nothing in a folder of another user', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const app = await TestApp.startIn(env);
    await app.app.close();
    chownSync(env['DATA_DIR'], 12_345, 12_345);
    const before = readdirSync(env['DATA_DIR']);
    expect(await parley(env, 'user', 'list')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('user (12345)'),
    });
    expect(readdirSync(env['DATA_DIR'])).toEqual(before);
    await cleanUp();
  });

  it('waits for a server that is just starting or stopping', async () => {
    const { env, cleanUp } = await emptyEnvironment('sqlite');
    const app = await TestApp.startIn(env);
    // Holds the database, and has no socket: for a while, then it ends.
    rmSync(socketOf(env['DATA_DIR']));
    const listing = parley(env, 'user', 'list');
    await sleep(1_500);
    await app.app.close();
    expect(await listing).toMatchObject({ code: 0, stdout: 'Nobody is like that.\n' });
    await cleanUp();
  });
});

onAllDialects('the command line without a server', (dialect) => {
  it('does the same, and a server that starts afterwards goes on with it', async () => {
    const { env, cleanUp } = await emptyEnvironment(dialect);
    expect(await parley(env, 'user', 'list')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^There (is no database|are no tables) in /),
    });
    let app = await TestApp.startIn(env);
    const ada = await Person.known(app);
    await app.app.close();
    const ran = await parley(env, 'admin', 'grant', ada.email);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    app = await TestApp.startIn(env, cleanUp);
    expect((await ada.at(app).get('/http/users/profile')).body.role).toBe('admin');
    await app.stop();
  });

  it('leaves mails, exports and questions to the bot to the next server, as they are', async () => {
    const { env: empty, cleanUp } = await emptyEnvironment(dialect);
    const smtp = await new MailServer(await freePort()).start();
    const completions = await CompletionsServer.start();
    const bot = new Dictation();
    completions.behave(bot.behaviour);
    const env = { ...empty, SMTP_URL: `smtp://127.0.0.1:${smtp.port}`, BOT_URL: completions.url };
    let app = await TestApp.startIn(env);
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    await askBot(await ada.connect(), 'Are you there?', 'q-1');
    await eventually(() => bot.questions.length === 1 || undefined, 'the question');
    ada.hangUp();
    await app.app.close();
    completions.behave(bot.behaviour);

    expect((await parley(env, 'export', ada.email)).stdout).toMatch(
      /^The export of user \d+ is made by the next server/,
    );
    expect((await parley(env, 'user', 'reset', bob.email)).stdout).toMatch(
      /a new one goes out by the next server\.\n$/,
    );
    expect((await parley(env, 'user', 'list')).code).toBe(0);
    expect([smtp.received, completions.requests]).toEqual([[], []]);
    const look = await openToRead(loadConfig(env));
    expect(await look!.query('SELECT state, tries FROM exports')).toEqual([{ state: 'waiting', tries: 0 }]);
    expect(await look!.query('SELECT attempts, last_error FROM mail_outbox')).toEqual([
      { attempts: 0, last_error: '' },
    ]);
    await look!.destroy();

    app = await TestApp.startIn(env, cleanUp);
    for (const { email } of [ada, bob]) await smtp.mailTo(email);
    await eventually(() => completions.requests.length === 1 || undefined, 'the question');
    await app.stop();
    await smtp.stop();
    await completions.close();
  });
});

onServers('the command line on another machine', (kind) => {
  it.skipIf(!hasRedis)('is a node for a moment: what ends, ends on all', async () => {
    const nodes = await TestCommunity.start(kind, 1);
    const ada = await Person.known(nodes.nodes[0]);
    const closed = closing(await ada.connect());
    const env = { ...nodes.env, DATA_DIR: temporaryFolder() };
    const ran = await parley(env, 'user', 'suspend', ada.email);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    await closed;
    await nodes.stop();
  });

  it.skipIf(!hasRedis)('is served by another node on the same folder when the one that did it stops', async () => {
    const nodes = await TestCommunity.start(kind, 2);
    const dataDir = nodes.env['DATA_DIR'];
    expect((await ask(dataDir, 'GET', '/http/admin/stats')).status).toBe(200);
    await nodes.nodes[0].app.close();
    await eventually(() => existsSync(socketOf(dataDir)) || undefined, 'the socket', 30_000);
    expect((await ask(dataDir, 'GET', '/http/admin/stats')).status).toBe(200);
    await nodes.stop();
  });

  it('says that a server without REDIS_URL has to be asked on its own machine', async () => {
    const app = await TestApp.start(kind);
    const ran = await parley({ ...app.env, DATA_DIR: temporaryFolder() }, 'user', 'list');
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringMatching(/^A server runs on this database, .* on its machine/),
    ]);
    await app.stop();
  });
});
