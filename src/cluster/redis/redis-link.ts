import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { Logger } from '@nestjs/common';
import { CalmLogger } from '../../common/logs/calm-logger.js';
import { logLine } from '../../common/logs/log-line.js';
import { StartError } from '../../common/start-error.js';
import { Backoff } from '../../common/timing/backoff.js';
import { Deadline } from '../../common/timing/deadline.js';

/** Pauses between two tries to connect. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
const PING_EVERY_MS = 1_000;
/** A connection is given up that takes longer for the answer to a ping. */
const ANSWER_WITHIN_MS = 2_000;
/** Commands that wait for an answer, in number and in UTF-16 units: past either, what is published is dropped. */
const MOST_UNDER_WAY = 20_000;
const MOST_UNITS_UNDER_WAY = 16 * 1024 * 1024;
/** Channels of one command. */
const CHANNELS_AT_ONCE = 500;
/** Before it there are no sharded channels. */
const OLDEST_MAJOR = 7;
/** How long the start waits for Redis. It goes on without: Redis may be away at any time. */
const START_WITHIN_MS = 3_000;

type Arrived = (text: string) => void;

type Client = ReturnType<typeof newClient>;

/** Not connected again by the library: what it was subscribed to is asked for anew, by those who need it by then. */
const newClient = (url: string) =>
  createClient({
    url,
    // One connection carries answers and news.
    RESP: 3,
    // A command for which there is no connection fails at once.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 2 * MOST_UNDER_WAY,
    maintNotifications: 'disabled',
    socket: { connectTimeout: ANSWER_WITHIN_MS, socketTimeout: ANSWER_WITHIN_MS, reconnectStrategy: false },
  });

/** One connection to Redis, for all that this process publishes and hears. What is published while it is away is dropped, and counted. */
export class RedisLink {
  /** What was not published, since Redis was away or too slow. */
  dropped = 0;
  private readonly logger = new Logger('Redis');
  /** Undefined while Redis is away. */
  private client: Client | undefined;
  private underWay = 0;
  private unitsUnderWay = 0;
  private readonly ups: (() => void)[] = [];
  private readonly downs: (() => void)[] = [];
  private readonly closing = new AbortController();
  private trouble: unknown;

  constructor(private readonly url: string) {}

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

  /** Waits some seconds for the first connection, and goes on without. @throws StartError where Redis refuses this process, or is too old */
  async open(): Promise<void> {
    void this.stayConnected();
    const until = performance.now() + START_WITHIN_MS;
    while (!this.client && performance.now() < until) {
      const reason = reasonOf(this.trouble);
      if (/^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH)/.test(reason)) {
        this.close();
        throw new StartError(`Redis refuses the user or the password in REDIS_URL: ${reason}`);
      }
      if (/^ERR (invalid )?DB index/i.test(reason)) {
        this.close();
        throw new StartError(`Redis has no database of the number at the end of REDIS_URL: ${reason}`);
      }
      await sleep(20);
    }
    if (this.client) await this.assertVersion(this.client);
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
    const done = (): void => {
      this.underWay--;
      this.unitsUnderWay -= text.length;
    };
    client.sPublish(channel, text).then(done, () => {
      this.dropped++;
      done();
    });
    return true;
  }

  /** Runs a script on one key. @throws where there is no connection now, or it breaks before the answer */
  async run(script: string, key: string, args: string[]): Promise<unknown> {
    return this.connected().eval(script, { keys: [key], arguments: args });
  }

  /** @throws where there is no connection now */
  async subscribe(channels: readonly string[], arrived: Arrived): Promise<void> {
    for (let i = 0; i < channels.length; i += CHANNELS_AT_ONCE)
      await this.connected().sSubscribe(channels.slice(i, i + CHANNELS_AT_ONCE), arrived);
  }

  /** @throws where there is no connection now */
  async unsubscribe(channels: readonly string[], arrived: Arrived): Promise<void> {
    for (let i = 0; i < channels.length; i += CHANNELS_AT_ONCE)
      await this.connected().sUnsubscribe(channels.slice(i, i + CHANNELS_AT_ONCE), arrived);
  }

  close(): void {
    this.closing.abort();
  }

  private connected(): Client {
    if (!this.client) throw new Error('Redis is away.');
    return this.client;
  }

  private async stayConnected(): Promise<void> {
    const { signal } = this.closing;
    const backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    let isKnownToBeAway = false;
    while (!signal.aborted) {
      const client = newClient(this.url);
      const listening = new AbortController();
      const ended = new Promise<unknown>((resolve) => {
        client.on('error', resolve);
        signal.addEventListener('abort', resolve, { signal: listening.signal });
      });
      try {
        await Promise.race([client.connect(), ended.then((error) => Promise.reject(error as Error))]);
        if (isKnownToBeAway) this.logger.log('Redis is back.');
        isKnownToBeAway = false;
        backoff.reset();
        this.client = client;
        for (const up of this.ups) up();
        this.trouble = await Promise.race([ended, silence(client)]);
      } catch (error) {
        this.trouble = error;
      }
      listening.abort();
      if (client.isOpen) client.destroy();
      if (this.client) {
        this.client = undefined;
        for (const down of this.downs) down();
      }
      if (signal.aborted) return;
      if (!isKnownToBeAway)
        this.logger.error(`Redis is away: nodes do not hear from each other. ${reasonOf(this.trouble)}`);
      isKnownToBeAway = true;
      await sleep(backoff.next(), undefined, { ref: false });
    }
  }

  private async assertVersion(client: Client): Promise<void> {
    const info = await client.info('server').catch(() => '');
    const version = /redis_version:(\S+)/.exec(info)?.[1];
    if (version === undefined || Number.parseInt(version, 10) >= OLDEST_MAJOR) return;
    this.close();
    throw new StartError(
      `REDIS_URL leads to Redis ${version}; Parley needs ${OLDEST_MAJOR} or newer, which has sharded channels.`,
    );
  }
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

/** Resolves once a ping is not answered: Redis hangs, or the network does. */
async function silence(client: Client): Promise<Error> {
  for (;;) {
    const isAnswered = await new Promise<boolean>((resolve) => {
      const deadline = new Deadline(ANSWER_WITHIN_MS, () => resolve(false));
      client
        .ping()
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(() => deadline.met());
    });
    if (!isAnswered) return new Error('it does not answer');
    await sleep(PING_EVERY_MS, undefined, { ref: false });
  }
}

/** Connections that are refused on several addresses come as an error without a message. */
const reasonOf = (error: unknown): string => {
  const { message, code } = (error ?? {}) as { message?: string; code?: string };
  return message || code || String(error);
};
