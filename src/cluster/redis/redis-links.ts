import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../common/start-error.js';
import { nameOf, type RedisUrl } from '../../config/redis-url.js';
import type { Client } from './redis-client.js';
import { reasonOf } from './redis-client.js';
import { RedisCluster } from './redis-cluster.js';
import { RedisLink, type Way } from './redis-link.js';
import { Sentinels } from './sentinels.js';

/** How long the start waits for Redis. It goes on without: Redis may be away at any time. */
const START_WITHIN_MS = 3_000;

const NOBODY_HEARS = 'nodes do not hear from each other.';

/** The connections to Redis: one, or one to each master of a Redis Cluster. Each has its own troubles, and none waits for another. */
export class RedisLinks {
  /** To the only Redis, or to that which the Sentinels name. */
  private only: RedisLink | undefined;
  private cluster: RedisCluster | undefined;
  /** For names that no connection has, or by connections that were closed. */
  private droppedBefore = 0;
  private readonly ups: ((link: RedisLink) => void)[] = [];
  private readonly downs: ((link: RedisLink) => void)[] = [];
  private readonly moves: (() => void)[] = [];

  constructor(private readonly url: RedisUrl) {
    if (url.kind === 'sentinel') this.only = this.newLink(new Sentinels(url, NOBODY_HEARS));
    if (url.kind === 'server') {
      const [address] = url.addresses;
      const check = (client: Client): Promise<void> => this.look(client);
      this.only = this.newLink({ name: 'Redis', loss: NOBODY_HEARS, find: () => address!, check });
    }
  }

  /** What was not published, since Redis was away or too slow. */
  get dropped(): number {
    return this.all().reduce((sum, { dropped }) => sum + dropped, this.droppedBefore);
  }

  /** Why a connection is missing; undefined where all are there. */
  get trouble(): string | undefined {
    if (this.isWhole) return undefined;
    const troubles = [...this.all(), this.cluster].map((one) => one?.trouble);
    return reasonOf(troubles.find((one) => one !== undefined) ?? 'it does not answer');
  }

  /** The connection for a channel or a key; undefined where no server has it. */
  of(name: string): RedisLink | undefined {
    return this.only ?? this.cluster?.linkOf(name);
  }

  /** @returns whether it is under way; whether it arrives is not known */
  publish(channel: string, text: string): boolean {
    const link = this.of(channel);
    if (link) return link.publish(channel, text);
    this.droppedBefore++;
    return false;
  }

  /** Calls `up` with a connection that has come, or has come back, and is subscribed to nothing. */
  onUp(up: (link: RedisLink) => void): void {
    this.ups.push(up);
  }

  onDown(down: (link: RedisLink) => void): void {
    this.downs.push(down);
  }

  /** Calls `moved` when names have other connections than before. */
  onMoved(moved: () => void): void {
    this.moves.push(moved);
  }

  /** Waits some seconds for the first connections, and goes on without. @throws StartError where Redis refuses this process, or is too old */
  async open(): Promise<void> {
    if (this.only) this.only.open();
    else this.becomeCluster();
    const until = performance.now() + START_WITHIN_MS;
    try {
      while (!this.isWhole && performance.now() < until) {
        this.assertWelcome();
        await sleep(20);
      }
      for (const link of this.all()) await link.assertVersion();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.only?.close();
    this.cluster?.close();
  }

  /** Whether each server that is known can be reached now. */
  get isWhole(): boolean {
    return this.all().length > 0 && this.all().every(({ isUp }) => isUp);
  }

  private all(): readonly RedisLink[] {
    return this.only ? [this.only] : (this.cluster?.all() ?? []);
  }

  private newLink(way: Way): RedisLink {
    // The Sentinels' database is that of the master; a Redis Cluster has only one.
    const link = new RedisLink(way, this.url);
    link.onUp(() => this.ups.forEach((up) => up(link)));
    link.onDown(() => this.downs.forEach((down) => down(link)));
    return link;
  }

  /** One address may be that of a Redis Cluster, also where it did not answer before. */
  private async look(client: Client): Promise<void> {
    const mode = /redis_mode:(\w+)/.exec(await client.info('server').catch(() => ''))?.[1];
    if (mode === 'sentinel') throw new Error('it is a Sentinel');
    if (mode !== 'cluster') return;
    this.only?.close();
    this.droppedBefore += this.only?.dropped ?? 0;
    this.only = undefined;
    this.becomeCluster();
    throw new Error('it is one of a Redis Cluster');
  }

  private becomeCluster(): void {
    this.cluster = new RedisCluster(
      this.url,
      (address) =>
        this.newLink({
          name: `Redis at ${nameOf(address)}`,
          loss: 'nodes do not hear from each other what goes over it.',
          isOfCluster: true,
          find: () => address,
        }),
      (closed) => {
        for (const { dropped } of closed) this.droppedBefore += dropped;
        for (const moved of this.moves) moved();
      },
    );
    this.cluster.open();
  }

  /** @throws StartError where what Redis says will not change by itself */
  private assertWelcome(): void {
    for (const trouble of [...this.all(), this.cluster].map((one) => one?.trouble)) {
      const reason = reasonOf(trouble);
      if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(reason))
        throw new StartError(`Redis refuses the user or the password in REDIS_URL: ${reason}`);
      if (/^ERR (invalid )?DB index/i.test(reason))
        throw new StartError(`Redis has no database of the number at the end of REDIS_URL: ${reason}`);
      if (reason.startsWith('ERR SELECT is not allowed in cluster mode'))
        throw new StartError(
          'REDIS_URL leads to a Redis Cluster, which has only database 0: leave out the number at its end.',
        );
      if (reason.startsWith('ERR This instance has cluster support disabled'))
        throw new StartError(
          'REDIS_URL names several addresses, which are not of a Redis Cluster. Name one address, or the Sentinels: redis+sentinel://host:26379/NAME.',
        );
      if (reason === 'it is a Sentinel')
        throw new StartError(
          'REDIS_URL leads to a Sentinel; write redis+sentinel://host:26379/NAME, with the name that it has for the master.',
        );
      if (reason.startsWith('ERR No such master with that name'))
        throw new StartError(
          `The Sentinels in REDIS_URL have no master of the name ${this.url.masterName}: see "sentinel monitor" in their configuration.`,
        );
      if (/^ERR unknown command '?SENTINEL/i.test(reason))
        throw new StartError('REDIS_URL begins with redis+sentinel://, and leads to a Redis that is no Sentinel.');
    }
  }
}
