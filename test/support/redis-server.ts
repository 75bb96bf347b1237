import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { freePort } from './database-server.js';

const binary = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/bin']
  .map((folder) => join(folder, 'redis-server'))
  .find((file) => existsSync(file));

/** Whether this machine has a Redis. With REQUIRE_SERVICES=1, tests that need one fail without. */
export const hasRedis = binary !== undefined || process.env['REQUIRE_SERVICES'] === '1';

/** What a test may do to its Redis, be it one server, a Redis Cluster, or a master with Sentinels. */
export interface PrivateRedis {
  readonly url: string;
  /** Sends commands to the server that has the key or channel now. @returns the answer to the last one */
  askOf<T = unknown>(name: string, ...commands: string[][]): Promise<T>;
  /** Sends a command to each server that has keys and channels. */
  askAll<T = unknown>(command: string[]): Promise<T[]>;
  /** All of it, as a crash does it. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, empty. */
  run(): Promise<void>;
  /** It is there and answers nothing, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Whatever a test has done to it, it runs again. */
  mend(): Promise<void>;
  stop(): Promise<void>;
}

const SINGLE = ['--save', '', '--appendonly', 'no'];

/** A Redis of our own, without data on disk, that a test may kill, pause and start again empty. */
export class RedisServer implements PrivateRedis {
  private process?: ChildProcess;

  private constructor(
    readonly port: number,
    private readonly options: readonly string[],
    private readonly certificates?: string,
  ) {}

  /**
   * @param options of redis-server, beside its port and its address
   * @param certificates the folder of `makeCertificates`: it speaks nothing but TLS then, to clients and to other servers
   */
  static async start(options: readonly string[] = SINGLE, port?: number, certificates?: string): Promise<RedisServer> {
    const server = new RedisServer(port ?? (await freePort()), options, certificates);
    await server.run();
    return server;
  }

  get url(): string {
    return `${this.certificates ? 'rediss' : 'redis'}://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process!.pid!;
  }

  /** Starts it, or starts it again, empty, after `kill`; resolves when it answers. */
  async run(): Promise<void> {
    if (!binary) throw new Error('There is no redis-server on this machine: install redis-server.');
    const options = [...this.options, ...this.portOptions(), '--bind', '127.0.0.1'];
    this.process = spawn(binary, options, { stdio: 'ignore' });
    for (let attempt = 0; attempt < 600; attempt++) {
      if (await this.ask(['PING']).catch(() => undefined)) return;
      await sleep(50);
    }
    throw new Error('The private Redis did not answer within 30 s.');
  }

  private portOptions(): string[] {
    const port = String(this.port);
    if (!this.certificates) return ['--port', port];
    const settings = {
      port: '0',
      'tls-port': port,
      'tls-cert-file': join(this.certificates, 'here.crt'),
      'tls-key-file': join(this.certificates, 'here.key'),
      'tls-ca-cert-file': join(this.certificates, 'ca.crt'),
      'tls-auth-clients': 'no',
      'tls-replication': 'yes',
      'tls-cluster': 'yes',
    };
    return Object.entries(settings).flatMap(([name, setting]) => [`--${name}`, setting]);
  }

  /** Sends a command on a connection of its own. */
  async ask<T = unknown>(command: string[]): Promise<T> {
    return (await this.askAtOnce<T>([command]))[0];
  }

  /** Sends commands in one packet. */
  async askAtOnce<T = unknown>(commands: string[][]): Promise<T[]> {
    const given = { reconnectStrategy: false, connectTimeout: 2_000 } as const;
    const socket = this.certificates
      ? ({ ...given, tls: true, ca: readFileSync(join(this.certificates, 'ca.crt')) } as const)
      : given;
    const client = createClient({ url: this.url, RESP: 2, socket });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await Promise.all(commands.map((command) => client.sendCommand(command)))) as T[];
    } finally {
      client.destroy();
    }
  }

  async askOf<T = unknown>(_name: string, ...commands: string[][]): Promise<T> {
    return (await this.askAtOnce<T>(commands)).at(-1)!;
  }

  async askAll<T = unknown>(command: string[]): Promise<T[]> {
    return [await this.ask<T>(command)];
  }

  /** As a crash does it. */
  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.process!.once('exit', resolve));
    this.process!.kill('SIGKILL');
    await ended;
  }

  /** It is there and answers nothing, until `thaw`. */
  freeze(): void {
    this.process!.kill('SIGSTOP');
  }

  thaw(): void {
    this.process!.kill('SIGCONT');
  }

  /** Whatever a test has done to it, it runs again. */
  async mend(): Promise<void> {
    if (this.isRunning) this.thaw();
    else await this.run();
  }

  async stop(): Promise<void> {
    if (this.isRunning) await this.kill();
  }

  get isRunning(): boolean {
    return this.process?.exitCode === null && this.process.signalCode === null;
  }
}
