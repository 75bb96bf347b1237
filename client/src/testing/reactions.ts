import type { House, Identity } from './house.js';
import { type NamedChat, oneChat } from './one-chat.js';
import { blocked, notFound, Refusal } from './refusal.js';
import { assertNotFrozen, type Group, type Room, type StoredMessage } from './state.js';

const MOST_EMOJI = 20;
const MOST_OF_USER = 5;
const PAGE = 100;

const ONE_EMOJI = new RegExp('^\\p{RGI_Emoji}$', 'v');
const SHOWN_AS_TEXT = /(?!\p{Emoji_Presentation})\p{Emoji}(?!\p{Emoji_Modifier})/gu;

/** One emoji as Unicode recommends to spell it; undefined where it is none. */
export function canonicalEmoji(text: string): string | undefined {
  if (text.length > 32) return undefined;
  if (ONE_EMOJI.test(text)) return text;
  const spelled = text.replaceAll('\ufe0f', '').replace(SHOWN_AS_TEXT, '$&\ufe0f');
  return ONE_EMOJI.test(spelled) ? spelled : undefined;
}

/** The field `reactions`; missing where there are none. @param readerId whose own are marked; undefined: nobody's */
export function reactionsField({ reactions }: StoredMessage, readerId?: number) {
  const all = [...(reactions ?? [])].map(([emoji, userIds]) => ({
    emoji,
    count: userIds.size,
    ...(readerId !== undefined && userIds.has(readerId) && { is_mine: true as const }),
  }));
  return all.length > 0 ? { reactions: all } : {};
}

/** Reactions to messages. The real server gathers those that come within 100 ms in one change; here, each is one. */
export class Reactions {
  constructor(private readonly house: House) {}

  /** Sets one, or takes it back; what is so already stays. @throws Refusal */
  set(me: Identity, kind: 'room' | 'group', chatId: number, seq: number, spelled: string, isOn: boolean) {
    const { messages, state } = this.house;
    const emoji = canonicalEmoji(spelled) ?? spelled;
    const chat: Room | Group = state.assertMember(kind, chatId, me.user_id);
    if (chat.kind === 'room' && state.areApart(...chat.pair)) throw blocked();
    assertNotFrozen(chat);
    const message = this.find(chat, seq, ' There is nothing to react to.');
    const all = (message.reactions ??= new Map());
    const users = all.get(emoji) ?? new Set<number>();
    if (users.has(me.user_id) !== isOn) {
      if (isOn) this.assertRoom(all, me.user_id, emoji);
      if (isOn) all.set(emoji, users.add(me.user_id));
      else users.delete(me.user_id);
      if (users.size === 0) all.delete(emoji);
      messages.reacted(chat, message, { user_id: me.user_id, emoji, is_on: isOn });
    }
    const { change } = message;
    const { reactions = [] } = reactionsField(message, me.user_id);
    return { seq, ...(change !== undefined && { change }), reactions };
  }

  /** By the fields of a packet. @throws Refusal */
  react(
    me: Identity,
    {
      seq,
      emoji,
      is_on,
      ...named
    }: NamedChat & { readonly seq: number; readonly emoji: string; readonly is_on: boolean },
  ) {
    const { kind, id } = oneChat(named);
    const place = kind === 'group' ? { chat_group_id: id } : { chat_room_id: id };
    return { ok: true, ...place, ...this.set(me, kind, id, seq, emoji, is_on) };
  }

  /** Who has reacted with one emoji. @throws Refusal */
  people({ user_id }: Identity, kind: 'room' | 'group', chatId: number, seq: number, spelled: string, after = 0) {
    const emoji = canonicalEmoji(spelled) ?? spelled;
    const message = this.find(this.house.state.assertMember(kind, chatId, user_id), seq);
    const users = [...(message.reactions?.get(emoji) ?? [])].sort((a, b) => a - b);
    return { emoji, count: users.length, user_ids: users.filter((id) => id > after).slice(0, PAGE) };
  }

  private find(chat: Room | Group, seq: number, hint = ''): StoredMessage {
    const message = chat.messages[seq - 1];
    if (!message) throw notFound('message');
    if (message.is_deleted) throw new Refusal('message_deleted', `The message was deleted.${hint}`);
    return message;
  }

  private assertRoom(all: ReadonlyMap<string, ReadonlySet<number>>, userId: number, emoji: string): void {
    const mine = [...all.values()].filter((users) => users.has(userId)).length;
    if (mine >= MOST_OF_USER)
      throw new Refusal(
        'too_many_reactions',
        `You have reacted to this message with ${MOST_OF_USER} emoji. Take one of them back first.`,
      );
    if (!all.has(emoji) && all.size >= MOST_EMOJI)
      throw new Refusal('too_many_reactions', `The message has ${MOST_EMOJI} emoji already. Take one of those.`);
  }
}
