// A server under test: a process of its own on the server's core, with its database, if it has one.
import { type ChildProcess, fork } from 'node:child_process';
import { createConnection } from 'mysql2/promise';
import type { DatabaseServer } from '../test/support/database-server.js';
import { cpuSeconds, pin, residentBytes, SERVER_CORE } from './cpu.js';
import type { Inside, Question } from './probe.js';
import { here } from './builds.js';
import type { Seeded } from './seed.js';
import { sleep } from './stats.js';

export const BASELINES = ['ws', 'limit', 'socket.io-relay', 'socket.io', 'fastify'] as const;
export const DATABASES = ['sqlite', 'mariadb', 'mysql'] as const;
export const SUBJECTS = [...BASELINES, ...DATABASES] as const;
export type BaselineName = (typeof BASELINES)[number];
export type DatabaseName = (typeof DATABASES)[number];
export type SubjectName = (typeof SUBJECTS)[number];

/** How to start one, as often as one likes. */
export interface Launch {
  name: SubjectName;
  /** What it is called in tables: of an older build, its commit is named, too. */
  label: string;
  file: string;
  args: string[];
  folder: string;
  env: Record<string, string>;
  /** Where it will listen; one without says so itself. */
  port?: number;
  database?: DatabaseServer | undefined;
  /** Who may connect, and what is there; a baseline takes a user's id for a token. */
  seeded: Seeded;
}

export interface Memory {
  /** Live objects and buffers, after a forced collection, in bytes. */
  held: number;
  resident: number;
}

const STARTS_WITHIN_MS = 60_000;
const ANSWERS_WITHIN_MS = 30_000;
/** Below this share of its core, over `QUIET_LOOK_MS`, a server has done with what was before. */
const QUIET_SHARE = 0.1;
const QUIET_LOOK_MS = 250;
const QUIET_WITHIN_MS = 5_000;

export class Subject {
  port = 0;
  private child!: ChildProcess;

  private constructor(private readonly launch: Launch) {}

  static async start(launch: Launch): Promise<Subject> {
    const subject = new Subject(launch);
    await subject.run();
    return subject;
  }

  get name(): SubjectName {
    return this.launch.name;
  }

  get label(): string {
    return this.launch.label;
  }

  get seeded(): Seeded {
    return this.launch.seeded;
  }

  get isParley(): boolean {
    return (DATABASES as readonly string[]).includes(this.name);
  }

  /** A new process on what is stored. */
  async restart(): Promise<void> {
    await this.stop();
    await this.run();
  }

  /** In an orderly way, so that a profile is written: the probe ends it. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.thaw();
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.connected) this.child.disconnect();
    const tooLong = setTimeout(() => this.child.kill('SIGKILL'), ANSWERS_WITHIN_MS / 3);
    await ended;
    clearTimeout(tooLong);
  }

  /** It and its database stand still, so that nothing they still have to do takes time from another's turn. */
  freeze(): void {
    for (const pid of this.pids) process.kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of this.pids) process.kill(pid, 'SIGCONT');
  }

  /** Until what earlier rounds have left to do is done, as far as that ends. */
  async quiet(): Promise<void> {
    const total = (): number => this.cpu().server + this.cpu().database;
    for (const until = performance.now() + QUIET_WITHIN_MS; performance.now() < until;) {
      const before = total();
      await sleep(QUIET_LOOK_MS);
      // Also where the machine does not tell.
      if (!(total() - before > (QUIET_SHARE * QUIET_LOOK_MS) / 1000)) return;
    }
  }

  /** Seconds of CPU that the server and its database have used. */
  cpu(): { server: number; database: number } {
    const { database } = this.launch;
    return { server: cpuSeconds(this.child.pid!), database: database ? cpuSeconds(database.pid) : 0 };
  }

  /** Statements that MariaDB or MySQL has been sent since it started; undefined elsewhere. */
  async statements(): Promise<number | undefined> {
    if (!this.launch.database) return undefined;
    const connection = await createConnection(this.launch.database.url);
    const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Questions'");
    await connection.end();
    return Number((rows as { Value: string }[])[0].Value);
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
    return { held: heapUsed + external, resident: residentBytes(this.child.pid!) };
  }

  private get pids(): number[] {
    const { database } = this.launch;
    return [this.child.pid!, ...(database ? [database.pid] : [])];
  }

  private async run(): Promise<void> {
    const { file, args, folder, env, port } = this.launch;
    this.child = fork(file, args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...env },
      // `BENCH_NODE_OPTIONS="--cpu-prof --cpu-prof-dir=…"` profiles what is measured.
      execArgv: [
        '--expose-gc',
        '--import',
        here('./probe.js'),
        ...(process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? []),
      ],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    pin(this.child.pid!, SERVER_CORE);
    this.port = port ?? (await this.hear((message) => (message as { port?: number }).port, STARTS_WITHIN_MS));
    if (port !== undefined) await this.ready(port);
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
        done(() => reject(new Error(`${this.label} ended with ${code ?? 'a signal'}`)));
      const timer = setTimeout(() => done(() => reject(new Error(`${this.label} says nothing`))), within);
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
      if (this.child.exitCode !== null) throw new Error(`${this.label} ended with ${this.child.exitCode}`);
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.ok) return;
    }
    throw new Error(`${this.label} did not become ready`);
  }
}
