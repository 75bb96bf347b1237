import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { describe } from 'vitest';
import { eventually } from './client.js';
import { find, freePort, freeze, isRoot } from './database-server.js';
import { hasHaproxy } from './haproxy.js';
import { hasRedis } from './redis-server.js';

/** Where packages of Galera 4 put it. */
const PROVIDER = ['/usr/lib/galera/libgalera_smm.so', '/usr/lib64/galera-4/libgalera_smm.so'].find((file) =>
  existsSync(file),
);
const [SERVER, INSTALL] = [find('mariadbd'), find('mariadb-install-db')];
const isChosen = process.env['TEST_DIALECTS']?.split(',').includes('galera') ?? true;

/** Whether this machine has what a Galera cluster is started from. */
export const hasGalera = isChosen && Boolean(PROVIDER && SERVER && INSTALL);
if (isChosen && !hasGalera) {
  const missing = 'NO GALERA ON THIS MACHINE: TESTS ON A CLUSTER ARE SKIPPED. To run them, apt install galera-4.';
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but: ${missing}`);
  console.warn(`\n*** ${missing}\n`);
}

/** Tests on a cluster behind HAProxy, by nodes with a Redis. */
export function onGalera(name: string, tests: () => void): void {
  describe.skipIf(!hasGalera || !hasHaproxy || !hasRedis)(`${name} on a Galera cluster`, tests);
}

/** Whose processes the servers are: root may not run them, and need not where somebody else runs the tests. */
function owner(): { uid: number; gid: number } | undefined {
  if (!isRoot) return undefined;
  const [, , uid, gid] = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith('nobody:'))!
    .split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

interface Ports {
  sql: number;
  group: number;
  transfer: number;
}

/** One server of the cluster, which a test may kill, freeze, and start again. */
export class GaleraNode {
  private process: ChildProcess | undefined;

  constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly ports: Ports,
    private readonly address: string,
  ) {}

  get port(): number {
    return this.ports.sql;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }

  /** What the server has said last. */
  get log(): string {
    return readFileSync(join(this.folder, `${this.name}.log`), 'utf8').slice(-6_000);
  }

  get isRunning(): boolean {
    return this.process !== undefined;
  }

  /** Where its data is, before it first runs. */
  get dataFolder(): string {
    return join(this.folder, this.name);
  }

  /** Starts the first one of a new cluster, or joins: also again, after `kill`. Resolves when it serves. */
  async run({ isFirst = false } = {}): Promise<void> {
    const position = isFirst ? [] : this.recover();
    const { sql, group, transfer } = this.ports;
    const at = (port: number): string => `127.0.0.1:${port}`;
    const provider = [
      'base_host=127.0.0.1',
      `base_port=${group}`,
      `gmcast.listen_addr=tcp://${at(group)}`,
      `ist.recv_addr=${at(transfer)}`,
      `ist.recv_bind=${at(transfer)}`,
      'gcache.size=32M',
      // As short as docs/operations.md allows: tests wait for it.
      'evs.suspect_timeout=PT2S',
      'evs.inactive_timeout=PT4S',
      'evs.inactive_check_period=PT0.25S',
      'evs.keepalive_period=PT0.5S',
    ].join(';');
    const own = this.start([
      `--port=${sql}`,
      '--bind-address=127.0.0.1',
      // No line for each connection that a test leaves.
      '--log-warnings=1',
      '--max-connections=500',
      `--wsrep-cluster-address=${isFirst ? 'gcomm://' : this.address}`,
      ...(isFirst ? ['--wsrep-new-cluster'] : []),
      ...position,
      `--wsrep-node-address=${at(group)}`,
      `--wsrep-provider-options=${provider}`,
    ]);
    let hasEnded = false;
    own.once('exit', () => (hasEnded = true));
    this.process = own;
    const serves = async (): Promise<true | undefined> => {
      if (hasEnded) throw new Error(`${this.name} did not start:\n${this.log}`);
      const rows = await this.query<{ Value: string }>("SHOW STATUS LIKE 'wsrep_local_state'").catch(() => []);
      // Synced.
      return rows[0]?.Value === '4' || undefined;
    };
    await eventually(serves, `${this.name} of the cluster`, 60_000).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.log}`);
    });
  }

  /** How far a server that was killed had come: its files say so, and it then gets from the others only what it has missed. */
  private recover(): string[] {
    const log = join(this.folder, `${this.name}.recovery`);
    rmSync(log, { force: true });
    const { status } = spawnSync(
      SERVER!,
      [
        ...this.options(),
        '--skip-networking',
        '--wsrep-cluster-address=gcomm://',
        '--wsrep-recover',
        `--log-error=${log}`,
      ],
      {
        stdio: 'ignore',
        ...owner(),
      },
    );
    const said = existsSync(log) ? readFileSync(log, 'utf8') : 'It has written nothing.';
    const [, position] = /Recovered position:? *(\S+)/.exec(said) ?? [];
    if (!position) throw new Error(`${this.name} could not be recovered (${status}):\n${said.slice(-3_000)}`);
    return [`--wsrep-start-position=${position}`];
  }

  private options(): string[] {
    return [
      '--no-defaults',
      `--datadir=${this.dataFolder}`,
      `--tmpdir=${this.folder}`,
      `--socket=${join(this.folder, `${this.name}.socket`)}`,
      `--pid-file=${join(this.folder, `${this.name}.pid`)}`,
      '--innodb-buffer-pool-size=64M',
      '--innodb-log-file-size=16M',
      // Only processes are killed here: what is written is there, also where it is not flushed.
      '--innodb-flush-method=nosync',
      '--binlog-format=ROW',
      '--innodb-autoinc-lock-mode=2',
      '--wsrep-on=ON',
      `--wsrep-provider=${PROVIDER}`,
      '--wsrep-cluster-name=parley',
      `--wsrep-node-name=${this.name}`,
      // Nobody needs a copy of everything: all begin with the same data. Debian's own ways to make one are in mariadb-server.
      '--wsrep-sst-method=parley',
    ];
  }

  private start(options: string[]): ChildProcess {
    const log = `--log-error=${join(this.folder, `${this.name}.log`)}`;
    const env = { ...process.env, PATH: `${this.folder}:${process.env['PATH']}` };
    return spawn(SERVER!, [...this.options(), log, ...options], { stdio: 'ignore', env, ...owner() });
  }

  async query<T = Record<string, unknown>>(statement: string, database?: string): Promise<T[]> {
    const connection = await createConnection({ uri: this.url, connectTimeout: 2_000, ...(database && { database }) });
    try {
      const [rows] = await connection.query({ sql: statement, timeout: 30_000 });
      return rows as T[];
    } finally {
      connection.destroy();
    }
  }

  /** By default as a crash does it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { process: own } = this;
    if (!own) return;
    this.process = undefined;
    if (own.exitCode !== null || own.signalCode !== null) return;
    const ended = new Promise((resolve) => own.once('exit', resolve));
    own.kill(signal);
    await ended;
  }

  /** It hears nothing of the others, and they nothing of it, while clients reach it; or all is as before. */
  async isolate(isOn: boolean): Promise<void> {
    await this.query(`SET GLOBAL wsrep_provider_options = 'gmcast.isolate=${Number(isOn)}'`);
  }

  /** It is there and does nothing, until `thaw`. */
  freeze(): Promise<void> {
    return freeze(this.process!);
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }
}

/** Three servers of MariaDB in a cluster of their own, on free ports, with data in a temporary folder. */
export class GaleraCluster {
  private constructor(
    readonly nodes: readonly GaleraNode[],
    private readonly folder: string,
  ) {}

  /** Only where `hasGalera`. */
  static async start(count = 3): Promise<GaleraCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-galera-'));
    chmodSync(folder, 0o777);
    const transfer = join(folder, 'wsrep_sst_parley');
    cpSync(fileURLToPath(new URL('galera-transfer.sh', import.meta.url)), transfer);
    chmodSync(transfer, 0o755);
    const ports: Ports[] = [];
    for (let i = 0; i < count; i++)
      ports.push({ sql: await freePort(), group: await freePort(), transfer: await freePort() });
    const address = `gcomm://${ports.map(({ group }) => `127.0.0.1:${group}`).join(',')}`;
    const nodes = ports.map((own, i) => new GaleraNode(folder, `n${i + 1}`, own, address));
    const cluster = new GaleraCluster(nodes, folder);
    try {
      const [first] = nodes;
      mkdirSync(first.dataFolder);
      const as = owner();
      if (as) chownSync(first.dataFolder, as.uid, as.gid);
      const made = ['--auth-root-authentication-method=normal', '--skip-test-db', '--innodb-flush-method=nosync'];
      const options = ['--no-defaults', `--datadir=${first.dataFolder}`, `--tmpdir=${folder}`];
      execFileSync(INSTALL!, [...options, ...made, '--innodb-log-file-size=16M'], { stdio: 'pipe', ...as });
      // The others begin with the data of the first one, and so need no copy from it: they catch up.
      await first.run({ isFirst: true });
      await first.query("CREATE USER 'parley_check'@'%'");
      await first.kill('SIGTERM');
      for (const node of nodes.slice(1)) {
        cpSync(first.dataFolder, node.dataFolder, { recursive: true });
        if (as)
          for (const file of ['', ...readdirSync(node.dataFolder, { recursive: true })])
            chownSync(join(node.dataFolder, String(file)), as.uid, as.gid);
      }
      await first.run({ isFirst: true });
      for (const node of nodes.slice(1)) await node.run();
      await cluster.isWhole();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** All servers serve, and know of each other. */
  async isWhole(): Promise<void> {
    const knows = async (node: GaleraNode): Promise<boolean> => {
      const sql = "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_size', 'wsrep_local_state')";
      const rows = await node.query<{ Value: string }>(sql).catch(() => []);
      return (
        rows
          .map(({ Value }) => Value)
          .sort()
          .join() === `${this.nodes.length},4`
      );
    };
    const all = async () => (await Promise.all(this.nodes.map(knows))).every(Boolean) || undefined;
    await eventually(all, 'that the cluster is whole', 60_000);
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.kill();
    await sleep(0);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
