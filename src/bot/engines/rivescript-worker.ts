import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import RiveScript from 'rivescript';
import { plainName, plainWords } from './plain-words.js';

/** The options of the worker. */
export interface Brain {
  /** Folder of the *.rive files. */
  folder: string;
}

/** A question to the worker. */
export interface RiveScriptQuestion {
  firstName: string;
  question: string;
  /** The messages just before, for replies that refer to them (`%Previous`, <input1>, <reply1>). */
  before: { input: string; reply: string };
}

/** Messages of the worker: first that it is ready, or why not, then one answer to each question. */
export type WorkerSays = { ready: true } | { broken: string } | { answer: string };

/** The answer where the brain has none. */
const NO_ANSWER = 'I have no answer to that. Say “help”, and I tell you what I can explain.';

// The worker holds the conversation of one user at a time, and only while it answers.
const PERSON = 'person';
const HISTORY_LENGTH = 10;

/** RiveScript's error messages begin so; they are not shown to users. */
const MISTAKE = /\bERR: /;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
const say = (words: WorkerSays) => parentPort!.postMessage(words);

async function load({ folder }: Brain): Promise<RiveScript> {
  const bot = new RiveScript({
    utf8: true,
    // A reply that fails is empty rather than an error message.
    errors: { replyNotMatched: '', replyNotFound: '', objectNotFound: '', deepRecursion: '' },
    // Its warnings and, in debug mode, all messages of users: not for the log.
    onDebug: () => {},
  });
  // No object macros in brain files: they are programs, which `eval` would run with all rights of the server.
  bot.setHandler('javascript', null as never);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.rive'))
    .sort();
  if (files.length === 0) throw new Error(`There is no *.rive file in ${folder}.`);
  await bot.loadFile(files.map((name) => join(folder, name)));
  bot.sortReplies();
  // A text that no pattern matches is tried against all of them: a pattern that JavaScript cannot read fails now rather than in a chat.
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

/** RiveScript's own form: the latest first, and this word for none. */
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
  // For a mistake in a file, RiveScript rejects with a string.
  say({ broken: error instanceof Error ? error.message : String(error) });
}
