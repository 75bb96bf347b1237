// What is compared: this working tree, and an older commit, checked out and built beside it.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { undoAtTheEnd } from './cleanup.js';

/** A file of the benchmark's own, as compiled. */
export const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export interface Build {
  /** Its folder, with `dist` and `dist-bench` in it. */
  root: string;
  /** How it is named in tables; of this working tree nothing. */
  revision?: string;
}

export const OWN: Build = { root: here('../..') };

/** V8's options with which `npm run start:prod` starts this build. */
export function nodeOptionsOf({ root }: Build): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return scripts['start:prod']?.match(/--[\w-]+=\S+/g) ?? [];
}

/** The npm above names its own package and folder in the environment. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^npm_(config_local_prefix|package|lifecycle|command)|^INIT_CWD$/.test(name),
  ),
);

/** Runs a command to its end, out of the terminal's group: what Ctrl-C means for it is said in `undoOnSignals`. */
async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((done, fail) => child.once('close', done).once('error', fail));
  const hasEnded = undoAtTheEnd(async () => {
    // With everything that it has started.
    process.kill(-child.pid!, 'SIGTERM');
    await ended;
  });
  const code = await ended.finally(hasEnded);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${said.slice(-3_000)}`);
  return said.trim();
}

/**
 * Builds a commit with its own dependencies, in a temporary folder that is removed at the end.
 * @param given a commit, or the folder of a checkout whose dependencies are installed, which is built in place and left there
 */
export async function buildOf(given: string, say: (text: string) => void): Promise<Build> {
  if (existsSync(join(given, 'package.json'))) {
    const root = resolve(given);
    say(`… building ${root}`);
    await run(root, 'npm', 'run', 'prebench');
    return { root, revision: await run(root, 'git', 'rev-parse', '--short', 'HEAD') };
  }
  const revision = await run(OWN.root, 'git', 'rev-parse', '--short', '--verify', `${given}^{commit}`);
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-build-'));
  const root = join(folder, revision);
  undoAtTheEnd(async () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    await run(OWN.root, 'git', 'worktree', 'remove', '--force', root);
  });
  await run(OWN.root, 'git', 'worktree', 'add', '--detach', root, revision);
  await install(root, say);
  say(`… building ${revision}`);
  await run(root, 'npm', 'run', 'prebench');
  return { root, revision };
}

/** Dependencies from the same lockfile are those of this working tree. */
async function install(root: string, say: (text: string) => void): Promise<void> {
  copyDrivers(root);
  if (isSameLock(root, '.')) {
    symlinkSync(join(OWN.root, 'node_modules'), join(root, 'node_modules'));
    await run(root, 'npm', 'run', '--if-present', 'postinstall');
    return;
  }
  say('… installing its dependencies, which are others than ours');
  await run(root, 'npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund');
}

/** Copies, since an installer may replace them; compiling one takes minutes. */
function copyDrivers(root: string): void {
  const drivers = join(root, 'drivers');
  if (!existsSync(drivers)) return;
  for (const name of readdirSync(drivers)) {
    const folder = join('drivers', name);
    if (isSameLock(root, folder))
      cpSync(join(OWN.root, folder, 'node_modules'), join(root, folder, 'node_modules'), { recursive: true });
  }
}

function isSameLock(root: string, folder: string): boolean {
  const lockOf = (tree: string): string | undefined => {
    const file = join(tree, folder, 'package-lock.json');
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  };
  const lock = lockOf(root);
  return lock !== undefined && lock === lockOf(OWN.root) && existsSync(join(OWN.root, folder, 'node_modules'));
}
