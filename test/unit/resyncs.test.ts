import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LoneNode } from '../../src/cluster/node-bus.js';
import type { Nodes } from '../../src/cluster/nodes.js';
import { Recheck } from '../../src/cluster/recheck.js';
import { Metrics } from '../../src/common/metrics.js';
import { loadConfig } from '../../src/config/config.js';
import type { ParleySocket } from '../../src/sockets/events.js';
import type { Publisher } from '../../src/sockets/publisher.js';
import { Resyncs } from '../../src/sockets/resyncs.js';

/** A node beside others, which misses something when the test says so. */
class Node extends LoneNode {
  override readonly isShared = true as never;
  others: number[] = [];
  miss = (): void => {};

  override nodes(): readonly number[] {
    return this.others;
  }

  override onMissed(missed?: () => void): void {
    this.miss = missed!;
  }
}

describe('sockets of a node that may have missed something', () => {
  let node: Node;
  let recheck: Recheck;
  let resyncs: Resyncs;
  let metrics: Metrics;
  let sockets: number;
  let closed: Set<number>;
  /** When each was told, in ms. */
  let told: Map<number, number[]>;
  let check: () => Promise<void>;
  const begun = (): number => Date.now();

  const start = (isShared = true): void => {
    node = new Node();
    if (!isShared) Object.assign(node, { isShared });
    recheck = new Recheck(node, { isDeaf: false } as Nodes);
    metrics = new Metrics(loadConfig({}));
    const publisher: Pick<Publisher, 'boundSockets' | 'resync'> = {
      boundSockets: () => Array.from({ length: sockets }, (_, id) => ({ id }) as unknown as ParleySocket),
      resync: (socket, reason) => {
        expect(reason).toBe('events_missed');
        const id = Number(socket.id);
        if (closed.has(id)) return false;
        told.set(id, [...(told.get(id) ?? []), begun()]);
        return true;
      },
    };
    resyncs = new Resyncs(node, recheck, publisher as Publisher, metrics);
    recheck.on(() => check());
    resyncs.onModuleInit();
    recheck.onApplicationBootstrap();
  };

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    [sockets, closed, told, check] = [0, new Set(), new Map(), () => Promise.resolve()];
    start();
  });
  afterEach(() => {
    resyncs.onApplicationShutdown();
    recheck.onApplicationShutdown();
    vi.useRealTimers();
  });

  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  const times = (): number[] => [...told.values()].flat().sort((a, b) => a - b);

  it.each([
    [1_000, 0, 5_000],
    [1_000, 1, 10_000],
    [50_000, 2, 30_000],
    [3, 0, 15],
  ])(
    '%d beside %d other nodes are told evenly within %d ms, each once, in no order',
    async (count, others, withinMs) => {
      [sockets, node.others] = [count, Array.from({ length: others }, (_, i) => i + 2)];
      node.miss();
      await pass(2_900);
      expect(told.size).toBe(0);
      // Not one timer for each.
      expect(vi.getTimerCount()).toBeLessThan(5);
      await pass(100 + withinMs / 2);
      if (count > 100) {
        expect(told.size).toBeGreaterThan(count * 0.45);
        expect(told.size).toBeLessThan(count * 0.55);
        const order = [...told.keys()];
        expect(order.filter((id, i) => i > 0 && id === order[i - 1] + 1).length).toBeLessThan(count / 50);
      }
      await pass(withinMs / 2 + 100);
      expect(times()).toHaveLength(count);
      expect(told.size).toBe(count);
      await pass(600_000);
      expect(times()).toHaveLength(count);
      expect(await metrics.registry.metrics()).toContain(`parley_resyncs_total ${count}\n`);
    },
  );

  it('are told once of all that was missed within seconds, and again, after a pause, of what was missed while they were told', async () => {
    sockets = 1_000;
    for (let i = 0; i < 50; i++) {
      node.miss();
      await pass(50);
    }
    await pass(3_000);
    for (let i = 0; i < 20; i++) {
      node.miss();
      await pass(100);
    }
    await pass(60_000);
    expect(told.size).toBe(1_000);
    for (const [first, second, ...more] of told.values()) {
      expect(more).toEqual([]);
      expect(second - first).toBeGreaterThan(5_000);
    }
    // Also where it never ends.
    told.clear();
    for (let i = 0; i < 600; i++) {
      node.miss();
      await pass(100);
    }
    expect(times().length).toBeLessThanOrEqual(5_000);
  });

  it('are told after this node has read the rows again, however long that fails', async () => {
    sockets = 1;
    check = () => Promise.reject(new Error('away'));
    node.miss();
    await pass(20_000);
    expect(told.size).toBe(0);
    let isRead = (): void => {};
    check = () => new Promise((resolve) => (isRead = resolve));
    await pass(20_000);
    expect(told.size).toBe(0);
    isRead();
    await pass(5_000);
    expect(times()).toHaveLength(1);
  });

  it('are told nothing where rows are read for another reason', async () => {
    sockets = 1;
    await recheck.now();
    recheck.soon();
    await pass(60_000);
    expect(told.size).toBe(0);
  });

  it('are passed over where they have closed, or the node stops', async () => {
    sockets = 1_000;
    for (let id = 0; id < 1_000; id += 2) closed.add(id);
    node.miss();
    await pass(5_500);
    resyncs.onApplicationShutdown();
    const { size } = told;
    expect(size).toBeGreaterThan(200);
    expect(size).toBeLessThan(300);
    await pass(60_000);
    expect(told.size).toBe(size);
  });
});
