// The database server dies and comes back: nothing is lost, and nobody has to help.
import type { MessageItem } from 'parley-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lockName } from '../../src/database/single-process-lock.js';
import { Presence } from '../../src/sockets/presence.js';
import { onPrivateServers, TestApp, temporaryFolder } from '../support/app.js';
import { ask, BotReader, stop } from '../support/bot.js';
import { call, eventually, Person, sendTo } from '../support/client.js';
import { CompletionsServer, Dictation } from '../support/completions-server.js';
import { clientWith, groupId, knownClient, lists, openClient, shows, until } from '../support/person.js';

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

  it('everything says so, what is written waits, and all works again once it is back', async () => {
    const [ada, bob] = [await knownClient(app), await knownClient(app, 'Bob')];
    const [toBob, toAda] = [ada.client.room(bob.id), bob.client.room(ada.id)];
    toBob.attach();
    const first = await toBob.send('before', { client_id: 'id-1' });
    await server().kill();

    const sending = ['during', 'and still'].map((text) => toBob.send(text));
    await until(toBob.timeline, ({ items }) => (items[1] as MessageItem | undefined)?.error?.code === 'unavailable');
    for (const path of ['/http/users', '/health/ready']) {
      const answer = await call(app, 'GET', path, { token: ada.token });
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect((await call(app, 'GET', '/health/live')).status).toBe(200);
    // Not a word about the token, which may be as good as ever.
    await expect(openClient(app).useToken(ada.token)).rejects.toMatchObject({ code: 'unavailable' });
    await shows(toBob, ['before', 'queued: during', 'queued: and still']);
    expect(ada.client.auth.get().status).toBe('signed_in');
    expect(ada.client.connection.get()).toMatchObject({ state: 'online' });

    await server().run();
    expect((await Promise.all(sending)).map(({ seq }) => seq)).toEqual([2, 3]);
    toAda.attach();
    for (const chat of [toBob, toAda]) await shows(chat, ['before', 'during', 'and still']);
    await lists(bob.client, ['Ada Lovelace: and still (3)']);
    // Another device does not know that it was sent: it is told the place that it has.
    const other = await clientWith(app, ada.token);
    const { seq, timestamp } = await other.room(bob.id).send('before', { client_id: 'id-1' });
    expect([seq, timestamp]).toEqual([first.seq, first.timestamp]);
    expect(await toAda.history()).toHaveLength(3);
    expect((await call(app, 'GET', '/health/ready')).status).toBe(200);
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
    await server().freeze();
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

  it('what somebody has read who went in the middle of it is stored once it is back', async () => {
    const [ada, bob] = [await knownClient(app), await knownClient(app, 'Bob')];
    const group = await ada.client.groups.create({ name: 'Engines' });
    const theirs = bob.client.group(groupId(group));
    await theirs.join();
    for (const one of [group, theirs]) await one.attach().ready;
    for (const message of ['one', 'two', 'three']) await group.send(message);
    await until(theirs.timeline, ({ items }) => items.some(({ message }) => message === 'three'));
    const stored = async () =>
      (
        await server().query(
          `SELECT is_in, last_read_seq FROM outage.members WHERE conversation_id = ${groupId(group)} AND user_id = ${bob.id}`,
        )
      )[0];
    expect(await stored()).toEqual({ is_in: 1, last_read_seq: 0 });
    await server().kill();
    // A goodbye: all that he was told is read.
    await bob.client.close();
    await eventually(() => !app.get(Presence).isOnline(bob.id) || undefined, 'being offline', 15_000);
    expect((await call(app, 'GET', '/health/ready')).status).toBe(503);
    await server().run();
    await eventually(async () => (await stored())['is_in'] === 0 || undefined, 'being out', 45_000);
    expect(await stored()).toEqual({ is_in: 0, last_read_seq: 3 });
    await lists(await clientWith(app, bob.token), ['Engines: three']);
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
