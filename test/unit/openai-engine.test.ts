import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BotUnavailable, MAX_ANSWER, type Turn } from '../../src/bot/engines/engine.js';
import { OpenAiEngine, type OpenAiOptions } from '../../src/bot/engines/openai-engine.js';
import { begin, CompletionsServer, delta, END, sends, sse, streams } from '../support/completions-server.js';

const KEY = 'sk-hunter2';
const PROMPT = 'Be kind.';
const question: Turn[] = [{ isUser: true, text: 'What is love?' }];

let server: CompletionsServer;
const engines: OpenAiEngine[] = [];
const log: string[] = [];

const engineFor = (options: Partial<OpenAiOptions> = {}): OpenAiEngine => {
  const engine = new OpenAiEngine({
    url: server.url,
    model: 'tiny',
    apiKey: KEY,
    prompt: PROMPT,
    ...options,
    patience: { backoff: 10, ...options.patience },
  });
  engines.push(engine);
  return engine;
};

/** The pieces of an answer, and what it ended with. */
async function hear(engine: OpenAiEngine, history: readonly Turn[] = question, signal = new AbortController().signal) {
  const pieces: string[] = [];
  try {
    for await (const piece of engine.answer(history, { firstName: 'Ada', signal })) pieces.push(piece);
  } catch (error) {
    return { pieces, text: pieces.join(''), error };
  }
  return { pieces, text: pieces.join('') };
}

const unavailable = (reason: RegExp) => ({
  error: expect.objectContaining({ code: 'bot_unavailable', status: 503, reason: expect.stringMatching(reason) }),
});

/** One event of a stream, with content of any kind. */
const part = (content: unknown): string => sse({ choices: [{ index: 0, delta: { content } }] });

/** The whole answer in one object. */
const whole = (content: unknown): string =>
  JSON.stringify({ choices: [{ message: { role: 'assistant', content }, finish_reason: 'stop' }] });

beforeAll(async () => {
  server = await CompletionsServer.start();
  const line = (message: unknown) => void log.push(String(message));
  Logger.overrideLogger({ log: line, warn: line, error: line });
});

beforeEach(() => void (log.length = 0));

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

afterAll(() => server.close());

