import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.js';
import { failureLine } from '../failure.js';

export type Status = 'ok' | 'warn' | 'fail';

/** What a check has found: a sentence, with its cure where something is wrong. */
export interface Found {
  status: Status;
  text: string;
}

/** One thing to look at. It must change nothing, and may throw: that is a failure with the error's line. */
export interface Check {
  readonly name: string;
  readonly look: (config: Config) => Promise<readonly Found[]>;
}

/** What is shown of one check: a line for each thing found. */
export interface Checked extends Found {
  name: string;
}

export const ok = (text: string): Found => ({ status: 'ok', text });
export const warn = (text: string): Found => ({ status: 'warn', text });
export const fail = (text: string): Found => ({ status: 'fail', text });

/** Longer than what the checks ask waits for by itself, so that mostly the reason is known. */
const WITHIN_MS = 12_000;

/** Makes one check within its deadline. Never throws. */
export async function made({ name, look }: Check, config: Config): Promise<Checked[]> {
  const late = new AbortController();
  const deadline = sleep(WITHIN_MS, [fail(`There was no answer within ${WITHIN_MS / 1_000} s.`)], {
    signal: late.signal,
  });
  // Where it was faster, the deadline ends with an error that nobody waits for.
  deadline.catch(() => undefined);
  try {
    const found = await Promise.race([look(config), deadline]);
    return found.map((one) => ({ name, ...one }));
  } catch (error) {
    return [{ name, ...fail(failureLine(error, false)) }];
  } finally {
    late.abort();
  }
}
