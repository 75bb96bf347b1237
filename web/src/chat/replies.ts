import type { Chat, MessageItem } from 'parley-client';
import { ofDevice, ofTab } from '../parts/kept.js';
import { me } from '../parley.js';

/*
 * Which message is being replied to: kept for this tab beside the draft, until the reply is sent or given up. Under the id of the user, as
 * everything that somebody wrote.
 */

/** The message that the composer replies to. `user_id` null: the bot's. */
export interface Original {
  readonly seq: number;
  readonly user_id: number | null;
  readonly message: string;
}

const keyOf = (chat: Chat): string => `reply:${me.peek()?.id}:${chat.key}`;

/** Enough for its line. */
const KEPT = 400;

export const originalOf = ({ seq, user_id, message }: Pick<MessageItem, 'seq' | 'user_id' | 'message'>): Original => ({
  seq: seq!,
  user_id,
  message: message.slice(0, KEPT),
});

export function keptOriginal(chat: Chat): Original | undefined {
  const kept = ofTab.read(keyOf(chat));
  return kept === undefined ? undefined : (JSON.parse(kept) as Original);
}

export function keepOriginal(chat: Chat, original: Original | undefined): void {
  if (original) ofTab.write(keyOf(chat), JSON.stringify(original));
  else ofTab.remove(keyOf(chat));
}

/** People who turn it off want it off the next time, too. */
const SILENT = 'replies:silent';

export const isSilent = (): boolean => ofDevice.read(SILENT) !== undefined;

export function setSilent(isNow: boolean): void {
  if (isNow) ofDevice.write(SILENT, 'yes');
  else ofDevice.remove(SILENT);
}
