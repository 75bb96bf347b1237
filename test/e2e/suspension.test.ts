// Somebody is suspended: what was under way ends with it, on every node.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { ask } from '../support/bot.js';
import { call, eventually, next, Person, record, send, sendTo } from '../support/client.js';
import { onNodes, TestCommunity } from '../support/community.js';
import { CompletionsServer, Dictation } from '../support/completions-server.js';
import { admin, staff, suspend } from '../support/staff.js';

onAllDialects('somebody who is suspended', (dialect) => {
  let completions: CompletionsServer;
  let bot: Dictation;
  let app: TestApp;
  let grace: Person;
  let ada: Person;

  beforeAll(async () => {
    completions = await CompletionsServer.start();
    app = await TestApp.start(dialect, { BOT_URL: completions.url });
    grace = await staff(app, 'admin');
  });
  afterAll(async () => {
    await app.stop();
    await completions.close();
  });
  beforeEach(async () => {
    bot = new Dictation();
    completions.behave(bot.behaviour);
    ada = await Person.known(app);
  });

  const waiting = () => app.database.query('SELECT seq FROM bot_questions WHERE user_id = ?', [ada.id]);

  it('gets no answer of the bot any more, not even what has formed', async () => {
    const socket = await ada.connect();
    await ask(socket, 'Tell me a tale');
    await ask(socket, 'And another one');
    await eventually(() => bot.questions.length || undefined, 'the question');
    bot.say('Once upon');
    expect((await suspend(app, grace, ada)).status).toBe(200);
    await eventually(() => bot.isAbandoned || undefined, 'the end of the request');
    expect(await waiting()).toEqual([]);
    bot.say(' a time.');
    bot.end();
    expect((await suspend(app, grace, ada, false)).status).toBe(200);
    const token = await app.createSession(ada.id);
    const history = (await call(app, 'GET', '/http/chat_bot', { token })).body;
    expect(history.map(({ message }: { message: string }) => message)).toEqual(['Tell me a tale', 'And another one']);
    // And the bot goes on for them as for everybody.
    bot = new Dictation();
    completions.behave(bot.behaviour);
    await ask(await ada.connect(token), 'Are you there?');
    await eventually(() => bot.questions.length || undefined, 'the next question');
    bot.say('Yes.');
    bot.end();
    await eventually(async () => (await waiting()).length === 0 || undefined, 'the answer');
    ada.hangUp();
  });

  it('goes offline to others, and what they ask and send at the same moment is stored before or not at all', async () => {
    const bob = await Person.known(app, 'Bob');
    for (let round = 0; round < 5; round++) {
      const token = await app.createSession(ada.id);
      const socket = await ada.connect(token);
      await sendTo(socket, bob.id, 'first');
      const sent = [sendTo(socket, bob.id, 'last'), ask(socket, 'Well?')].map((one) => one.catch(() => undefined));
      const answer = suspend(app, grace, ada);
      await answer;
      const count = () =>
        app.database.query('SELECT (SELECT COUNT(*) FROM messages WHERE sender_id = ?) AS n', [ada.id]);
      const [stored] = await count();
      await Promise.all(sent);
      expect(await waiting()).toEqual([]);
      expect(await count()).toEqual([stored]);
      expect((await call(app, 'GET', '/http/users', { token })).body.code).toBe('session_revoked');
      const [row] = (await bob.get(`/http/users?ids=${ada.id}`)).body;
      expect(row).toMatchObject({ first_name: 'Ada', is_online: false });
      await suspend(app, grace, ada, false);
    }
  });

  it('cannot come in by a new password, nor by a login that was under way', async () => {
    const eve = await Person.join(app, 'Eve');
    const attempts = Array.from({ length: 4 }, () =>
      call(app, 'POST', '/http/login', { body: { email: eve.email, password: eve.password } }),
    );
    await suspend(app, grace, eve);
    for (const { body } of await Promise.all(attempts)) {
      if (body.token === undefined) expect(body.code).toBe('suspended');
      else expect((await call(app, 'GET', '/http/users', { token: body.token })).body.code).toBe('session_revoked');
    }
    const live = await app.database.query('SELECT id FROM sessions WHERE user_id = ? AND revoked_at IS NULL', [eve.id]);
    expect(live).toEqual([]);
  });
});

