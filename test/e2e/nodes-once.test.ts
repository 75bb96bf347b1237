// What happens once where many nodes serve one database: jobs, mails, answers of the bot; and what becomes of it when a node dies.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Housekeeping } from '../../src/auth/housekeeping.js';
import { Claims } from '../../src/cluster/claims.js';
import { NodeBus } from '../../src/cluster/node-bus.js';
import { toMoment } from '../../src/database/dialect.js';
import { UnitOfWork } from '../../src/database/unit-of-work.js';
import { passwordChanged } from '../../src/mail/mails.js';
import { Outbox } from '../../src/mail/outbox.js';
import { emptyDatabase, onServers, TestApp } from '../support/app.js';
import { ask, BotReader, stop } from '../support/bot.js';
import { call, Person, send } from '../support/client.js';
import { CompletionsServer, Dictation } from '../support/completions-server.js';
import { freePort } from '../support/database-server.js';
import { MailServer } from '../support/mail-server.js';
import { nodeEnvironment } from '../support/nodes.js';
import { RedisServer } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';

onServers('of many nodes', (kind) => {
  let redis: RedisServer;
  let completions: CompletionsServer;
  let bot: Dictation;
  let smtp: MailServer;
  let env: Record<string, string>;
  let drop: () => Promise<void>;
  let apps: TestApp[] = [];
  let processes: ServerProcess[] = [];

  const startApp = async (): Promise<TestApp> => {
    const app = await TestApp.startIn(env);
    apps.push(app);
    return app;
  };
  const both = async (): Promise<[TestApp, TestApp]> => {
    const [one, other] = [await startApp(), await startApp()];
    await expect.poll(() => [one, other].map((app) => app.get(NodeBus).nodes().length)).toEqual([1, 1]);
    return [one, other];
  };
  const startProcess = async (): Promise<ServerProcess> => {
    const server = await ServerProcess.start(env);
    processes.push(server);
    return server;
  };
  const asked = async (count = 1): Promise<void> => {
    await expect.poll(() => bot.questions.length).toBeGreaterThanOrEqual(count);
  };
  const history = async (person: Person): Promise<string[]> =>
    (await person.get('/http/chat_bot')).body.map(({ message }: { message: string }) => message);
  const mail = (app: TestApp, to: string) =>
    app
      .get(UnitOfWork)
      .run((tx) =>
        app
          .get(Outbox)
          .add(tx, to, passwordChanged({ home: 'http://x', app: undefined, forgot: 'http://x' }, { firstName: 'Ada' })),
      );
  const sentTo = (address: string) => smtp.received.filter(({ to }) => to.includes(address)).length;
  /** Resolves once what no node has claimed was looked for: a mail that is overdue, and that nobody was told of. */
  const looked = async (app: TestApp): Promise<void> => {
    const mark = `mark${crypto.randomUUID()}@example.com`;
    await mail(app, mark);
    await expect.poll(() => sentTo(mark)).toBe(1);
    const before = toMoment(new Date(Date.now() - 60_000));
    const orphan = `orphan${crypto.randomUUID()}@example.com`;
    const held = vi.spyOn(app.get(Outbox), 'wake').mockImplementation(() => undefined);
    await mail(app, orphan);
    held.mockRestore();
    await app.database.query('UPDATE mail_outbox SET next_attempt_at = ? WHERE claimed_by IS NULL', [before]);
    await expect.poll(() => sentTo(orphan)).toBe(1);
  };

  beforeAll(async () => {
    redis = await RedisServer.start();
    completions = await CompletionsServer.start();
  });
  afterAll(async () => {
    await redis.stop();
    await completions.close();
  });
  beforeEach(async () => {
    bot = new Dictation();
    completions.behave(bot.behaviour);
    smtp = await new MailServer(await freePort()).start();
    const made = await emptyDatabase(kind);
    drop = made.drop;
    env = {
      ...nodeEnvironment(made.url, redis.url),
      SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
      BOT_URL: completions.url,
      RATE_LIMITS: 'off',
    };
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    smtp.letGo();
    for (const one of processes) await one.kill();
    for (const app of apps) await app.stop();
    await smtp.stop();
    await drop();
    [apps, processes] = [[], []];
  });

  it('one keeps house', async () => {
    const sweep = vi.spyOn(Housekeeping.prototype, 'sweep');
    const [one] = await both();
    await expect.poll(() => sweep.mock.calls.length).toBe(1);
    const rest = 'SELECT until > UTC_TIMESTAMP(3) + INTERVAL 50 MINUTE AS rests FROM leases WHERE name = ?';
    await expect.poll(() => one.database.query(rest, ['housekeeping'])).toEqual([{ rests: 1 }]);
    await startApp();
    await looked(one);
    expect(sweep).toHaveBeenCalledTimes(1);
  });

  it('each sends its mails, once, and what another is sending stays with it', async () => {
    const [one, other] = await both();
    smtp.stalls = (address) => address.startsWith('slow');
    await mail(one, 'slow@example.com');
    await expect.poll(() => smtp.stalled.length).toBe(1);
    // A start takes nothing over, nor does a look.
    await startApp();
    await looked(other);
    const claims = await one.database.query('SELECT claimed_by AS by_node FROM mail_outbox ORDER BY id LIMIT 1');
    expect(claims).toEqual([{ by_node: one.get(Claims).claimer }]);
    expect(smtp.stalled).toHaveLength(1);
    await Promise.all(apps.flatMap((app, i) => [1, 2, 3, 4].map((n) => mail(app, `quick${i}.${n}@example.com`))));
    smtp.letGo();
    await expect.poll(() => one.database.query('SELECT id FROM mail_outbox')).toEqual([]);
    const addresses = smtp.received.map(({ to }) => to[0]);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(addresses).toContain('slow@example.com');
  });

  it('one that stops leaves its mails to the others', async () => {
    const [one, other] = await both();
    smtp.stalls = () => true;
    await mail(one, 'slow@example.com');
    await expect.poll(() => smtp.stalled.length).toBe(1);
    const { claimer } = one.get(Claims);
    apps = [other];
    await one.stop();
    // What it had claimed is free at once, not only when its lease would have run out.
    const left = `SELECT until <= UTC_TIMESTAMP(3) AS isOver FROM leases WHERE name = 'node ${claimer}'`;
    expect(await other.database.query(left)).toEqual([{ isOver: 1 }]);
    smtp.letGo();
    await expect.poll(() => sentTo('slow@example.com')).toBe(1);
  });

  it('one that is killed has its mails and its questions taken over, and each is done once', async () => {
    const doomed = await startProcess();
    const app = await startApp();
    const ada = (await Person.known(app)).at(doomed);
    await ask(await ada.connect(), 'Tell me a tale');
    await asked();
    bot.say('Once upon');
    smtp.stalls = () => true;
    await call(doomed, 'POST', '/http/password/forgot', { body: { email: ada.email } });
    await expect.poll(() => smtp.stalled.length).toBe(1);
    const claims = 'SELECT claimed_by FROM bot_questions UNION ALL SELECT claimed_by FROM mail_outbox';
    const [first, second] = await app.database.query<{ claimed_by: number }[]>(claims);
    expect(first.claimed_by).toBe(second.claimed_by);
    expect(first.claimed_by).not.toBe(app.get(Claims).claimer);
    await doomed.kill();
    smtp.letGo();
    await asked(2);
    bot.say('Once upon a time.');
    bot.end();
    await expect.poll(() => history(ada.at(app))).toEqual(['Tell me a tale', 'Once upon a time.']);
    await expect.poll(() => sentTo(ada.email)).toBe(1);
    await expect.poll(() => app.database.query('SELECT id FROM mail_outbox')).toEqual([]);
    await looked(app);
    expect(await history(ada.at(app))).toEqual(['Tell me a tale', 'Once upon a time.']);
    expect(sentTo(ada.email)).toBe(1);
  });

  it('one that was suspended gives up what was taken over meanwhile, and goes on', async () => {
    const frozen = await startProcess();
    const app = await startApp();
    const ada = await Person.known(app);
    await ask(await ada.at(frozen).connect(), 'Tell me a tale');
    await asked();
    bot.say('Once');
    frozen.signal('SIGSTOP');
    await asked(2);
    frozen.signal('SIGCONT');
    // Its request ends; that of the other one goes on.
    await expect.poll(() => bot.wasAbandoned(0)).toBe(true);
    bot.say('Upon a time.');
    bot.end();
    await expect.poll(() => history(ada)).toEqual(['Tell me a tale', 'Upon a time.']);
    await ask(await ada.at(frozen).connect(), 'Once more');
    await asked(3);
    bot.say('No.');
    bot.end();
    await expect.poll(() => history(ada)).toEqual(['Tell me a tale', 'Upon a time.', 'Once more', 'No.']);
    expect(bot.questions).toEqual(['Tell me a tale', 'Tell me a tale', 'Once more']);
  });

  it('one takes absent members out of their groups, and nobody who is at another', async () => {
    const [one, other] = await both();
    const people = [
      await Person.known(one),
      await Person.known(other, 'Bob'),
      await Person.known(one, 'Carol'),
    ] as const;
    const [ada, bob, carol] = people;
    const { body: group } = await call(one, 'POST', '/http/chat_groups', {
      token: ada.token,
      body: { chat_group_name: 'Tea' },
    });
    const target = { chat_type: 'group', chat_group_id: group.id, is_enter: true };
    await send(await ada.connect(), target);
    await send(await bob.at(other).connect(), target);
    const isIn = async (): Promise<number[]> => {
      const sql = 'SELECT user_id FROM members WHERE is_in = 1 ORDER BY user_id';
      return (await one.database.query<{ user_id: number }[]>(sql)).map((row) => row.user_id);
    };
    // Without a socket, she is taken out soon, by the node at which she entered. Then she is what a node leaves that ended before it could.
    await call(one, 'POST', `/http/chat_groups/${group.id}`, { token: carol.token, body: { is_enter: true } });
    await expect.poll(isIn).toEqual([ada.id, bob.id]);
    await one.database.query('UPDATE members SET is_in = 1 WHERE user_id = ?', [carol.id]);
    expect(await isIn()).toEqual([ada.id, bob.id, carol.id]);
    await expect.poll(isIn, { timeout: 120_000 }).toEqual([ada.id, bob.id]);
    const lease = "SELECT holder, until > UTC_TIMESTAMP(3) AS rests FROM leases WHERE name = 'absent members'";
    await expect.poll(() => one.database.query(lease)).toEqual([{ holder: 0, rests: 1 }]);
    expect(await isIn()).toEqual([ada.id, bob.id]);
  });

  it('all hear an answer as it forms, also those that come late, and any can stop it', async () => {
    const [one, other] = await both();
    const ada = await Person.known(one);
    const here = new BotReader(await ada.connect());
    const there = ada.at(other);
    const device = await there.connect();
    const elsewhere = new BotReader(device);
    const eve = new BotReader(await (await Person.known(other)).connect());
    await ask(await ada.connect(), 'Tell me a tale');
    await asked();
    bot.say('Once upon');
    await Promise.all([here.reads(1, 'Once upon'), elsewhere.reads(1, 'Once upon')]);
    bot.say(' a time 🦊');
    await Promise.all([here.reads(1, 'Once upon a time 🦊'), elsewhere.reads(1, 'Once upon a time 🦊')]);
    // The bot says nothing meanwhile.
    const late = new BotReader(await there.connect());
    await late.reads(1, 'Once upon a time 🦊');
    expect(late.deltas[0].offset).toBe(0);
    expect(await stop(device, { question_seq: 1 })).toEqual({ ok: true, question_seq: 1 });
    expect(await history(ada)).toEqual(['Tell me a tale', 'Once upon a time 🦊']);
    for (const reader of [here, elsewhere, late])
      expect(await reader.ended(1)).toEqual(['Tell me a tale', 'Once upon a time 🦊']);
    await expect.poll(() => bot.isAbandoned).toBe(true);
    // Once more does nothing, and nobody else's can be stopped.
    expect(await stop(device, { question_seq: 1 })).toMatchObject({ ok: true });
    expect([...here.wrong, ...elsewhere.wrong, ...late.wrong, ...eve.deltas]).toEqual([]);
  });

  it('the one that answers a user answers what they ask elsewhere, one after the other', async () => {
    const [one, other] = await both();
    const ada = await Person.known(one);
    await ask(await ada.connect(), 'First');
    await asked();
    const device = await ada.at(other).connect();
    await ask(device, 'Second');
    await ask(device, 'Third');
    const claims = await one.database.query('SELECT DISTINCT claimed_by AS by_node FROM bot_questions');
    expect(claims).toEqual([{ by_node: one.get(Claims).claimer }]);
    // One that waits is taken back from the other node.
    expect(await stop(device, { question_seq: 3 })).toEqual({ ok: true, question_seq: 3 });
    bot.say('1');
    bot.end();
    await asked(2);
    expect(bot.questions).toEqual(['First', 'Second']);
    bot.say('2');
    bot.end();
    await expect.poll(() => history(ada)).toEqual(['First', 'Second', 'Third', '1', '2']);
    // Nothing waits any more: the next one is answered where it is asked.
    await ask(device, 'Fourth');
    await asked(3);
    expect(await one.database.query('SELECT claimed_by AS by_node FROM bot_questions')).toEqual([
      { by_node: other.get(Claims).claimer },
    ]);
  });

  it('while Redis is away, an answer goes on where it forms, and a stop elsewhere says that it cannot', async () => {
    const [one, other] = await both();
    const ada = await Person.known(one);
    const here = await ada.connect();
    const reader = new BotReader(here);
    const there = await ada.at(other).connect();
    await ask(here, 'Tell me a tale');
    await asked();
    await redis.kill();
    try {
      await expect.poll(() => [one, other].map((app) => app.get(NodeBus).isUp)).toEqual([false, false]);
      bot.say('Once upon');
      await reader.reads(1, 'Once upon');
      expect(await stop(there, { question_seq: 1 })).toMatchObject({ ok: false, error: { code: 'unavailable' } });
      bot.say(' a time');
      await reader.reads(1, 'Once upon a time');
    } finally {
      await redis.run();
    }
    await expect.poll(() => stop(there, { question_seq: 1 })).toEqual({ ok: true, question_seq: 1 });
    expect(await history(ada)).toEqual(['Tell me a tale', 'Once upon a time']);
  });
});
