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

/** Last made, first undone. */
export async function undoAll(): Promise<void> {
  for (const step of [...steps].reverse()) {
    steps.delete(step);
    const tooLong = new Promise((resolve) => setTimeout(resolve, STEP_TAKES_MS).unref());
    try {
      await Promise.race([step(), tooLong]);
    } catch (error) {
      process.stderr.write(`${String(error)}\n`);
    }
  }
}

/** Ctrl-C undoes everything and then ends; a second one ends at once. */
export function undoOnSignals(): void {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  let isEnding = false;
  for (const [signal, code] of Object.entries(signals))
    process.on(signal, () => {
      if (isEnding) process.exit(code);
      isEnding = true;
      process.stderr.write('\nCleaning up …\n');
      void undoAll().then(() => process.exit(code));
    });
}
