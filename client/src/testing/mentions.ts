import type { House, Identity } from './house.js';
import { type Chat, EVERYONE, type Room, type Group } from './state.js';
import { iso, readMoment } from './texts.js';

const PAGE = 100;
const MOST_UNREAD = 100;

/** The numbers of the messages that name somebody, or everyone: of others, and of nobody with whom there is a block. */
function named({ state }: House, chat: Chat, userId: number): Set<number> {
  const isOfOthers = (seq: number): boolean => {
    const author = chat.messages[seq - 1]!.user_id;
    return author !== userId && !state.areApart(author, userId);
  };
  const mine = chat.mentions.filter(
    ({ user_id, seq }) => user_id === userId || (user_id === EVERYONE && isOfOthers(seq)),
  );
  return new Set(mine.map(({ seq }) => seq));
}

/** The field `unread_mentions` of a list; missing where there are none. @param mark how far they have read */
export function unreadMentions(house: House, chat: Chat, userId: number, mark: number): { unread_mentions?: number } {
  const count = [...named(house, chat, userId)].filter((seq) => seq > mark).length;
  return count > 0 ? { unread_mentions: Math.min(count, MOST_UNREAD) } : {};
}

/** The newest messages that name the caller, in the chats that they are in now. */
export function listMentions(house: House, { user_id }: Identity, until?: string) {
  const before = until === undefined ? Infinity : readMoment(until)!;
  const all = house.state
    .chatsOf(user_id)
    .filter((chat): chat is Room | Group => chat.kind !== 'bot')
    .flatMap((chat) => [...named(house, chat, user_id)].map((seq) => ({ chat, message: chat.messages[seq - 1]! })))
    .filter(({ message }) => message.timestamp < before)
    .sort((a, b) => b.message.timestamp - a.message.timestamp);
  const page = all.slice(0, PAGE);
  // What is asked for by a moment would lack the others of that moment.
  const next = all[PAGE]?.message.timestamp;
  const whole = page.filter(({ message }) => message.timestamp !== next);
  return (whole.length > 0 ? whole : page).map(({ chat, message }) => ({
    chat_type: chat.kind,
    ...(chat.kind === 'room' ? { chat_room_id: chat.id } : { chat_group_id: chat.id }),
    seq: message.seq,
    user_id: message.user_id,
    message: message.message,
    timestamp: iso(message.timestamp),
  }));
}
