// What is measured: Parley on each database, and the baselines, each a process of its own on the server's core.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';
import { canStart, DatabaseServer, freePort } from '../test/support/database-server.js';
import { cpuSeconds, pin, residentBytes, SERVER_CORE } from './cpu.js';
import { type Population, seed, SECRET, type Seeded } from './seed.js';
import { sleep } from './stats.js';

export const SUBJECTS = ['ws', 'socket.io-relay', 'socket.io', 'sqlite', 'mariadb', 'mysql'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const PARLEY = here('../../dist/main.js');
const PROBE = here('./probe.js');

export interface Memory {
  /** Live objects and buffers, after a forced collection, in bytes. */
  held: number;
  resident: number;
}

/** A server under test. */
export class Subject {
  private constructor(
    readonly name: SubjectName,
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly database: DatabaseServer | undefined,
    /** Who may connect, and what is there; a baseline takes a user's id for a token, and has one group. */
    readonly seeded: Seeded,
    private readonly cleanUp: () => void,
  ) {}

  static async start(name: SubjectName, population: Population): Promise<Subject | undefined> {
    if (name === 'sqlite' || name === 'mariadb' || name === 'mysql') return Subject.parley(name, population);
    const [file, ...args] = name === 'ws' ? ['ws.js'] : ['socket-io.js', name === 'socket.io' ? 'deliver' : 'relay'];
    const child = fork(here(`./baselines/${file}`), args, options({}));
    const { port } = await new Promise<{ port: number }>((resolve) => child.once('message', resolve as () => void));
    pin(child.pid!, SERVER_CORE);
    const tokens = Array.from({ length: population.sockets }, (_, i) => String(i + 1));
    return new Subject(name, port, child, undefined, { tokens, historyRoomId: 1, groupIds: [1] }, () => {});
  }

  private static async parley(
    name: 'sqlite' | 'mariadb' | 'mysql',
    population: Population,
  ): Promise<Subject | undefined> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
    if (name !== 'sqlite' && !canStart(name)) return undefined;
    const database = name === 'sqlite' ? undefined : await DatabaseServer.start(name);
    await database?.query('CREATE DATABASE bench');
    const port = await freePort();
    const env = {
      DATA_DIR: folder,
      JWT_SECRET: SECRET,
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'error',
      NODE_ENV: 'production',
      PORT: String(port),
      ...(database && { DATABASE_URL: `${database.url}/bench` }),
    };
    const seeded = await seed(env, population);
    const child = fork(PARLEY, options(env));
    pin(child.pid!, SERVER_CORE);
    if (database) pin(database.pid, SERVER_CORE);
    while (
      !(await fetch(`http://127.0.0.1:${port}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await sleep(50);
    return new Subject(name, port, child, database, seeded, () => rmSync(folder, { recursive: true, force: true }));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Seconds of CPU that the server and its database have used. */
  cpu(): { server: number; database: number } {
    return { server: cpuSeconds(this.pid), database: this.database ? cpuSeconds(this.database.pid) : 0 };
  }

  /** Statements that MariaDB or MySQL has been sent since it started; undefined elsewhere. */
  async statements(): Promise<number | undefined> {
    if (!this.database) return undefined;
    const connection = await createConnection(this.database.url);
    const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Questions'");
    await connection.end();
    return Number((rows as { Value: string }[])[0].Value);
  }

  memory(): Promise<Memory> {
    return new Promise((resolve) => {
      this.child.once('message', (usage) => {
        const { heapUsed, external } = usage as NodeJS.MemoryUsage;
        resolve({ held: heapUsed + external, resident: residentBytes(this.pid) });
      });
      this.child.send('memory');
    });
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    // The probe ends it, in an orderly way, so that a profile is written.
    this.child.disconnect();
    await ended;
    await this.database?.stop();
    this.cleanUp();
  }
}

const options = (env: Record<string, string>) => ({
  env: { PATH: process.env['PATH'], ...env },
  // `BENCH_NODE_OPTIONS="--cpu-prof --cpu-prof-dir=…"` profiles what is measured.
  execArgv: ['--expose-gc', '--import', PROBE, ...(process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? [])],
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'] as ['ignore', 'ignore', 'inherit', 'ipc'],
});
