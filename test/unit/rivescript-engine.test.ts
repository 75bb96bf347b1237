import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../src/bot/engines/create-engine.js';
import { BotUnavailable, type BotEngine, MAX_ANSWER } from '../../src/bot/engines/engine.js';
import { OpenAiEngine } from '../../src/bot/engines/openai-engine.js';
import { RiveScriptEngine, type RiveScriptOptions } from '../../src/bot/engines/rivescript-engine.js';
import { loadConfig } from '../../src/config/config.js';
import { StartError } from '../../src/common/start-error.js';
import { temporaryFolder } from '../support/app.js';

const MISTAKES = /ERR:|undefined|\[object|<|>|\{|\}/;
const log: string[] = [];
const engines: BotEngine[] = [];

interface Asked {
  name?: string;
  /** What was said before, beginning with the person. */
  before?: string[];
  signal?: AbortSignal;
}

async function ask(engine: BotEngine, question: string, { name = 'Ada', before = [], signal }: Asked = {}) {
  const history = [...before, question].map((text, at) => ({ isUser: at % 2 === 0, text }));
  let answer = '';
  const asking = { firstName: name, signal: signal ?? new AbortController().signal };
  for await (const piece of engine.answer(history, asking)) answer += piece;
  return answer;
}

/** An engine with a brain of these lines. */
function withBrain(lines: string, options: RiveScriptOptions = {}): RiveScriptEngine {
  const brainFolder = temporaryFolder();
  writeFileSync(join(brainFolder, 'test.rive'), lines);
  const engine = new RiveScriptEngine({ brainFolder, ...options });
  engines.push(engine);
  return engine;
}

let parley: BotEngine;

beforeAll(async () => {
  const line = (message: unknown) => void log.push(String(message));
  Logger.overrideLogger({ log: line, warn: line, error: line });
  parley = await createEngine(loadConfig({}));
});

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(engines.splice(0).map((engine) => engine.close()));
});

afterAll(() => parley.close());