describe('asking a server in BOT_URL', () => {
  it('sends the prompt, the conversation, the model and the key, and passes the pieces on', async () => {
    server.behave(streams('Ba', 'by, ', 'do not hurt me.'));
    const history: Turn[] = [
      { isUser: true, text: 'Hi' },
      { isUser: false, text: 'Hello!' },
      { isUser: true, text: 'What is love?' },
    ];
    const heard = await hear(engineFor(), history);
    expect(heard).toEqual({ pieces: ['Ba', 'by, ', 'do not hurt me.'], text: 'Baby, do not hurt me.' });
    expect(server.requests).toHaveLength(1);
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      url: '/v1/chat/completions',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    });
    expect(request.body).toEqual({
      model: 'tiny',
      stream: true,
      messages: [
        { role: 'system', content: PROMPT },
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello!' },
        { role: 'user', content: 'What is love?' },
      ],
    });
    expect(log).toEqual([]);
  });

  it.each([
    ['/v1', '/v1/chat/completions'],
    ['/v1/', '/v1/chat/completions'],
    ['', '/chat/completions'],
    ['/v1//', '/v1/chat/completions'],
    ['/v1/chat/completions', '/v1/chat/completions'],
    ['/v1/chat/completions/', '/v1/chat/completions'],
    ['/chat/completions?key=x', '/chat/completions?key=x'],
    ['/openai/deployments/x?api-version=2', '/openai/deployments/x/chat/completions?api-version=2'],
  ])('takes the base %s', async (base, path) => {
    server.behave(streams('ok'));
    await hear(engineFor({ url: new URL(server.url).origin + base }));
    expect(server.requests[0].url).toBe(path);
  });

  it('says how long an answer may be, in the word that the server knows', async () => {
    const names = '{"error":{"message":"Use \'max_completion_tokens\' instead."}}';
    server.behave(sends(400, {}, names), streams('ok'));
    const engine = engineFor({ maxTokens: 7 });
    expect(await hear(engine)).toMatchObject({ text: 'ok' });
    expect(await hear(engine)).toMatchObject({ text: 'ok' });
    const fields = server.requests.map(({ body }) => Object.entries(body).find(([name]) => name.startsWith('max')));
    expect(fields).toEqual([
      ['max_tokens', 7],
      ['max_completion_tokens', 7],
      ['max_completion_tokens', 7],
    ]);
    // One that knows neither is asked twice, and no more.
    server.behave(sends(400, {}, names));
    expect(await hear(engineFor({ maxTokens: 7 }))).toMatchObject(unavailable(/^answered 400$/));
    expect(server.requests).toHaveLength(2);
    expect(log).toHaveLength(1);
  });

  it('sends no authorization without a key', async () => {
    server.behave(streams('ok'));
    expect(await hear(engineFor({ apiKey: undefined }))).toMatchObject({ text: 'ok' });
    expect(server.requests[0].headers).not.toHaveProperty('authorization');
  });

  it('understands an answer in one JSON object', async () => {
    const body = { choices: [{ message: { role: 'assistant', content: 'All at once.' }, finish_reason: 'stop' }] };
    server.behave(sends(200, { 'content-type': 'application/json' }, JSON.stringify(body)));
    expect(await hear(engineFor())).toEqual({ pieces: ['All at once.'], text: 'All at once.' });
  });

  it.each([
    [
      'comments, other events and carriage returns',
      `: ping\r\n\r\nevent: x\r\ndata: ${delta('ok').slice(6).trim()}\r\n\r\n${END}`,
    ],
    [
      'chunks without choices',
      sse({ choices: [], prompt_filter_results: [] }) + delta('ok') + sse({ choices: [], usage: {} }) + END,
    ],
    ['`stop` in every chunk', delta('o', 'stop') + delta('k', 'stop') + sse('[DONE]')],
    ['no [DONE]', delta('ok') + delta(null, 'stop')],
    ['no finish_reason', delta('ok') + sse('[DONE]')],
    ['no blank line at the end', delta('ok') + 'data: [DONE]'],
    ['white space first', delta('\n\n') + delta(' ok') + END],
    ['thoughts before the answer', sse({ choices: [{ delta: { reasoning_content: 'Hm.' } }] }) + delta('ok') + END],
    ['empty data', 'data: \n\n' + delta('o') + 'data:\n\n' + delta('k') + 'data\n\n' + END],
    ['pings', `event: ping\ndata: {"type":"ping"}\n\n${sse('ping')}${delta('ok')}event: ping\ndata: 1\n\n${END}`],
    ['content in parts', part([{ type: 'text', text: 'o' }, { type: 'text', text: 'k' }, { type: 'image_url' }]) + END],
    ['parts that think', part([{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }]) + delta('ok') + END],
    ['a count of tokens without choices', delta('ok') + delta(null, 'stop') + sse({ usage: {} }) + sse('[DONE]')],
    ['choices: null', sse({ choices: null }) + delta('ok') + sse({ choices: null }) + END],
    ['delta: null', sse({ choices: [{ delta: null }] }) + delta('ok') + sse({ choices: [{}] }) + END],
    ['blanks around [DONE]', delta('ok') + 'data:  [DONE] \n\n'],
    ['no blank behind data:', (delta('ok') + END).replaceAll('data: ', 'data:')],
    ['a byte order mark', `\ufeff${delta('ok')}${END}`],
    ['carriage returns alone', (delta('ok') + END).replaceAll('\n', '\r')],
    ['no blank lines', (delta('o') + delta('k') + END).replaceAll('\n\n', '\n')],
    ['error: null', sse({ error: null, choices: [{ delta: { content: 'ok' } }] }) + END],
    ['finish_reason in words', delta('o', 'null') + delta('k', '') + END],
    ['a last chunk that says all again', delta('ok') + sse({ choices: [{ message: { content: 'ok' } }] }) + END],
    ['messages in place of deltas', sse({ choices: [{ message: { content: 'ok' }, finish_reason: 'stop' }] })],
    ['a refusal', sse({ choices: [{ delta: { content: null, refusal: 'ok' } }] }) + END],
    ['JSON in a stream', whole('ok')],
    ['JSON in lines', (delta('o') + delta('k', 'stop')).replaceAll('data: ', '').replaceAll('\n\n', '\n')],
    ['JSON behind white space', `\n\n  \n${whole('ok')}`],
    ['JSON behind a byte order mark', `\ufeff${whole('ok')}`],
    [
      'JSON with parts',
      whole([
        { type: 'text', text: 'o' },
        { type: 'text', text: 'k' },
      ]),
    ],
  ])('understands %s, whatever it is labelled', async (_what, body) => {
    for (const type of ['text/event-stream', 'application/json', 'text/plain; charset=utf-8', undefined]) {
      server.behave((response) => void response.writeHead(200, type ? { 'content-type': type } : {}).end(body));
      expect(await hear(engineFor())).toEqual({ pieces: expect.any(Array), text: 'ok' });
    }
    expect(log).toEqual([]);
  });

  it.each([
    ['an error', sse({ error: { message: 'overloaded' } })],
    ['an error of its own kind', 'event: error\ndata: {"object":"error"}\n\n'],
    ['rubbish', sse('{') + sse('<html>')],
    ['a finish_reason that is an error', delta(null, 'error')],
  ])('lets %s behind the end spoil nothing that was said', async (_what, behind) => {
    server.behave((response) => void begin(response).end(delta('ok') + delta(null, 'stop') + behind));
    expect(await hear(engineFor())).toEqual({ pieces: ['ok'], text: 'ok' });
    server.behave((response) => void begin(response).write(delta('ok', 'stop') + behind, () => response.destroy()));
    expect(await hear(engineFor())).toEqual({ pieces: ['ok'], text: 'ok' });
    expect(log).toEqual([]);
  });

  it.each([
    ['one after the other', '<think>Hm.</think>ok', 'ok'],
    ['in lines of their own', '\n<think>\nHm.\n</think>\n\nok', 'ok'],
    ['that are empty', '<think></think>ok', 'ok'],
    ['by another name', '<Thinking>Hm. </think></THINKING> ok', 'ok'],
    ['in brackets', '[THINK]Hm.[/THINK]ok', 'ok'],
    ['twice', '<think>Hm.</think>\n<thought>Hm.</thought>\nok', 'ok'],
    ['with signs like tags in them', '<think>a < b </thin <think> İ</think>ok', 'ok'],
    ['in the middle, which are none', 'Say <think>Hm.</think> first', 'Say <think>Hm.</think> first'],
    ['that only look so', '<thin', '<thin'],
    ['of another kind', '<b>ok</b>', '<b>ok</b>'],
  ])('keeps thoughts %s to itself, in one piece or in many', async (_what, said, heard) => {
    server.behave(streams(said));
    expect(await hear(engineFor())).toMatchObject({ text: heard });
    server.behave(streams(...said.split('')));
    expect(await hear(engineFor())).toMatchObject({ text: heard });
    server.behave(sends(200, { 'content-type': 'application/json' }, whole(said)));
    expect(await hear(engineFor())).toMatchObject({ text: heard });
  });

  it('takes what nobody sees for no answer', async () => {
    server.behave(streams('\u200b', '\u2800'));
    expect(await hear(engineFor())).toMatchObject(unavailable(/^answered nothing/));
  });

  it('takes thoughts without an end for no answer', async () => {
    server.behave(streams('<think>', 'Hm. '.repeat(10_000)));
    expect(await hear(engineFor())).toMatchObject({ pieces: [], ...unavailable(/^answered nothing/) });
  });

  it('puts characters together that the network tore apart', async () => {
    const text = 'Ää 漢字 😀 e\u0301 👩‍👩‍👧';
    server.behave(async (response) => {
      begin(response).flushHeaders();
      for (const byte of Buffer.from(delta(text) + END)) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    });
    expect(await hear(engineFor())).toMatchObject({ text });
  });

  it('puts halves of a surrogate pair together, and lets no half stand alone', async () => {
    server.behave(streams('a\ud83d', '\ude00b', '\ude00c\ud83d'));
    const { pieces } = await hear(engineFor());
    expect(pieces).toEqual(['a', '😀b', '\ufffdc']);
  });

  it('waits for a server that is slow but steady', async () => {
    const words = Array.from({ length: 16 }, (_, at) => `${at} `);
    server.behave(async (response) => {
      begin(response);
      for (const word of words) {
        response.write(delta(word));
        await sleep(300);
      }
      response.end(END);
    });
    // Shorter than the whole answer, much longer than each silence in it.
    expect(await hear(engineFor({ patience: { idle: 4_000, firstByte: 4_000 } }))).toMatchObject({ pieces: words });
  });
});

