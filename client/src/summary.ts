import type { BaseChat } from './chat.js';
import type { ChatSummary } from './data.js';

/** A chat's row in a list. */
export function summaryOf(chat: BaseChat): ChatSummary {
  const { key, ref, core, lastMessage: last_message, unread } = chat;
  const entries = core.outbox.entries(key);
  const failed = entries.filter((entry) => entry.failed).length;
  const other = chat.other?.get();
  return {
    key,
    ref,
    title: chat.title || chat.cachedTitle,
    ...(other && { other }),
    last_message,
    unread,
    unread_mentions: chat.unreadMentions,
    ...chat.settings.now,
    has_draft: chat.draft.get() !== '',
    waiting: entries.length - failed,
    failed,
  };
}
