// One process under test, on the server's core, with the probe in it.
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { here } from './builds.js';
import { cpuSeconds, pin, residentBytes, SERVER_CORE } from './cpu.js';
import type { Inside, Question } from './probe.js';
import { sleep } from './stats.js';

/** What is run, and where. */
export interface Program {
  /** What it is called where something goes wrong. */
  label: string;
  file: string;
  args: string[];
  /** Those of Parley's start for baselines, too. */
  nodeOptions: string[];
  folder: string;
  env: Record<string, string>;
  /** Lines of its log that only say that it stood still between its turns. */
  standstill?: RegExp;
  /** Where it will listen; one without says so itself. */
  port?: number;
}

export interface Memory {
  /** Live objects and buffers, after a forced collection, in bytes. */
  held: number;
  resident: number;
}

const STARTS_WITHIN_MS = 60_000;
const ANSWERS_WITHIN_MS = 30_000;

export class MeasuredProcess {
  port = 0;
  private readonly child: ChildProcess;

  private constructor(private readonly program: Program) {
    const { file, args, nodeOptions, folder, env } = program;
    this.child = fork(file, args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...env },
      // `BENCH_NODE_OPTIONS="--cpu-prof --cpu-prof-dir=…"` profiles what is measured.
      execArgv: [
        ...nodeOptions,
        '--expose-gc',
        '--import',
        here('./probe.js'),
        ...(process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? []),
      ],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    createInterface({ input: this.child.stderr! }).on('line', (line) => {
      if (!program.standstill?.test(line)) process.stderr.write(`${line}\n`);
    });
    pin(this.pid, SERVER_CORE);
  }

  /** Resolves when it serves. */
  static async start(program: Program): Promise<MeasuredProcess> {
    const one = new MeasuredProcess(program);
    const { port } = program;
    one.port = port ?? (await one.hear((message) => (message as { port?: number }).port, STARTS_WITHIN_MS));
    if (port !== undefined) await one.ready(port);
    return one;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** In an orderly way, so that a profile is written: the probe ends it. It must not stand still. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.connected) this.child.disconnect();
    const tooLong = setTimeout(() => this.child.kill('SIGKILL'), ANSWERS_WITHIN_MS / 3);
    await ended;
    clearTimeout(tooLong);
  }

  /** Seconds that it has used. */
  cpu(): number {
    return cpuSeconds(this.pid);
  }

  /** From here on the probe looks at the event loop and the garbage collector. */
  async watch(): Promise<void> {
    await this.ask('watch');
  }

  /** What it has seen since. */
  watched(): Promise<Inside> {
    return this.ask<Inside>('watched');
  }

  async memory(): Promise<Memory> {
    const { heapUsed, external } = await this.ask<NodeJS.MemoryUsage>('memory');
    return { held: heapUsed + external, resident: residentBytes(this.pid) };
  }

  /** The first message of the process that is one. Fails where it ends, or says nothing for too long. */
  private hear<T>(pick: (message: object) => T | undefined, within: number): Promise<T> {
    const { child } = this;
    return new Promise<T>((resolve, reject) => {
      const done = (act: () => void): void => {
        clearTimeout(timer);
        child.off('message', heard).off('exit', ended);
        act();
      };
      const heard = (message: object): void => {
        const content = pick(message);
        if (content !== undefined) done(() => resolve(content));
      };
      const ended = (code: number | null): void =>
        done(() => reject(new Error(`${this.program.label} ended with ${code ?? 'a signal'}`)));
      const timer = setTimeout(() => done(() => reject(new Error(`${this.program.label} says nothing`))), within);
      child.on('message', heard).once('exit', ended);
    });
  }

  private ask<T>(question: Question): Promise<T> {
    const answer = this.hear((message) => {
      const heard = message as { question?: Question; content: T };
      return heard.question === question ? heard.content : undefined;
    }, ANSWERS_WITHIN_MS);
    this.child.send(question);
    return answer;
  }

  private async ready(port: number): Promise<void> {
    for (const until = performance.now() + STARTS_WITHIN_MS; performance.now() < until; await sleep(50)) {
      if (this.child.exitCode !== null) throw new Error(`${this.program.label} ended with ${this.child.exitCode}`);
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.ok) return;
    }
    throw new Error(`${this.program.label} did not become ready`);
  }
}
