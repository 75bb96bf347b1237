// Answers of the bot as they form: who hears how much of them, what stops them, and what is kept.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BotChats } from '../../src/bot/bot-chats.js';
import { Unavailable } from '../../src/common/errors.js';
import { BOT_USER_ID } from '../../src/conversations/draft.js';
import { MessageLog } from '../../src/conversations/message-log.js';
import { emptyEnvironment, onAllDialects, TestApp } from '../support/app.js';
import { ask, BotReader, stop } from '../support/bot.js';
import { call, type ChatSocket, eventually, next, open, Person, send } from '../support/client.js';
import { CompletionsServer, Dictation } from '../support/completions-server.js';
import { ServerProcess } from '../support/server-process.js';

/** Packets about one answer come at least this far apart, in milliseconds. */
const GATHER_MS = 100;

onAllDialects('answers that form', (dialect) => {
  describe('by a server that streams', () => {
    let completions: CompletionsServer;
    let app: TestApp;
    let bot: Dictation;
    let ada: Person;
    let a: ChatSocket;
    let reader: BotReader;

    /** The bot has been asked so many times. */
    const asked = (count = 1) => eventually(() => bot.questions.length >= count || undefined, `question ${count}`);
    const abandoned = () => eventually(() => bot.isAbandoned || undefined, 'the end of the request');
    const history = async (): Promise<string[]> =>
      (await ada.get('/http/chat_bot')).body.map(({ message }: { message: string }) => message);
    const waiting = () => app.database.query('SELECT seq FROM bot_questions WHERE user_id = ?', [ada.id]);

    beforeAll(async () => {
      completions = await CompletionsServer.start();
      app = await TestApp.start(dialect, { BOT_URL: completions.url });
    });
    afterAll(async () => {
      await app.stop();
      await completions.close();
    });
    beforeEach(async () => {
      bot = new Dictation();
      completions.behave(bot.behaviour);
      ada = await Person.known(app);
      a = await ada.connect();
      reader = new BotReader(a);
    });
    afterEach(() => {
      vi.restoreAllMocks();
      ada.hangUp();
    });

    it('are heard on all devices, piece by piece, and then come as a message', async () => {
      const other = new BotReader(await ada.connect());
      const eve = new BotReader(await (await Person.known(app)).connect());
      await ask(a, 'Tell me a tale', 'q-1');
      await asked();
      bot.say('Once upon');
      await Promise.all([reader.reads(1, 'Once upon'), other.reads(1, 'Once upon')]);
      expect(reader.messages).toEqual([]);
      bot.say(' a time');
      await Promise.all([reader.reads(1, 'Once upon a time'), other.reads(1, 'Once upon a time')]);
      expect(reader.deltas).toEqual([
        { question_seq: 1, offset: 0, text: 'Once upon' },
        { question_seq: 1, offset: 9, text: ' a time' },
      ]);
      expect(other.deltas).toEqual(reader.deltas);
      bot.say('.');
      bot.end();
      expect(await other.ended(1)).toEqual(['Tell me a tale', 'Once upon a time.']);
      expect(await reader.ended(1)).toEqual(['Tell me a tale', 'Once upon a time.']);
      expect([...reader.wrong, ...other.wrong, ...eve.deltas, ...eve.messages]).toEqual([]);
      expect(await history()).toEqual(['Tell me a tale', 'Once upon a time.']);
    });

    it('are gathered, and never end within a character', async () => {
      await ask(a, 'Foxes, please');
      await asked();
      const began = Date.now();
      const text = '🦊é👩‍🚀'.repeat(20);
      // One UTF-16 unit after the other: halves of characters, for whoever passes them on as they come.
      for (const unit of text.split('')) {
        bot.say(unit);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      await reader.reads(1, text);
      const packets = reader.deltas.length;
      expect(packets).toBeGreaterThan(1);
      expect(packets).toBeLessThanOrEqual((Date.now() - began) / GATHER_MS + 1);
      expect(reader.deltas.filter((delta) => !delta.text.isWellFormed())).toEqual([]);
      bot.end();
      expect(await reader.ended(1)).toEqual(['Foxes, please', text]);
      expect(reader.wrong).toEqual([]);
    });

    it.each([
      ['with its token in the handshake', { auth: true }],
      ['with its token in a message', { auth: false }],
      ['by polling', { auth: true, transports: ['polling'] }],
      ['as stock clients do', { auth: true, transports: ['polling', 'websocket'] }],
    ])('are there from the start for a device that comes late %s', async (_, { auth, ...options }) => {
      await ask(a, 'Tell me a tale');
      await asked();
      bot.say('Once upon');
      await reader.reads(1, 'Once upon');
      const socket = open(app, { ...options, auth: auth ? { token: ada.token } : {} });
      const late = new BotReader(socket);
      if (!auth) await send(socket, { token: ada.token });
      // The bot says nothing meanwhile.
      await late.reads(1, 'Once upon');
      expect(late.deltas).toEqual([{ question_seq: 1, offset: 0, text: 'Once upon' }]);
      bot.say(' a');
      bot.say(' time');
      await late.reads(1, 'Once upon a time');
      bot.end();
      expect(await late.ended(1)).toEqual(['Tell me a tale', 'Once upon a time']);
      expect([...late.wrong, ...reader.wrong]).toEqual([]);
      expect(reader.deltas.filter(({ offset }) => offset === 0)).toHaveLength(1);
      socket.disconnect();
    });

    it('go on for a device that comes back, also after it was asked from there', async () => {
      await ask(a, 'Tell me a tale');
      await asked();
      bot.say('Once');
      await reader.reads(1, 'Once');
      a.disconnect();
      bot.say(' upon');
      const back = new BotReader(await ada.connect());
      await back.reads(1, 'Once upon');
      expect(back.deltas[0].offset).toBe(0);
      bot.say(' a time');
      bot.end();
      expect(await back.ended(1)).toEqual(['Tell me a tale', 'Once upon a time']);
      expect(back.wrong).toEqual([]);
    });

    it('leave nothing waiting for a slow device, which gets in one piece what it could not take', async () => {
      // A polling client by hand: as long as it does not ask for more, it takes nothing.
      const path = '/socket/?EIO=4&transport=polling';
      const { sid } = JSON.parse((await call(app, 'GET', path)).body.slice(1));
      const poll = async (): Promise<string[]> => (await call(app, 'GET', `${path}&sid=${sid}`)).body.split('\x1e');
      await fetch(`${app.url}${path}&sid=${sid}`, {
        method: 'POST',
        body: `40${JSON.stringify({ token: ada.token })}`,
      });
      expect((await poll()).join()).toMatch(/^40/);

      await ask(a, 'Tell me a tale');
      await asked();
      for (const [word, soFar] of [
        ['Once', 'Once'],
        [' upon', 'Once upon'],
        [' a time', 'Once upon a time'],
      ]) {
        bot.say(word);
        await reader.reads(1, soFar);
      }
      expect(reader.deltas).toHaveLength(3);
      const packet = (offset: number, text: string) =>
        `42${JSON.stringify(['bot_delta', { question_seq: 1, offset, text }])}`;
      expect(await poll()).toEqual([packet(0, 'Once upon a time')]);
      bot.say(', there');
      await reader.reads(1, 'Once upon a time, there');
      bot.say(' was');
      await reader.reads(1, 'Once upon a time, there was');
      expect(await poll()).toEqual([packet(16, ', there was')]);
      bot.end();
      const [message] = await poll();
      expect(JSON.parse(message.slice(2))[1].messages[1].message).toBe('Once upon a time, there was');
      expect(reader.wrong).toEqual([]);
    });

    it('are stored once when their person has hung up and logged out', async () => {
      await ask(a, 'Tell me a tale');
      await asked();
      bot.say('Once upon');
      await reader.reads(1, 'Once upon');
      await ada.get('/http/logout');
      await eventually(() => !a.connected || undefined);
      bot.say(' a time');
      bot.end();
      await eventually(async () => (await waiting()).length === 0 || undefined);
      await ada.session(app);
      expect(await history()).toEqual(['Tell me a tale', 'Once upon a time']);
    });

    it('that break off are dropped: the question stands alone, and its person is told', async () => {
      await ask(a, 'Tell me a tale', 'q-1');
      await asked();
      bot.say('Once upon');
      await reader.reads(1, 'Once upon');
      bot.hangUp();
      expect(await reader.ended(1)).toEqual(['Tell me a tale']);
      await eventually(() => reader.exceptions.length || undefined);
      expect(reader.exceptions).toMatchObject([{ code: 'bot_unavailable', request: { client_id: 'q-1' } }]);
      expect(await stop(a, { question_seq: 1 })).toEqual({ ok: true, question_seq: 1 });
      expect(await history()).toEqual(['Tell me a tale']);
      expect(reader.wrong).toEqual([]);
    });

    it('begin anew after a restart of the server, and are stored once', async () => {
      await ask(a, 'Tell me a tale');
      await asked();
      bot.say('Once upon');
      await reader.reads(1, 'Once upon');
      app = await app.restart();
      ada = ada.at(app);
      await asked(2);
      const again = new BotReader(await ada.connect());
      bot.say('In the beginning');
      await again.reads(1, 'In the beginning');
      bot.end();
      expect(await again.ended(1)).toEqual(['Tell me a tale', 'In the beginning']);
      expect(again.deltas[0].offset).toBe(0);
      expect(again.wrong).toEqual([]);
      expect(await history()).toEqual(['Tell me a tale', 'In the beginning']);
    });

    it('end when their person erases the account', async () => {
      await ask(a, 'Tell me a tale');
      await asked();
      bot.say('Once upon');
      await reader.reads(1, 'Once upon');
      const body = { password: 'nobody knows' };
      expect(await call(app, 'DELETE', '/http/users/profile', { token: ada.token, body })).toMatchObject({
        status: 204,
      });
      await abandoned();
    });

    describe('of which the database did not say whether they were stored', () => {
      const unknown = () => new Unavailable('The database broke off.');

      it('are told from what is stored, once it is there again', async () => {
        const log = app.get(MessageLog);
        const append = log.append.bind(log);
        const lost = vi.spyOn(log, 'append').mockImplementation(async (draft) => {
          const stored = await append(draft);
          if (draft.sender.userId !== BOT_USER_ID) return stored;
          lost.mockRestore();
          // Away for a moment longer: nobody can look at once.
          vi.spyOn(app.get(BotChats), 'isWaiting').mockRejectedValueOnce(unknown());
          throw unknown();
        });
        await ask(a, 'Tell me a tale');
        await ask(a, 'And another');
        await asked();
        bot.say('Once upon');
        await reader.reads(1, 'Once upon');
        bot.end();
        expect(await reader.ended(1)).toEqual(['Tell me a tale', 'Once upon']);
        await asked(2);
        bot.say('There was');
        bot.end();
        expect(await reader.ended(2)).toEqual(['And another', 'There was']);
        expect(reader.messages).toHaveLength(2);
        expect(await history()).toEqual(['Tell me a tale', 'And another', 'Once upon', 'There was']);
        expect([...reader.wrong, ...reader.exceptions]).toEqual([]);
      });

      it.each([
        ['that forms', 1],
        ['whose question still waits', 2],
      ])('nor whether one %s was stopped, are ended on all devices', async (_, seq) => {
        const chats = app.get(BotChats);
        const giveUp = chats.giveUp.bind(chats);
        await ask(a, 'Tell me a tale');
        await ask(a, 'And another');
        await asked();
        vi.spyOn(chats, 'giveUp').mockImplementationOnce(async (place) => {
          await giveUp(place);
          throw unknown();
        });
        expect((await stop(a, { question_seq: seq })).error.code).toBe('unavailable');
        // Until the server has looked, it says the same again.
        const stopped = (question: number) =>
          eventually(
            async () => (await stop(a, { question_seq: question })).ok || undefined,
            `the stop of ${question}`,
          );
        await stopped(1);
        await reader.ended(1);
        await stopped(2);
        expect(await reader.ended(2)).toEqual(['And another']);
        expect(await reader.ended(1)).toEqual(['Tell me a tale']);
        expect(await waiting()).toEqual([]);
        await ask(a, 'marker');
        await eventually(() => bot.questions.at(-1)!.endsWith('marker') || undefined, 'the marker');
        bot.end();
        await reader.ended(3);
        expect(reader.messages).toHaveLength(3);
      });
    });

    describe('and are stopped', () => {
      it('from another device: what was said is kept, and the bot is not listened to any longer', async () => {
        const b = await ada.connect();
        const other = new BotReader(b);
        const stored = await ask(a, 'Tell me a tale', 'q-1');
        await asked();
        bot.say('Once upon');
        await reader.reads(1, 'Once upon');
        expect(await stop(b, { token: ada.token, question_seq: 1 })).toEqual({ ok: true, question_seq: 1 });
        // Acknowledged is stored.
        expect(await history()).toEqual(['Tell me a tale', 'Once upon']);
        expect(await reader.ended(1)).toEqual(['Tell me a tale', 'Once upon']);
        expect(await other.ended(1)).toEqual(['Tell me a tale', 'Once upon']);
        expect(reader.messages).toEqual([
          [
            { seq: 1, is_user: true, message: 'Tell me a tale', timestamp: stored.timestamp, client_id: 'q-1' },
            { seq: 2, is_user: false, message: 'Once upon', timestamp: expect.any(String) },
          ],
        ]);
        await abandoned();
        // Again, and by the other one: it has ended already.
        for (const socket of [a, b]) expect((await stop(socket, { question_seq: 1 })).ok).toBe(true);

        await ask(a, 'And then?');
        await asked(2);
        expect(
          completions.requests
            .at(-1)!
            .body.messages.slice(1)
            .map(({ content }) => content),
        ).toEqual(['Tell me a tale', 'Once upon', 'And then?']);
        bot.say('The end.');
        bot.end();
        expect(await reader.ended(3)).toEqual(['And then?', 'The end.']);
        expect(await history()).toEqual(['Tell me a tale', 'Once upon', 'And then?', 'The end.']);
        expect([...reader.exceptions, ...other.exceptions, ...reader.wrong, ...other.wrong]).toEqual([]);
        expect([reader.messages.length, other.messages.length]).toEqual([2, 2]);
      });

      it('before a word was said: the question stands alone, and nothing is wrong', async () => {
        await ask(a, 'Tell me a tale');
        await asked();
        expect(await stop(a, { question_seq: 1 })).toEqual({ ok: true, question_seq: 1 });
        expect(await reader.ended(1)).toEqual(['Tell me a tale']);
        await abandoned();
        await ask(a, 'Another one');
        await asked(2);
        bot.say('Well');
        bot.end();
        expect(await reader.ended(2)).toEqual(['Another one', 'Well']);
        expect(await history()).toEqual(['Tell me a tale', 'Another one', 'Well']);
        expect(reader.exceptions).toEqual([]);
        expect(reader.messages).toHaveLength(2);
      });

      it('while they wait in the queue: never asked, and there is room for others', async () => {
        for (const question of ['1', '2', '3', '4', '5']) await ask(a, question);
        expect((await ask(a, '6')).error.code).toBe('busy');
        await asked();
        expect((await stop(a, { question_seq: 3 })).ok).toBe(true);
        expect(await reader.ended(3)).toEqual(['3']);
        expect((await ask(a, '6')).seq).toBe(6);
        // Stopped in any order: the first goes on meanwhile.
        for (const question_seq of [5, 2, 4, 2]) expect((await stop(a, { question_seq })).ok).toBe(true);
        bot.say('One.');
        bot.end();
        expect(await reader.ended(1)).toEqual(['1', 'One.']);
        await asked(2);
        bot.say('Six.');
        bot.end();
        expect(await reader.ended(6)).toEqual(['6', 'Six.']);
        expect(completions.requests).toHaveLength(2);
        expect(await history()).toEqual(['1', '2', '3', '4', '5', '6', 'One.', 'Six.']);
        expect(await waiting()).toEqual([]);
        expect(reader.messages).toHaveLength(6);
        expect(reader.exceptions.map(({ code }) => code)).toEqual(['busy']);
      });

      it('without waiting for a bot that is busy with others', async () => {
        const crowd = await Promise.all(
          Array.from({ length: 64 }, async () => {
            const socket = await (await Person.known(app)).connect();
            await ask(socket, 'Tell me everything');
            return socket;
          }),
        );
        await asked(64);
        await ask(a, 'And me?');
        expect((await stop(a, { question_seq: 1 })).ok).toBe(true);
        expect(await reader.ended(1)).toEqual(['And me?']);
        await Promise.all(crowd.map((socket) => stop(socket, { question_seq: 1 })));
        for (const socket of crowd) socket.disconnect();
        await ask(a, 'And now?');
        await eventually(() => bot.questions.at(-1)!.includes('And now?') || undefined, 'the next question');
      });

      it.each([
        ['by an unknown number', { question_seq: 7 }, 'not_found'],
        ['by the number of an answer', { question_seq: 2 }, 'not_found'],
        ['by the largest number', { question_seq: 2 ** 31 - 1 }, 'not_found'],
        ['by a larger one', { question_seq: 2 ** 31 }, 'invalid'],
        ['by 0', { question_seq: 0 }, 'invalid'],
        ['by a fraction', { question_seq: 1.5 }, 'invalid'],
        ['by a text', { question_seq: '1' }, 'invalid'],
        ['by null', { question_seq: null }, 'invalid'],
        ['by nothing', {}, 'invalid'],
        ['with a field that it does not know', { question_seq: 3, chat_type: 'bot' }, 'invalid'],
        ['by no object', [3], 'invalid'],
        ['with a token that is none', { question_seq: 3, token: 'x' }, 'token_invalid'],
      ])('not %s', async (_, payload, code) => {
        await ask(a, 'First');
        await asked();
        bot.say('Yes.');
        bot.end();
        await reader.ended(1);
        const b = await ada.connect();
        await ask(b, 'Second');
        await asked(2);
        bot.say('Well');
        const other = new BotReader(b);
        const told = next<{ code: string }>(a, 'exception');
        expect(await stop(a, payload)).toMatchObject({ ok: false, error: { code } });
        expect(await told).toMatchObject({ code, request: { event: 'bot_stop' } });
        bot.say(', yes.');
        bot.end();
        expect(await other.ended(3)).toEqual(['Second', 'Well, yes.']);
        expect((await stop(b, { question_seq: 1 })).ok).toBe(true);
      });

      it('not by anybody else, nor without a token, nor with a token of another session', async () => {
        await ask(a, 'Tell me a tale');
        await asked();
        bot.say('Once upon');
        await reader.reads(1, 'Once upon');
        const bob = await Person.known(app);
        const b = await bob.connect();
        expect((await stop(b, { question_seq: 1 })).error.code).toBe('not_found');
        expect((await stop(a, { question_seq: 1, token: bob.token })).error.code).toBe('session_mismatch');
        const stranger = open(app);
        expect((await stop(stranger, { question_seq: 1 })).error.code).toBe('token_missing');
        stranger.disconnect();
        bot.say(' a time');
        bot.end();
        expect(await reader.ended(1)).toEqual(['Tell me a tale', 'Once upon a time']);
      });

      it('in the moment in which they end: one answer, told once', async () => {
        const b = await ada.connect();
        const other = new BotReader(b);
        for (let round = 0; round < 40; round++) {
          const { seq } = await ask(a, `Round ${round}`);
          await asked(round + 1);
          bot.say('Well');
          await reader.reads(seq, 'Well');
          bot.say(', well.');
          const stops = [a, b].map(async (socket, i) => {
            // Spread over the time that storing takes.
            await new Promise((resolve) => setTimeout(resolve, (round % 10) * i));
            return stop(socket, { question_seq: seq });
          });
          bot.end();
          for (const { ok } of await Promise.all(stops)) expect(ok).toBe(true);
          const [, answer] = await reader.ended(seq);
          expect(await other.ended(seq)).toEqual([`Round ${round}`, answer]);
          expect(['Well', 'Well, well.']).toContain(answer);
        }
        const said = await history();
        expect(said).toHaveLength(80);
        expect(said).toEqual(reader.messages.flat().map(({ message }) => message));
        expect([reader.messages.length, other.messages.length]).toEqual([40, 40]);
        expect([...reader.wrong, ...other.wrong, ...reader.exceptions, ...other.exceptions]).toEqual([]);
        expect(await waiting()).toEqual([]);
      });

      it('when their question was just looked up: the bot is not asked', async () => {
        const chats = app.get(BotChats);
        const nextQuestion = chats.nextQuestion.bind(chats);
        const stopped = new Promise<void>((resolve) => {
          vi.spyOn(chats, 'nextQuestion').mockImplementationOnce(async (userId) => {
            const question = await nextQuestion(userId);
            await stop(a, { question_seq: question!.seq });
            resolve();
            return question;
          });
        });
        await ask(a, 'Tell me a tale');
        await stopped;
        expect(await reader.ended(1)).toEqual(['Tell me a tale']);
        await ask(a, 'marker');
        await asked();
        expect(bot.questions).toEqual([expect.stringContaining('marker')]);
        bot.say('Yes.');
        bot.end();
        expect(await reader.ended(2)).toEqual(['marker', 'Yes.']);
        expect(reader.messages).toHaveLength(2);
      });

      it('in the moment in which their turn comes: each question ends once', async () => {
        for (let round = 0; round < 20; round++) {
          const before = bot.questions.length;
          const first = await ask(a, 'First');
          const second = await ask(a, 'Second');
          await asked(before + 1);
          bot.say('Yes.');
          bot.end();
          await new Promise((resolve) => setTimeout(resolve, round % 10));
          expect((await stop(a, { question_seq: second.seq })).ok).toBe(true);
          expect(await reader.ended(first.seq)).toEqual(['First', 'Yes.']);
          expect(await reader.ended(second.seq)).toEqual(['Second']);
          expect(await waiting()).toEqual([]);
        }
        expect(reader.messages).toHaveLength(40);
        expect(await history()).toHaveLength(60);
        expect([...reader.wrong, ...reader.exceptions]).toEqual([]);
      });
    });
  });

  it('of the embedded bot come at once', async () => {
    const app = await TestApp.start(dialect);
    const ada = await Person.known(app);
    const a = await ada.connect();
    const reader = new BotReader(a);
    await ask(a, 'Hello');
    const [, answer] = await reader.ended(1);
    expect(['', answer]).toContain(reader.text(1));
    expect(await stop(a, { question_seq: 1 })).toEqual({ ok: true, question_seq: 1 });
    expect(reader.wrong).toEqual([]);
    await app.stop();
  });

  it('survive kill -9: they begin anew, and what was stopped stays as it was', async () => {
    const completions = await CompletionsServer.start();
    const bot = new Dictation();
    completions.behave(bot.behaviour);
    const { env, cleanUp } = await emptyEnvironment(dialect);
    const own = { ...env, BOT_URL: completions.url, RATE_LIMITS: 'off' };
    const app = await TestApp.startIn(own);
    const ada = await Person.known(app);
    await app.app.close();

    const { PORT: _, ...rest } = own as Record<string, string>;
    const first = await ServerProcess.start(rest);
    const socket = open(first, { auth: { token: ada.token } });
    const reader = new BotReader(socket);
    await ask(socket, 'One');
    await eventually(() => bot.questions.length === 1 || undefined);
    bot.say('Un');
    await reader.reads(1, 'Un');
    await stop(socket, { question_seq: 1 });
    await ask(socket, 'Two');
    await eventually(() => bot.questions.length === 2 || undefined);
    bot.say('Deux');
    await reader.reads(3, 'Deux');
    await first.kill();
    socket.disconnect();

    const second = await ServerProcess.start(rest);
    const again = open(second, { auth: { token: ada.token } });
    const late = new BotReader(again);
    await eventually(() => bot.questions.length === 3 || undefined);
    expect(bot.questions).toEqual(['One', 'Two', 'Two']);
    bot.say('Zwei');
    await late.reads(3, 'Zwei');
    expect(late.deltas[0].offset).toBe(0);
    bot.end();
    expect(await late.ended(3)).toEqual(['Two', 'Zwei']);
    const { body } = await call(second, 'GET', '/http/chat_bot', { token: ada.token });
    expect(body.map(({ message }: { message: string }) => message)).toEqual(['One', 'Un', 'Two', 'Zwei']);
    again.disconnect();
    await second.kill();
    await completions.close();
    await cleanUp();
  });
});
