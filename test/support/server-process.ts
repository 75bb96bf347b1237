import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from './client.js';
import { freePort } from './database-server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The built server as a process of its own, that a test may kill. */
export class ServerProcess {
  output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | NodeJS.Signals>;

  private constructor(
    command: string[],
    env: Record<string, string>,
    readonly port: number,
    private readonly root = ROOT,
  ) {
    // Only what is given: the machine's own environment is no part of the test.
    const path = process.env['PATH'] ?? '';
    this.child = spawn(command[0], command.slice(1), {
      cwd: root,
      env: { PATH: path, PORT: String(port), ...env },
    });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(code ?? signal!)));
  }

  /** Starts `dist/<file>`, by default the server, without waiting for anything; of another folder, what was built there. */
  static async spawn(env: Record<string, string>, file = 'main.js', root = ROOT): Promise<ServerProcess> {
    const port = Number(env['PORT'] ?? (await freePort()));
    return new ServerProcess([process.execPath, `dist/${file}`], env, port, root);
  }

  /** Starts the server as `npm run start:prod` does. */
  static async spawnByNpm(env: Record<string, string>): Promise<ServerProcess> {
    return new ServerProcess(['npm', 'run', 'start:prod'], env, await freePort());
  }

  /** Starts the server and waits until it serves. */
  static async start(env: Record<string, string>, root = ROOT): Promise<ServerProcess> {
    const server = await ServerProcess.spawn(env, 'main.js', root);
    await server.ready();
    return server;
  }

  /** Starts the same program again on the same port, after it ended. */
  static restart(before: ServerProcess, env: Record<string, string>): Promise<ServerProcess> {
    return ServerProcess.start({ ...env, PORT: String(before.port) }, before.root);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @throws where it ends, or does not serve within two minutes, with what it has written */
  async ready(): Promise<true> {
    const hasEnded = this.ended.then((how) => Promise.reject(new Error(`It ended by ${how}.`)));
    try {
      return await Promise.race([this.serves(), hasEnded]);
    } catch (error) {
      throw new Error(`${(error as Error).message} It has written:\n${this.output.slice(-3_000)}`, { cause: error });
    }
  }

  private serves(): Promise<true> {
    return eventually(
      () =>
        fetch(`${this.url}/health/ready`)
          .then(({ ok }) => ok || undefined)
          .catch(() => undefined),
      'the server',
      // A busy machine starts several at once.
      120_000,
    );
  }

  /** How it ended: the exit code, or the signal. */
  exit(): Promise<number | NodeJS.Signals> {
    return this.ended;
  }

  /** Suspends it, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals> {
    this.child.kill(signal);
    return this.ended;
  }
}
