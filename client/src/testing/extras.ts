import type { House } from './house.js';
import { notFound, Refusal } from './refusal.js';
import { BOT_ID, type Chat, EVERYONE, type Extras, type StoredMessage } from './state.js';

/** Larger groups are named as a whole by their owner alone. */
export const EVERYONE_LIMIT = 100;
const EVERYONE_EVERY_MS = 5 * 60_000;

/** What a client may send beside a message's text. */
export interface Asked {
  readonly reply_to?: number;
  readonly is_silent?: boolean;
  readonly mentions?: AskedMentions;
}

export interface AskedMentions {
  readonly user_ids?: readonly number[] | null | undefined;
  readonly everyone?: boolean | null | undefined;
}

const ordered = (ids: readonly number[]): number[] => [...new Set(ids)].sort((a, b) => a - b);

/** In one form for all ways of writing it; undefined for a plain message. */
export function toExtras({ reply_to, is_silent, mentions }: Asked): Extras | undefined {
  const extras: Extras = {
    ...(reply_to !== undefined && { reply_to, is_silent: is_silent ?? false }),
    mentions: ordered(mentions?.user_ids ?? []),
    everyone: mentions?.everyone ?? false,
  };
  return reply_to === undefined && extras.mentions.length === 0 && !extras.everyone ? undefined : extras;
}

/** Whether the same was asked for, whatever of it was granted. */
export const areSameExtras = (one: Extras | undefined, other: Extras | undefined): boolean =>
  JSON.stringify(asked(one)) === JSON.stringify(asked(other));

function asked({ reply_to, is_silent, mentions, everyone, ignored }: Extras = { mentions: [], everyone: false }) {
  const all = ordered([...mentions, ...(ignored?.mentions ?? [])]);
  return [reply_to ?? 0, is_silent ?? false, all, everyone || ignored?.everyone !== undefined];
}

/** What of it is granted: whoever may not be named is left out. @throws Refusal of an answer to nothing */
export function grant(house: House, chat: Chat, senderId: number, extras: Extras): Extras {
  const { reply_to, mentions, everyone } = extras;
  const quoted = reply_to === undefined ? undefined : chat.messages[reply_to - 1];
  if (reply_to !== undefined && !quoted) throw notFound('message to reply to');
  if (quoted?.is_deleted) throw new Refusal('message_deleted', 'The message to reply to was deleted. Send a new one.');
  const isMember = (id: number): boolean => id === senderId || chat.members.has(id);
  const others = mentions.filter((id) => !isMember(id));
  const refused = everyone ? mayNameEveryone(house, chat, senderId) : undefined;
  if (everyone && !refused && chat.kind === 'group' && chat.owner_id !== senderId) chat.everyone_at = house.now();
  return {
    ...extras,
    mentions: mentions.filter(isMember),
    everyone: everyone && !refused,
    ignored: { ...(others.length > 0 && { mentions: others }), ...(refused && { everyone: refused }) },
  };
}

function mayNameEveryone(house: House, chat: Chat, senderId: number): NonNullable<Extras['ignored']>['everyone'] {
  if (chat.kind !== 'group') return 'not_allowed';
  if (chat.owner_id === senderId) return undefined;
  if (chat.members.size > EVERYONE_LIMIT) return 'too_large';
  const { everyone_at: last } = chat;
  return last !== undefined && house.now() - last < EVERYONE_EVERY_MS ? 'too_often' : undefined;
}

/** Who wrote what a message answers, and is told of the answer. */
const answered = (chat: Chat, { extras }: StoredMessage): number[] => {
  const author = extras?.reply_to === undefined ? undefined : chat.messages[extras.reply_to - 1]?.user_id;
  return author === undefined || author === BOT_ID || extras?.is_silent ? [] : [author];
};

/** Whom a message notifies: without those between whom and its sender there is a block. */
export function notifiedBy(house: House, chat: Chat, message: StoredMessage): number[] {
  const { user_id: senderId, extras } = message;
  const named = new Set([...(extras?.mentions ?? []), ...answered(chat, message)]);
  named.delete(senderId);
  return [...named].filter((id) => chat.members.has(id) && !house.state.areApart(senderId, id));
}

/** A message names these people from now on: none of whom it did not name before. */
export function nameAgain(chat: Chat, message: StoredMessage): void {
  const { extras, seq } = message;
  const kept = new Set([
    ...(extras?.mentions ?? []),
    ...answered(chat, message),
    ...(extras?.everyone ? [EVERYONE] : []),
  ]);
  chat.mentions = chat.mentions.filter((one) => one.seq !== seq || kept.has(one.user_id));
}

/** As much of the extras as goes on to name those of these whom it names. */
export function withoutOthers(extras: Extras | undefined, { user_ids, everyone }: AskedMentions): Extras | undefined {
  if (!extras || (extras.mentions.length === 0 && !extras.everyone)) return extras;
  const kept = new Set(user_ids);
  return {
    ...extras,
    mentions: extras.mentions.filter((id) => kept.has(id)),
    everyone: extras.everyone && (everyone ?? false),
  };
}
