import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './database-server.js';
import { type PrivateRedis, RedisServer } from './redis-server.js';

const NAME = 'parley-test';

/** A master and a replica of our own, and three Sentinels that see to it that there is always a master. */
export class RedisSentinels implements PrivateRedis {
  private constructor(
    private readonly folder: string,
    readonly servers: readonly RedisServer[],
    readonly sentinels: readonly RedisServer[],
    private readonly isTls: boolean,
  ) {}

  static async start(certificates?: string): Promise<RedisSentinels> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-redis-sentinel-'));
    // Configurations in files: what the Sentinels decide is written there, and holds after a restart.
    const startOne = async (lines: string[], ...options: string[]): Promise<RedisServer> => {
      const port = await freePort();
      const file = join(folder, `${port}.conf`);
      writeFileSync(file, `${lines.join('\n')}\n`);
      return RedisServer.start([file, ...options], port, certificates);
    };
    const common = ['save ""', 'appendonly no', `dir ${folder}`, 'repl-diskless-sync-delay 0'];
    const master = await startOne(common);
    const replica = await startOne([...common, `replicaof 127.0.0.1 ${master.port}`]);
    const sentinels: RedisServer[] = [];
    for (let i = 0; i < 3; i++)
      sentinels.push(
        await startOne(
          [
            `sentinel monitor ${NAME} 127.0.0.1 ${master.port} 2`,
            `sentinel down-after-milliseconds ${NAME} 1000`,
            `sentinel failover-timeout ${NAME} 3000`,
          ],
          '--sentinel',
        ),
      );
    const all = new RedisSentinels(folder, [master, replica], sentinels, certificates !== undefined);
    await all.ready();
    return all;
  }

  get url(): string {
    return `${this.isTls ? 'rediss' : 'redis'}+sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${NAME}`;
  }

  async askOf<T = unknown>(name: string, ...commands: string[][]): Promise<T> {
    return (await this.master()).askOf<T>(name, ...commands);
  }

  async askAll<T = unknown>(command: string[]): Promise<T[]> {
    return [await (await this.master()).ask<T>(command)];
  }

  /** As the Sentinels say it. */
  async master(): Promise<RedisServer> {
    for (const sentinel of this.sentinels.filter(({ isRunning }) => isRunning)) {
      const [, port] = await sentinel.ask<string[]>(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME]);
      const master = this.servers.find((server) => server.port === Number(port));
      if (master) return master;
    }
    throw new Error('No Sentinel names a master.');
  }

  async kill(): Promise<void> {
    for (const server of this.servers) await server.stop();
  }

  async run(): Promise<void> {
    for (const server of [...this.servers, ...this.sentinels]) if (!server.isRunning) await server.run();
    await this.ready();
  }

  freeze(): void {
    for (const server of this.servers) if (server.isRunning) server.freeze();
  }

  thaw(): void {
    for (const server of [...this.servers, ...this.sentinels]) if (server.isRunning) server.thaw();
  }

  async mend(): Promise<void> {
    this.thaw();
    await this.run();
  }

  async stop(): Promise<void> {
    for (const server of [...this.sentinels, ...this.servers]) await server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Resolves once there is a master that has its replica, and the Sentinels know of all and each other. */
  async ready(): Promise<void> {
    for (let attempt = 0; !(await this.isReady().catch(() => false)); attempt++) {
      if (attempt === 1_200) throw new Error('Waited 60 s for a master with a replica, and three Sentinels.');
      await sleep(50);
    }
  }

  private async isReady(): Promise<boolean> {
    const master = await this.master();
    if (!/role:master[^]*connected_slaves:1[^]*state=online/.test(await master.ask<string>(['INFO', 'replication'])))
      return false;
    for (const sentinel of this.sentinels) {
      const fields = await sentinel.ask<string[]>(['SENTINEL', 'MASTER', NAME]);
      const field = (name: string): string => fields[fields.indexOf(name) + 1];
      if (field('port') !== String(master.port) || field('flags') !== 'master') return false;
      if (field('num-slaves') !== '1' || field('num-other-sentinels') !== '2') return false;
    }
    return true;
  }
}
