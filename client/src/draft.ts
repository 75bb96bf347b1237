import type { BaseChat } from './chat.js';
import { Timer } from './clock.js';
import { Value } from './store.js';

const KEEP_AFTER_MS = 300;

/** The unsent text of a chat: kept in the storage soon after it was changed, and told to other tabs. */
export class Draft extends Value<string> {
  private readonly timer = new Timer(() => this.write());

  constructor(private readonly chat: BaseChat) {
    super('');
  }

  change(text: string): void {
    const { core } = this.chat;
    if (text === this.get() || !core.userId) return;
    this.set(text);
    core.bump();
    this.timer.set(core.clock, KEEP_AFTER_MS);
  }

  /** Writes it, if it was changed. */
  keep(): void {
    if (!this.timer.isSet) return;
    this.timer.stop();
    this.write();
  }

  private write(): void {
    const { core, key } = this.chat;
    const text = this.get();
    core.keep(`draft:${core.userId}:${key}`, text === '' ? undefined : text);
    core.tabs.tell({ about: 'draft', user: core.userId, chat: key, text });
  }

  /** From the storage or another tab. */
  found(text: string): void {
    if (this.timer.isSet) return;
    this.set(text);
    this.chat.core.bump();
  }

  forget(): void {
    this.timer.stop();
    this.set('');
  }
}
