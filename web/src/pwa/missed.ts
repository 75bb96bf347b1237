import { signal } from '@preact/signals';
import type { Chat, ChatSummary, Events } from 'parley-client';
import { parley } from '../parley.js';

/** Who wrote while the page was hidden, and has not been read since: first names, a group's message by its author's. */
export const missed = signal<readonly string[]>([]);

/** Once a page. */
export function watchWhatIsMissed(): void {
  const byChat = new Map<Chat, Set<string>>();
  parley.on('message', ({ chat, message, mine }) => {
    if (mine || document.visibilityState === 'visible') return;
    const names = byChat.get(chat) ?? new Set();
    byChat.set(chat, names.add(authorOf({ chat, message })));
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return;
    // What has been read meanwhile in another tab, or on another device, was not missed; nor what one is not told of.
    const called = [...byChat].filter(([chat]) => isCalled(chat.summary.get()));
    const names = new Set(called.flatMap(([, authors]) => [...authors]));
    byChat.clear();
    if (names.size > 0) missed.value = [...names];
  });
}

/** Whether anything that is unread would be told, by the settings of the conversation. */
function isCalled(row: ChatSummary | undefined): boolean {
  if (!row || row.notify === 'none') return false;
  return (row.notify === 'all' && row.muted_until === null ? row.unread : row.unread_mentions) > 0;
}

function authorOf({ chat, message }: Pick<Events['message'], 'chat' | 'message'>): string {
  const { user_id: id } = message;
  const user = id === null ? undefined : parley.users.get(id).get();
  return user?.first_name ?? chat.summary.get()?.title ?? 'Somebody';
}
