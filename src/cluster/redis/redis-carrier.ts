import type { Carrier } from '../carrier.js';
import { type RedisLink, unharmed } from './redis-link.js';
import type { RedisLinks } from './redis-links.js';

/** How long a channel that nobody needs any more is kept: a page that reloads needs it again at once. */
const KEEP_MS = 1_000;
/** How long anybody waits for a channel. */
const LISTEN_WITHIN_MS = 1_000;

/** Redis sends what comes to a channel, or will once this is resolved. */
type Subscription = 'active' | Promise<void>;

/** Channels that are asked for in this turn, over one connection. */
interface Fresh {
  readonly channels: string[];
  readonly asking: Promise<void>;
}

/** Channels of sockets' rooms, each listened to by the nodes that have sockets in it. */
export class RedisCarrier implements Carrier {
  private readonly needed = new Set<string>();
  /** By connection. Of these, some may not be needed any more. */
  private readonly subscribed = new Map<RedisLink, Map<string, Subscription>>();
  private readonly fresh = new Map<RedisLink, Fresh>();
  private readonly timer: NodeJS.Timeout;
  private arrived: (text: string) => void = () => undefined;
  private missed: () => void = () => undefined;
  private readonly hear = unharmed((text) => this.arrived(text));

  constructor(
    private readonly links: RedisLinks,
    private readonly prefix: string,
  ) {
    this.timer = setInterval(() => this.tidyUp(), KEEP_MS).unref();
    links.onDown((link) => this.subscribed.delete(link));
    links.onUp((link) => void this.subscribeNeeded(link));
    links.onMoved(() => this.follow());
  }

  send(channel: string, text: string): void {
    this.links.publish(this.prefix + channel, text);
  }

  listen(channel: string): Promise<void> | undefined {
    this.needed.add(channel);
    const link = this.linkOf(channel);
    if (!link?.isUp) return undefined;
    const subscription = this.at(link).get(channel) ?? this.subscribe(link, channel);
    return subscription === 'active' ? undefined : within(LISTEN_WITHIN_MS, subscription);
  }

  unlisten(channel: string): void {
    this.needed.delete(channel);
  }

  onArrival(arrived: (text: string) => void): void {
    this.arrived = arrived;
  }

  /** Calls `missed` when channels are listened to again that were needed before: what was sent to them meanwhile did not arrive. */
  onMissed(missed: () => void): void {
    this.missed = missed;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private linkOf(channel: string): RedisLink | undefined {
    return this.links.of(this.prefix + channel);
  }

  private at(link: RedisLink): Map<string, Subscription> {
    let channels = this.subscribed.get(link);
    if (!channels) this.subscribed.set(link, (channels = new Map()));
    return channels;
  }

  private subscribe(link: RedisLink, channel: string): Promise<void> {
    let fresh = this.fresh.get(link);
    if (!fresh) {
      const channels: string[] = [];
      // All of a turn in one packet.
      const asking: Promise<void> = Promise.resolve().then(() => {
        this.fresh.delete(link);
        return this.ask(link, channels, asking);
      });
      this.fresh.set(link, (fresh = { channels, asking }));
    }
    fresh.channels.push(channel);
    this.at(link).set(channel, fresh.asking);
    return fresh.asking;
  }

  private async ask(link: RedisLink, channels: readonly string[], asking: Promise<void>): Promise<void> {
    const failed = new Set(await link.subscribe(this.named(channels), this.hear));
    const subscribed = this.at(link);
    for (const channel of channels) {
      // Redis was away meanwhile, and it was asked for again; or it has moved.
      if (subscribed.get(channel) !== asking) continue;
      if (failed.has(this.prefix + channel)) subscribed.delete(channel);
      else subscribed.set(channel, 'active');
    }
  }

  /** What has come to another server is asked for there, and not listened to any more where it was. */
  private follow(): void {
    for (const [link, channels] of this.subscribed) {
      const moved = [...channels.keys()].filter((channel) => this.linkOf(channel) !== link);
      this.end(link, moved);
    }
    void this.subscribeNeeded();
  }

  /** @param only those of this connection */
  private async subscribeNeeded(only?: RedisLink): Promise<void> {
    const again = new Map<string, RedisLink>();
    const asking = new Set<Promise<void>>();
    for (const channel of this.needed) {
      const link = this.linkOf(channel);
      if (!link?.isUp || (only ?? link) !== link || this.at(link).has(channel)) continue;
      asking.add(this.subscribe(link, channel));
      again.set(channel, link);
    }
    await Promise.all(asking);
    for (const [channel, link] of again) if (this.subscribed.get(link)?.get(channel) === 'active') return this.missed();
  }

  private tidyUp(): void {
    // Also those that could not be had, though Redis seems to be there.
    void this.subscribeNeeded();
    for (const [link, channels] of this.subscribed) {
      const unneeded = [...channels].flatMap(([channel, state]) =>
        state === 'active' && !this.needed.has(channel) ? channel : [],
      );
      this.end(link, unneeded);
    }
  }

  private end(link: RedisLink, channels: readonly string[]): void {
    if (channels.length === 0) return;
    const subscribed = this.at(link);
    for (const channel of channels) subscribed.delete(channel);
    if (!link.isUp) this.subscribed.delete(link);
    else void link.unsubscribe(this.named(channels), this.hear);
  }

  private named(channels: readonly string[]): string[] {
    return channels.map((channel) => this.prefix + channel);
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
