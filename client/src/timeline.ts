import type { BaseChat } from './chat.js';
import type { Item, Message, MessageItem, NoticeItem, Timeline } from './data.js';
import type { Entry } from './outbox.js';
import { frozen, hasSameFields } from './store.js';
import type { WireNotice } from './wire.js';

const MOST_NOTICES = 100;

/** What is shown of a chat: the messages that are loaded, notices between them, and behind them what is being written. */
export class TimelineItems {
  private notices: { readonly after: number; readonly item: NoticeItem }[] = [];
  private noticeCount = 0;
  private readonly stored = new WeakMap<Message, MessageItem>();
  private readonly pending = new Map<string, MessageItem>();

  constructor(private readonly chat: BaseChat) {}

  build(): Timeline {
    const { notices, chat } = this;
    const { lastSeq, marks, loaded } = chat;
    const { window, hasWindow, loading, error } = loaded;
    const { newFrom } = marks;
    const items: Item[] = [];
    let notice = 0;
    const noticesUpTo = (seq: number): void => {
      for (; notice < notices.length && notices[notice]!.after < seq; notice++) items.push(notices[notice]!.item);
    };
    while (notice < notices.length && notices[notice]!.after < window.first - 1) notice++;
    for (const message of window.messages) {
      noticesUpTo(message.seq);
      items.push(this.itemOf(message));
    }
    // What is being written is shown also where nothing could be loaded yet.
    if (window.atEnd || !hasWindow) {
      noticesUpTo(Infinity);
      for (const message of loaded.ahead.values()) items.push(this.itemOf(message));
      items.push(...this.waitingItems(), ...chat.extraItems());
    }
    const reached = window.atEnd ? Math.max(marks.seenSeq, newFrom ? newFrom - 1 : 0) : window.last;
    return {
      items: Object.freeze(items),
      at_start: hasWindow && window.atStart,
      at_end: window.atEnd,
      ...(loading && { loading }),
      ...(error && { error }),
      ...(newFrom !== undefined && { new_from: newFrom }),
      below: hasWindow ? Math.max(0, lastSeq - reached) : 0,
    };
  }

  /** Somebody came or went, after the newest message. */
  notice({ message, notice }: WireNotice): void {
    const { core, loaded } = this.chat;
    const item: NoticeItem = Object.freeze({
      kind: 'notice',
      key: `notice:${++this.noticeCount}`,
      message,
      timestamp: new Date(core.clock.now()).toISOString(),
      change: notice.kind,
      user_ids: Object.freeze([...notice.user_ids]),
    });
    this.notices = [...this.notices, { after: loaded.window.last, item }].slice(-MOST_NOTICES);
  }

  forget(): void {
    this.notices = [];
    this.pending.clear();
  }

  private itemOf(message: Message): MessageItem {
    const { edits, reactions } = this.chat;
    const overlay = edits.overlays.get(message.seq);
    const shown = reactions.shown(message);
    const known = this.stored.get(message);
    if (known && !overlay && shown === message) return known;
    const item: MessageItem = frozen({
      ...shown,
      kind: 'message',
      key: this.chat.keyOf(message),
      mine: message.user_id === this.chat.core.userId,
      state: 'stored',
      ...overlay,
      ...(overlay?.pending === 'delete' && { deleted: true as const }),
    });
    if (!overlay && shown === message) this.stored.set(message, item);
    return item;
  }

  private waitingItems(): MessageItem[] {
    const { core, key, loaded } = this.chat;
    const { outbox } = core;
    // A name that a program uses again stands there already, and so does what is heard of before its acknowledgement.
    const isShown = ({ is_named, mentions, client_id }: Entry): boolean =>
      (is_named || mentions !== undefined) && loaded.ownMessage(client_id) !== undefined;
    const waiting = outbox.entries(key).filter((entry) => !isShown(entry));
    const all = waiting.map((entry) => {
      const error = outbox.errorOf(entry);
      const state = entry.failed ? 'failed' : outbox.isSending(entry) ? 'sending' : 'queued';
      const retry_at = error && state === 'queued' ? outbox.retryAt(key) : undefined;
      const known = this.pending.get(entry.client_id);
      const { client_id, created_at } = entry;
      const said = this.chat.shownAs(entry);
      const isSameQuote = hasSameFields<object>(known?.reply_to ?? {}, said.reply_to ?? {});
      // Each try that fails puts it off anew.
      if (known && known.state === state && known.retry_at === retry_at && isSameQuote) return known;
      return Object.freeze<MessageItem>({
        kind: 'message',
        key: client_id,
        mine: true,
        state,
        client_id,
        ...said,
        timestamp: created_at,
        ...(error && { error }),
        ...(retry_at && { retry_at }),
      });
    });
    this.pending.clear();
    for (const item of all) this.pending.set(item.key, item);
    return all;
  }
}
