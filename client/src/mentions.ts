import type { BaseChat } from './chat.js';
import { Timer } from './clock.js';
import type { Core } from './core.js';
import type { Mention, Message } from './data.js';
import { ParleyError } from './errors.js';
import { frozen, type Until } from './store.js';
import type { Rows } from './types.js';
import type { WireMention, WireUnread } from './wire.js';

const RECOUNT_AFTER_MS = 3_000;

/** To whom a message speaks; or several, of which one event tells. */
export interface Call {
  /** It names this user, or answers them. */
  readonly isNamed: boolean;
  readonly isEveryone: boolean;
  /** The server says so itself. */
  readonly isCertain?: true;
}

export const callOf = ({ mentions, reply_to }: Message, userId: number): Call => ({
  isNamed: mentions?.user_ids.includes(userId) || reply_to?.user_id === userId,
  isEveryone: mentions?.everyone ?? false,
});

/**
 * Messages that name this user. Which do, only the server knows: an answer may have been sent silently, and whoever has blocked the
 * other names nobody.
 */
export class Mentions {
  private readonly timer = new Timer(() => void this.recount());
  private turn = 0;

  constructor(private readonly core: Core) {}

  /** @throws ParleyError */
  async find(options: Until & { readonly until?: Date } = {}): Promise<Rows<Mention>> {
    const { core } = this;
    if (!core.userId) throw new ParleyError('signed_out', 'Nobody is signed in.');
    await core.server.need('mentions');
    // They say who is in which room.
    if (!core.sync.isLoaded) await core.sync.whenDone(options);
    return this.page(options.until?.toISOString(), options);
  }

  private async page(until: string | undefined, options?: Until): Promise<Rows<Mention>> {
    const found = await this.read(until, options);
    const rows = found.flatMap((row) => {
      const chat = this.core.chats.at(row);
      const { seq, user_id, message, timestamp } = row;
      return chat ? [{ key: chat.key, ref: chat.ref, seq, user_id, message, timestamp }] : [];
    });
    const before = found.at(-1)?.timestamp;
    // Only an empty page is certain to be the last one.
    return frozen({ rows, ...(before !== undefined && { next: (more?: Until) => this.page(before, more) }) });
  }

  private read(until: string | undefined, options?: Until): Promise<WireMention[]> {
    return this.core.http.ask('GET', 'mentions', { query: { until }, signal: options?.signal });
  }

  /** Whether a message that was just heard names this user. Where the server cannot be asked, it may. */
  async has(chat: BaseChat, seq: number): Promise<boolean> {
    const rows = await this.read(undefined).catch(() => undefined);
    return !rows || rows.some((row) => row.seq === seq && this.core.chats.at(row) === chat);
  }

  /** A chat's count of unread mentions may be another by now. */
  recountSoon(): void {
    this.turn++;
    this.timer.set(this.core.clock, RECOUNT_AFTER_MS);
  }

  private async recount(): Promise<void> {
    const { core, turn } = this;
    const rows = await core.read<WireUnread>('notifications');
    // What happened meanwhile has asked for another one.
    if (!rows || turn !== this.turn) return;
    for (const row of rows) core.chats.at(row)?.counted(row);
  }

  forget(): void {
    this.timer.stop();
  }
}
