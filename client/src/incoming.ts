import type { BaseChat } from './chat.js';
import type { Core } from './core.js';
import { ParleyError } from './errors.js';
import { onAbort, type Until } from './store.js';
import type { Message } from './data.js';
import type { Chat } from './types.js';

const PAGE = 100;

interface Got {
  readonly chat: Chat;
  readonly message: Message;
}

/**
 * Every message of others, once in each run, from the first that is unread; in order for each chat. How far the loop came is noted in
 * the storage, where that outlives the process: one's own answers move the server's mark past what was not read yet.
 */
export async function* incoming(core: Core, options?: Until): AsyncGenerator<Got> {
  const signal = options?.signal;
  const cursors = new Map<string, number>();
  const pages = new Map<string, Message[]>();
  let wake: (() => void) | undefined;
  let tries = 0;
  let turn = 0;
  const end = core.version.listen(() => wake?.());
  const stop = (): void => wake?.();
  const endAbort = onAbort(signal, stop);
  const noted = core.storage.read(`incoming:${core.userId}:`);
  try {
    if (!core.userId) throw new ParleyError('signed_out', 'Nobody is signed in.');
    const user = core.userId;
    const notes = await noted;
    const cursorOf = (chat: BaseChat): number => {
      const known = cursors.get(chat.key);
      if (known !== undefined) return known;
      const note = notes.get(noteKey(user, chat)) as number | undefined;
      // A note beyond the end is of another life of the database.
      const cursor = note !== undefined && note <= chat.lastSeq ? note : chat.readSeq;
      cursors.set(chat.key, cursor);
      return cursor;
    };
    for (;;) {
      if (signal?.aborted) return;
      if (core.userId !== user) throw new ParleyError('signed_out', 'The session has ended.');
      if (core.isClosed) return;
      const behind = core.isSynced
        ? core.chats.listed().filter((chat) => chat.ref.type !== 'bot' && cursorOf(chat) < chat.lastSeq)
        : [];
      // One chat after another: a busy one holds up nobody.
      const chat = behind[turn++ % Math.max(1, behind.length)];
      if (!chat) {
        await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
        continue;
      }
      try {
        const message = await nextOf(chat, cursorOf(chat), pages, signal);
        if (!message) {
          cursors.set(chat.key, chat.lastSeq);
          continue;
        }
        tries = 0;
        if (message.user_id !== user && !message.deleted) yield { chat, message };
        cursors.set(chat.key, message.seq);
        core.keep(noteKey(user, chat), message.seq);
        if (message.user_id !== user) await chat.markRead(message.seq);
      } catch (thrown) {
        const error = ParleyError.from(thrown);
        if (signal?.aborted) return;
        // Of a chat that is not one's own any more, nothing more comes.
        if (!error.retryable) cursors.set(chat.key, chat.lastSeq);
        else await core.sleep(core.pauseAfter(error, tries++, 500, 20_000), signal);
      }
    }
  } finally {
    end();
    endAbort();
    noted.catch(() => {});
  }
}

const noteKey = (user: number, chat: BaseChat): string => `incoming:${user}:${chat.key}`;

async function nextOf(
  chat: BaseChat,
  cursor: number,
  pages: Map<string, Message[]>,
  signal: AbortSignal | undefined,
): Promise<Message | undefined> {
  let page = pages.get(chat.key) ?? [];
  while (page[0] && page[0].seq <= cursor) page.shift();
  const live = chat.lastMessage;
  // Most often there is one new message, and it was heard.
  if (page.length === 0 && live?.seq === cursor + 1 && chat.lastSeq === live.seq) return live;
  if (page.length === 0) page = [...(await chat.history({ after: cursor, limit: PAGE }, signal && { signal }))];
  pages.set(chat.key, page);
  return page[0];
}
