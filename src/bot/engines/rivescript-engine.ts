import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import pLimit from 'p-limit';
import { StartError } from '../../common/start-error.js';
import { type Asking, type BotEngine, BotUnavailable, MAX_ANSWER, type Turn } from './engine.js';
import { MAX_WORDS } from './plain-words.js';
import type { Brain, RiveScriptQuestion, WorkerSays } from './rivescript-worker.js';
import { unlessAborted } from './unless-aborted.js';

// A worker cannot load TypeScript on Node 20: where the tests run this file from src/, the worker comes from dist/, which their
// global set-up builds first.
const WORKER_FILE = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/bot/engines/rivescript-worker.js' : './rivescript-worker.js',
  import.meta.url,
);

/** At the project's root; as far from src/bot as from dist/bot. */
const BRAIN_FOLDER = fileURLToPath(new URL('../../../brain', import.meta.url));

export interface RiveScriptOptions {
  /** Folder of the *.rive files. */
  brainFolder?: string;
  /** Milliseconds for one answer, which takes about five. */
  answerMs?: number;
  /** Milliseconds for starting the worker and reading the brain. */
  startMs?: number;
}

/**
 * The embedded bot: RiveScript, with brain files that an operator can edit. It runs in a worker thread, since a pattern can backtrack for
 * seconds, which would block the server; a worker that takes too long, or dies, is replaced.
 */
export class RiveScriptEngine implements BotEngine {
  private readonly logger = new Logger('Bot');
  private readonly folder: string;
  private readonly answerMs: number;
  private readonly startMs: number;
  /** One worker serves all users in turn: an answer takes milliseconds, and a thread some ten megabytes. */
  private readonly inTurn = pLimit(1);
  private worker: Worker | undefined;
  private closed = false;

  constructor({ brainFolder = BRAIN_FOLDER, answerMs = 5_000, startMs = 30_000 }: RiveScriptOptions = {}) {
    this.folder = brainFolder;
    this.answerMs = answerMs;
    this.startMs = startMs;
  }

  /** Reads the brain, so that a mistake in it shows at the start. @throws StartError naming the file and the line */
  async start(): Promise<void> {
    await this.inTurn(() => this.awake()).catch(async (error: unknown) => {
      await this.close();
      throw new StartError(`The bot ${reasonOf(error)}. Mend the files in ${this.folder}, or set BOT_URL.`);
    });
  }

  async *answer(history: readonly Turn[], { firstName, signal }: Asking): AsyncGenerator<string> {
    signal.throwIfAborted();
    const [before, between, question] = [history.at(-3), history.at(-2), history.at(-1)];
    const wasAnswered = between?.isUser === false;
    const asked: RiveScriptQuestion = {
      firstName,
      question: Array.from(question?.text ?? '')
        .slice(0, MAX_WORDS)
        .join(''),
      before: {
        input: (wasAnswered ? before : between)?.text ?? '',
        // The end of the reply, where the bot's questions are.
        reply: wasAnswered ? Array.from(between.text).slice(-MAX_WORDS).join('') : '',
      },
    };
    // A thread cannot be interrupted: a stopped answer is only not waited for.
    const answer = await unlessAborted(() => this.inTurn(() => (signal.aborted ? '' : this.think(asked))), signal);
    yield Array.from(answer.toWellFormed()).slice(0, MAX_ANSWER).join('');
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.worker?.terminate();
  }

  private async think(asked: RiveScriptQuestion): Promise<string> {
    try {
      const worker = await this.awake();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
      worker.postMessage(asked);
      const said = await nextWord(worker, this.answerMs);
      if ('answer' in said) return said.answer;
      throw new Error('The worker spoke out of turn.');
    } catch (error) {
      const unavailable = new BotUnavailable(reasonOf(error));
      if (!this.closed) this.logger.warn(`The embedded bot ${unavailable.reason}.`);
      // A worker that is late is most likely stuck in a pattern, which only its end can interrupt.
      await this.worker?.terminate();
      throw unavailable;
    }
  }

  /** The worker, ready to answer. Called only in turn. */
  private async awake(): Promise<Worker> {
    if (this.closed) throw new Broken('is shut down');
    if (this.worker) return this.worker;
    const worker = new Worker(WORKER_FILE, {
      workerData: { folder: this.folder } satisfies Brain,
      // The environment holds secrets, which the worker does not need.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    // `nextWord` handles these, too; but without a listener that is always there, an `error` would end the process.
    worker.on('error', () => {});
    worker.on('exit', () => {
      if (this.worker === worker) this.worker = undefined;
    });
    // An engine that was not closed must not keep the process alive.
    worker.unref();
    this.worker = worker;
    const said = await nextWord(worker, this.startMs);
    if ('broken' in said) {
      await worker.terminate();
      throw new Broken(`cannot read its brain: ${said.broken.replace(/\.$/, '')}`);
    }
    return worker;
  }
}

/** A failure that an operator can do something about; the message continues "The bot …". */
class Broken extends Error {}

/** Never the message of another error: RiveScript may put users' texts into it. */
const reasonOf = (error: unknown): string =>
  error instanceof Broken ? error.message : `lost its worker (${(error as { code?: string }).code ?? 'by an error'})`;

/** The next message of the worker. */
async function nextWord(worker: Worker, withinMs: number): Promise<WorkerSays> {
  const over = new AbortController();
  const { signal } = over;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    over.abort();
  }, withinMs);
  try {
    const [said] = (await Promise.race([
      once(worker, 'message', { signal }),
      once(worker, 'exit', { signal }).then(() => {
        throw new Broken('lost its worker');
      }),
    ])) as [WorkerSays];
    return said;
  } catch (error) {
    throw isLate ? new Broken(`took longer than ${withinMs} ms: a pattern in its brain may be too costly`) : error;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}
