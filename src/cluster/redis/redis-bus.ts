import { randomInt } from 'node:crypto';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { logLine } from '../../common/logs/log-line.js';
import type { RedisUrl } from '../../config/redis-url.js';
import type { Carrier } from '../carrier.js';
import type { Counts } from '../counts.js';
import { type Heard, NodeBus } from '../node-bus.js';
import { RedisCarrier } from './redis-carrier.js';
import { RedisCounts } from './redis-counts.js';
import { type RedisLink, unharmed } from './redis-link.js';
import { RedisLinks } from './redis-links.js';

/** How often each node says that it is there, and with which number its news stand. */
const HELLO_EVERY_MS = 1_000;
/** A node that has said nothing for so long is not waited for. It may live on: the rows of the database decide that. */
const GONE_AFTER_MS = 3_500;
/** Confirmations that are awaited at once; past that, nobody waits. */
const MOST_AWAITED = 10_000;

/** Topics of this file. */
const HELLO = 'hello';
const BYE = 'bye';
const DONE = 'done';

/** What travels: from whom, the number of this piece of news among those to all (0: it is for one node), what, and who awaits an answer. */
type Piece = [from: number, number: number, topic: string, data: unknown, ask?: number];

interface Peer {
  heardAt: number;
  /** Of the last piece of news that came. */
  number: number;
}

interface Awaited {
  missing: Set<number>;
  done: (byAll: boolean) => void;
}

/**
 * News between nodes over Redis: one channel for all, and one for each node. In a Redis Cluster all of these are of one slot, so they come and
 * go together: a node that hears what all are told, and not what it is told itself, would count as there and be waited for.
 */
