import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';

const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];

const find = (...names: string[]): string | undefined =>
  names.flatMap((name) => FOLDERS.map((folder) => join(folder, name))).find((file) => existsSync(file));

/** A port that nothing listens on right now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** A MariaDB server of our own, in a temporary folder, that a test may also kill. */
export class PrivateMariaDb {
  private process?: ChildProcess;

  private constructor(
    private readonly binary: string,
    private readonly folder: string,
    readonly port: number,
  ) {}

  /** Undefined where the machine has no MariaDB. */
  static async start(): Promise<PrivateMariaDb | undefined> {
    const binary = find('mariadbd');
    const install = find('mariadb-install-db');
    if (!binary || !install) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'parley-mariadb-'));
    // In the common temporary folder, servers that start at the same time delete each other's tables.
    const options = [
      '--no-defaults',
      `--datadir=${folder}/data`,
      `--tmpdir=${folder}`,
      ...(userInfo().uid === 0 ? ['--user=root'] : []),
    ];
    execFileSync(install, [...options, '--auth-root-authentication-method=normal', '--skip-test-db'], {
      stdio: 'pipe',
    });
    const server = new PrivateMariaDb(binary, folder, await freePort());
    await server.run();
    return server;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process!.pid!;
  }

  /** Starts it, or starts it again after `kill`; resolves when it answers. */
  async run(): Promise<void> {
    this.process = spawn(
      this.binary,
      [
        // No configuration of the machine's: its character set is latin1, as MariaDB comes without a distribution's settings.
        '--no-defaults',
        ...(userInfo().uid === 0 ? ['--user=root'] : []),
        `--datadir=${this.folder}/data`,
        `--tmpdir=${this.folder}`,
        `--socket=${this.folder}/socket`,
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        '--max-connections=500',
      ],
      { stdio: 'ignore' },
    );
    for (let attempt = 0; attempt < 300; attempt++) {
      const connection = await createConnection(this.url).catch(() => undefined);
      if (connection) return connection.end();
      await sleep(100);
    }
    throw new Error('The private MariaDB server did not answer within 30 s.');
  }

  async query(statement: string): Promise<Record<string, unknown>[]> {
    const connection = await createConnection(this.url);
    const [rows] = await connection.query(statement);
    await connection.end();
    return rows as Record<string, unknown>[];
  }

  /** As a crash does it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const ended = new Promise((resolve) => this.process!.once('exit', resolve));
    this.process!.kill(signal);
    await ended;
  }

  /** It is there and does nothing, until `thaw`. */
  freeze(): void {
    this.process!.kill('SIGSTOP');
  }

  thaw(): void {
    this.process!.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
