import type { BaseChat } from './chat.js';
import { Timer } from './clock.js';
import type { Message } from './data.js';

const KEEP_AFTER_MS = 1_000;

/** What is kept of a chat for the next start. */
interface Cached {
  readonly messages: readonly Message[];
  readonly change: number;
}

/** The newest messages of a chat, in the storage of this device: shown at the next start, until the server answers. */
export class ChatCache {
  private readonly timer = new Timer(() => this.write());

  constructor(private readonly chat: BaseChat) {}

  keepSoon(): void {
    const { core } = this.chat;
    if (core.isCaching) this.timer.set(core.clock, KEEP_AFTER_MS);
  }

  private write(): void {
    const { core, loaded } = this.chat;
    const { isAtEnd, newest, knownChange } = loaded;
    if (isAtEnd && core.userId) core.keep(this.key, { messages: newest, change: knownChange } satisfies Cached);
  }

  /** Begins with what was kept, unless the server was faster. */
  async show(): Promise<void> {
    const { chat, key } = this;
    const { core, loaded } = chat;
    if (!core.isCaching) return;
    const isCurrent = core.guard();
    const cached = (await core.storage.read(key).catch(() => undefined))?.get(key) as Cached | undefined;
    if (!cached || !isCurrent() || loaded.hasWindow || core.isSynced) return;
    chat.catchUp.isOld = true;
    loaded.begin(Object.freeze(cached.messages.map((message) => Object.freeze(message))), true, cached.change);
  }

  wipe(): void {
    const { core } = this.chat;
    if (core.userId) core.keep(this.key, undefined);
  }

  private get key(): string {
    const { core, key } = this.chat;
    return `cache:${core.userId}:chat:${key}`;
  }
}
