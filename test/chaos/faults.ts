import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseServer } from '../support/database-server.js';
import type { PrivateRedis } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';
import type { TcpProxy } from '../support/tcp-proxy.js';
import { between } from '../../client/src/testing/random.js';
import { redisFaults } from './redis-faults.js';

/** What the nodes keep everything in, and what can be done to it: one server, or a cluster of them. */
export interface ChaosDatabase extends Pick<DatabaseServer, 'freeze' | 'thaw' | 'kill' | 'run' | 'query' | 'url'> {
  /** Where the node of this number finds it. */
  portOf?(node: number): number;
  readonly port: number;
  /** Cuts the server that writes off from the others, and back again. */
  isolate?(): Promise<void>;
  rejoin?(): Promise<void>;
}

/** How often a node is started before that counts as a fault of ours. */
const MOST_STARTS = 5;

/** What was amiss, and when, in milliseconds of `performance.now()`. */
export interface Fault {
  readonly what: string;
  readonly from: number;
  to: number;
}

/** Nodes, Redis and the database, and what is done to them. */
export class Machinery {
  readonly faults: Fault[] = [];

  constructor(
    readonly nodes: ServerProcess[],
    private readonly envs: Record<string, string>[],
    readonly database: ChaosDatabase,
    private readonly redis: PrivateRedis,
    /**
     * Of each node, what stands between it and the database, and between it and Redis. Nothing stands there where Redis is several servers:
     * nodes connect to the addresses that these announce.
     */
    private readonly lines: readonly { readonly database: TcpProxy; readonly redis?: TcpProxy }[],
    private readonly random: () => number,
    private readonly say: (line: string) => void,
  ) {}

  /** Breaks one thing after the other until `until`, and leaves everything whole. */
  async breakUntil(until: number): Promise<void> {
    const ways = [
      () => this.killNode('SIGKILL'),
      () => this.killNode('SIGTERM'),
      () => this.pauseNode(),
      () => this.killRedis(),
      () => this.pauseRedis(),
      () => this.pauseDatabase(),
      () => this.killDatabase(),
      () => this.cutOff('database'),
      ...(this.lines[0].redis ? [() => this.cutOff('redis')] : []),
      ...redisFaults(this.redis, this.random).map((fault) => async () => {
        const breakage = await fault();
        await this.during(breakage.what, () => breakage.happen());
      }),
      // What a cluster is for, more often. Last, so that what a seed leads to on others stays.
      ...(this.database.isolate
        ? [
            () => this.isolateDatabase(),
            () => this.isolateDatabase(),
            () => this.pauseDatabase(),
            () => this.killDatabase(),
          ]
        : []),
    ];
    while (performance.now() < until) {
      await sleep(between(this.random, [1_000, 5_000]));
      const way = ways[Math.floor(this.random() * ways.length)];
      await way();
    }
  }

  /** Whether something was amiss between these moments. */
  wasAmiss(from: number, to: number): boolean {
    return this.faults.some((fault) => fault.from < to && fault.to > from);
  }

  private async during(what: string, work: () => Promise<void>): Promise<void> {
    const fault: Fault = { what, from: performance.now(), to: Infinity };
    this.faults.push(fault);
    this.say(what);
    await work();
    fault.to = performance.now();
  }

  private pick(): number {
    return Math.floor(this.random() * this.nodes.length);
  }

  private async killNode(signal: NodeJS.Signals): Promise<void> {
    const [i, pause] = [this.pick(), between(this.random, [0, 6_000])];
    await this.during(`${signal} to node ${i}, started again after ${pause} ms`, async () => {
      await this.nodes[i].kill(signal);
      await sleep(pause);
      await this.startAgain(i);
    });
  }

  /** As a service manager does: a start that fails, since the port is taken by a connection, say, is tried again. */
  private async startAgain(i: number): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        this.nodes[i] = await ServerProcess.restart(this.nodes[i], this.envs[i]);
        return;
      } catch (error) {
        this.say(`node ${i} did not start: ${(error as Error).message}`);
        if (tries === MOST_STARTS) throw error;
        await sleep(1_000);
      }
    }
  }

  private async pauseNode(): Promise<void> {
    const [i, pause] = [this.pick(), between(this.random, [500, 12_000])];
    await this.during(`node ${i} paused for ${pause} ms`, async () => {
      this.nodes[i].signal('SIGSTOP');
      await sleep(pause);
      this.nodes[i].signal('SIGCONT');
    });
  }

  /** Nothing passes any more, and nobody is told; connections of this time stay mute for ever. */
  private async cutOff(from: 'database' | 'redis'): Promise<void> {
    const [i, pause] = [this.pick(), between(this.random, [500, 8_000])];
    await this.during(`node ${i} cut off from ${from} for ${pause} ms`, async () => {
      const line = this.lines[i][from]!;
      line.mute();
      await sleep(pause);
      line.speak();
    });
  }

  private async killRedis(): Promise<void> {
    const pause = between(this.random, [0, 6_000]);
    await this.during(`Redis killed, started again empty after ${pause} ms`, async () => {
      await this.redis.kill();
      await sleep(pause);
      await this.redis.run();
    });
  }

  private async pauseRedis(): Promise<void> {
    const pause = between(this.random, [200, 8_000]);
    await this.during(`Redis paused for ${pause} ms`, async () => {
      this.redis.freeze();
      await sleep(pause);
      this.redis.thaw();
    });
  }

  private async pauseDatabase(): Promise<void> {
    const pause = between(this.random, [200, 4_000]);
    await this.during(`database paused for ${pause} ms`, async () => {
      await this.database.freeze();
      await sleep(pause);
      this.database.thaw();
    });
  }

  private async killDatabase(): Promise<void> {
    const pause = between(this.random, [0, 3_000]);
    await this.during(`database killed, started again after ${pause} ms`, async () => {
      await this.database.kill();
      await sleep(pause);
      await this.database.run();
    });
  }

  private async isolateDatabase(): Promise<void> {
    const pause = between(this.random, [500, 8_000]);
    await this.during(`writer of the database cut off from the others for ${pause} ms`, async () => {
      await this.database.isolate!();
      await sleep(pause);
      await this.database.rejoin!();
    });
  }
}