describe('the context', () => {
  const messages = async (history: Turn[]) => {
    server.behave(streams('ok'));
    await hear(engineFor(), history);
    return server.requests[0].body.messages.slice(1);
  };

  it('is the last whole messages that fit 8,000 characters', async () => {
    const history = Array.from({ length: 41 }, (_, at) => ({
      isUser: at % 2 === 0,
      text: `${at}`.padStart(2, '0') + '😀'.repeat(998),
    }));
    const sent = await messages(history);
    // Eight fit; the oldest of them is an answer whose question does not.
    expect(sent.map(({ role, content }) => [role, content.slice(0, 2)])).toEqual([
      ['user', '34'],
      ['assistant', '35'],
      ['user', '36'],
      ['assistant', '37'],
      ['user', '38'],
      ['assistant', '39'],
      ['user', '40'],
    ]);
  });

  it('holds the question in any case, and nothing older than what did not fit', async () => {
    const long = 'x'.repeat(9_000);
    expect(
      await messages([
        { isUser: true, text: 'Hi' },
        { isUser: true, text: long },
      ]),
    ).toEqual([{ role: 'user', content: long }]);
    expect(
      await messages([
        { isUser: true, text: 'Hi' },
        { isUser: false, text: long },
        { isUser: true, text: 'Why?' },
      ]),
    ).toEqual([{ role: 'user', content: 'Why?' }]);
  });

  it('holds no thoughts of answers that were stored with them', async () => {
    const history = [
      { isUser: true, text: '<think>Hi</think>' },
      { isUser: false, text: '<think>Hm.</think>Hello' },
      { isUser: true, text: 'One' },
      { isUser: false, text: '<think>Hm.' },
      { isUser: true, text: 'Two' },
    ];
    expect(await messages(history)).toEqual([
      { role: 'user', content: '<think>Hi</think>' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'One\n\nTwo' },
    ]);
  });

  it('lets the roles alternate where a question had no answer', async () => {
    const history = [
      { isUser: false, text: 'Welcome' },
      { isUser: true, text: 'One' },
      { isUser: true, text: 'Two' },
      { isUser: false, text: 'Three' },
      { isUser: true, text: 'Four' },
    ];
    expect(await messages(history)).toEqual([
      { role: 'user', content: 'One\n\nTwo' },
      { role: 'assistant', content: 'Three' },
      { role: 'user', content: 'Four' },
    ]);
  });
});

