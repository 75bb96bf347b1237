import type { BaseChat } from './chat.js';
import { Timer } from './clock.js';
import { ParleyError } from './errors.js';
import { PAGE } from './loaded.js';

/** More that was missed than this stays on the server until the reader comes to it. */
const MOST_PAGES = 3;

/** Fetches what an open chat is missing, up to what is known to exist: after a connection broke, a packet was lost, or it was opened. */
export class CatchUp {
  /** What is shown is as it was before the lists were read. */
  isOld = false;
  private running: Promise<void> | undefined;
  private isWanted = false;
  private readonly retry = new Timer(() => this.soon());
  private tries = 0;

  constructor(private readonly chat: BaseChat) {}

  opened(): void {
    const { core, loaded } = this.chat;
    if (core.isSynced) {
      this.dropOld();
      this.soon();
    } else if (loaded.hasWindow) this.isOld = true;
    else void loaded.cache.show();
  }

  /** Lists have been read: what this chat missed is known. */
  synced(): Promise<void> {
    if (this.isOld) this.dropOld();
    this.isOld = false;
    return this.now();
  }

  soon(): void {
    void this.now();
  }

  /** No more tries, until something wants them. */
  stop(): void {
    this.retry.stop();
  }

  /** Nobody has read here yet: where much was missed, one begins at the end. */
  private dropOld(): void {
    const { loaded } = this.chat;
    if (loaded.hasWindow && !loaded.isJumping && this.missed > MOST_PAGES * PAGE) loaded.drop();
  }

  private get missed(): number {
    return this.chat.lastSeq - this.chat.loaded.window.last;
  }

  /** One at a time. */
  now(): Promise<void> {
    this.isWanted = true;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      if (this.isWanted) this.soon();
    });
    return this.running;
  }

  private async run(): Promise<void> {
    const { chat } = this;
    const { core, loaded } = chat;
    const isCurrent = core.guard();
    while (this.isWanted) {
      this.isWanted = false;
      this.stop();
      if (!isCurrent() || !core.link.isOpen || !chat.isAttached) return;
      try {
        if (!loaded.hasWindow) await loaded.loadFirst();
        await this.changes();
        await this.messages();
        this.tries = 0;
        if (loaded.error) {
          loaded.error = undefined;
          chat.bump();
        }
      } catch (thrown) {
        if (isCurrent()) this.failed(ParleyError.from(thrown));
      }
    }
  }

  private failed(error: ParleyError): void {
    const { core, loaded, isAttached } = this.chat;
    loaded.error = error;
    loaded.loading = undefined;
    if (!error.retryable) loaded.notReady(error);
    else if (isAttached) {
      this.retry.set(core.clock, core.pauseAfter(error, this.tries++));
    }
    this.chat.bump();
  }

  private async changes(): Promise<void> {
    const { chat } = this;
    const { loaded } = chat;
    const { generation } = loaded;
    while (loaded.knownChange < chat.lastChange && chat.path !== undefined) {
      const target = chat.lastChange;
      const page = await loaded.rows({ changes_after: loaded.knownChange, limit: PAGE });
      if (generation !== loaded.generation) return;
      for (const message of page) loaded.apply(message);
      const reached = page.at(-1)?.change ?? 0;
      loaded.knownChange = page.length < PAGE ? Math.max(target, reached) : reached;
      chat.lastChange = Math.max(chat.lastChange, loaded.knownChange);
      chat.bump();
    }
  }

  private async messages(): Promise<void> {
    const { chat } = this;
    const { loaded } = chat;
    const { window, generation } = loaded;
    for (let pages = 0; window.atEnd && this.missed > 0; pages++) {
      if (pages === MOST_PAGES || this.missed > MOST_PAGES * PAGE) {
        // Who reads here keeps the place, and comes to the rest by scrolling or by "Latest".
        window.stopAtLast();
        loaded.ahead.clear();
        chat.bump();
        return;
      }
      const before = window.last;
      const page = await loaded.page({ after: before });
      if (generation !== loaded.generation) return;
      window.merge(page);
      loaded.arrived(page);
      chat.bump();
      // Nothing came although something is there: it is not for this user any more, and the lists will say so.
      if (window.last === before) return;
    }
  }
}
