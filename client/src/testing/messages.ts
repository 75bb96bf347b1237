import {
  areSameExtras,
  type Asked,
  type AskedMentions,
  grant,
  nameAgain,
  notifiedBy,
  toExtras,
  withoutOthers,
} from './extras.js';
import type { House, Identity } from './house.js';
import { blocked, forbidden, invalid, notFound, Refusal } from './refusal.js';
import {
  assertNotFrozen,
  type BotChat,
  type Chat,
  EVERYONE,
  type Extras,
  type Group,
  lastSeq,
  newMember,
  otherOf,
  pairOf,
  type Room,
  type StoredMessage,
  usersIn,
} from './state.js';
import { readMoment } from './texts.js';
import { changeView, extraFields, ignoredFields, messageView, placeView } from './views.js';

const PAGE_LIMIT = 100;

/** Which page of a history. */
export interface PageQuery {
  readonly until?: string;
  readonly before?: number;
  readonly after?: number;
  readonly changes_after?: number;
  readonly limit?: number;
}

/** It goes on from somewhere, and does not ask for the newest page. */
export const hasCursor = ({ until, before, after, changes_after }: PageQuery): boolean =>
  [until, before, after, changes_after].some((value) => value !== undefined);

/** What people write, in rooms and groups; and what all histories have in common. */
export class Messages {
  constructor(private readonly house: House) {}

  /** Stores a direct message, then tells both people; the first one makes their room. @throws Refusal */
  sendToPerson({ user_id }: Identity, otherId: number, text: string, clientId?: string, asked: Asked = {}) {
    assertOther(user_id, otherId);
    const room = this.house.state.room(user_id, otherId) ?? this.makeRoom(user_id, otherId, asked);
    const { stored, isNew } = this.store(room, user_id, text, clientId, toExtras(asked), () => {
      this.house.state.assertPerson(otherId);
      if (this.house.state.areApart(user_id, otherId)) throw blocked();
    });
    const place = placeView(stored, clientId);
    if (isNew) {
      this.house.receipts.implied(room.id, user_id, stored.seq);
      if (stored.seq === 1) this.house.presenceNews.met(...room.pair);
      this.house.sockets.tell(room.pair, 'message', {
        chat_type: 'room',
        user_id,
        other_user_id: otherId,
        chat_room_id: room.id,
        ...place,
        message: text,
        ...extraFields(room, stored),
      });
    }
    return { ok: true, chat_room_id: room.id, ...place, ...ignoredFields(stored) };
  }

  /** Stores a message, then tells everybody who is in, and the members outside that there is something new. @throws Refusal */
  sendToGroup({ user_id }: Identity, groupId: number, text: string, clientId?: string, asked: Asked = {}) {
    if (!this.house.state.chats.has(groupId)) throw notFound('chat');
    const group = this.house.state.assertMember('group', groupId, user_id);
    const { stored, isNew } = this.store(group, user_id, text, clientId, toExtras(asked), () => assertNotFrozen(group));
    const place = placeView(stored, clientId);
    if (isNew) this.tellGroup(group, stored, place);
    return { ok: true, chat_group_id: groupId, ...place, ...ignoredFields(stored) };
  }

  /**
   * Gives a message its number, or finds the one that was sent before under its name.
   * @param admit asked only for what is new @throws Refusal
   */
  store(chat: Chat, senderId: number, text: string, clientId?: string, extras?: Extras, admit?: () => void) {
    const before = clientId === undefined ? undefined : sameName(chat, senderId, clientId);
    if (before) {
      // What it said at first is known no more once it was edited or deleted.
      const isAsWritten = !before.is_deleted && before.edited_at === undefined;
      const isSame = before.message === text && areSameExtras(before.extras, extras);
      if (isSame || !isAsWritten) return { stored: before, isNew: false };
      throw new Refusal(
        'client_id_conflict',
        'This client_id was used in this chat for another message. Give each message its own.',
      );
    }
    admit?.();
    const granted = extras && grant(this.house, chat, senderId, extras);
    const stored: StoredMessage = {
      seq: lastSeq(chat) + 1,
      user_id: senderId,
      message: text,
      // Later than the message before.
      timestamp: Math.max(this.house.now(), (chat.messages.at(-1)?.timestamp ?? -Infinity) + 1),
      client_id: clientId,
      extras: granted,
    };
    chat.messages.push(stored);
    const notified = notifiedBy(this.house, chat, stored);
    for (const user_id of granted?.everyone ? [...notified, EVERYONE] : notified)
      chat.mentions.push({ user_id, seq: stored.seq });
    const member = chat.members.get(senderId);
    // Who writes has read what stands above.
    if (member) member.last_read_seq = stored.seq;
    return { stored, isNew: true };
  }

