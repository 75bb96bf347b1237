import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './database-server.js';
import { type PrivateRedis, RedisServer } from './redis-server.js';

const SLOTS = 16_384;

/** A Redis Cluster of our own, of three masters, each with a replica or none. */
export class RedisClusterServers implements PrivateRedis {
  private constructor(
    private readonly folder: string,
    readonly servers: RedisServer[],
    /** Those that have slots in the beginning. */
    readonly masters: RedisServer[],
    private readonly isTls: boolean,
  ) {}

  static async start({
    withReplicas = false,
    masters = 3,
    certificates,
  }: { withReplicas?: boolean; masters?: number; certificates?: string } = {}): Promise<RedisClusterServers> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-redis-cluster-'));
    const servers: RedisServer[] = [];
    for (let i = 0; i < masters * (withReplicas ? 2 : 1); i++) {
      const port = await freePort();
      const settings = {
        save: '',
        appendonly: 'no',
        dir: folder,
        'cluster-enabled': 'yes',
        'cluster-config-file': `${port}.conf`,
        'cluster-port': String(await freePort()),
        'cluster-node-timeout': '1000',
        'cluster-announce-ip': '127.0.0.1',
        // A replica that was cut off for a while may take over all the same, so that all goes on with what is left.
        'cluster-replica-validity-factor': '0',
        'repl-diskless-sync-delay': '0',
      };
      const options = Object.entries(settings).flatMap(([name, setting]) => [`--${name}`, setting]);
      servers.push(await RedisServer.start(options, port, certificates));
    }
    const cluster = new RedisClusterServers(folder, servers, servers.slice(0, masters), certificates !== undefined);
    await cluster.join();
    return cluster;
  }

  get url(): string {
    return `${this.isTls ? 'rediss' : 'redis'}://${this.servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  async askOf<T = unknown>(name: string, ...commands: string[][]): Promise<T> {
    return (await this.masterOf(name)).askOf<T>(name, ...commands);
  }

  async askAll<T = unknown>(command: string[]): Promise<T[]> {
    const masters = new Set<RedisServer>();
    for (const server of this.servers) if ((await server.ask<[string]>(['ROLE']))[0] === 'master') masters.add(server);
    return Promise.all([...masters].map((master) => master.ask<T>(command)));
  }

  /** The server that has this key or channel now. */
  async masterOf(name: string): Promise<RedisServer> {
    const one = this.servers.find(({ isRunning }) => isRunning)!;
    return this.masterOfSlot(await one.ask<number>(['CLUSTER', 'KEYSLOT', name]));
  }

  /** As the servers that answer say it. */
  async masterOfSlot(slot: number): Promise<RedisServer> {
    const ports: number[] = [];
    for (const server of this.servers) {
      const ranges = await withinTime(server.ask<[number, number, [string, number]][]>(['CLUSTER', 'SLOTS']));
      for (const [from, to, [, port]] of ranges ?? []) if (from <= slot && slot <= to) ports.push(port);
    }
    const most = (port: number): number => ports.filter((one) => one === port).length;
    ports.sort((a, b) => most(b) - most(a));
    const master = this.servers.find(({ port }) => port === ports[0]);
    if (!master) throw new Error(`Nobody has slot ${slot}.`);
    return master;
  }

  async replicaOf(master: RedisServer): Promise<RedisServer> {
    const id = await master.ask<string>(['CLUSTER', 'MYID']);
    const [line] = await master.ask<string[]>(['CLUSTER', 'REPLICAS', id]);
    return this.servers.find(({ port }) => line.includes(`:${port}@`))!;
  }

  /** Gives an empty slot to another master, as `redis-cli --cluster reshard` does it. */
  async moveSlot(slot: number, to: RedisServer): Promise<void> {
    const [from, id] = [await this.masterOfSlot(slot), await to.ask<string>(['CLUSTER', 'MYID'])];
    if (from === to) return;
    const fromId = await from.ask<string>(['CLUSTER', 'MYID']);
    await to.ask(['CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId]);
    await from.ask(['CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', id]);
    const keys = await from.ask<string[]>(['CLUSTER', 'GETKEYSINSLOT', String(slot), '100']);
    if (keys.length > 0) await from.ask(['MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys]);
    for (const server of [to, from]) await server.ask(['CLUSTER', 'SETSLOT', String(slot), 'NODE', id]);
  }

  async kill(): Promise<void> {
    for (const server of this.servers) await server.stop();
  }

  async run(): Promise<void> {
    for (const server of this.servers) if (!server.isRunning) await server.run();
    await this.ready();
  }

  freeze(): void {
    for (const server of this.servers) if (server.isRunning) server.freeze();
  }

  thaw(): void {
    for (const server of this.servers) if (server.isRunning) server.thaw();
  }

  async mend(): Promise<void> {
    this.thaw();
    await this.run();
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Resolves once all servers agree that all slots are served. */
  async ready(): Promise<void> {
    await this.until('that the Redis Cluster is whole', async (server) =>
      (await server.ask<string>(['CLUSTER', 'INFO'])).includes('cluster_state:ok'),
    );
  }

  private async join(): Promise<void> {
    const [first, ...others] = this.servers;
    for (const [i, server] of this.servers.entries()) await server.ask(['CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1)]);
    for (const [i, master] of this.masters.entries()) {
      const edge = (n: number): number => Math.floor((n * SLOTS) / this.masters.length);
      await master.ask(['CLUSTER', 'ADDSLOTSRANGE', String(edge(i)), String(edge(i + 1) - 1)]);
    }
    const meet = async (): Promise<void> => {
      for (const other of others) {
        const [, , busPort] = /:(\d+)@(\d+)/.exec(await other.ask<string>(['CLUSTER', 'NODES'])) ?? [];
        await first.ask(['CLUSTER', 'MEET', '127.0.0.1', String(other.port), busPort]);
      }
    };
    await meet();
    // On a busy machine a server may give up a handshake that takes too long.
    const again = setInterval(() => void meet().catch(() => undefined), 5_000);
    await this.until('that all servers know each other', async (server) =>
      (await server.ask<string>(['CLUSTER', 'INFO'])).includes(`cluster_known_nodes:${this.servers.length}`),
    ).finally(() => clearInterval(again));
    for (const [i, replica] of this.servers.slice(this.masters.length).entries()) {
      const id = await this.masters[i].ask<string>(['CLUSTER', 'MYID']);
      // Not before it knows that this is a master.
      await this.until('that a replica follows', async (server) =>
        server === replica ? (await server.ask(['CLUSTER', 'REPLICATE', id]).catch(() => undefined)) === 'OK' : true,
      );
    }
    await this.ready();
    if (this.servers.length > this.masters.length)
      await this.until('that the replicas have all', async (server) =>
        !this.masters.includes(server)
          ? (await server.ask<string>(['INFO', 'replication'])).includes('master_link_status:up')
          : (await server.ask<string>(['INFO', 'replication'])).includes('connected_slaves:1'),
      );
  }

  private async until(what: string, isSo: (server: RedisServer) => Promise<boolean>): Promise<void> {
    for (const server of this.servers) {
      for (let attempt = 0; !(await isSo(server).catch(() => false)); attempt++) {
        if (attempt === 1_200) throw new Error(`Waited 60 s for this: ${what}.`);
        await sleep(50);
      }
    }
  }
}

/** Undefined where the server is paused, or away. */
const withinTime = <T>(asked: Promise<T>): Promise<T | undefined> =>
  Promise.race([asked.catch(() => undefined), sleep(500, undefined)]);
