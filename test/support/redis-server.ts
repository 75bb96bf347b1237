import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { freePort } from './database-server.js';

const binary = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/bin']
  .map((folder) => join(folder, 'redis-server'))
  .find((file) => existsSync(file));

/** Whether this machine has a Redis. With REQUIRE_SERVICES=1, tests that need one fail without. */
export const hasRedis = binary !== undefined || process.env['REQUIRE_SERVICES'] === '1';

/** A Redis of our own, without data on disk, that a test may kill, pause and start again empty. */
export class RedisServer {
  private process?: ChildProcess;

  private constructor(readonly port: number) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process!.pid!;
  }

  /** Starts it, or starts it again, empty, after `kill`; resolves when it answers. */
  async run(): Promise<void> {
    if (!binary) throw new Error('There is no redis-server on this machine: install redis-server.');
    const options = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.process = spawn(binary, options, { stdio: 'ignore' });
    for (let attempt = 0; attempt < 600; attempt++) {
      if (await this.ask(['PING']).catch(() => undefined)) return;
      await sleep(50);
    }
    throw new Error('The private Redis did not answer within 30 s.');
  }

  /** Sends a command on a connection of its own. */
  async ask<T = unknown>(command: string[]): Promise<T> {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false, connectTimeout: 2_000 } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.sendCommand(command)) as T;
    } finally {
      client.destroy();
    }
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

  private get isRunning(): boolean {
    return this.process?.exitCode === null && this.process.signalCode === null;
  }
}
