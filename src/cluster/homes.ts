import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { NodeBus } from './node-bus.js';

const LEAVES = 'homes.leaves';

/**
 * What is gathered or throttled by a key, such as one packet a second for each group, is done by one node for all: the home of the key. All
 * nodes pick the same one, since each hashes the key with the numbers of those that were heard lately. While they do not hear each other,
 * or do not agree for a moment after one came or went, a key has several homes, and its packets may come more often.
 */
@Injectable()
export class Homes implements OnModuleInit, BeforeApplicationShutdown {
  /** Nodes that are about to end, and take nothing more, this one among them. */
  private leaving = new Set<number>();

  constructor(private readonly bus: NodeBus) {}

  onModuleInit(): void {
    if (!this.bus.isShared) return;
    this.bus.on(LEAVES, (_, from) => {
      const nodes = new Set([this.bus.nodeId, ...this.bus.nodes()]);
      this.leaving = new Set([...this.leaving, from].filter((node) => nodes.has(node)));
    });
  }

  /** Before a stop: from now on the others are the homes of all keys, while there are any. Twice is once. */
  leave(): void {
    if (!this.bus.isShared || this.leaving.has(this.bus.nodeId)) return;
    this.leaving.add(this.bus.nodeId);
    this.bus.tell(LEAVES, null);
  }

  beforeApplicationShutdown(): void {
    this.leave();
  }

  /** Whether what waits here concerns sockets of other nodes, so that a stop must not drop it. */
  get areShared(): boolean {
    return this.bus.isShared;
  }

  /**
   * Has `take` called at the home of each key. Values travel as JSON, and in the order in which one node gives them.
   * @param topic names it among all that is done at homes
   * @returns gives a value to its home; at once where that is here
   */
  at<V>(topic: string, take: (value: V, key: string) => void): (key: string | number, value: V) => void {
    if (!this.bus.isShared) return (key, value) => take(value, String(key));
    const name = `home:${topic}`;
    this.bus.on(name, (data) => {
      const [key, value] = data as [string, V];
      // Also where it has moved on by now: passed on again and again, it would never arrive.
      take(value, key);
    });
    return (key, value) => {
      const home = this.of(`${topic}:${key}`);
      if (home === this.bus.nodeId) take(value, String(key));
      else this.bus.tell(name, [String(key), value], home);
    };
  }

  private of(key: string): number {
    const others = this.bus.isUp ? this.bus.nodes() : [];
    const { nodeId } = this.bus;
    let [home, best] = [nodeId, this.leaving.has(nodeId) ? -1 : weight(key, nodeId)];
    for (const node of others) {
      if (this.leaving.has(node)) continue;
      const its = weight(key, node);
      if (its > best) [home, best] = [node, its];
    }
    return home;
  }
}

/** Of all nodes, the one with the highest weight is the key's home: so most keys stay where they are when a node comes or goes. */
function weight(key: string, node: number): number {
  // FNV-1a, and the last step of MurmurHash, without which neighbouring nodes would have neighbouring weights.
  let hash = 0x811c9dc5 ^ node;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
