// Steps 4 and 5: the chat with the bot, on the embedded engine and on a server that speaks OpenAI's wire format.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BotMessages } from '../../src/sockets/events.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { type ChatSocket, eventually, next, Person, send } from '../support/client.js';
import { begin, type Behaviour, CompletionsServer, delta, END, sends, streams } from '../support/completions-server.js';
import { clientWith, shows } from '../support/person.js';
import { ServerProcess } from '../support/server-process.js';

const ask = (socket: ChatSocket, message: string, clientId?: string) =>
  send(socket, { chat_type: 'bot', message, ...(clientId !== undefined && { client_id: clientId }) });
const answered = (socket: ChatSocket, question?: string) =>
  next<BotMessages>(
    socket,
    'message',
    ({ chat_type, messages }) => chat_type === 'bot' && (question === undefined || messages[0].message === question),
  );

/** Answers with what was asked. */
const echo: Behaviour = (response, { body }) =>
  streams('You said: ', body.messages.at(-1)!.content)(response, {} as never);
/** Says the beginning, and then nothing for ever. */
const stalls: Behaviour = (response) => void begin(response).write(delta('Well'));

onAllDialects('the bot', (dialect) => {
  describe('by itself', () => {
    let app: TestApp;
    beforeAll(async () => {
      app = await TestApp.start(dialect);
    });
    afterAll(() => app.stop());

    it('answers each question on all devices, and keeps what was said', async () => {
      const ada = await Person.known(app);
      expect((await ada.get('/http/chat_bot')).body).toEqual([]);
      const [phone, laptop] = [await ada.connect(), await ada.connect()];
      const both = Promise.all([answered(phone), answered(laptop)]);
      const stored = await ask(phone, 'Hello', 'q-1');
      expect(stored).toEqual({ ok: true, seq: 1, timestamp: expect.any(String), client_id: 'q-1' });
      const [here, there] = await both;
      expect(here).toEqual(there);
      expect(here).toEqual({
        chat_type: 'bot',
        messages: [
          { seq: 1, is_user: true, message: 'Hello', timestamp: stored.timestamp, client_id: 'q-1' },
          { seq: 2, is_user: false, message: expect.stringMatching(/\w/), timestamp: expect.any(String) },
        ],
      });
      for (const path of ['/http/chat_bot', '/http/chat-bot']) {
        expect((await ada.get(path)).body).toEqual(here.messages);
        expect((await ada.get(`${path}?before=2`)).body).toEqual([here.messages[0]]);
        expect((await ada.get(`${path}?until=${here.messages[1].timestamp}`)).body).toEqual([here.messages[0]]);
      }
      // A repeat has its place, and is not answered again.
      expect(await ask(laptop, 'Hello', 'q-1')).toEqual(stored);
      const after = answered(phone, 'How do I write to somebody?');
      await ask(phone, 'How do I write to somebody?');
      expect((await after).messages[0].seq).toBe(3);
      expect((await ada.get('/http/chat_bot?until=yesterday')).status).toBe(400);
    });

    it('is a chat of two: nobody else hears it, and it is no room and no news', async () => {
      const [ada, eve] = [await Person.known(app), await Person.known(app)];
      const [a, e] = [await ada.connect(), await eve.connect()];
      const heard: unknown[] = [];
      e.onAny((_, content) => heard.push(content));
      const done = answered(a);
      await ask(a, 'A secret');
      await done;
      expect((await eve.get('/http/chat_bot')).body).toEqual([]);
      const [row] = await app.database.query('SELECT conversation_id AS id FROM bot_chats WHERE user_id = ?', [ada.id]);
      for (const person of [ada, eve]) {
        expect((await person.get(`/http/chat_rooms/${row.id}`)).status).toBe(404);
        expect((await person.get(`/http/chat_groups/${row.id}`)).status).toBe(404);
        expect((await person.get('/http/notifications')).body).toEqual([]);
        expect((await person.get('/http/chat_rooms')).body).toEqual([]);
      }
      expect(heard).toEqual([]);
    });

    it.each([
      ['without text', {}],
      ['of white space', { message: ' \n' }],
      ['that is too long', { message: 'x'.repeat(4001) }],
      ['with an odd client_id', { message: 'x', client_id: 'a b' }],
      ['with a field of another kind of chat', { message: 'x', other_user_id: 1 }],
    ])('refuses a question %s', async (_, fields) => {
      const socket = await (await Person.known(app)).connect();
      expect((await send(socket, { chat_type: 'bot', ...fields })).error.code).toBe('invalid');
    });
  });

  describe('with a server of its own', () => {
    let completions: CompletionsServer;
    let app: TestApp;
    let ada: Person;
    let a: ChatSocket;

    beforeAll(async () => {
      completions = await CompletionsServer.start();
      app = await TestApp.start(dialect, { BOT_URL: completions.url, BOT_MODEL: 'test', BOT_PROMPT: 'Be kind.' });
    });
    afterAll(async () => {
      await app.stop();
      await completions.close();
    });
    beforeEach(async () => {
      completions.behave(echo);
      ada = await Person.known(app);
      a = await ada.connect();
    });
    afterEach(() => ada.hangUp());

    it('answers in the order asked, with what was said before as context', async () => {
      const got: BotMessages[] = [];
      a.on('message', (event) => void (event.chat_type === 'bot' && got.push(event)));
      const stored = await Promise.all(['one', 'two', 'three'].map((text) => ask(a, text)));
      expect(stored.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      await eventually(() => got.length === 3 || undefined);
      expect(got.map(({ messages }) => messages.map(({ message }) => message))).toEqual([
        ['one', 'You said: one'],
        ['two', 'You said: two'],
        ['three', 'You said: three'],
      ]);
      // Each answer has seen what was answered before it, and no question that was still waiting. (Turns of one side are joined:
      // many models take sides in turn and not otherwise.)
      const last = completions.requests.at(-1)!.body;
      expect(last.model).toBe('test');
      expect(last.messages.map(({ role, content }) => `${role}: ${content}`)).toEqual([
        expect.stringContaining('system: Be kind.'),
        'user: one\n\ntwo',
        'assistant: You said: one\n\nYou said: two',
        'user: three',
      ]);
      expect((await ada.get('/http/chat_bot')).body.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('delays nobody because of somebody', async () => {
      const bob = await Person.known(app);
      const b = await bob.connect();
      completions.behave((response, request) =>
        (request.body.messages.at(-1)!.content === 'stall' ? stalls : echo)(response, request),
      );
      await ask(a, 'stall');
      await eventually(() => completions.requests.length === 1 || undefined);
      const done = answered(b);
      await ask(b, 'quick');
      expect((await done).messages[1].message).toBe('You said: quick');
      expect((await ada.get('/http/chat_bot')).body).toHaveLength(1);
    });

    it('lets five questions wait, and says busy to the sixth, but not to a repeat', async () => {
      completions.behave(stalls);
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(a, `${i}`, `q-${i}`)));
      expect(answers.map(({ ok, error }) => (ok ? 'ok' : error.code))).toEqual([
        ...Array(5).fill('ok'),
        ...Array(3).fill('busy'),
      ]);
      expect(await ask(a, '2', 'q-2')).toEqual(answers[2]);
      expect((await ask(a, 'another', 'q-2')).error.code).toBe('client_id_conflict');
      expect((await ask(a, '7', 'q-7')).error.code).toBe('busy');
    });

    it.each([
      ['fails', sends(400, { 'content-type': 'application/json' }, '{"error":{"message":"no"}}')],
      ['answers rubbish', sends(200, { 'content-type': 'text/html' }, '<h1>It works!</h1>')],
      ['hangs up in the middle', (response) => void begin(response).write(delta('Well'), () => response.destroy())],
      ['answers nothing', (response) => void begin(response).end(END)],
    ])('that %s: the question is kept, and its person is told', async (_, behaviour) => {
      completions.behave(behaviour);
      const [alone, told] = [answered(a), next<{ code: string; message: string }>(a, 'exception')];
      const stored = await ask(a, 'Are you there?');
      expect((await alone).messages).toEqual([
        { seq: 1, is_user: true, message: 'Are you there?', timestamp: stored.timestamp },
      ]);
      expect(await told).toMatchObject({ code: 'bot_unavailable', request: { event: 'message', chat_type: 'bot' } });
      expect((await ada.get('/http/chat_bot')).body).toHaveLength(1);
      completions.behave(echo);
      const better = answered(a, 'And now?');
      await ask(a, 'And now?');
      expect((await better).messages.map(({ seq }) => seq)).toEqual([2, 3]);
    });

    it('that never stops is cut off at 4,000 characters', async () => {
      completions.behave((response) => {
        begin(response);
        const more = setInterval(() => response.write(delta('🦊'.repeat(500))), 5);
        response.on('close', () => clearInterval(more));
      });
      const done = answered(a);
      await ask(a, 'Say fox');
      const { message } = (await done).messages[1];
      expect(Array.from(message)).toHaveLength(4000);
    });

    it('finishes after a restart what was asked before it, and answers once', async () => {
      completions.behave(stalls);
      await ask(a, 'one');
      await ask(a, 'two');
      await eventually(() => completions.requests.length === 1 || undefined);
      completions.behave(echo);
      app = await app.restart();
      ada = ada.at(app);
      const history = await eventually(async () => {
        const { body } = await ada.get('/http/chat_bot');
        return body.length === 4 ? body : undefined;
      }, 'both answers');
      expect(history.map(({ message }: { message: string }) => message)).toEqual([
        'one',
        'two',
        'You said: one',
        'You said: two',
      ]);
      expect(await app.database.query('SELECT * FROM bot_questions WHERE user_id = ?', [ada.id])).toEqual([]);
    });
  });

  it('finishes after kill -9 what was asked before it, and answers once', async () => {
    const completions = await CompletionsServer.start();
    completions.behave(stalls);
    const { env, cleanUp } = await emptyEnvironment(dialect);
    const own = { ...env, BOT_URL: completions.url, RATE_LIMITS: 'off' };
    const app = await TestApp.startIn(own);
    const { token } = await app.createUser('ada@example.com', 'Ada');
    await app.app.close();

    const { PORT: _, ...rest } = own as Record<string, string>;
    const first = await ServerProcess.start(rest);
    const { bot } = await clientWith(first, token);
    await bot.attach().ready;
    const answer = bot.ask('Will you remember?');
    await eventually(() => completions.requests.length === 1 || undefined);
    await first.kill();
    completions.behave(echo);
    const second = await ServerProcess.restart(first, rest);
    await shows(bot, ['Will you remember?', 'You said: Will you remember?']);
    expect(await answer.done).toMatchObject({ seq: 2, user_id: null });
    expect(await bot.history()).toHaveLength(2);
    await second.kill();
    await completions.close();
    await cleanUp();
  });
});
