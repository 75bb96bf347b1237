import type { Chat, MessageItem } from 'parley-client';
import { ofTab } from '../parts/kept.js';
import { me } from '../parley.js';

/*
 * What one's own messages are being changed to, kept for this tab until it is stored or given up: it outlives a reload, and leaving the
 * conversation. Under the id of the user, as everything that somebody wrote.
 */

/** A message that the composer changes. */
export type Edited = Pick<MessageItem, 'seq' | 'message'>;

const keyOf = (chat: Chat): string => `editing:${me.peek()?.id}:${chat.key}`;
const textKey = (chat: Chat, seq: number): string => `edit:${me.peek()?.id}:${chat.key}:${seq}`;

/** Which one was being changed, if one was. */
export function lastEdited(chat: Chat): Edited | undefined {
  const seq = Number(ofTab.read(keyOf(chat)) ?? 0);
  const text = ofTab.read(textKey(chat, seq));
  return text === undefined ? undefined : { seq, message: text };
}

export const editedText = (chat: Chat, { seq, message }: Edited): string => ofTab.read(textKey(chat, seq!)) ?? message;

export function keepEdit(chat: Chat, { seq }: Edited, text: string): void {
  ofTab.write(keyOf(chat), String(seq));
  ofTab.write(textKey(chat, seq!), text);
}

/** No message is being changed now; what one was to become stays. */
export const pauseEdit = (chat: Chat): void => ofTab.remove(keyOf(chat));

export const dropEdit = (chat: Chat, { seq }: Edited): void => ofTab.remove(textKey(chat, seq!));

/** Questions to the bot stay as they were asked: the answer is to them. */
export const isEditable = (item: MessageItem, chat: Chat): boolean =>
  item.state === 'stored' && !item.deleted && chat.ref.type !== 'bot' && item.mine && chat.may.get().write;

export function lastOfMine(chat: Chat): MessageItem | undefined {
  return chat.timeline
    .get()
    .items.findLast((item): item is MessageItem => item.kind === 'message' && item.mine && isEditable(item, chat));
}
