import { ParleyError } from '../src/errors.js';
import type { Tabs } from '../src/seams.js';

// What the pages of the tests have as `window.parley`.
export * from '../src/page.js';
export * from '../src/storage.js';
export * from '../src/tabs.js';
export { checkStorage } from './storage-contract.js';

/** What a call fails with, as it can leave the page; undefined where it does not fail. */
export async function faultOf(
  call: Promise<unknown>,
): Promise<{ name: string; code: string; cause: string; retryable: boolean } | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (!ParleyError.is(error)) throw error;
    return { name: error.name, code: error.code, cause: (error.cause as Error).name, retryable: error.retryable };
  }
}

export type LockStep =
  | { readonly ask: string; readonly name: string; readonly mode: 'exclusive' | 'shared'; readonly if_free: boolean }
  | { readonly release: number };

/**
 * Does one step after the other, and says who got which lock when. `release` names an asker by its number; one that waits still will
 * let go of it at once.
 * @param answered resolves when what was asked and released before it has been dealt with
 */
export async function lockLog(
  tabs: Tabs,
  steps: readonly LockStep[],
  answered: () => Promise<unknown>,
): Promise<string[]> {
  let log: string[] = [];
  const told: string[] = [];
  // What follows from one step comes in no order.
  const tell = async (step: string): Promise<void> => {
    // One that ends lets another begin, which may end at once.
    for (let [length, still] = [-1, 0]; still < 3; still++) {
      await answered();
      if (log.length !== length) [length, still] = [log.length, 0];
    }
    told.push(step, ...log.sort());
    log = [];
  };
  const askers: (() => void)[] = [];
  for (const [at, step] of steps.entries()) {
    if ('ask' in step) {
      let release!: () => void;
      const released = new Promise<void>((resolve) => (release = resolve));
      askers.push(release);
      tabs
        .lock(step.name, { mode: step.mode, if_free: step.if_free }, async (got) => {
          log.push(`${step.ask} begins ${got}`);
          if (got) await released;
          return got;
        })
        .then(
          (got) => log.push(`${step.ask} ends ${got}`),
          (error: Error) => log.push(`${step.ask} fails: ${error.message}`),
        );
    } else askers[step.release]?.();
    await tell(`step ${at}`);
  }
  for (const release of askers) {
    release();
    await tell('end');
  }
  return told;
}
