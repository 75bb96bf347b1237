// What people may make a server in BOT_URL do, and that nobody keeps it from the others.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { onAllDialects, TestApp } from '../support/app.js';
import { ask, BotReader } from '../support/bot.js';
import { type ChatSocket, eventually, Person } from '../support/client.js';
import { begin, CompletionsServer, streams } from '../support/completions-server.js';

let completions: CompletionsServer;
beforeAll(async () => {
  completions = await CompletionsServer.start();
});
afterAll(() => completions.close());

onAllDialects('a budget', (dialect) => {
  let app: TestApp | undefined;
  afterEach(() => app?.stop());

  const start = async (env: Record<string, string>, isOwn = true): Promise<TestApp> => {
    completions.behave(streams('Yes.'));
    app = await TestApp.start(dialect, { RATE_LIMITS: 'on', ...(isOwn && { BOT_URL: completions.url }), ...env });
    return app;
  };
  /** Somebody with a socket, and what the bot tells them. */
  const someone = async (): Promise<[Person, ChatSocket, BotReader]> => {
    const person = await Person.known(app!);
    const socket = await person.connect();
    return [person, socket, new BotReader(socket)];
  };
  const codes = (answers: { ok: boolean; error?: { code: string } }[]) =>
    answers.map(({ ok, error }) => (ok ? 'ok' : error!.code));
  const refused = { ok: false, error: { code: 'rate_limited', retry_after: expect.any(Number) } };

  it('of questions is held against each person, and against all', async () => {
    await start({ BOT_QUESTIONS_PER_DAY: '3', BOT_BUDGET_PER_DAY: '5' });
    const [ada, a, reader] = await someone();
    const answers = await Promise.all(['1', '2', '3', '4'].map((text) => ask(a, text, `q-${text}`)));
    expect(codes(answers)).toEqual(['ok', 'ok', 'ok', 'rate_limited']);
    expect(answers[3]).toMatchObject(refused);
    expect(answers[3].error.retry_after).toBeGreaterThan(86_000);
    await Promise.all([1, 2, 3].map((at) => reader.ended(answers[at - 1].seq)));
    // Nothing of it is stored, and it costs the server nothing.
    expect((await ada.get('/http/chat_bot')).body).toHaveLength(6);
    expect(completions.requests).toHaveLength(3);
    // What was asked before is known, and answers as it did.
    expect(await ask(a, '2', 'q-2')).toEqual(answers[1]);
    // Others have a budget of their own, as far as there is one for all.
    const [, b] = await someone();
    expect(codes(await Promise.all(['1', '2', '3'].map((text) => ask(b, text))))).toEqual(['ok', 'ok', 'rate_limited']);
    const [, c] = await someone();
    expect(await ask(c, 'Me, too?')).toMatchObject(refused);
  });

  it('of characters is held against each person', async () => {
    await start({ BOT_CHARACTERS_PER_DAY: '10' });
    const [, a, reader] = await someone();
    expect(codes([await ask(a, '🦊'.repeat(6)), await ask(a, '🦊'.repeat(5)), await ask(a, '🦊'.repeat(4))])).toEqual([
      'ok',
      'rate_limited',
      'ok',
    ]);
    await reader.ended(1);
    expect(await ask(a, '.')).toMatchObject(refused);
  });

  it('is none for the embedded bot, and none with RATE_LIMITS=off', async () => {
    await start({ BOT_QUESTIONS_PER_DAY: '1', BOT_BUDGET_PER_DAY: '1' }, false);
    const [, a] = await someone();
    expect(codes([await ask(a, 'Hello'), await ask(a, 'Hello')])).toEqual(['ok', 'ok']);
    await app!.stop();
    await start({ BOT_QUESTIONS_PER_DAY: '1', RATE_LIMITS: 'off' });
    const [, b] = await someone();
    expect(codes([await ask(b, 'Hello'), await ask(b, 'Hello')])).toEqual(['ok', 'ok']);
  });

  it('of tokens is told to the server with each question', async () => {
    await start({});
    const [, a, reader] = await someone();
    await reader.ended((await ask(a, 'Hello')).seq);
    expect(completions.requests[0].body).toMatchObject({ max_tokens: 2_000 });
    await app!.stop();
    await start({ BOT_MAX_TOKENS: 'off' });
    const [, b, other] = await someone();
    await other.ended((await ask(b, 'Hello')).seq);
    expect(completions.requests[0].body).not.toHaveProperty('max_tokens');
  });
});

describe('sixty-four people who let the bot think', () => {
  it('keep nobody else from it', async () => {
    const app = await TestApp.start('sqlite', { BOT_URL: completions.url });
    try {
      completions.behave((response, { body }) => {
        if (body.messages.at(-1)!.content === 'Think') begin(response).flushHeaders();
        else void streams('At once.')(response, undefined as never);
      });
      const crowd = await Promise.all(Array.from({ length: 64 }, () => Person.known(app)));
      for (const person of crowd) expect((await ask(await person.connect(), 'Think')).ok).toBe(true);
      await eventually(() => completions.requests.length === 64 || undefined, 'all of them');
      const vic = await (await Person.known(app)).connect();
      const reader = new BotReader(vic);
      expect(await reader.ended((await ask(vic, 'Hello')).seq)).toEqual(['Hello', 'At once.']);
      for (const person of crowd) person.hangUp();
    } finally {
      await app.stop();
    }
  }, 60_000);
});