describe('the embedded bot', () => {
  it('answers without BOT_URL, and a server with it', async () => {
    expect(parley).toBeInstanceOf(RiveScriptEngine);
    const other = await createEngine(loadConfig({ BOT_URL: 'http://localhost:11434/v1' }));
    expect(other).toBeInstanceOf(OpenAiEngine);
    await other.close();
  });

  it('holds a short friendly conversation', async () => {
    const before: string[] = [];
    const say = async (text: string) => {
      const answer = await ask(parley, text, { before });
      before.push(text, answer);
      return answer;
    };
    expect(await say('Hello!')).toMatch(/Ada/);
    expect(await say('How are you?')).toMatch(/fine|well/i);
    expect(await say("I'm fine, thanks")).toMatch(/good|glad/i);
    expect(await say('How does this chat work?')).toMatch(/Shall I tell you about rooms or about groups\?$/);
    expect(await say('Rooms, please')).toMatch(/two people/);
    expect(await say('Tell me a joke')).toMatch(/another joke\?$/);
    expect(await say('yes please')).toMatch(/another joke\?$/);
    expect(await say('No thanks.')).toMatch(/enough/i);
    expect(await say('What is your name?')).toMatch(/Parley/);
    expect(await say('And who am I?')).toMatch(/Ada/);
    expect(await say('Thank you!')).toMatch(/welcome|pleasure|gladly/i);
    expect(await say('Bye')).toMatch(/bye|see you|take care/i);
  });

  it.each([
    ['help', /groups.*privacy/],
    ['What can you do?', /groups.*privacy/],
    ['How do I register?', /link.*24 hours/],
    ['I never got the e-mail', /spam/],
    ['how do i log in', /e-mail address and your password/],
    ['How can I sign out?', /other devices/],
    ['I forgot my password', /cannot be looked up/],
    ['how do I change my password', /profile.*logs out/],
    ['Can I change my name?', /profile/],
    ['What is a room?', /two people/],
    ['How do I write to someone?', /first message makes a room/],
    ['send a message to Bob', /first message makes a room/],
    ['How do groups work?', /many people/],
    ['how do I create a group', /owner/],
    ['How do I leave the group?', /unread/],
    ['What is a private group?', /Its owner decides/],
    ['Where are my old messages?', /scroll up/],
    ['history', /latest 100/],
    ["What's unread?", /not read/],
    ['Do I get notifications?', /notifications list/],
    ['Who is online?', /offline/],
    ['Who can read my messages?', /people who run it/],
    ['is this private', /people who run it/],
    ['What are you?', /small program/],
    ['are you a bot', /small program/],
    ['what time is it?', /\d\d:\d\d in UTC/],
    ['What day is it?', /(Sun|Mon|Tue|Wed|Thu|Fri|Sat), \d\d \w+ \d{4}/],
    ['I feel sad', /sorry|easy/],
    ['Hello, how do I register?', /24 hours/],
    ['HOW DO GROUPS WORK???', /many people/],
    ['¿How do grōups work?', /many people/],
  ])('knows about “%s”', async (question, expected) => {
    const answer = await ask(parley, question);
    expect(answer).toMatch(expected);
    expect(answer).not.toMatch(MISTAKES);
  });

  it.each([
    ['foreign', 'Привет, как дела?', /English/],
    ['foreign', '你好吗', /English/],
    ['foreign', 'مرحبا', /English/],
    ['foreign', 'नमस्ते', /English/],
    ['emoji', '😀😀', /words|well said/i],
    ['emoji', '❤️', /words|well said/i],
    ['emoji', '👩‍👩‍👧 🇩🇪', /words|well said/i],
    ['emoji', '🇩🇪', /words|well said/i],
    ['signs', '!!! ??? ...', /signs|nothing/],
    ['signs', '', /signs|nothing/],
    ['signs', '\u0000\u200b\u202e', /signs|nothing/],
  ])('has a kind word for %s: “%s”', async (_kind, question, expected) => {
    expect(await ask(parley, question)).toMatch(expected);
  });

  it.each([
    'x'.repeat(4_000),
    'how '.repeat(1_000),
    'group '.repeat(666),
    '😀'.repeat(4_000),
    '\ufdfa'.repeat(4_000),
    'a\u0301'.repeat(2_000),
    '\ud83d',
    'constructor __proto__ toString hasOwnProperty',
    '<input1> <reply9> <star2> <botstar> <id> {ok} {topic=x} (@hello) [*] * # _ \\ | ^ $ ~',
    "' OR 1=1; --",
  ])('answers rubbish in a friendly way (%#)', async (question) => {
    const answer = await ask(parley, question, { before: [question, question] });
    expect(answer.trim()).not.toBe('');
    expect(answer).not.toMatch(MISTAKES);
  });

  it('answers anything at all in a friendly way', async () => {
    const anything = fc.string({ unit: 'binary', maxLength: 600 });
    await fc.assert(
      fc.asyncProperty(anything, anything, anything, async (question, name, reply) => {
        const answer = await ask(parley, question, { name, before: [question, reply] });
        expect(answer.trim()).not.toBe('');
        expect(Array.from(answer).length).toBeLessThanOrEqual(MAX_ANSWER);
        expect(answer).not.toMatch(MISTAKES);
      }),
      { numRuns: 200 },
    );
  });

  it('answers many at once, each by their own name', async () => {
    const names = Array.from({ length: 50 }, (_, at) => `Ada ${at} Lovelace`);
    const answers = await Promise.all(names.map((name) => ask(parley, 'What is my name?', { name })));
    expect(answers).toEqual(names.map((name) => expect.stringContaining(`${name}.`)));
  });
});

