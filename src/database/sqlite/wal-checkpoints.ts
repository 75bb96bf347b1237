// oxlint-disable unicorn/require-post-message-target-origin -- threads have no origins
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { Deadline } from '../../common/timing/deadline.js';

const require = createRequire(import.meta.url);

/**
 * Pages of 4 KiB in the log before it is folded into the file. A page that was written often meanwhile is copied once, so a longer log is less
 * work; but it takes its place on the disk, and must be read at the next start.
 */
const FOLD_PAGES = 8_000;
/** The same in bytes of the log's file: each page there has a header. */
const FOLD_BYTES = FOLD_PAGES * (4_096 + 24);
/** How often the log is looked at while something is written. */
const LOOK_EVERY_MS = 200;
/** Pages that are folded while nobody writes: a few milliseconds. */
const FEW_PAGES = 500;
/** How often it is tried to come down to so few while others write. */
const PASSES = 4;
/** How long those who write wait for the thread. */
const WITHIN_MS = 2_000;
const CLOSED_WITHIN_MS = 5_000;

interface Task {
  mode: 'PASSIVE' | 'TRUNCATE';
  /** With fewer pages nothing is done. */
  atLeast: number;
}
const FOLD_ALL: Task = { mode: 'PASSIVE', atLeast: 1 };
interface Folded {
  /** A reader was in the way. */
  isBusy: boolean;
  /** Pages that are not in the database's file. With none left, the log begins anew with the next commit. */
  pagesLeft: number;
}
type Answer = Folded | { error: string; code: string };

export interface WalOwner {
  /** The size of the log's file in bytes. */
  size(): Promise<number>;
  /** Runs `work` while no transaction is open. */
  whileNobodyWrites<T>(work: () => Promise<T>): Promise<T>;
  /** The disk failed: it must end the process. See `WalFile`. */
  onFailure(error: Error): void;
  /** The log cannot be folded, for a reason that may pass. */
  onTrouble(error: Error): void;
}

/**
 * Folds SQLite's write-ahead log into the database's file (a checkpoint) in a thread of its own. SQLite would do it inside a COMMIT and flush
 * both files there, which holds up all sockets for 10 to 100 ms. The thread begins when there is something to fold for the first time. State of
 * a process; there is but one on SQLite.
 */
export class WalCheckpoints {
  private planned: NodeJS.Timeout | undefined;
  private folding: Promise<void> | undefined;
  private thread: CheckpointThread | undefined;
  private isClosed = false;

  /** @param file of the database */
  constructor(
    private readonly file: string,
    private readonly owner: WalOwner,
  ) {}

  /** Call it after each commit: the log is folded soon, where it is long. */
  committed(): void {
    if (this.planned || this.folding || this.isClosed) return;
    this.planned = setTimeout(() => {
      this.planned = undefined;
      this.folding = this.fold().finally(() => (this.folding = undefined));
    }, LOOK_EVERY_MS).unref();
  }

  /** Folds all of the log, and empties its file. Nobody may write meanwhile. @returns false where a reader was in the way: try again later */
  async truncate(): Promise<boolean> {
    const { isBusy, pagesLeft } = await this.run({ mode: 'TRUNCATE', atLeast: 0 });
    return !isBusy && pagesLeft === 0;
  }

  /** Before the connection that writes is closed, which folds the rest: only the last one to close can. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.planned);
    await this.folding;
    await this.thread?.close();
  }

  private async fold(): Promise<void> {
    try {
      if ((await this.owner.size()) < FOLD_BYTES) return;
      let { pagesLeft } = await this.run({ mode: 'PASSIVE', atLeast: FOLD_PAGES });
      for (let pass = 1; pagesLeft > FEW_PAGES && pass < PASSES && !this.isClosed; pass++)
        ({ pagesLeft } = await this.run(FOLD_ALL));
      // The log begins anew only where all of it is folded, which is never while others write.
      if (pagesLeft > 0 && !this.isClosed) await this.owner.whileNobodyWrites(() => this.run(FOLD_ALL, WITHIN_MS));
    } catch (error) {
      this.owner.onTrouble(error as Error);
    }
  }

  private async run(task: Task, withinMs?: number): Promise<Folded> {
    this.thread ??= new CheckpointThread(this.file, () => (this.thread = undefined));
    const answer = await this.thread.run(task, withinMs);
    if (!('error' in answer)) return answer;
    const error = new Error(answer.error);
    if (answer.code.startsWith('SQLITE_IOERR')) this.owner.onFailure(error);
    throw error;
  }
}

/** One checkpoint after another. */
class CheckpointThread {
  private readonly worker: Worker;
  private readonly waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  private readonly exited: Promise<void>;

  constructor(file: string, onExit: () => void) {
    this.worker = new Worker(require.resolve('#sqlite-checkpoints'), { workerData: { file } });
    this.worker.unref();
    this.worker.on('message', (answer: Answer) => this.waiting.shift()?.resolve(answer));
    let problem = new Error('The thread that folds the log has ended.');
    this.worker.on('error', (error) => (problem = error));
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', () => {
        onExit();
        for (const one of this.waiting.splice(0)) one.reject(problem);
        resolve();
      });
    });
  }

  /** @param withinMs after so long it goes on, and is waited for no longer */
  run(task: Task, withinMs?: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const deadline =
        withinMs === undefined
          ? undefined
          : new Deadline(withinMs, () => reject(new Error(`The log was not folded within ${withinMs} ms.`)));
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T): void => {
          deadline?.met();
          settle(value);
        };
      this.waiting.push({ resolve: done(resolve), reject: done(reject) });
      this.worker.postMessage(task);
    });
  }

  async close(): Promise<void> {
    this.worker.postMessage('close');
    const late = setTimeout(() => void this.worker.terminate(), CLOSED_WITHIN_MS);
    await this.exited;
    clearTimeout(late);
  }
}
