import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { logLine } from '../../common/logs/log-line.js';
import { StartError } from '../../common/start-error.js';
import { Backoff } from '../../common/timing/backoff.js';
import type { RedisAddress } from '../../config/redis-url.js';
import { slotOf } from './key-slot.js';
import {
  type Access,
  type Client,
  destroy,
  inTime,
  isMoved,
  MOST_UNDER_WAY,
  newClient,
  reasonOf,
} from './redis-client.js';

/** Pauses between two tries to connect. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
const PING_EVERY_MS = 1_000;
/** UTF-16 units of what waits for an answer: past that, what is published is dropped. */
const MOST_UNITS_UNDER_WAY = 16 * 1024 * 1024;
/** Channels that are asked for at once. */
const CHANNELS_AT_ONCE = 500;
/** What is published by one command. */
const PUBLISHED_AT_ONCE = 200;
/** A command and its answer cost a node more than what is published by it. Channels are arguments, and no keys: a user of Redis may have few of those. */
const PUBLISH_ALL = `for i = 1, #ARGV, 2 do redis.call('SPUBLISH', ARGV[i], ARGV[i + 1]) end`;
/** Before it there are no sharded channels. */
const OLDEST_MAJOR = 7;
/** A server that has counted other subscriptions than this process so often has lost some. */
const MOST_MISCOUNTS = 3;

type Arrived = (text: string) => void;

/** Where a connection leads, and whether it is still the right one. */
export interface Way {
  /** Says in the log what is away. */
  readonly name: string;
  /** Said in the log of what that leads to. */
  readonly loss: string;
  /** One of a Redis Cluster: each command names channels of one slot alone. */
  readonly isOfCluster?: boolean;
  /** Where to connect now. @throws where that is not known */
  find(): RedisAddress | Promise<RedisAddress>;
  /** Looks at a fresh connection. @throws where it must not be used */
  check?(client: Client): Promise<void>;
  /** Resolves, with the reason, once the connection must be given up, though it works. */
  watch?(client: Client, signal: AbortSignal): Promise<unknown>;
  /** There is no connection any more, and will be none. */
  close?(): void;
}

/** One connection to a server of Redis, for all that this process publishes and hears there. What is published while it is away is dropped, and counted. */
export class RedisLink {
  /** What was not published, since Redis was away or too slow. */
  dropped = 0;
  /** Why it is away, or was at last. */
  trouble: unknown;
  private readonly logger = new Logger('Redis');
  /** Undefined while Redis is away. */
  private client: Client | undefined;
  private underWay = 0;
  private unitsUnderWay = 0;
  /** What is published at the end of this turn: channels, each with its text. */
  private gathered: string[] = [];
  /** Channels that the server has to have by now, and commands about them that it has not answered. */
  private subscriptions = 0;
  private changing = 0;
  private readonly ups: (() => void)[] = [];
  private readonly downs: (() => void)[] = [];
  private readonly strays: (() => void)[] = [];
  private readonly closing = new AbortController();

  constructor(
    private readonly way: Way,
    private readonly access: Access,
  ) {}

  get isUp(): boolean {
    return this.client !== undefined;
  }

  /** Calls `up` whenever there is a connection, which is subscribed to nothing. */
  onUp(up: () => void): void {
    this.ups.push(up);
  }

  onDown(down: () => void): void {
    this.downs.push(down);
  }

  /** Calls `stray` when the server says that another one has what was sent here, or listened to. */
  onStray(stray: () => void): void {
    this.strays.push(stray);
  }

  open(): void {
    void this.stayConnected();
  }

  /** @returns whether it is under way; whether it arrives is not known */
  publish(channel: string, text: string): boolean {
    const { client } = this;
    if (!client || this.underWay >= MOST_UNDER_WAY || this.unitsUnderWay >= MOST_UNITS_UNDER_WAY) {
      this.dropped++;
      return false;
    }
    this.underWay++;
    this.unitsUnderWay += text.length;
    if (this.gathered.length === 0) process.nextTick(() => this.publishGathered());
    this.gathered.push(channel, text);
    return true;
  }