describe('what people write', () => {
  const echo = () =>
    withBrain(`
! array list = one|two
! var secret = SECRET
+ secret
- TRIGGERED
+ last
- <get name>: <star>, <input1>, <reply1>
+ *
- <get name>: <star>, <input1>, <reply1>
> topic other
+ *
- TRIGGERED
< topic`);

  it.each([
    ['{@secret}', 'secret'],
    ['<@>', ''],
    ['<call>secret x</call>', 'call secret x call'],
    ['<bot secret>', 'bot secret'],
    ['<bot secret=evil>', 'bot secret evil'],
    ['<env x=evil>', 'env x evil'],
    ['<set name=evil>', 'set name evil'],
    ['<get name>', 'get name'],
    ['{random}a|b{/random}', 'random a b random'],
    ['{topic=other}', 'topic other'],
    ['{weight=9} {uppercase}x{/uppercase}', 'weight 9 uppercase x uppercase'],
    ['(@list) @list', 'list list'],
    ['<star> <star1> <botstar1> <input1> <reply1> <id>', 'star star1 botstar1 input1 reply1 id'],
    ["$& $1 $` $'", '1'],
    ['a\\nb\\sc\\#', 'a nb sc'],
    ['＜set name=evil＞ ｛@secret｝', 'set name evil secret'],
    ['\u0000@list\u0000', 'list'],
    ['{ok}', 'ok'],
    ['// comment', 'comment'],
  ])('is only words to it: %s', async (written, words) => {
    const engine = echo();
    const shown = words || 'undefined';
    const first = await ask(engine, `say ${written}`, { name: 'Ada', before: [written, written] });
    expect(first).toBe(`Ada: say${words && ' '}${words}, ${shown}, ${shown}`);
    const named = await ask(engine, 'hello', { name: `Ada ${written}` });
    expect(named).not.toMatch(/TRIGGERED|SECRET|[<>{}\\$@|=]/);
    expect(named).toMatch(/^Ada.*: hello, undefined, undefined$/);
    // Nothing of it stays.
    expect(await ask(engine, 'last')).toBe('Ada: undefined, undefined, undefined');
  });

  it('is looked at for 500 characters', async () => {
    const answer = await ask(echo(), '😀'.repeat(490) + 'abcdefghijklmnop');
    expect(answer).toBe('Ada: abcdefghij, undefined, undefined');
    // A sign that stands for eighteen letters.
    const { length } = await ask(echo(), '\ufdfa'.repeat(500));
    expect(length).toBeLessThanOrEqual('Ada: , undefined, undefined'.length + 500);
  });

  it('is forgotten: nobody hears of it, not even the same person', async () => {
    const engine = withBrain(
      '+ remember *\n- <set thing=<star>>I will. {topic=other}\n+ recall\n- <get thing>\n> topic other\n+ *\n- no\n< topic',
    );
    expect(await ask(engine, 'remember the milk')).toBe('I will.');
    expect(await ask(engine, 'recall')).toBe('undefined');
  });

  it('does not reach replies that lean on what was not answered', async () => {
    const engine = withBrain('+ *\n- <input1>, <reply1>');
    const asking = { firstName: 'Ada', signal: new AbortController().signal };
    const history = ['one', 'two', 'three'].map((text) => ({ isUser: true, text }));
    for await (const piece of engine.answer(history, asking)) expect(piece).toBe('two, undefined');
  });
});

