// The database server dies and comes back: nothing is lost, and nobody has to help.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lockName } from '../../src/database/single-process-lock.js';
import { onPrivateServers, TestApp, temporaryFolder } from '../support/app.js';
import { ask, BotReader, stop } from '../support/bot.js';
import { call, eventually, Person, sendTo } from '../support/client.js';
import { CompletionsServer, Dictation } from '../support/completions-server.js';

onPrivateServers('an outage of the database', (server) => {
  let app: TestApp;
  let completions: CompletionsServer;

  beforeAll(async () => {
    completions = await CompletionsServer.start();
    await server().query('CREATE DATABASE outage');
    app = await TestApp.startIn({
      DATABASE_URL: `${server().url}/outage`,
      JWT_SECRET: 'a secret for tests, longer than 32 bytes',
      DATA_DIR: temporaryFolder(),
      PUBLIC_URL: 'http://localhost:3000',
      BOT_URL: completions.url,
    });
  });
  afterAll(async () => {
    await app.stop();
    await completions.close();
  });

  it('everything says so, and works again once it is back', async () => {
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await ada.connect();
    const first = await sendTo(socket, bob.id, 'before', 'id-1');
    await server().kill();

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

    await server().run();
    await eventually(async () => (await ada.get('/health/ready')).status === 200 || undefined, 'the database');
    const second = await eventually(async () => {
      const answer = await sendTo(socket, bob.id, 'during', 'id-2');
      return answer.ok ? answer : undefined;
    });
    expect([first.seq, second.seq]).toEqual([1, 2]);
    expect(await sendTo(socket, bob.id, 'before', 'id-1')).toEqual(first);
    // The lock against a second process is taken again, too.
    await eventually(async () => {
      const [row] = await server().query(`SELECT IS_USED_LOCK('${lockName('outage')}') AS holder`);
      return row['holder'] ?? undefined;
    }, 'the lock');
  });

  it('a server that is frozen leaves nobody without an answer', async () => {
    const [ada, bob] = [await Person.known(app), await Person.known(app, 'Bob')];
    const socket = await ada.connect();
    await sendTo(socket, bob.id, 'before');
    server().freeze();
    const ready = ada.get('/health/ready');
    expect((await sendTo(socket, bob.id, 'during', 'id-1')).error.code).toBe('unavailable');
    expect((await ready).body.code).toBe('unavailable');
    expect((await ada.get('/http/chat_rooms')).body.code).toBe('unavailable');
    server().thaw();
    const answer = await eventually(async () => {
      const again = await sendTo(socket, bob.id, 'during', 'id-1');
      return again.ok ? again : undefined;
    });
    expect(answer.seq).toBe(2);
  });

  it('the bot falls silent when it is told to, and what it had said is stored later', async () => {
    const bot = new Dictation();
    completions.behave(bot.behaviour);
    const ada = await Person.known(app);
    const socket = await ada.connect();
    const reader = new BotReader(socket);
    await ask(socket, 'Tell me a tale');
    await eventually(() => bot.questions.length === 1 || undefined);
    bot.say('Once upon');
    await reader.reads(1, 'Once upon');
    await server().kill();
    for (let i = 0; i < 2; i++) expect((await stop(socket, { question_seq: 1 })).error.code).toBe('unavailable');
    await eventually(() => bot.isAbandoned || undefined, 'the end of the request');
    await server().run();
    await eventually(async () => (await stop(socket, { question_seq: 1 })).ok || undefined, 'the end', 30_000);
    expect(await reader.ended(1)).toEqual(['Tell me a tale', 'Once upon']);
    expect((await ada.get('/http/chat_bot')).body).toHaveLength(2);
    expect(bot.questions).toHaveLength(1);
    expect(reader.messages).toHaveLength(1);
    expect(reader.wrong).toEqual([]);
  });
});