  /** What was published in one turn of the event loop, in its order. */
  private publishGathered(): void {
    const all = this.gathered;
    this.gathered = [];
    // A command may only name what is in one slot.
    const atOnce = this.way.isOfCluster ? 1 : PUBLISHED_AT_ONCE;
    for (let i = 0; i < all.length; i += 2 * atOnce) void this.publishSome(all.slice(i, i + 2 * atOnce));
  }

  /** @param some channels, each with its text */
  private async publishSome(some: string[]): Promise<void> {
    const [channel, text] = some as [string, string];
    try {
      const client = this.connected();
      if (some.length === 2) await client.sPublish(channel, text);
      else await client.eval(PUBLISH_ALL, { arguments: some });
    } catch (error) {
      this.dropped += some.length / 2;
      this.noteStray(error);
    }
    this.underWay -= some.length / 2;
    for (let i = 1; i < some.length; i += 2) this.unitsUnderWay -= some[i]!.length;
  }

  /** Runs a script on one key. @throws where there is no connection now, or it breaks before the answer */
  async run(script: string, key: string, args: string[]): Promise<unknown> {
    try {
      return await this.connected().eval(script, { keys: [key], arguments: args });
    } catch (error) {
      this.noteStray(error);
      throw error;
    }
  }

  /** Each channel once. @returns those that could not be had */
  async subscribe(channels: readonly string[], arrived: Arrived): Promise<string[]> {
    const failed: string[] = [];
    for (const commands of this.commandsFor(channels)) {
      const { client } = this;
      await Promise.all(
        commands.map(async (names) => {
          this.changing++;
          try {
            await this.connected().sSubscribe(names, arrived);
            if (client === this.client) this.subscriptions += names.length;
          } catch (error) {
            failed.push(...names);
            this.noteStray(error);
          } finally {
            this.changing--;
          }
        }),
      );
    }
    return failed;
  }

  /** Never throws: where there is no connection any more, there is nothing to end. */
  async unsubscribe(channels: readonly string[], arrived: Arrived): Promise<void> {
    for (const commands of this.commandsFor(channels)) {
      const { client } = this;
      if (!client) return;
      await Promise.all(
        commands.map(async (names) => {
          this.changing++;
          this.subscriptions -= names.length;
          // Where the slot has moved, the server has ended it.
          await client.sUnsubscribe(names, arrived).catch(() => undefined);
          this.changing--;
        }),
      );
    }
  }

  close(): void {
    this.closing.abort();
    this.way.close?.();
  }

