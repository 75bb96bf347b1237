import type { BaseChat } from './chat.js';
import { Value } from './store.js';

const FADES_AFTER_MS = 5_000;
const SAID_EVERY_MS = 3_000;

/** Who types in a chat; and telling the others that oneself does. */
export class Typing extends Value<readonly number[]> {
  private readonly ends = new Map<number, () => void>();
  private saidAt = 0;

  constructor(private readonly chat: BaseChat) {
    super([]);
  }

  /** This user has just pressed a key. */
  heard(userId: number): void {
    const { core } = this.chat;
    if (userId === core.userId || core.people.isBlocked(userId)) return;
    this.stop(userId);
    const endTimer = core.clock.after(FADES_AFTER_MS, () => this.stop(userId));
    this.ends.set(userId, endTimer);
    this.set([...this.get(), userId]);
  }

  stop(userId: number): void {
    this.ends.get(userId)?.();
    if (this.ends.delete(userId)) this.set(this.get().filter((id) => id !== userId));
  }

  stopAll(): void {
    for (const userId of Array.from(this.ends.keys())) this.stop(userId);
  }

  /** Oneself has pressed a key. */
  say(): void {
    const { core, ref, address } = this.chat;
    const now = core.clock.now();
    if (now - this.saidAt < SAID_EVERY_MS || ref.type === 'bot' || !core.link.isOpen) return;
    this.saidAt = now;
    core.link.emit('typing', address).catch(() => {});
  }
}