export class RedisBus extends NodeBus implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly isShared = true;
  readonly nodeId = randomInt(2, 2 ** 31 - 1);
  private readonly logger = new CalmLogger('Nodes');
  private readonly links: RedisLinks;
  private readonly redisCarrier: RedisCarrier;
  private readonly redisCounts: RedisCounts;
  private readonly listeners = new Map<string, Heard>();
  private readonly missedListeners: (() => void)[] = [];
  private readonly peers = new Map<number, Peer>();
  private readonly awaited = new Map<number, Awaited>();
  /** The connection over which this node hears others. */
  private listening: RedisLink | undefined;
  private coming: RedisLink | undefined;
  /** Not before all that listens is there: others would have this node do what it cannot do yet. */
  private isServing = false;
  private asked = 0;
  /** By node, what is told to it in this turn. */
  private readonly gathered = new Map<number, string[]>();
  private number = 0;
  /** How much had been dropped by the last hello that told of it, and by the last one of all. */
  private droppedAsTold = 0;
  private droppedBefore = 0;
  private saidHelloAt = performance.now();
  /** Nothing follows the goodbye: the others would take this node for one that was killed. */
  private hasLeft = false;
  private readonly timer: NodeJS.Timeout;
  private readonly hear = unharmed((text) => this.heard(text));

  private constructor(
    url: RedisUrl,
    private readonly prefix: string,
  ) {
    super();
    this.links = new RedisLinks(url);
    this.redisCarrier = new RedisCarrier(this.links, `${prefix}room:`);
    this.redisCounts = new RedisCounts(this.links, `${prefix}rate:`);
    this.redisCarrier.onMissed(() => this.missed());
    this.links.onUp(() => this.come());
    this.links.onDown((link) => {
      if (link === this.listening) this.listening = undefined;
    });
    this.links.onMoved(() => this.follow());
    this.timer = setInterval(() => this.hello(), HELLO_EVERY_MS).unref();
  }

  /** @param prefix of all channels: communities that share a Redis have different ones. @throws StartError as RedisLinks.open */
  static async open(url: RedisUrl, prefix: string): Promise<RedisBus> {
    const bus = new RedisBus(url, prefix);
    await bus.links.open();
    return bus;
  }

  override get carrier(): Carrier {
    return this.redisCarrier;
  }

  override get counts(): Counts {
    return this.redisCounts;
  }

  override get isUp(): boolean {
    return this.listening !== undefined;
  }

  override get dropped(): number {
    return this.links.dropped;
  }

  override nodes(): readonly number[] {
    const since = performance.now() - GONE_AFTER_MS;
    return [...this.peers].filter(([, { heardAt }]) => heardAt > since).map(([id]) => id);
  }

  tell(topic: string, data: unknown, to?: number): void {
    if (to === undefined) this.publish(topic, data);
    else this.publishTo(to, topic, data);
  }

  on(topic: string, heard: Heard): void {
    if (this.listeners.has(topic)) throw new Error(`Two listeners for the topic ${topic}.`);
    this.listeners.set(topic, heard);
  }

  tellAndWait(topic: string, data: unknown, withinMs: number): Promise<boolean> {
    const missing = new Set(this.nodes());
    if (!this.isUp || this.awaited.size >= MOST_AWAITED) {
      this.publish(topic, data);
      return Promise.resolve(false);
    }
    const ask = ++this.asked;
    return new Promise((resolve) => {
      const done = (byAll: boolean): void => {
        clearTimeout(timer);
        this.awaited.delete(ask);
        resolve(byAll);
      };
      const timer = setTimeout(() => done(false), withinMs).unref();
      if (missing.size > 0) this.awaited.set(ask, { missing, done });
      const isUnderWay = this.publish(topic, data, ask);
      if (missing.size === 0 || !isUnderWay) done(isUnderWay);
    });
  }

  onMissed(missed: () => void): void {
    this.missedListeners.push(missed);
  }

  /** From now on the others know of this node; it hears them from the start. */
  onApplicationBootstrap(): void {
    this.isServing = true;
    this.hello();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.redisCarrier.close();
    if (!this.isUp) return this.links.close();
    this.publish(BYE, null);
    this.hasLeft = true;
    // What was published a moment ago is still being written.
    setTimeout(() => this.links.close(), 50);
  }

  /** @returns whether it is under way, where it is for all */
  private publish(topic: string, data: unknown, ask?: number): boolean {
    if (this.hasLeft) return false;
    const piece: Piece = [this.nodeId, ++this.number, topic, data];
    if (ask !== undefined) piece.push(ask);
    // What was told before arrives before.
    this.publishGathered();
    return this.links.publish(this.all, JSON.stringify([piece]));
  }

  /** To one node: all of one turn of the event loop in one text, since there may be some for each message. */
  private publishTo(node: number, topic: string, data: unknown): void {
    if (this.gathered.size === 0) process.nextTick(() => this.publishGathered());
    const piece: Piece = [this.nodeId, 0, topic, data];
    const others = this.gathered.get(node);
    if (others) others.push(JSON.stringify(piece));
    else this.gathered.set(node, [JSON.stringify(piece)]);
  }

  private publishGathered(): void {
    for (const [node, pieces] of this.gathered) this.links.publish(this.channelOf(node), `[${pieces.join(',')}]`);
    this.gathered.clear();
  }

  private hello(): void {
    const [now, before] = [performance.now(), this.saidHelloAt];
    this.saidHelloAt = now;
    // Where this process stood still, what the others have said meanwhile is not read yet.
    const hasStalled = now - before > 2 * HELLO_EVERY_MS;
    const silent = [...this.peers].filter(([, { heardAt }]) => !hasStalled && heardAt < now - GONE_AFTER_MS);
    for (const [id] of silent) this.forget(id);
    // It could not be had, though Redis seems to be there.
    if (!this.listening) return this.come();
    // A node that was killed may have stored what it did not get to tell.
    if (silent.length > 0) this.missed();
    this.leaveGap();
    if (this.isServing) this.publish(HELLO, null);
  }

  /**
   * What this node could not have carried, packets for sockets too, the others missed without knowing it. Once nothing more is lost, its
   * numbers leave out one: they take that for news that were lost, and read again.
   */
  private leaveGap(): void {
    const { dropped, isWhole } = this.links;
    if (isWhole && dropped === this.droppedBefore && dropped > this.droppedAsTold) {
      this.number++;
      this.droppedAsTold = dropped;
    }
    this.droppedBefore = dropped;
  }

  private get all(): string {
    return `${this.prefix}nodes`;
  }

  /** Of the same slot: what stands in braces decides. */
  private channelOf(node: number): string {
    return `{${this.all}}:${node}`;
  }

  private come(): void {
    const link = this.links.of(this.all);
    if (link?.isUp && link !== this.listening && link !== this.coming) void this.comeTo(link);
  }

  private async comeTo(link: RedisLink): Promise<void> {
    this.coming = link;
    const failed = await link.subscribe([this.all, this.channelOf(this.nodeId)], this.hear);
    if (this.coming === link) this.coming = undefined;
    if (failed.length > 0 || !link.isUp || link !== this.links.of(this.all)) return;
    this.listening = link;
    this.hello();
    this.missed();
  }

  /** The channels may have come to another server. */
  private follow(): void {
    const before = this.listening;
    if (before && before !== this.links.of(this.all)) {
      this.listening = undefined;
      void before.unsubscribe([this.all, this.channelOf(this.nodeId)], this.hear);
    }
    this.come();
  }

  private heard(text: string): void {
    for (const piece of JSON.parse(text) as Piece[]) this.heardPiece(piece);
  }

  private heardPiece([from, number, topic, data, ask]: Piece): void {
    // A stranger would count as a node.
    if (![from, number].every(Number.isSafeInteger) || typeof topic !== 'string') throw new Error('It is no news.');
    if (from === this.nodeId) return;
    if (topic === BYE) return this.forget(from);
    if (number > 0) this.note(from, number);
    if (topic === HELLO) return;
    if (topic === DONE) return this.confirmed(from, data as number);
    void this.pass(topic, data, from).then(() => {
      if (ask !== undefined) this.publishTo(from, DONE, ask);
    });
  }

  private async pass(topic: string, data: unknown, from: number): Promise<void> {
    try {
      await this.listeners.get(topic)?.(data, from);
    } catch (error) {
      this.logger.error(`What another node told of ${topic} could not be done: ${logLine(error)}`);
    }
  }

  /** Notices a gap in what a node has told. */
  private note(from: number, number: number): void {
    const peer = this.peers.get(from);
    this.peers.set(from, { heardAt: performance.now(), number });
    if (peer && number !== peer.number + 1) this.missed();
    // It has not heard of this one either.
    if (!peer) this.hello();
  }

  private missed(): void {
    for (const missed of this.missedListeners) {
      try {
        missed();
      } catch (error) {
        this.logger.error(`What may have been missed could not be read again: ${logLine(error)}`);
      }
    }
  }

  private confirmed(from: number, ask: number): void {
    const awaited = this.awaited.get(ask);
    awaited?.missing.delete(from);
    if (awaited?.missing.size === 0) awaited.done(true);
  }

  private forget(id: number): void {
    this.peers.delete(id);
    for (const [ask] of this.awaited) this.confirmed(id, ask);
  }
}
