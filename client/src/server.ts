import { Timer } from './clock.js';
import type { Core } from './core.js';
import { ParleyError } from './errors.js';
import { Value } from './store.js';
import type { ServerInfo } from './types.js';
import type { WireServerUpdate } from './wire.js';

const ASK_EVERY_MS = 30_000;
/** After a restart of the server, all clients are back at once. */
const SPREAD_MS = 10_000;

/** What the server says of itself. Undefined: it was not asked yet, or does not say. */
export class Server extends Value<ServerInfo | undefined> {
  private askedAt = -Infinity;
  private asking: Promise<void> | undefined;
  /** What was told on this connection: newer than an answer that was on its way meanwhile, or in a cache. */
  private news: WireServerUpdate = {};
  private readonly timer = new Timer(() => this.tryAsking());

  constructor(private readonly core: Core) {
    super(undefined);
  }

  has(feature: string): boolean {
    return this.get()?.features.includes(feature) ?? false;
  }

  /** Asks, unless it has answered. */
  look(): void {
    if (!this.get() && !this.core.isClosed && !this.wasAsked) this.tryAsking();
  }

  /** Connected, or events were lost: what was told until then was not heard. */
  again(): void {
    this.news = {};
    this.askLater();
  }

  forget(): void {
    this.timer.stop();
  }

  update(news: WireServerUpdate): void {
    this.news = { ...this.news, ...news };
    const known = this.get();
    if (known) this.set({ ...known, ...news });
  }

  /** What an older server does not know it would refuse. @throws ParleyError `unsupported`, or why it cannot be asked */
  async need(feature: string): Promise<void> {
    // It may have been replaced by a newer one.
    if (!this.has(feature) && !(this.get() && this.wasAsked)) await this.ask();
    if (!this.has(feature)) throw new ParleyError('unsupported', `This server is too old: it has no ${feature}.`);
  }

  private get wasAsked(): boolean {
    return this.core.clock.now() - this.askedAt < ASK_EVERY_MS;
  }

  private askLater(): void {
    const { clock, random } = this.core;
    this.timer.set(clock, Math.max(0, this.askedAt + ASK_EVERY_MS - clock.now()) + random() * SPREAD_MS);
  }

  private tryAsking(): void {
    const { core } = this;
    this.ask().catch((error: unknown) => {
      core.log('debug', 'The server did not say what it is.', { error: String(error) });
      if (core.link.isOpen) this.askLater();
    });
  }

  private ask(): Promise<void> {
    return (this.asking ??= this.read().finally(() => (this.asking = undefined)));
  }

  private async read(): Promise<void> {
    const { core } = this;
    this.askedAt = core.clock.now();
    try {
      const said = await core.http.ask<ServerInfo>('GET', 'server', { token: null });
      this.set({ ...said, ...(core.link.isOpen && this.news) });
      core.bump();
    } catch (error) {
      // Older than this question.
      if (!ParleyError.is(error, 'not_found')) throw error;
    }
  }
}
