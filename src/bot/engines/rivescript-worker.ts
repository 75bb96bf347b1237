import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import RiveScript from 'rivescript';
import { plainName, plainWords } from './plain-words.js';

/** What the worker is started with. */
export interface Brain {
  /** Folder of the *.rive files. */
  folder: string;
}

/** What the worker is asked. */
export interface RiveScriptQuestion {
  firstName: string;
  question: string;
  /** What the two said just before, for replies that lean on it (`%Previous`, <input1>, <reply1>). */
  before: { input: string; reply: string };
}

/** What the worker says: once that it is ready or why not, then one answer to each question. */
export type WorkerSays = { ready: true } | { broken: string } | { answer: string };

/** The answer where the brain has none. */
const NO_ANSWER = 'I have no answer to that. Say “help”, and I tell you what I can explain.';

// The worker holds one person's conversation at a time, and only while it answers.
const PERSON = 'person';
const HISTORY_LENGTH = 10;

/** Messages of a brain's mistakes begin so; people are not to read them. */
const MISTAKE = /\bERR: /;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
const say = (words: WorkerSays) => parentPort!.postMessage(words);

async function load({ folder }: Brain): Promise<RiveScript> {
  const bot = new RiveScript({
    utf8: true,
    // A reply that fails is empty rather than an error message.
    errors: { replyNotMatched: '', replyNotFound: '', objectNotFound: '', deepRecursion: '' },
    // Its warnings and, in debug mode, all that people write: nothing for a log.
    onDebug: () => {},
  });
  // Brain files are words. Object macros are programs, run by eval with all that the server may do.
  bot.setHandler('javascript', null as never);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.rive'))
    .sort();
  if (files.length === 0) throw new Error(`There is no *.rive file in ${folder}.`);
  await bot.loadFile(files.map((name) => join(folder, name)));
  bot.sortReplies();
  // A text like no other passes by all patterns: one that JavaScript cannot read shows now rather than in the middle of a chat.
  await bot.reply(PERSON, '\u{e000}');
  await bot.clearUservars(PERSON);
  return bot;
}

async function answer(bot: RiveScript, { firstName, question, before }: RiveScriptQuestion): Promise<string> {
  const { text, kind } = plainWords(question);
  const now = new Date().toUTCString();
  await bot.setUservars(PERSON, {
    topic: 'random',
    name: plainName(firstName) || 'friend',
    kind,
    date: now.slice(0, 16),
    time: now.slice(17, 22),
    __history__: { input: said(before.input), reply: said(before.reply) },
  });
  try {
    const reply = (await bot.reply(PERSON, text)).trim();
    return !reply || MISTAKE.test(reply) ? NO_ANSWER : reply;
  } finally {
    await bot.clearUservars(PERSON);
  }
}

/** RiveScript's own shape: the latest first, and this word where nothing was said. */
const said = (latest: string): string[] => [
  plainWords(latest).text || 'undefined',
  ...Array.from({ length: HISTORY_LENGTH - 1 }, () => 'undefined'),
];

try {
  const bot = await load(workerData as Brain);
  parentPort!.on('message', (question: RiveScriptQuestion) => {
    // What it throws ends the worker, and the engine starts another.
    void answer(bot, question).then((text) => say({ answer: text }));
  });
  say({ ready: true });
} catch (error) {
  // RiveScript rejects with plain text for a mistake in a file.
  say({ broken: error instanceof Error ? error.message : String(error) });
}
