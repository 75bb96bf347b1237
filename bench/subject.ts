// What is measured: a server, or several nodes that are one, with their database and their Redis, if they have them.
import { createConnection } from 'mysql2/promise';
import type { DatabaseServer } from '../test/support/database-server.js';
import type { RedisServer } from '../test/support/redis-server.js';
import { cpuSeconds } from './cpu.js';
import { type Memory, MeasuredProcess, type Program } from './measured-process.js';
import type { Inside } from './probe.js';
import { RedisTraffic } from './redis-traffic.js';
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
  /** One, or each node. */
  programs: Program[];
  database?: DatabaseServer | undefined;
  redis?: RedisServer | undefined;
  /** Who may connect, and what is there; a baseline takes a user's id for a token. */
  seeded: Seeded;
  /** Of several nodes: resolves when they hear each other. */
  joined?: () => Promise<void>;
}

/** Seconds of CPU. */
export interface Cpu {
  server: number;
  database: number;
  redis: number;
}

/** Below this share of its core, over `QUIET_LOOK_MS`, a server has done with what was before. */
const QUIET_SHARE = 0.1;
const QUIET_LOOK_MS = 250;
const QUIET_WITHIN_MS = 5_000;

export class Subject {
  /** Undefined where there is no Redis. */
  readonly traffic: RedisTraffic | undefined;
  private processes: MeasuredProcess[] = [];

  private constructor(private readonly launch: Launch) {
    this.traffic = launch.redis && new RedisTraffic(launch.redis);
  }

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

  /** Of its only process, or of the first node. */
  get port(): number {
    return this.processes[0].port;
  }

  /**
   * Of the node on which a user is. Users of a pair (2 and 3, 4 and 5 …) are on two different ones, and the first ones of all pairs
   * on all, as are any users in a row.
   */
  portOf(user: number): number {
    return this.processes[Math.ceil(user / 2) % this.processes.length].port;
  }

  /** A new process on what is stored. */
  async restart(): Promise<void> {
    await this.stop();
    await this.run();
  }

  async stop(): Promise<void> {
    this.thaw();
    await Promise.all(this.processes.map((one) => one.stop()));
    this.processes = [];
  }

  /** It, its database and its Redis stand still, so that nothing they still have to do takes time from another's turn. */
  freeze(): void {
    for (const pid of this.pids) process.kill(pid, 'SIGSTOP');
  }

  /** What the nodes need goes on before them. */
  thaw(): void {
    for (const pid of this.pids.toReversed()) process.kill(pid, 'SIGCONT');
  }

  /** Until its nodes hear each other: those that stood still have to find each other again. */
  async joined(): Promise<void> {
    await this.launch.joined?.();
  }

  /** Until what earlier rounds have left to do is done, as far as that ends. */
  async quiet(): Promise<void> {
    const total = (): number => Object.values(this.cpu()).reduce((sum, seconds) => sum + seconds, 0);
    for (const until = performance.now() + QUIET_WITHIN_MS; performance.now() < until;) {
      const before = total();
      await sleep(QUIET_LOOK_MS);
      // Also where the machine does not tell.
      if (!(total() - before > (QUIET_SHARE * QUIET_LOOK_MS) / 1000)) return;
    }
  }

  /** What all nodes, the database and Redis have used. */
  cpu(): Cpu {
    const { database, redis } = this.launch;
    return {
      server: this.processes.reduce((sum, one) => sum + one.cpu(), 0),
      database: database ? cpuSeconds(database.pid) : 0,
      redis: redis ? cpuSeconds(redis.pid) : 0,
    };
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
    await Promise.all(this.processes.map((one) => one.watch()));
  }

  /** What it has seen since; of several nodes, what the worst has. */
  async watched(): Promise<Inside> {
    const all = await Promise.all(this.processes.map((one) => one.watched()));
    const worst = (figure: (inside: Inside) => number): number => Math.max(...all.map(figure));
    return {
      loop: {
        p50: worst(({ loop }) => loop.p50),
        p99: worst(({ loop }) => loop.p99),
        max: worst(({ loop }) => loop.max),
      },
      gc: { count: worst(({ gc }) => gc.count), total: worst(({ gc }) => gc.total), max: worst(({ gc }) => gc.max) },
    };
  }

  /** Of its only process, or of the first node. */
  memory(): Promise<Memory> {
    return this.processes[0].memory();
  }

  private get pids(): number[] {
    const { database, redis } = this.launch;
    return [...this.processes, ...(redis ? [redis] : []), ...(database ? [database] : [])].map(({ pid }) => pid);
  }

  /** One after the other, as nodes are: the first one makes the tables. */
  private async run(): Promise<void> {
    for (const program of this.launch.programs) this.processes.push(await MeasuredProcess.start(program));
  }
}