describe('a server that fails', () => {
  it('twice is asked a third time', async () => {
    server.behave(sends(500, {}), sends(503, {}), streams('ok'));
    expect(await hear(engineFor())).toEqual({ pieces: ['ok'], text: 'ok' });
    expect(server.requests).toHaveLength(3);
    expect(log).toEqual([]);
  });

  it('always is given up after three tries', async () => {
    server.behave(sends(500, { 'content-type': 'application/json' }, `{"error":"${KEY} What is love?"}`));
    expect(await hear(engineFor())).toMatchObject(unavailable(/^answered 500$/));
    expect(server.requests).toHaveLength(3);
  });

  it('is left alone for as long as it asks with Retry-After', async () => {
    server.behave(sends(429, { 'retry-after': '1' }), streams('ok'));
    const from = performance.now();
    expect(await hear(engineFor())).toMatchObject({ text: 'ok' });
    expect(performance.now() - from).toBeGreaterThan(950);
    expect(server.requests).toHaveLength(2);
  });

  it('understands a date in Retry-After, and one that is past or no date', async () => {
    server.behave(
      sends(429, { 'retry-after': new Date(0).toUTCString() }),
      sends(503, { 'retry-after': 'soon' }),
      streams('ok'),
    );
    expect(await hear(engineFor())).toMatchObject({ text: 'ok' });
  });

  it('and asks for more than a few seconds is not asked again', async () => {
    server.behave(sends(429, { 'retry-after': '60' }));
    expect(await hear(engineFor())).toMatchObject(unavailable(/^answered 429/));
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [400, /^answered 400/],
    [401, /check BOT_API_KEY/],
    [404, /check BOT_URL and BOT_MODEL/],
  ])('with %i is not asked again', async (status, reason) => {
    server.behave(sends(status, {}));
    expect(await hear(engineFor())).toMatchObject(unavailable(reason));
    expect(server.requests).toHaveLength(1);
  });

  it('by closing the connection before it answers is asked again', async () => {
    const drop = (response: ServerResponse) => void response.destroy();
    server.behave(drop, drop, streams('ok'));
    expect(await hear(engineFor())).toMatchObject({ text: 'ok' });
    expect(server.requests).toHaveLength(3);
  });

  it('by not being there is tried three times', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const from = performance.now();
    const heard = await hear(engineFor({ url: `http://127.0.0.1:${port}`, patience: { backoff: 200 } }));
    expect(heard).toMatchObject(unavailable(/^cannot be reached \(ECONNREFUSED\)/));
    // Half of 200 ms at least, and then of 400.
    expect(performance.now() - from).toBeGreaterThan(290);
  });

  it('by redirecting is not followed, so that neither texts nor the key go elsewhere', async () => {
    const other = await CompletionsServer.start();
    other.behave(streams('from elsewhere'));
    for (const status of [301, 302, 307, 308]) {
      server.behave(sends(status, { location: `${other.url}/chat/completions` }));
      expect(await hear(engineFor())).toMatchObject({ pieces: [], ...unavailable(/redirect: set BOT_URL/) });
    }
    expect(other.requests).toEqual([]);
    await other.close();
  });
});

