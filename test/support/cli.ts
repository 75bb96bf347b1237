import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Longer than any command takes on a machine that is busy. */
const WITHIN_MS = 150_000;

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the built `parley` with these words, and nothing in its environment but what is given. */
export const parley = (env: Record<string, string>, ...words: string[]): Promise<Ran> => parleyIn(ROOT, env, ...words);

/** Nobody: the modes of files do not bind root. Whoever else runs the tests is bound by them. */
export const WITHOUT_ROOT: { uid?: number; gid?: number } =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/** The same as a user whom the modes of files bind. */
export const parleyWithoutRoot = (env: Record<string, string>, ...words: string[]): Promise<Ran> =>
  runIn(ROOT, WITHOUT_ROOT, env, words);

/** The same in another folder. */
export const parleyIn = (cwd: string, env: Record<string, string>, ...words: string[]): Promise<Ran> =>
  runIn(cwd, {}, env, words);

function runIn(
  cwd: string,
  who: { uid?: number; gid?: number },
  env: Record<string, string>,
  words: readonly string[],
): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(ROOT, 'dist/cli.js'), ...words],
      { cwd, ...who, env: { PATH: process.env['PATH'], ...env }, timeout: WITHIN_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) =>
        resolve({ code: error ? ((error as { code?: number }).code ?? -1) : 0, stdout, stderr }),
    );
  });
}

/** Its answer to `--json`. */
export const parleyJson = async (env: Record<string, string>, ...words: string[]): Promise<any> =>
  JSON.parse((await parley(env, ...words, '--json')).stdout);

/** Runs it, and kills it with SIGKILL as soon as `isThen`. @returns whether it was killed, and had not ended before */
export async function parleyKilled(
  env: Record<string, string>,
  words: readonly string[],
  isThen: () => Promise<boolean> | boolean,
): Promise<boolean> {
  const child = spawn(process.execPath, [join(ROOT, 'dist/cli.js'), ...words], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'ignore',
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  );
  const until = Date.now() + WITHIN_MS;
  while (child.exitCode === null && Date.now() < until && !(await isThen())) await sleep(2);
  child.kill('SIGKILL');
  return (await ended) === 'SIGKILL';
}
