import { setTimeout as sleep } from 'node:timers/promises';
import { nameOf, type RedisAddress, type RedisUrl } from '../../config/redis-url.js';
import { type Access, type Client, connected, destroy, inTime, newClient } from './redis-client.js';
import type { Way } from './redis-link.js';

/** How often the Sentinels are asked while there is a master. */
const ASK_EVERY_MS = 1_000;
/** A Sentinel that takes longer is not waited for. */
const ASK_WITHIN_MS = 1_000;

/** What a Sentinel says: who the master is, and by which of their decisions. */
interface Named {
  readonly address: RedisAddress;
  readonly epoch: number;
}

/** The way to the master that the Sentinels name. They are asked again and again: a master that was cut off does not learn that it is none. */
export class Sentinels implements Way {
  readonly name: string;
  private readonly sentinels: readonly Sentinel[];
  /** Where the connection leads, or has led at last. */
  private current: Named | undefined;
  private trouble: unknown;

  constructor(
    url: RedisUrl,
    readonly loss: string,
  ) {
    this.name = `Redis (${url.masterName})`;
    const access = { isTls: url.isTls, user: url.sentinelUser, password: url.sentinelPassword, database: 0 };
    this.sentinels = url.addresses.map((address) => new Sentinel(address, access, url.masterName));
  }

  async find(): Promise<RedisAddress> {
    // Where no Sentinel answers, the last one may still be the master; it is asked itself.
    this.current = (await this.ask()) ?? this.current;
    if (!this.current) throw this.trouble;
    return this.current.address;
  }

  /** A replica would take what is published, and tell it to nobody elsewhere. */
  async check(client: Client): Promise<void> {
    const [role] = (await client.sendCommand(['ROLE'])) as unknown as [string];
    if (role !== 'master') throw new Error(`what the Sentinels name is no master, but a ${role}`);
  }

  async watch(client: Client, signal: AbortSignal): Promise<unknown> {
    for (;;) {
      await sleep(ASK_EVERY_MS, undefined, { ref: false, signal });
      await inTime(this.check(client));
      const named = await this.ask();
      // Where all that answer were cut off, they tell what was.
      if (!named || !this.current || named.epoch < this.current.epoch) continue;
      if (nameOf(named.address) !== nameOf(this.current.address)) return new Error('the Sentinels name another master');
      this.current = named;
    }
  }

  close(): void {
    for (const sentinel of this.sentinels) sentinel.close();
  }

  /** The newest that they say, once most of them have answered, or all who do. */
  private async ask(): Promise<Named | undefined> {
    const answers: Named[] = [];
    await new Promise<void>((resolve) => {
      let left = this.sentinels.length;
      const answered = (): void => {
        left--;
        if (left === 0 || answers.length > this.sentinels.length / 2) resolve();
      };
      for (const sentinel of this.sentinels)
        void sentinel
          .ask()
          .then(
            (named) => void answers.push(named),
            (error) => void (this.trouble = error),
          )
          .then(answered);
    });
    return answers.reduce<Named | undefined>(
      (newest, one) => (newest && newest.epoch >= one.epoch ? newest : one),
      undefined,
    );
  }
}

/** One Sentinel, by a connection that is kept for the next question. */
class Sentinel {
  private client: Client | undefined;
  private isClosed = false;
  private asking: Promise<Named> | undefined;

  constructor(
    private readonly address: RedisAddress,
    private readonly access: Access,
    private readonly masterName: string,
  ) {}

  /** @throws where it does not answer in time, or knows no such master */
  ask(): Promise<Named> {
    this.asking ??= inTime(this.named(), ASK_WITHIN_MS)
      .catch((error) => {
        this.hangUp();
        throw error;
      })
      .finally(() => {
        this.asking = undefined;
        if (this.isClosed) this.hangUp();
      });
    return this.asking;
  }

  close(): void {
    this.isClosed = true;
    this.hangUp();
  }

  private hangUp(): void {
    if (this.client) destroy(this.client);
    this.client = undefined;
  }

  private async named(): Promise<Named> {
    if (!this.client?.isReady) {
      this.client = newClient(this.address, this.access);
      await connected(this.client);
    }
    const [address, master] = await Promise.all([
      this.client.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.masterName]),
      this.client.sendCommand(['SENTINEL', 'MASTER', this.masterName]),
    ]);
    const [host, port] = address as unknown as [string, string];
    return { address: { host, port: Number(port) }, epoch: Number(fieldOf(master, 'config-epoch')) || 0 };
  }
}

/** Of an answer that is a map, or a list of names and values. */
function fieldOf(answer: unknown, name: string): unknown {
  if (Array.isArray(answer)) return answer[answer.indexOf(name) + 1];
  return answer instanceof Map ? answer.get(name) : (answer as Record<string, unknown>)[name];
}
