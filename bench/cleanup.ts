// What has to be undone at the end, whatever the end is: servers, temporary folders, working trees.

type Step = () => void | Promise<void>;

const steps = new Set<Step>();

/** One that does not end is left behind. */
const STEP_TAKES_MS = 15_000;

/** @returns what to call when there is nothing to undo any more */
export function undoAtTheEnd(step: Step): () => void {
  steps.add(step);
  return () => void steps.delete(step);
}

let undoing: Promise<void> | undefined;

/** Last made, first undone. Whoever asks meanwhile waits for the same. */
export function undoAll(): Promise<void> {
  undoing ??= undoSteps().finally(() => (undoing = undefined));
  return undoing;
}

async function undoSteps(): Promise<void> {
  // Until there are none: what was interrupted may have made one more meanwhile.
  for (let step = [...steps].at(-1); step; step = [...steps].at(-1)) {
    steps.delete(step);
    const tooLong = new Promise((resolve) => setTimeout(resolve, STEP_TAKES_MS).unref());
    try {
      await Promise.race([step(), tooLong]);
    } catch (error) {
      process.stderr.write(`${String(error)}\n`);
    }
  }
}

let isEnding = false;

/** Whether it was told to end: what fails from here on fails for that reason. */
export const isInterrupted = (): boolean => isEnding;

/** Ctrl-C undoes everything and then ends; a second one ends at once. So does an error that nobody has caught. */
export function undoOnSignals(): void {
  const end = (code: number): void => {
    if (isEnding) process.exit(code);
    isEnding = true;
    process.stderr.write('\nCleaning up …\n');
    void undoAll().then(() => process.exit(code));
  };
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  for (const [signal, code] of Object.entries(signals)) process.on(signal, () => end(code));
  process.on('uncaughtException', (error) => {
    // What was interrupted fails, and is no news.
    if (isEnding) return;
    process.stderr.write(`${error.stack ?? error.message}\n`);
    end(1);
  });
}
