import type { BaseChat } from './chat.js';
import type { Core } from './core.js';
import type { Call } from './mentions.js';
import { nameOf } from './people.js';
import type { Message } from './data.js';

/** A message that a person is told of is told in one tab only, for this long. */
const ALONE_MS = 5_000;
const MOST_TOLD = 200;

/** Tells of messages that are worth a notification: in one tab, and only if nobody looks at the chat in any. */
export class Attention {
  /** By chat and `seq`, here or in another tab. */
  private readonly told = new Set<string>();

  constructor(private readonly core: Core) {}

  async call(chat: BaseChat, message: Message, call: Call): Promise<void> {
    const { core, told } = this;
    const what = `${chat.key} ${message.seq}`;
    const isCurrent = core.guard();
    try {
      if (told.has(what) || (await chat.views.isLookedAt()) || !(await this.isWanted(chat, message, call))) return;
      const name = `parley:${core.userId}:attention:${what}`;
      await core.tabs.lock(name, { mode: 'exclusive', if_free: true }, async (got) => {
        if (!got || told.has(what) || !isCurrent()) return;
        this.heard(what);
        core.tabs.tell({ about: 'attention', what });
        const author = message.user_id === null ? undefined : core.people.peek(message.user_id);
        const { title } = chat.listRow.get();
        core.emit('attention', {
          chat,
          title: chat.ref.type === 'group' && author ? `${nameOf(author)}, ${title}` : title,
          message,
        });
        // Other tabs hear of the message a little later.
        if (core.isShared) await core.sleep(ALONE_MS);
      });
    } catch (error) {
      core.failed(error);
    }
  }

  /** Muted means silent for everything but a mention by name; `none` is silent for that, too. */
  private async isWanted(chat: BaseChat, { seq }: Message, { isNamed, isEveryone, isCertain }: Call): Promise<boolean> {
    const { notify, muted_until } = chat.settings.now;
    const isLoud = notify !== 'none' && muted_until === null;
    if (isLoud && notify === 'all') return true;
    const isCalled = notify !== 'none' && (isNamed || (isEveryone && isLoud));
    return isCalled && (isCertain ?? this.core.mentions.has(chat, seq));
  }

  /** Somebody was told, here or in another tab. */
  heard(what: string): void {
    const { told } = this;
    told.add(what);
    if (told.size > MOST_TOLD) told.delete(told.keys().next().value!);
  }

  forget(): void {
    this.told.clear();
  }
}