  /** At most 100 messages, oldest first, or with `changes_after` in the order of their changes. */
  page(chat: Chat, query: PageQuery): StoredMessage[] {
    const { until, before, after, changes_after: changesAfter } = query;
    const size = Math.min(query.limit ?? PAGE_LIMIT, PAGE_LIMIT);
    const { messages } = chat;
    if (changesAfter !== undefined)
      return messages
        .filter(({ change }) => (change ?? 0) > changesAfter)
        .sort((a, b) => a.change! - b.change!)
        .slice(0, size);
    if (after !== undefined) return messages.slice(after, after + size);
    const end =
      until === undefined
        ? Math.min((before ?? Infinity) - 1, messages.length)
        : messages.filter(({ timestamp }) => timestamp < readMoment(until)!).length;
    return messages.slice(Math.max(0, end - size), end);
  }

  /** The same of a room or a group, for one of its people. @throws Refusal */
  pageFor({ user_id }: Identity, kind: 'room' | 'group', id: number, query: PageQuery) {
    assertOneCursor(query);
    const chat = this.house.state.assertMember(kind, id, user_id);
    return this.page(chat, query).map((one) => messageView(chat, one, user_id));
  }

  /** A group's newest page enters it; the others are for members. @throws Refusal */
  groupPage(me: Identity, groupId: number, query: PageQuery) {
    if (hasCursor(query)) return this.pageFor(me, 'group', groupId, query);
    const group = this.house.attendance.enter(me.user_id, groupId, () => this.house.logins.countWrite(me));
    return this.page(group, query).map((one) => messageView(group, one, me.user_id));
  }

  /** Changes what a message says, and takes mentions back; what it says already changes nothing. @throws Refusal */
  edit(me: Identity, kind: 'room' | 'group', chatId: number, seq: number, text: string, mentions?: AskedMentions) {
    const { chat, message } = this.find(me, kind, chatId, seq);
    if (message.user_id !== me.user_id)
      throw forbidden(`Only who sent a message can edit ${kind === 'room' ? 'or delete ' : ''}it.`);
    if (chat.kind === 'room' && this.house.state.areApart(...chat.pair)) throw blocked();
    assertNotFrozen(chat);
    if (message.is_deleted) throw new Refusal('message_deleted', 'The message was deleted. Send a new one.');
    const extras = mentions ? withoutOthers(message.extras, mentions) : message.extras;
    if (message.message !== text || JSON.stringify(extras) !== JSON.stringify(message.extras))
      this.change(chat, message, { message: text, extras, edited_at: this.notBefore(message) });
    return messageView(chat, message, me.user_id);
  }

  /** Takes a message's text away for good; a second time changes nothing. @throws Refusal */
  remove(me: Identity, kind: 'room' | 'group', chatId: number, seq: number) {
    const { chat, message } = this.find(me, kind, chatId, seq);
    const isMine = message.user_id === me.user_id;
    if (chat.kind === 'room' && !isMine) throw forbidden('Only who sent a message can edit or delete it.');
    if (chat.kind === 'group' && !isMine && chat.owner_id !== me.user_id)
      throw forbidden('Only who sent a message, or the owner of the group, can delete it.');
    assertNotFrozen(chat);
    message.reactions?.clear();
    if (!message.is_deleted) this.change(chat, message, { message: '', extras: undefined, is_deleted: true });
    return messageView(chat, message, me.user_id);
  }