onNodes('somebody who is suspended', (kind) => {
  let nodes: TestCommunity;
  let [one, two]: TestApp[] = [];
  let grace: Person;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    nodes = await TestCommunity.start(kind, 2);
    [one, two] = nodes.nodes;
    grace = await staff(one, 'admin');
  });
  afterAll(() => nodes?.stop());
  beforeEach(async () => {
    ada = await Person.known(one);
    bob = await Person.known(one, 'Bob');
  });
  afterEach(async () => {
    for (const person of [ada, bob]) person.hangUp();
    await nodes.redis.mend();
    await nodes.hearEachOther();
  });

  it('has no socket from the answer on, on any node, and comes in by none', async () => {
    for (let round = 0; round < 5; round++) {
      const token = await ada.session(one);
      const [here, there] = [await ada.connect(token), await ada.at(two).connect(token)];
      const b = await bob.connect();
      const got = [here, there].map((socket) => record(socket, 'message'));
      const closed = [here, there].map((socket) => next(socket, 'disconnect'));
      const told = [here, there].map((socket) => next<{ code: string }>(socket, 'exception'));
      const began = performance.now();
      expect((await suspend(one, grace, ada)).status).toBe(200);
      expect(performance.now() - began).toBeLessThan(4_000);
      for (const messages of got) messages.length = 0;
      await sendTo(b, ada.id, 'secret');
      await Promise.all(closed);
      for (const { code } of await Promise.all(told)) expect(code).toBe('suspended');
      expect(got).toEqual([[], []]);
      for (const node of [one, two]) {
        expect((await call(node, 'GET', '/http/users', { token })).body.code).toBe('session_revoked');
        const login = { email: ada.email, password: 'nobody knows' };
        expect((await call(node, 'POST', '/http/login', { body: login })).body.code).toBe('suspended');
      }
      expect((await suspend(one, grace, ada, false)).status).toBe(200);
      bob.hangUp();
    }
  });

  it('stores nothing from the answer on, while the nodes do not hear each other', async () => {
    const token = await ada.session(one);
    const there = await ada.at(two).connect(token);
    await sendTo(there, bob.id, 'first');
    await nodes.redis.kill();
    await nodes.hearNothing();
    const began = performance.now();
    expect((await suspend(one, grace, ada)).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(4_000);
    const answer = await Promise.race([sendTo(there, bob.id, 'late').catch(() => undefined), sleep(5_000)]);
    expect(answer?.ok ?? false).toBe(false);
    const rows = await one.database.query('SELECT body FROM messages WHERE sender_id = ?', [ada.id]);
    expect(rows).toEqual([{ body: 'first' }]);
  });

  it('is told why, also by a node that does not hear the others, and whose session has ended otherwise is not', async () => {
    const ending = await bob.session(one);
    const sockets = [await ada.at(two).connect(await ada.session(one)), await bob.at(two).connect(ending)];
    await nodes.redis.kill();
    await nodes.hearNothing();
    const told = sockets.map((socket) => next<{ code: string }>(socket, 'exception'));
    await Promise.all([suspend(one, grace, ada), call(one, 'POST', '/http/logout', { token: ending })]);
    expect((await Promise.all(told)).map(({ code }) => code)).toEqual(['suspended', 'session_revoked']);
  });

  it('gets no answer of the bot, whichever node was forming it', async () => {
    const socket = await ada.at(two).connect();
    const asked = await send(socket, { chat_type: 'bot', message: 'Hello' });
    expect(asked.ok).toBe(true);
    await suspend(one, grace, ada);
    expect(await one.database.query('SELECT seq FROM bot_questions WHERE user_id = ?', [ada.id])).toEqual([]);
  });

  describe('and an elevation', () => {
    it('counts on each node', async () => {
      expect((await admin(two, grace, 'GET', `users/${ada.id}`)).status).toBe(200);
    });
  });
});
