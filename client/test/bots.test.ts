import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryStorage } from '../src/storage.js';
import { when } from '../src/store.js';
import { TestApp } from '../../test/support/app.js';
import { CompletionsServer, sse } from '../../test/support/completions-server.js';
import { Life } from './support/life.js';
import { type Known, knownClient, newClient, shown, shows, synced } from '../../test/support/person.js';

const piece = (text: string): string => sse({ choices: [{ index: 0, delta: { content: text } }] });
const END = sse({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) + sse('[DONE]');

describe('asking the bot', () => {
  let app: TestApp;
  let model: CompletionsServer;
  let ada: Known;
  beforeAll(async () => {
    model = await CompletionsServer.start();
    app = await TestApp.start('sqlite', { BOT_URL: model.url, BOT_MODEL: 'm' });
    ada = await knownClient(app, 'Ada');
  });
  afterAll(async () => {
    await ada.client.close();
    await app.stop();
    await model.close();
  });

  it('hears the answer as it forms, on all devices, under a key that stays', async () => {
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    model.behave(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('Once upon'));
      await gate;
      response.end(piece(' a time') + END);
    });
    const other = newClient(app.url);
    await other.useToken(await app.createSession(ada.id));
    await synced(other);
    const { bot } = ada.client;
    await bot.attach().ready;
    await other.bot.attach().ready;
    const answer = bot.ask('Tell me a story');
    await when(answer.text, (text) => text === 'Once upon');
    await when(other.bot.timeline, () => shown(other.bot).at(-1) === 'streaming: Once upon');
    const key = bot.timeline.get().items.at(-1)?.key;
    const parts: string[] = [];
    const reading = (async () => {
      for await (const { added } of answer) parts.push(added);
    })();
    go();
    expect(await answer.done).toMatchObject({ message: 'Once upon a time', user_id: null });
    await reading;
    expect(parts.join('')).toBe('Once upon a time');
    await shows(bot, ['Tell me a story', 'Once upon a time']);
    expect(bot.timeline.get().items.at(-1)?.key).toBe(key);
    await shows(other.bot, ['Tell me a story', 'Once upon a time']);
    expect(ada.client.inbox.get().rows.find((row) => row.key === 'bot')).toMatchObject({
      last_message: { message: 'Once upon a time' },
    });
    await other.close();
  });

  it('stops it, and keeps what was said; before a word, there is none', async () => {
    model.behave((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('For ever'));
    });
    const { bot } = ada.client;
    const answer = bot.ask('Go on');
    await when(answer.text, (text) => text === 'For ever');
    await answer.stop();
    expect(await answer.done).toMatchObject({ message: 'For ever' });
    model.behave(() => {});
    const silent = bot.ask('Say nothing');
    await silent.question;
    await silent.stop();
    expect(await silent.done).toBeNull();
    await silent.stop();
  });

  it('says where it failed, and may be left alone', async () => {
    model.behave((response) => void response.writeHead(500).end());
    const answer = ada.client.bot.ask('Fail');
    await expect(answer.done).rejects.toMatchObject({ code: 'bot_unavailable' });
    const read = async (): Promise<void> => {
      for await (const _ of answer);
    };
    await expect(read()).rejects.toMatchObject({ code: 'bot_unavailable' });
    expect((await answer.question).message).toBe('Fail');
  });
});

describe('a bot in Node', () => {
  let app: TestApp;
  let ada: Known;
  beforeAll(async () => {
    app = await TestApp.start('sqlite');
    ada = await knownClient(app, 'Ada');
  });
  afterAll(async () => {
    await ada.client.close();
    await app.stop();
  });

  it('answers each message once, in order, whenever it is killed', async () => {
    const { id, token } = await app.createUser('robot@example.com', 'Robot');
    const storage = memoryStorage();
    const room = ada.client.room(id);
    await room.attach().ready;
    const COUNT = 40;
    for (let n = 1; n <= COUNT / 2; n++) await room.send(`question ${n}`);

    let answered = 0;
    const heard: number[] = [];
    const run = async (life: Life, killAfter: number): Promise<void> => {
      const client = newClient(app.url, life.options({ storage }));
      await client.useToken(token);
      let count = 0;
      for await (const { chat, message } of client.incoming()) {
        heard.push(message.seq);
        const sending = chat.send(`answer to ${message.message}`, { client_id: `re-${message.seq}` });
        if (++count === killAfter) {
          life.end();
          return;
        }
        await sending;
        answered++;
        if (message.message === `question ${COUNT}`) {
          await client.close();
          return;
        }
      }
    };
    for (const killAfter of [1, 3, 7]) await run(new Life(), killAfter);
    const last = run(new Life(), Infinity);
    for (let n = COUNT / 2 + 1; n <= COUNT; n++) await room.send(`question ${n}`);
    await last;
    expect(answered).toBeGreaterThan(0);
    await when(
      room.timeline,
      ({ items }) => items.filter((item) => item.message.startsWith('answer')).length === COUNT,
      { signal: AbortSignal.timeout(15_000) },
    );
    const texts = shown(room);
    for (let n = 1; n <= COUNT; n++) expect(texts.filter((text) => text === `answer to question ${n}`)).toHaveLength(1);
    const answers = texts.filter((text) => text.startsWith('answer'));
    expect(answers).toEqual(Array.from({ length: COUNT }, (_, n) => `answer to question ${n + 1}`));
  });

  it('hears of groups that it is not in, and nothing of what it said', async () => {
    const bot = await knownClient(app, 'Robot');
    const group = await ada.client.groups.create({ name: 'With a bot' });
    if (group.ref.type !== 'group') throw new Error('no group');
    const theirs = bot.client.group(group.ref.group_id);
    await group.add(bot.id);
    await when(theirs.info, (info) => info?.standing === 'member');
    const stop = new AbortController();
    const heard: string[] = [];
    const loop = (async () => {
      for await (const { chat, message } of bot.client.incoming({ signal: stop.signal })) {
        heard.push(message.message);
        if (message.message === 'question') await chat.send('answer', { client_id: `re-${message.seq}` });
        if (message.message === 'last') stop.abort();
      }
    })();
    await Promise.all(Array.from({ length: 20 }, (_, n) => group.send(`message ${n}`)));
    await group.send('question');
    await when(bot.client.inbox, () => heard.includes('question'));
    await group.send('last');
    await loop;
    expect(heard).toEqual([...Array.from({ length: 20 }, (_, n) => `message ${n}`), 'question', 'last']);
    await bot.client.close();
  });
});
