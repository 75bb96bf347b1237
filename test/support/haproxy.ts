import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createConnection } from 'mysql2/promise';
import { eventually } from './client.js';
import { freePort } from './database-server.js';

const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const BINARY = FOLDERS.map((folder) => join(folder, 'haproxy')).find((file) => existsSync(file));
const fileOf = (name: string): string => fileURLToPath(new URL(`../../deploy/haproxy/${name}`, import.meta.url));

/** Whether this machine has an HAProxy to start. */
export const hasHaproxy = BINARY !== undefined;
if (!hasHaproxy) {
  const missing = 'NO HAPROXY ON THIS MACHINE: deploy/haproxy IS NOT RUN. To run it, apt install haproxy.';
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but: ${missing}`);
  console.warn(`\n*** ${missing}\n`);
}

/** Runs one of the files of deploy/haproxy. */
function run(file: string, env: Record<string, string>): ChildProcess {
  // Says what is wrong, if anything is.
  execFileSync(BINARY!, ['-c', '-f', file], { env, stdio: 'pipe' });
  return spawn(BINARY!, ['-db', '-f', file], { env, stdio: 'ignore' });
}

async function end(one: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => one.once('exit', resolve));
  one.kill('SIGKILL');
  await ended;
}

/** An HAProxy of our own with deploy/haproxy/haproxy.cfg, in front of two nodes. */
export class Haproxy {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  /** Only where `hasHaproxy`. @param ports of the nodes on this machine */
  static async start(ports: readonly number[]): Promise<Haproxy> {
    const port = await freePort();
    const [one, two] = ports.map((node) => `127.0.0.1:${node}`);
    const env = { PARLEY_BIND: `127.0.0.1:${port}`, PARLEY_NODE_1: one, PARLEY_NODE_2: two, PARLEY_MAXCONN: '500' };
    const haproxy = new Haproxy(run(fileOf('haproxy.cfg'), env), `http://127.0.0.1:${port}`);
    await eventually(
      () =>
        fetch(haproxy.url).then(
          () => true,
          () => undefined,
        ),
      'haproxy',
    );
    return haproxy;
  }

  stop(): Promise<void> {
    return end(this.process);
  }
}

/** An HAProxy of our own with deploy/haproxy/database.cfg, in front of the three servers of a cluster. */
export class DatabaseHaproxy {
  private constructor(
    private readonly process: ChildProcess,
    readonly port: number,
  ) {}

  /** Only where `hasHaproxy`. @param ports of the servers on this machine, the one first that is to be asked */
  static async start(ports: readonly number[]): Promise<DatabaseHaproxy> {
    const port = await freePort();
    const env: Record<string, string> = {
      PARLEY_DATABASE_BIND: `127.0.0.1:${port}`,
      PARLEY_PEER_1: `127.0.0.1:${await freePort()}`,
      PARLEY_DATABASE_MAXCONN: '500',
    };
    for (const [i, server] of ports.entries()) env[`PARLEY_DATABASE_${i + 1}`] = `127.0.0.1:${server}`;
    const haproxy = new DatabaseHaproxy(run(fileOf('database.cfg'), env), port);
    await eventually(() => haproxy.serving().catch(() => undefined), 'haproxy');
    return haproxy;
  }

  /** The port of the server that new connections go to. */
  async serving(): Promise<number> {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: this.port,
      user: 'root',
      connectTimeout: 2_000,
    });
    try {
      const [rows] = await connection.query({ sql: 'SELECT @@port AS port', timeout: 2_000 });
      return (rows as { port: number }[])[0].port;
    } finally {
      connection.destroy();
    }
  }

  stop(): Promise<void> {
    return end(this.process);
  }
}