describe('a brain', () => {
  it('that has no reply, or a mistake in one, gives a friendly answer all the same', async () => {
    const engine = withBrain(
      '+ hello\n- Hi.\n+ empty\n- <get nothing>\n+ loop\n@ loop\n+ call\n- <call>nobody</call>\n+ add\n- <set a=x><add a=b>',
    );
    expect(await ask(engine, 'hello')).toBe('Hi.');
    for (const question of ['what?', 'loop', 'call', 'add'])
      expect(await ask(engine, question)).toMatch(/^I have no answer to that\. Say “help”/);
  });

  it('that talks for ever is cut off at 4,000 code points', async () => {
    const engine = withBrain(`+ *\n- ${'😀'.repeat(5_000)}`);
    expect(Array.from(await ask(engine, 'hello'))).toHaveLength(MAX_ANSWER);
  });

  it('runs no programs', async () => {
    const engine = withBrain(
      '> object evil javascript\nreturn "evil " + process.pid;\n< object\n+ run\n- <call>evil</call> done\n+ *\n- ok',
    );
    expect(await ask(engine, 'run')).toBe('done');
  });

  it.each([
    ['+ Hello\n- Hi', /Syntax error.*test\.rive line 1/],
    ['+ hello\n- Hi\n+ (a\n- b', /Unmatched parenthesis.*test\.rive line 3/],
    ['+ (x{2,1})\n- Hi', /Invalid regular expression/],
  ])('with a mistake stops the start and says where: %j', async (lines, message) => {
    const start = withBrain(lines).start();
    await expect(start).rejects.toBeInstanceOf(StartError);
    await expect(start).rejects.toThrow(message);
    await expect(start).rejects.toThrow(/Mend the files in .*, or set BOT_URL\.$/);
  });

  it('that is not there stops the start', async () => {
    await expect(new RiveScriptEngine({ brainFolder: '/nowhere' }).start()).rejects.toThrow(/ENOENT.*'\/nowhere'/);
    await expect(new RiveScriptEngine({ brainFolder: temporaryFolder() }).start()).rejects.toThrow(/no \*\.rive file/);
  });
});

describe('the worker', () => {
  // The pattern takes longer than the universe lasts for what nearly fits.
  const SLOW = '+ hello\n- Hi.\n+ (a+)+b\n- Done.\n+ crash\n- <add broken>\n+ *\n- What?';
  const STUCK = 'a'.repeat(100);

  it('that takes too long is replaced, and only that answer is lost', async () => {
    const engine = withBrain(SLOW, { answerMs: 3_000 });
    await engine.start();
    // Too long for the one that is stuck, and never for the next one, however busy the machine is.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stuck = ask(engine, STUCK);
    const next = ask(engine, 'hello');
    const lost = stuck.catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(3_000);
    expect(await lost).toMatchObject({
      code: 'bot_unavailable',
      reason: expect.stringMatching(/longer than 3000 ms/),
    });
    expect(await next).toBe('Hi.');
    expect(log.splice(0)).toEqual([expect.stringMatching(/^The embedded bot took longer than 3000 ms/)]);
  });

  it('that dies is replaced, and only that answer is lost', async () => {
    const engine = withBrain(SLOW);
    expect(await ask(engine, 'hello')).toBe('Hi.');
    const [crashed, next] = [ask(engine, 'crash'), ask(engine, 'hello')];
    await expect(crashed).rejects.toBeInstanceOf(BotUnavailable);
    expect(await next).toBe('Hi.');
    expect(log.splice(0)).toEqual([expect.stringMatching(/^The embedded bot lost its worker/)]);
  });

  it('is not waited for by who aborts, neither its own thought nor others before it', async () => {
    const engine = withBrain(SLOW);
    const [one, two] = [new AbortController(), new AbortController()];
    const thinking = ask(engine, STUCK, { signal: one.signal });
    const waiting = ask(engine, 'hello', { signal: two.signal });
    const refused = ask(engine, 'hello', { signal: AbortSignal.abort('at once') });
    await expect(refused).rejects.toBe('at once');
    two.abort('later');
    await expect(waiting).rejects.toBe('later');
    one.abort('last');
    await expect(thinking).rejects.toBe('last');
  });

  it('ends with the engine, and with it whoever waits', async () => {
    const engine = withBrain(SLOW);
    await engine.start();
    const waiting = [ask(engine, STUCK), ask(engine, 'hello')].map((asked) =>
      expect(asked).rejects.toBeInstanceOf(BotUnavailable),
    );
    await engine.close();
    await Promise.all(waiting);
    await expect(ask(engine, 'hello')).rejects.toBeInstanceOf(BotUnavailable);
    expect(log.splice(0)).toEqual([]);
  });
});
