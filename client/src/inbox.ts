import type { BaseChat } from './chat.js';
import { Timer } from './clock.js';
import type { Core } from './core.js';
import { computed, type Store } from './store.js';
import type { ChatSettings, ChatSummary, Inbox, Message } from './data.js';
import type { WireUser } from './wire.js';

const MOST_KEPT = 200;
const KEEP_AFTER_MS = 2_000;

/** What the next start shows of a chat before the server answers. */
export interface CachedRow {
  readonly key: string;
  readonly id?: number;
  readonly other?: WireUser;
  readonly title: string;
  readonly last_message: Message | null;
  readonly lastSeq: number;
  readonly readSeq: number;
  readonly mentions?: number;
  readonly settings?: Partial<ChatSettings>;
}

/** The list of all conversations, and what of it is kept in the storage for the next start. */
export class InboxList {
  readonly store: Store<Inbox>;
  private readonly timer = new Timer(() => this.write());

  constructor(private readonly core: Core) {
    this.store = computed(core.version, () => this.build());
  }

  private build(): Inbox {
    const { chats, sync, userId, me } = this.core;
    // The bot comes first until somebody writes after it; whoever never asked it has had it since the account began.
    const timeOf = (chat: BaseChat): string =>
      chat.lastMessage?.timestamp ??
      (chat === chats.bot ? (me?.created_at ?? '') : chat.bornAt > 0 ? new Date(chat.bornAt).toISOString() : '');
    const rows: ChatSummary[] = userId
      ? chats
          .listed()
          .map((chat) => ({ chat, time: timeOf(chat) }))
          .sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0))
          .map(({ chat }) => chat.listRow.get())
      : [];
    const { isLoaded: loaded, error } = sync;
    const sum = (of: 'unread' | 'unread_mentions'): number => rows.reduce((all, row) => all + row[of], 0);
    return {
      rows: Object.freeze(rows),
      unread: sum('unread'),
      unread_mentions: sum('unread_mentions'),
      loaded,
      ...(error && { error }),
    };
  }

  keepSoon(): void {
    const { core } = this;
    if (core.isCaching) this.timer.set(core.clock, KEEP_AFTER_MS);
  }

  private write(): void {
    const { core } = this;
    if (!core.sync.isLoaded) return;
    const rows = this.store
      .get()
      .rows.slice(0, MOST_KEPT)
      .map(({ key, other, title, last_message }): CachedRow => {
        const { id, lastSeq, readSeq, unreadMentions, settings } = core.chats.get(key);
        return {
          key,
          ...(id !== undefined && { id }),
          ...(other && { other }),
          title,
          last_message,
          lastSeq,
          readSeq,
          mentions: unreadMentions,
          settings: settings.now,
        };
      });
    core.keep(this.key, { rows });
  }

  /** Shows what was kept, unless the server was faster. */
  async show(): Promise<void> {
    const { core, key } = this;
    if (!core.isCaching) return;
    const isCurrent = core.guard();
    const cached = (await core.storage.read(key)).get(key) as { rows: CachedRow[] } | undefined;
    if (!isCurrent() || core.sync.isLoaded) return;
    for (const row of cached?.rows ?? []) {
      if (row.other) core.people.put(row.other);
      core.chats.get(row.key).cached(row);
    }
    core.bump();
  }

  forget(): void {
    this.timer.stop();
  }

  private get key(): string {
    return `cache:${this.core.userId}:inbox`;
  }
}
