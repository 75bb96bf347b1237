import type { BaseChat } from './chat.js';
import type { ChatSettings } from './data.js';
import { ParleyError } from './errors.js';
import type { ChangeChatSettings } from './types.js';
import type { WireChatSettings, WireListedSettings } from './wire.js';

/** A timer that is set for longer fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** How this user wants to be told of a chat, and where they keep it: on all of their devices. */
export class Settings {
  /** As the server said it; what is missing is as a chat begins. */
  private said: WireListedSettings = {};
  /** Rises with each word of the server's. */
  private turn = 0;
  private endTimer: (() => void) | undefined;

  constructor(private readonly chat: BaseChat) {}

  get now(): ChatSettings {
    const { core, ref } = this.chat;
    const { notify, muted_until, is_favourite, is_archived } = this.said;
    // Servers that know no settings mean every message.
    const first = ref.type === 'group' && core.server.has('chat_settings') ? 'mentions' : 'all';
    return {
      notify: notify ?? first,
      muted_until: muted_until && Date.parse(muted_until) > core.clock.now() ? muted_until : null,
      is_favourite: is_favourite ?? false,
      is_archived: is_archived ?? false,
    };
  }

  told({ notify, muted_until, is_favourite, is_archived }: WireListedSettings): void {
    this.turn++;
    this.said = { notify, muted_until, is_favourite, is_archived };
    this.watch();
    this.chat.bump();
  }

  /** @throws ParleyError */
  async set(change: ChangeChatSettings): Promise<ChatSettings> {
    const { core, place } = this.chat;
    if (!place) throw new ParleyError('not_found', 'There is no such chat, or not yet.');
    const isCurrent = core.guard();
    await core.server.need('chat_settings');
    const { turn } = this;
    const row = await core.http.ask<WireChatSettings>('PUT', 'chat_settings', { body: { ...place, ...change } });
    // What came by an event meanwhile is as new, or newer.
    if (isCurrent() && turn === this.turn) this.told(row);
    return this.now;
  }

  /** The moment at which it is muted no longer is told by nobody else. */
  private watch(): void {
    const { core } = this.chat;
    this.endTimer?.();
    const left = Date.parse(this.said.muted_until ?? '') - core.clock.now();
    if (left > 0)
      this.endTimer = core.clock.after(Math.min(left, LONGEST_MS), () => {
        this.watch();
        this.chat.bump();
      });
  }
}