  /** @throws StartError where the server is too old */
  async assertVersion(): Promise<void> {
    const info = await this.client?.info('server').catch(() => '');
    const version = /redis_version:(\S+)/.exec(info ?? '')?.[1];
    if (version === undefined || Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
    throw new StartError(
      `REDIS_URL leads to Redis ${version}; Parley needs ${OLDEST_MAJOR} or newer, which has sharded channels.`,
    );
  }

  /** What the server answers, unless the connection is away, or ends before. */
  async ask(command: string[]): Promise<unknown> {
    return inTime(this.connected().sendCommand(command));
  }

  private connected(): Client {
    if (!this.client) throw new Error('Redis is away.');
    return this.client;
  }

  /** The channels by command, and the commands by what is sent at once. */
  private *commandsFor(channels: readonly string[]): Iterable<string[][]> {
    for (let i = 0; i < channels.length; i += CHANNELS_AT_ONCE) {
      const some = channels.slice(i, i + CHANNELS_AT_ONCE);
      yield this.way.isOfCluster ? bySlot(some) : [some];
    }
  }

  private noteStray(error: unknown): void {
    if (isMoved(error)) for (const stray of this.strays) stray();
  }

  private async stayConnected(): Promise<void> {
    const { signal } = this.closing;
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    const { name, loss } = this.way;
    let isKnownToBeAway = false;
    while (!signal.aborted) {
      const connection = new AbortController();
      let client: Client | undefined;
      try {
        client = newClient(await this.way.find(), this.access);
        const ended = this.endOf(client, connection.signal);
        await Promise.race([this.begin(client), ended.then((error) => Promise.reject(error as Error))]);
        if (isKnownToBeAway) this.logger.log(`${name} is back.`);
        isKnownToBeAway = false;
        backoff.reset();
        this.client = client;
        this.subscriptions = 0;
        for (const up of this.ups) up();
        const wrong = this.way.watch?.(client, connection.signal) ?? ended;
        this.trouble = await Promise.race([ended, this.silence(client), wrong]);
      } catch (error) {
        this.trouble = error;
      }
      connection.abort();
      if (client) destroy(client);
      if (this.client) {
        this.client = undefined;
        for (const down of this.downs) down();
      }
      if (signal.aborted) return;
      if (!isKnownToBeAway) this.logger.error(`${name} is away: ${loss} ${reasonOf(this.trouble)}`);
      isKnownToBeAway = true;
      await sleep(backoff.next(), undefined, { ref: false });
    }
  }

  private endOf(client: Client, listening: AbortSignal): Promise<unknown> {
    const stray = (): void => this.strays.forEach((heard) => heard());
    client.on('sharded-channel-moved', stray);
    return new Promise((resolve) => {
      client.on('error', resolve);
      this.closing.signal.addEventListener('abort', resolve, { signal: listening });
    });
  }

  private async begin(client: Client): Promise<void> {
    await client.connect();
    if (this.way.check) await inTime(this.way.check(client));
  }

  /** Resolves once a ping is not answered: Redis hangs, or the network does. */
  private async silence(client: Client): Promise<Error> {
    for (let miscounts = 0; miscounts < MOST_MISCOUNTS;) {
      try {
        miscounts = (await inTime(this.isCountRight(client))) ? 0 : miscounts + 1;
      } catch (error) {
        return error as Error;
      }
      await sleep(PING_EVERY_MS, undefined, { ref: false });
    }
    return new Error('it has lost what this process listens to');
  }

  /**
   * A ping. In a cluster, servers end subscriptions of slots that leave them, perhaps to come back; the client may mistake that for the
   * answer to something else. So the server is asked how many there are.
   */
  private async isCountRight(client: Client): Promise<boolean> {
    if (!this.way.isOfCluster) return client.ping().then(() => true);
    const [{ subscriptions }, isAtRest] = [this, this.changing === 0];
    const asked = client.sendCommand(['CLIENT', 'INFO']) as unknown as Promise<string>;
    const info = await asked.catch(() => client.ping());
    if (typeof info !== 'string') throw new Error('it answers something else');
    const counted = /\bssub=(\d+)/.exec(info)?.[1];
    // Servers before 7.0.3 do not count them, and a user may not be allowed to ask.
    if (counted === undefined && !/^(id=|PONG)/.test(info)) throw new Error('it answers something else');
    return !isAtRest || counted === undefined || Number(counted) === subscriptions;
  }
}

function bySlot(channels: readonly string[]): string[][] {
  const slots = new Map<number, string[]>();
  for (const channel of channels) {
    const slot = slotOf(channel);
    const others = slots.get(slot);
    if (others) others.push(channel);
    else slots.set(slot, [channel]);
  }
  return [...slots.values()];
}

const calm = new CalmLogger('Redis');

/** `hear`, which may throw: what cannot be read, since something else publishes there, is logged. The client would give up its connection. */
export function unharmed(hear: Arrived): Arrived {
  return (text) => {
    try {
      hear(text);
    } catch (error) {
      calm.error(`What came over Redis could not be read, and is passed over: ${logLine(error)}`);
    }
  };
}