  /** Somebody has reacted to a message, or has taken that back. */
  reacted(chat: Room | Group, message: StoredMessage, changed: object): void {
    message.change = ++chat.last_change;
    const { deleted: _, reactions = [], ...now } = { deleted: false, ...changeView(chat, message) };
    this.tellChange(chat, message, 'message_reactions', { ...now, reactions, changed: [changed] });
  }

  private find({ user_id }: Identity, kind: 'room' | 'group', chatId: number, seq: number) {
    const chat: Room | Group = this.house.state.assertMember(kind, chatId, user_id);
    const message = chat.messages[seq - 1];
    if (!message) throw notFound('message');
    return { chat, message };
  }

  /** No message is changed before it was written, or last changed. */
  private notBefore({ timestamp, edited_at }: StoredMessage): number {
    return Math.max(this.house.now(), edited_at ?? timestamp);
  }

  private change(chat: Exclude<Chat, BotChat>, message: StoredMessage, difference: Partial<StoredMessage>): void {
    Object.assign(message, difference, { change: ++chat.last_change });
    nameAgain(chat, message);
    this.tellChange(chat, message, 'message_update', changeView(chat, message));
    if (chat.kind === 'group') this.house.notices.amended(chat, message);
  }

  private tellChange(chat: Room | Group, { user_id }: StoredMessage, event: string, now: object): void {
    const { sockets } = this.house;
    if (chat.kind === 'group')
      return sockets.tell(usersIn(chat), event, { chat_type: 'group', chat_group_id: chat.id, ...now });
    const other_user_id = otherOf(chat, user_id);
    sockets.tell(chat.pair, event, { chat_type: 'room', other_user_id, chat_room_id: chat.id, ...now });
  }

  private tellGroup(group: Group, stored: StoredMessage, place: object): void {
    const { attendance, notices, receipts, sockets } = this.house;
    const { seq, user_id, message } = stored;
    attendance.notePublished(group.id, seq);
    sockets.tell(usersIn(group), 'message', {
      chat_type: 'group',
      user_id,
      chat_group_id: group.id,
      ...place,
      message,
      ...extraFields(group, stored),
    });
    notices.stored(group, stored, notifiedBy(this.house, group, stored));
    // The message says it to whoever gets it: all who are in, and nobody else.
    if (group.members.get(user_id)?.is_in) receipts.implied(group.id, user_id, seq);
    else receipts.moved({ chat_id: group.id, user_id, last_seq: seq, last_read_seq: seq, isKnown: true });
  }

  /** @throws Refusal where the two may have none */
  private makeRoom(userId: number, otherId: number, { reply_to }: Asked): Room {
    const { state } = this.house;
    // Where there is no room, there is nothing to answer.
    if (reply_to !== undefined) throw notFound('message to reply to');
    state.assertPerson(otherId);
    if (state.areApart(userId, otherId)) throw blocked();
    const pair = pairOf(userId, otherId);
    const now = this.house.now();
    const members = new Map(pair.map((id) => [id, newMember(now)]));
    const room: Room = {
      id: state.nextId('chat'),
      kind: 'room',
      messages: [],
      mentions: [],
      last_change: 0,
      members,
      pair,
    };
    state.chats.set(room.id, room);
    return room;
  }
}

const sameName = ({ messages }: Chat, senderId: number, clientId: string): StoredMessage | undefined =>
  messages.find((message) => message.user_id === senderId && message.client_id === clientId);

/** @throws Refusal */
export function assertOneCursor(query: PageQuery): void {
  const names = Object.keys(query).filter((name) => name !== 'limit');
  if (names.length <= 1) return;
  throw invalid(
    `Send one of ${names.join(', ')}.`,
    Object.fromEntries(names.map((name) => [name, ['excludes the others']])),
  );
}

/** @throws Refusal */
export function assertOther(userId: number, otherId: number): void {
  if (otherId === userId)
    throw invalid('other_user_id is your own. Write to somebody else.', { other_user_id: ['is your own'] });
}
