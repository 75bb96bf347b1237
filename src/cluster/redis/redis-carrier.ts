import type { Carrier } from '../carrier.js';
import { type RedisLink, unharmed } from './redis-link.js';

/** How long a channel that nobody needs any more is kept: a page that reloads needs it again at once. */
const KEEP_MS = 1_000;
/** How long anybody waits for a channel. */
const LISTEN_WITHIN_MS = 1_000;

/** Redis sends what comes to a channel, or will once this is resolved. */
type Subscription = 'active' | Promise<void>;

/** Channels of sockets' rooms, each listened to by the nodes that have sockets in it. */
export class RedisCarrier implements Carrier {
  private readonly needed = new Set<string>();
  /** Of these, some may not be needed any more. */
  private readonly subscribed = new Map<string, Subscription>();
  /** Asked for in this turn. */
  private fresh: string[] = [];
  private asking: Promise<void> | undefined;
  private readonly timer: NodeJS.Timeout;
  private arrived: (text: string) => void = () => undefined;
  private readonly hear = unharmed((text) => this.arrived(text));

  constructor(
    private readonly link: RedisLink,
    private readonly prefix: string,
  ) {
    this.timer = setInterval(() => this.tidyUp(), KEEP_MS).unref();
    link.onDown(() => this.subscribed.clear());
    link.onUp(() => {
      for (const channel of this.needed) void this.subscribe(channel);
    });
  }

  send(channel: string, text: string): void {
    this.link.publish(this.prefix + channel, text);
  }

  listen(channel: string): Promise<void> | undefined {
    this.needed.add(channel);
    if (!this.link.isUp) return undefined;
    const subscription = this.subscribed.get(channel) ?? this.subscribe(channel);
    return subscription === 'active' ? undefined : within(LISTEN_WITHIN_MS, subscription);
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

  private subscribe(channel: string): Promise<void> {
    this.fresh.push(channel);
    // All of a turn in one command.
    this.asking ??= Promise.resolve().then(() => {
      const [channels, asking] = [this.fresh, this.asking!];
      this.fresh = [];
      this.asking = undefined;
      return this.ask(channels, asking);
    });
    this.subscribed.set(channel, this.asking);
    return this.asking;
  }

  private async ask(channels: readonly string[], asking: Promise<void>): Promise<void> {
    const names = channels.map((channel) => this.prefix + channel);
    const isDone = await this.link.subscribe(names, this.hear).then(
      () => true,
      () => false,
    );
    for (const channel of channels) {
      // Redis was away meanwhile, and it was asked for again.
      if (this.subscribed.get(channel) !== asking) continue;
      if (isDone) this.subscribed.set(channel, 'active');
      else this.subscribed.delete(channel);
    }
  }

  private tidyUp(): void {
    if (!this.link.isUp) return;
    // Also those that could not be had, though Redis seems to be there.
    for (const channel of this.needed) if (!this.subscribed.has(channel)) void this.subscribe(channel);
    const unneeded = [...this.subscribed].flatMap(([channel, state]) =>
      state === 'active' && !this.needed.has(channel) ? channel : [],
    );
    if (unneeded.length === 0) return;
    for (const channel of unneeded) this.subscribed.delete(channel);
    const names = unneeded.map((channel) => this.prefix + channel);
    this.link.unsubscribe(names, this.hear).catch(() => undefined);
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
