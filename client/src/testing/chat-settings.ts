import type { House, Identity } from './house.js';
import { chatOf, type NamedChat, oneChat } from './one-chat.js';
import { invalid } from './refusal.js';
import type { Group, Membership, Notify, Room } from './state.js';
import { iso, readMoment } from './texts.js';

const FIRST: Readonly<Record<'room' | 'group', Notify>> = { room: 'all', group: 'mentions' };
const NAMES = ['notify', 'muted_until', 'is_favourite', 'is_archived'] as const;

export interface Change extends NamedChat {
  readonly notify?: Notify;
  /** null: not muted. */
  readonly muted_until?: string | null;
  readonly is_favourite?: boolean;
  readonly is_archived?: boolean;
}

const mutedUntil = (house: House, { muted_until }: Membership): string | null =>
  muted_until !== undefined && muted_until > house.now() ? iso(muted_until) : null;

/** How somebody wants to be told of a chat, and where they keep it. @throws Refusal */
export function changeSettings(house: House, { user_id }: Identity, change: Change) {
  const { notify, muted_until, is_favourite, is_archived } = change;
  oneChat(change);
  if (NAMES.every((name) => change[name] === undefined))
    throw invalid(
      `Send at least one of ${NAMES.join(', ')}.`,
      Object.fromEntries(NAMES.map((name) => [name, ['is missing']])),
    );
  const { state, sockets } = house;
  const chat = chatOf(state, user_id, change);
  const member = chat.members.get(user_id)!;
  const view = () => ({
    ...(chat.kind === 'room' ? { chat_room_id: chat.id } : { chat_group_id: chat.id }),
    notify: member.notify ?? FIRST[chat.kind],
    muted_until: mutedUntil(house, member),
    is_favourite: member.is_favourite ?? false,
    is_archived: member.is_archived ?? false,
  });
  const before = JSON.stringify(view());
  Object.assign(member, {
    ...(notify && { notify }),
    ...(muted_until !== undefined && { muted_until: muted_until === null ? undefined : readMoment(muted_until) }),
    ...(is_favourite !== undefined && { is_favourite }),
    ...(is_archived !== undefined && { is_archived }),
  });
  const after = view();
  if (JSON.stringify(after) !== before) sockets.tell([user_id], 'chat_settings', after);
  return after;
}

/** In a list: each is missing where it is what a chat begins with. */
export function listedSettings(house: House, chat: Room | Group, userId: number) {
  const member = chat.members.get(userId);
  if (!member) return {};
  const { notify, is_favourite, is_archived } = member;
  const muted_until = mutedUntil(house, member);
  return {
    ...(notify && notify !== FIRST[chat.kind] && { notify }),
    ...(muted_until !== null && { muted_until }),
    ...(is_favourite && { is_favourite }),
    ...(is_archived && { is_archived }),
  };
}
