import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './client.js';
import { freePort } from './database-server.js';

const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];
const BINARY = FOLDERS.map((folder) => join(folder, 'haproxy')).find((file) => existsSync(file));
const FILE = fileURLToPath(new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url));

/** Whether this machine has an HAProxy to start. */
export const hasHaproxy = BINARY !== undefined;
if (!hasHaproxy) {
  const missing = 'NO HAPROXY ON THIS MACHINE: deploy/haproxy IS NOT RUN. To run it, apt install haproxy.';
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but: ${missing}`);
  console.warn(`\n*** ${missing}\n`);
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
    // Says what is wrong, if anything is.
    execFileSync(BINARY!, ['-c', '-f', FILE], { env, stdio: 'pipe' });
    const haproxy = new Haproxy(
      spawn(BINARY!, ['-db', '-f', FILE], { env, stdio: 'ignore' }),
      `http://127.0.0.1:${port}`,
    );
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

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await ended;
  }
}
