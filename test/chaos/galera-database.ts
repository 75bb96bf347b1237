import { eventually } from '../support/client.js';
import { GaleraCluster, type GaleraNode } from '../support/galera.js';
import { DatabaseHaproxy } from '../support/haproxy.js';
import type { ChaosDatabase } from './faults.js';

/** A cluster of three with an HAProxy for each node: they agree on the writer only by what each finds out. What is done is done to the writer. */
export class GaleraDatabase implements ChaosDatabase {
  private broken: GaleraNode | undefined;

  private constructor(
    private readonly cluster: GaleraCluster,
    private readonly haproxies: readonly DatabaseHaproxy[],
  ) {}

  static async start(nodes: number): Promise<GaleraDatabase> {
    const cluster = await GaleraCluster.start();
    const ports = cluster.nodes.map(({ port }) => port);
    const haproxies = [];
    for (let i = 0; i < nodes; i++) haproxies.push(await DatabaseHaproxy.start(ports));
    return new GaleraDatabase(cluster, haproxies);
  }

  get port(): number {
    return this.haproxies[0].port;
  }

  portOf(node: number): number {
    return this.haproxies[node].port;
  }

  get url(): string {
    return `mysql://root@127.0.0.1:${this.port}`;
  }

  query<T = globalThis.Record<string, unknown>>(statement: string): Promise<T[]> {
    return this.cluster.nodes[0].query(statement);
  }

  private async writer(): Promise<GaleraNode> {
    const port = await eventually(() => this.haproxies[0].serving().catch(() => undefined), 'a writer', 60_000);
    return (this.broken = this.cluster.nodes.find((node) => node.port === port)!);
  }

  async kill(): Promise<void> {
    await (await this.writer()).kill();
  }

  async run(): Promise<void> {
    await this.broken!.run();
    await this.cluster.isWhole();
  }

  async freeze(): Promise<void> {
    await (await this.writer()).freeze();
  }

  thaw(): void {
    this.broken!.thaw();
  }

  async isolate(): Promise<void> {
    await (await this.writer()).isolate(true);
  }

  async rejoin(): Promise<void> {
    await this.broken!.isolate(false);
    await this.cluster.isWhole();
  }

  /** All servers have everything. */
  isWhole(): Promise<void> {
    return this.cluster.isWhole();
  }

  async stop(): Promise<void> {
    for (const haproxy of this.haproxies) await haproxy.stop();
    await this.cluster.stop();
  }
}