describe('a server that stalls', () => {
  it('before it answers is given up', async () => {
    server.behave(() => {});
    expect(await hear(engineFor({ patience: { firstByte: 100 } }))).toMatchObject(
      unavailable(/^said nothing for 100 ms/),
    );
    expect(server.requests).toHaveLength(1);
  });

  it('after its headers is given up', async () => {
    server.behave((response) => begin(response).flushHeaders());
    expect(await hear(engineFor({ patience: { idle: 100 } }))).toMatchObject(unavailable(/^said nothing for 100 ms/));
  });

  it('in the middle is given up, with what it said', async () => {
    server.behave((response) => void begin(response).write(delta('Well, ')));
    const heard = await hear(engineFor({ patience: { idle: 1_000 } }));
    expect(heard).toMatchObject({ text: 'Well, ', ...unavailable(/^said nothing for 1000 ms/) });
  });

  it('after all is said loses nothing', async () => {
    server.behave((response) => void begin(response).write(delta('ok') + delta(null, 'stop')));
    expect(await hear(engineFor({ patience: { idle: 500 } }))).toEqual({ pieces: ['ok'], text: 'ok' });
    server.behave((response) => void begin(response).write(delta('ok') + END));
    expect(await hear(engineFor())).toEqual({ pieces: ['ok'], text: 'ok' });
  });

  it('in the eyes of a slow listener is not stalling', async () => {
    server.behave(async (response) => {
      begin(response).write(delta('a'));
      await sleep(100);
      response.end(delta('b') + END);
    });
    const engine = engineFor({ patience: { idle: 2_000 } });
    let heard = '';
    for await (const piece of engine.answer(question, { firstName: 'Ada', signal: new AbortController().signal })) {
      heard += piece;
      await sleep(heard === 'a' ? 2_500 : 0);
    }
    expect(heard).toBe('ab');
  });
});

