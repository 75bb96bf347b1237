import type { Carrier } from '../carrier.js';
import type { RedisLink } from './redis-link.js';

/** How long a channel that nobody needs any more is kept: a page that reloads needs it again at once. */
const KEEP_MS = 1_000;
/** How long anybody waits for a channel. */
const LISTEN_WITHIN_MS = 1_000;

/** Channels of sockets' rooms, each listened to by the nodes that have sockets in it. */
export class RedisCarrier implements Carrier {
  /** The channels that are needed, and whether Redis has confirmed them. */
  private readonly needed = new Map<string, { isActive: boolean }>();
  /** Those that Redis sends. Of these, some may not be needed any more. */
  private readonly subscribed = new Set<string>();
  /** Asked for in this turn. */
  private fresh: string[] = [];
  private subscribing: Promise<void> | undefined;
  private readonly timer: NodeJS.Timeout;
  private arrived: (text: string) => void = () => undefined;
  private readonly hear = (text: string): void => this.arrived(text);

  constructor(
    private readonly link: RedisLink,
    private readonly prefix: string,
  ) {
    this.timer = setInterval(() => this.tidyUp(), KEEP_MS).unref();
    link.onUp(() => this.subscribeAll());
    link.onDown(() => {
      this.subscribed.clear();
      for (const channel of this.needed.values()) channel.isActive = false;
    });
  }

  send(channel: string, text: string): void {
    this.link.publish(this.prefix + channel, text);
  }

  listen(channel: string): Promise<void> | undefined {
    const known = this.needed.get(channel);
    if (known?.isActive || !this.link.isUp) {
      if (!known) this.needed.set(channel, { isActive: false });
      return undefined;
    }
    if (!known) {
      const isActive = this.subscribed.has(channel);
      this.needed.set(channel, { isActive });
      if (isActive) return undefined;
      this.fresh.push(channel);
    }
    // All of a turn in one command.
    this.subscribing ??= Promise.resolve().then(() => {
      this.subscribing = undefined;
      const channels = this.fresh;
      this.fresh = [];
      return this.subscribe(channels);
    });
    return within(LISTEN_WITHIN_MS, this.subscribing);
  }

  unlisten(channel: string): void {
    this.needed.delete(channel);
  }

  onArrival(arrived: (text: string) => void): void {
    this.arrived = arrived;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async subscribe(channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    try {
      for (const channel of channels) this.subscribed.add(channel);
      await this.link.subscribe(
        channels.map((channel) => this.prefix + channel),
        this.hear,
      );
      for (const channel of channels) {
        const needed = this.needed.get(channel);
        if (needed) needed.isActive = true;
      }
    } catch {
      // Once Redis is back, all are asked for again.
      for (const channel of channels) this.subscribed.delete(channel);
    }
  }

  private subscribeAll(): void {
    void this.subscribe([...this.needed.keys()]);
  }

  private tidyUp(): void {
    if (!this.link.isUp) return;
    const unneeded = [...this.subscribed].filter((channel) => !this.needed.has(channel));
    if (unneeded.length === 0) return;
    for (const channel of unneeded) this.subscribed.delete(channel);
    const channels = unneeded.map((channel) => this.prefix + channel);
    this.link.unsubscribe(channels, this.hear).catch(() => undefined);
  }
}

function within(ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms).unref();
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
