// How many things that block a thread the server does at once: hashes, flushes to disk, look-ups of names.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { emptyEnvironment, temporaryFolder } from '../support/app.js';
import { eventually } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';

const TAKE_THREADS = fileURLToPath(new URL('../support/take-threads.cjs', import.meta.url));
/** Node 20 reads main.js in such a thread: that is too late for it to say how many there are. */
const MAY_SAY_ITSELF = Number(process.versions.node.split('.')[0]) >= 22;

describe('the server has eight threads', () => {
  let server: ServerProcess;
  /** Pipes that nobody has written to. */
  const unwritten = new Set<string>();
  let cleanUp: () => Promise<void>;
  afterEach(async () => {
    // A thread that waits would keep the server from ending.
    for (const pipe of unwritten) await eventually(() => write(pipe) || undefined, pipe, 2_000).catch(() => undefined);
    unwritten.clear();
    await server.kill('SIGTERM');
    await cleanUp();
  });

  /** Opens a pipe for writing; false where nobody is about to read it. Whoever is gets on. */
  function write(pipe: string): boolean {
    try {
      closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
      unwritten.delete(pipe);
      return true;
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENXIO');
      return false;
    }
  }

  /** Whether eight things wait in threads at once. */
  async function hasEight(spawn: (env: Record<string, string>) => Promise<ServerProcess>): Promise<boolean> {
    const folder = temporaryFolder();
    const pipes = Array.from({ length: 8 }, (_, i) => join(folder, String(i + 1)));
    execFileSync('mkfifo', pipes);
    for (const pipe of pipes) unwritten.add(pipe);
    const { env, cleanUp: end } = await emptyEnvironment('sqlite');
    cleanUp = end;
    const { PORT: _, PUBLIC_URL: __, ...rest } = env;
    server = await spawn({ ...rest, PIPES: folder, NODE_OPTIONS: `--require ${TAKE_THREADS}` });
    await server.ready();
    writeFileSync(join(folder, 'go'), '');
    // They are taken in order, and none of those before gets on: the last one waits in the eighth thread.
    return eventually(() => write(pipes[7]) || undefined, 'the eighth thread');
  }

  it('when npm starts it', async () => {
    expect(await hasEight((env) => ServerProcess.spawnByNpm(env))).toBe(true);
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    expect(scripts['start']).toBe(scripts['start:prod']);
  });

  it.runIf(MAY_SAY_ITSELF)('when it is started by itself', async () => {
    expect(await hasEight((env) => ServerProcess.spawn(env))).toBe(true);
  });

  it('when the environment says so', async () => {
    expect(await hasEight((env) => ServerProcess.spawn({ ...env, UV_THREADPOOL_SIZE: '8' }))).toBe(true);
  });
});
