import { listedSettings } from './chat-settings.js';
import type { House, Identity } from './house.js';
import { unreadMentions } from './mentions.js';
import { chatOf, type NamedChat } from './one-chat.js';
import { type Group, lastSeq, otherOf, type Room } from './state.js';
import { iso } from './texts.js';
import { messageView, personView, replyField, unread } from './views.js';

/** What is new to somebody, chat by chat, and how far they have read; their rooms. */
export class Notifications {
  constructor(private readonly house: House) {}

  /** The caller's rooms, most recent first. */
  rooms({ user_id }: Identity) {
    const { presence, state } = this.house;
    const rooms = state
      .ofKind('room')
      .filter(({ members, messages }) => members.has(user_id) && messages.length > 0)
      .sort(byNewest);
    return rooms.map((room) => {
      const otherId = otherOf(room, user_id);
      const { last_read_seq } = room.members.get(user_id)!;
      return {
        id: room.id,
        other_user: personView(state.people.get(otherId)!, presence.isShownOnline(otherId, user_id)),
        last_message: messageView(room, room.messages.at(-1)!, user_id),
        last_seq: lastSeq(room),
        last_change: room.last_change,
        last_read_seq,
        other_last_read_seq: room.members.get(otherId)!.last_read_seq,
        unread_count: unread(lastSeq(room), last_read_seq),
        ...unreadMentions(this.house, room, user_id, last_read_seq),
        ...listedSettings(this.house, room, user_id),
      };
    });
  }

  /** One row for each chat that has a message: unread ones first, then by the newest message. */
  list({ user_id }: Identity) {
    const chats = this.house.state
      .chatsOf(user_id)
      .filter((chat): chat is Room | Group => chat.kind !== 'bot' && chat.messages.length > 0);
    const isRead = (chat: Room | Group): boolean => this.mark(chat, user_id) >= lastSeq(chat);
    return chats
      .sort((a, b) => Number(isRead(a)) - Number(isRead(b)) || byNewest(a, b))
      .map((chat) => {
        const last = chat.messages.at(-1)!;
        return {
          chat_type: chat.kind,
          ...placeOf(chat),
          user_id: last.user_id,
          unread_count: unread(lastSeq(chat), this.mark(chat, user_id)),
          is_read: isRead(chat),
          last_seq: lastSeq(chat),
          last_read_seq: this.mark(chat, user_id),
          message: last.message,
          ...(last.is_deleted && { deleted: true }),
          timestamp: iso(last.timestamp),
          ...replyField(chat, last),
          ...unreadMentions(this.house, chat, user_id, this.mark(chat, user_id)),
        };
      });
  }

  /** Moves the caller's read mark in a chat, never back. @throws Refusal */
  read({ user_id }: Identity, { seq = Infinity, ...named }: NamedChat & { readonly seq?: number }) {
    const { receipts, state } = this.house;
    const chat = chatOf(state, user_id, named);
    const member = chat.members.get(user_id)!;
    const target = Math.min(seq, lastSeq(chat));
    const hasMoved = target > member.last_read_seq;
    if (hasMoved) member.last_read_seq = target;
    const last_read_seq = this.mark(chat, user_id);
    if (hasMoved) receipts.moved({ chat_id: chat.id, user_id, last_seq: lastSeq(chat), last_read_seq });
    return { ...placeOf(chat), last_read_seq, unread_count: unread(lastSeq(chat), last_read_seq) };
  }

  private mark(chat: Room | Group, userId: number): number {
    return this.house.attendance.isWatching(chat.id, userId)
      ? lastSeq(chat)
      : (chat.members.get(userId)?.last_read_seq ?? 0);
  }
}

const placeOf = ({ kind, id }: Room | Group) => (kind === 'room' ? { chat_room_id: id } : { chat_group_id: id });

const byNewest = (a: Room | Group, b: Room | Group): number =>
  (b.messages.at(-1)?.timestamp ?? 0) - (a.messages.at(-1)?.timestamp ?? 0) || b.id - a.id;