describe('a server that never stops', () => {
  /** Writes as fast as it is read, until the other side goes. */
  const endlessly = (chunk: string) => async (response: ServerResponse) => {
    begin(response);
    const closed = once(response, 'close');
    let drained = () => {};
    response.on('drain', () => drained());
    while (!response.destroyed) {
      if (!response.write(chunk)) await Promise.race([closed, new Promise<void>((resolve) => (drained = resolve))]);
      await new Promise(setImmediate);
    }
    stopped();
  };
  let stopped = () => {};
  const hasStopped = () => new Promise<void>((resolve) => (stopped = resolve));

  it.each(['ha ', '😀', 'x'.repeat(3_999) + '😀😀'])('talking is cut off at 4,000 code points (%#)', async (piece) => {
    const left = hasStopped();
    server.behave(endlessly(delta(piece)));
    const { text, error } = await hear(engineFor());
    expect(error).toBeUndefined();
    expect(Array.from(text)).toHaveLength(MAX_ANSWER);
    expect(text.isWellFormed()).toBe(true);
    await left;
  });

  it('thinking is given up when its time is over', async () => {
    const left = hasStopped();
    server.behave(endlessly(`: still thinking\n\n${delta(null)}`));
    const heard = await hear(engineFor({ patience: { whole: 500 } }));
    expect(heard).toMatchObject({ pieces: [], ...unavailable(/^did not finish within 500 ms/) });
    await left;
  });

  it('with a line fills no memory', async () => {
    const left = hasStopped();
    server.behave(endlessly(`data: ${'x'.repeat(100_000)}`));
    expect(await hear(engineFor())).toMatchObject(unavailable(/^sent more than 16777216 bytes/));
    await left;
  });

  it('in one JSON object is cut off as well', async () => {
    const body = JSON.stringify({ choices: [{ message: { content: 'x'.repeat(10_000) } }] });
    server.behave(sends(200, { 'content-type': 'application/json' }, body));
    expect((await hear(engineFor())).text).toHaveLength(MAX_ANSWER);
  });
});

describe('a server that breaks off', () => {
  it('in the middle of a stream has not answered', async () => {
    server.behave((response) => {
      begin(response).write(delta('Once upon'), () => response.destroy());
    });
    expect(await hear(engineFor())).toMatchObject({ text: 'Once upon', ...unavailable(/^broke off/) });
    expect(server.requests).toHaveLength(1);
  });

  it('politely has not answered either', async () => {
    server.behave((response) => void begin(response).end(delta('Once upon')));
    expect(await hear(engineFor())).toMatchObject({ text: 'Once upon', ...unavailable(/^broke off/) });
  });

  it('in the middle of a JSON object has not answered', async () => {
    server.behave((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"choices":[{"mess', () => response.destroy());
    });
    expect(await hear(engineFor())).toMatchObject({ pieces: [], ...unavailable(/^broke off/) });
  });
});

describe('a server that answers rubbish', () => {
  const json = { 'content-type': 'application/json' };
  const stream = { 'content-type': 'text/event-stream' };

  it.each([
    ['a page', { 'content-type': 'text/html' }, '<!doctype html><title>Welcome to nginx!</title>'],
    ['no type', {}, 'hello'],
    ['a type alone', json, ''],
    ['broken JSON', json, '{"choices":[{'],
    ['a number', json, '42'],
    ['null', json, 'null'],
    ['no choices', json, '{"choices":[]}'],
    ['choices of nothing', json, '{"choices":[null]}'],
    ['choices that are text', json, '{"choices":"ok"}'],
    ['content that is no text', json, '{"choices":[{"message":{"content":{"a":1}}}]}'],
    ['an error', json, '{"error":{"message":"no such model"}}'],
    ['an empty answer', json, '{"choices":[{"message":{"content":""}}]}'],
    ['white space', json, '{"choices":[{"message":{"content":" \\n "}}]}'],
    ['what is not gzip', { ...json, 'content-encoding': 'gzip' }, '{"choices":[{"message":{"content":"ok"}}]}'],
    ['an empty stream', stream, ''],
    ['a stream of nothing', stream, END],
    ['a stream of white space', stream, delta(' ') + delta('\n') + END],
    ['a stream of broken JSON', stream, 'data: {"choices":[{\n\n'],
    ['a stream of HTML', stream, '<html>\n\n</html>\n\n'],
    ['a stream of numbers', stream, sse(1) + sse(2)],
    ['a stream of other content', stream, sse({ choices: [{ delta: { content: [1] } }] })],
    ['a stream with an error', stream, sse({ error: { message: 'out of memory' } })],
  ])('such as %s, has not answered', async (_what, headers, body) => {
    server.behave(sends(200, headers, body));
    expect(await hear(engineFor())).toMatchObject({ pieces: [], ...unavailable(/./) });
    expect(server.requests).toHaveLength(1);
  });

  it('in the middle of a good answer, ends it', async () => {
    server.behave((response) => void begin(response).end(delta('Well, ') + sse('{') + delta('ok') + END));
    expect(await hear(engineFor())).toMatchObject({ text: 'Well, ', ...unavailable(/no chat completion/) });
  });

  it('without a body, has not answered', async () => {
    server.behave(sends(204, json));
    expect(await hear(engineFor())).toMatchObject({ pieces: [], ...unavailable(/no chat completion/) });
  });
});

describe('who asked', () => {
  it('can abort in the middle: the request ends, and the reason comes back', async () => {
    let gone!: Promise<unknown>;
    server.behave((response) => {
      gone = once(response, 'close');
      begin(response).write(delta('Well, '));
    });
    const abort = new AbortController();
    const answer = engineFor().answer(question, { firstName: 'Ada', signal: abort.signal });
    expect(await answer.next()).toEqual({ done: false, value: 'Well, ' });
    const next = answer.next();
    const reason = new Error('stop');
    abort.abort(reason);
    await expect(next).rejects.toBe(reason);
    await gone;
    expect(log).toEqual([]);
  });

  it('can abort before the first word, between two tries, and before asking at all', async () => {
    const abort = new AbortController();
    server.behave(() => abort.abort());
    expect((await hear(engineFor(), question, abort.signal)).error).toBe(abort.signal.reason);

    const later = new AbortController();
    server.behave(async (response) => {
      response.writeHead(500).end();
      await sleep(50);
      later.abort();
    });
    const patient = engineFor({ patience: { backoff: 60_000, longestRetryAfter: 120_000 } });
    expect((await hear(patient, question, later.signal)).error).toBe(later.signal.reason);

    server.behave(streams('ok'));
    expect((await hear(engineFor(), question, AbortSignal.abort('no'))).error).toBe('no');
    expect(server.requests).toEqual([]);
  });

  it('can leave the loop: the request ends', async () => {
    let gone!: Promise<unknown>;
    server.behave((response) => {
      gone = once(response, 'close');
      begin(response).write(delta('Well, '));
    });
    for await (const piece of engineFor().answer(question, {
      firstName: 'Ada',
      signal: new AbortController().signal,
    })) {
      expect(piece).toBe('Well, ');
      break;
    }
    await gone;
  });

  it('is told where the engine is closed in between', async () => {
    server.behave((response) => void begin(response).write(delta('Well, ')));
    const engine = engineFor();
    const answer = engine.answer(question, { firstName: 'Ada', signal: new AbortController().signal });
    await answer.next();
    const next = answer.next();
    await engine.close();
    await expect(next).rejects.toBeInstanceOf(BotUnavailable);
  });

  it('is not delayed by others who wait', async () => {
    server.behave(() => {}, streams('ok'));
    const engine = engineFor();
    const abort = new AbortController();
    const stuck = hear(engine, question, abort.signal);
    await expect.poll(() => server.requests.length).toBe(1);
    expect(await hear(engine)).toMatchObject({ text: 'ok' });
    abort.abort();
    await stuck;
  });
});

it('the log says what is wrong, once, and neither the key nor a word of the conversation', async () => {
  const secrets = `${KEY} What is love? Baby`;
  const behaviours = [
    sends(401, { 'content-type': 'application/json' }, `{"error":{"message":"Incorrect key ${secrets}"}}`),
    sends(200, { 'content-type': 'text/html' }, secrets),
    sends(200, { 'content-type': 'application/json' }, secrets),
    sends(200, { 'content-type': 'text/event-stream' }, sse({ error: { message: secrets } })),
    sends(200, { 'content-type': 'text/event-stream' }, delta('Baby') + sse(secrets)),
    (response: ServerResponse) => void begin(response).write(delta('Baby'), () => response.destroy()),
  ];
  for (const behaviour of behaviours) {
    log.length = 0;
    server.behave(behaviour);
    const { error } = await hear(engineFor());
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^The server in BOT_URL \(127\.0\.0\.1:\d+\) \w/);
    expect(log[0] + JSON.stringify((error as BotUnavailable).toBody())).not.toMatch(/hunter2|love|Baby/);
  }
});
