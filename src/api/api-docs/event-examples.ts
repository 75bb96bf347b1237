import { AskBot, StopBot } from '../../bot/dto/bot.dto.js';
import { EnterGroupMessage, GroupTypingMessage, SendGroupMessage } from '../../chat-groups/dto/group-message.dto.js';
import { RoomTypingMessage, SendRoomMessage } from '../../chat-rooms/dto/room-message.dto.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import { ReactPayload } from '../../conversations/reactions/react.dto.js';
import { ReadPayload } from '../../notifications/dto/notifications.dto.js';
import {
  Accepted,
  BotStopped,
  Bound,
  Entered,
  Exception,
  ReactedTo,
  Read,
  Refused,
  Stored,
} from '../../sockets/events/answers.js';
import { ChatSettings } from '../../sockets/events/chat-settings.js';
import {
  AccessRequestUpdate,
  GroupDeleted,
  GroupNotice,
  GroupNotification,
  GroupRead,
  GroupRow,
  GroupUpdate,
} from '../../sockets/events/groups.js';
import {
  GroupMessageUpdate,
  GroupReactions,
  RoomMessageUpdate,
  RoomReactions,
} from '../../sockets/events/message-updates.js';
import { BotDelta, BotMessages, GroupMessage, RoomMessage } from '../../sockets/events/messages.js';
import { ReportNews } from '../../sockets/events/reports.js';
import {
  GroupTyping,
  PresenceChange,
  ReadReceipt,
  RoomTyping,
  UserErased,
  UserRow,
} from '../../sockets/events/people.js';
import { Resync } from '../../sockets/events/resync.js';
import { ServerUpdate } from '../../sockets/events/server.js';
import type { PayloadClass } from './event-table.js';

/*
 * A payload of each class, for the documents: Ada (1) talks to Alan (2), in their room (7) and in a group (3). The compiler checks each
 * against its class, and a test against its schema.
 */

const SENT_AT = '2026-11-22T06:46:35.437Z';
const EDITED_AT = '2026-11-22T06:47:02.118Z';

const example = <T extends object>(payload: PayloadClass<T>, content: T): [PayloadClass, object] => [payload, content];

const EXAMPLES = new Map<PayloadClass, object>([
  // From clients.
  example(TokenPayload, { token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.x7c' }),
  example(SendRoomMessage, { chat_type: 'room', other_user_id: 2, message: 'Can you read this?', client_id: 'a1' }),
  example(SendGroupMessage, {
    chat_type: 'group',
    chat_group_id: 3,
    message: 'Hello, all',
    client_id: 'a2',
    reply_to: 38,
    mentions: { user_ids: [2], everyone: true },
  }),
  example(EnterGroupMessage, { chat_type: 'group', chat_group_id: 3, is_enter: true }),
  example(AskBot, { chat_type: 'bot', message: 'What is a computer?', client_id: 'a3' }),
  example(StopBot, { question_seq: 1 }),
  example(ReadPayload, { chat_room_id: 7, seq: 12 }),
  example(ReactPayload, { chat_room_id: 7, seq: 12, emoji: '👍', is_on: true }),
  example(RoomTypingMessage, { chat_type: 'room', other_user_id: 2 }),
  example(GroupTypingMessage, { chat_type: 'group', chat_group_id: 3 }),
  // To clients.
  example(RoomMessage, {
    chat_type: 'room',
    chat_room_id: 7,
    user_id: 1,
    other_user_id: 2,
    seq: 12,
    message: 'Can you read this?',
    timestamp: SENT_AT,
    client_id: 'a1',
  }),
  example(GroupMessage, {
    chat_type: 'group',
    chat_group_id: 3,
    user_id: 1,
    seq: 40,
    message: 'Hello, all',
    timestamp: SENT_AT,
    client_id: 'a2',
    reply_to: { seq: 38, user_id: 2, message: 'Who is here?' },
    mentions: { user_ids: [2], everyone: true },
  }),
  example(GroupNotice, {
    chat_type: 'group',
    chat_group_id: 3,
    message: 'Ada Lovelace entered the group',
    notice: { kind: 'entered', user_ids: [1], count: 1 },
  }),
  example(BotMessages, {
    chat_type: 'bot',
    messages: [
      { seq: 1, message: 'What is a computer?', timestamp: SENT_AT, is_user: true, client_id: 'a3' },
      { seq: 2, message: 'Something that follows orders.', timestamp: EDITED_AT, is_user: false },
    ],
  }),
  example(RoomMessageUpdate, {
    chat_type: 'room',
    chat_room_id: 7,
    user_id: 1,
    other_user_id: 2,
    seq: 12,
    change: 1,
    message: 'Can you read this now?',
    timestamp: SENT_AT,
    edited_at: EDITED_AT,
  }),
  example(GroupMessageUpdate, {
    chat_type: 'group',
    chat_group_id: 3,
    user_id: 1,
    seq: 40,
    change: 2,
    message: '',
    timestamp: SENT_AT,
    deleted: true,
  }),
  example(RoomReactions, {
    chat_type: 'room',
    chat_room_id: 7,
    user_id: 1,
    other_user_id: 2,
    seq: 12,
    change: 3,
    message: 'Can you read this now?',
    timestamp: SENT_AT,
    edited_at: EDITED_AT,
    reactions: [{ emoji: '👍', count: 1 }],
    changed: [{ user_id: 2, emoji: '👍', is_on: true }],
  }),
  example(GroupReactions, {
    chat_type: 'group',
    chat_group_id: 3,
    user_id: 1,
    seq: 40,
    change: 4,
    message: 'Hello, all',
    timestamp: SENT_AT,
    reactions: [
      { emoji: '👍', count: 2 },
      { emoji: '❤️', count: 1 },
    ],
    changed: [
      { user_id: 2, emoji: '👍', is_on: true },
      { user_id: 4, emoji: '❤️', is_on: true },
    ],
  }),
  example(BotDelta, { question_seq: 1, offset: 10, text: 'that follows ' }),
  example(GroupNotification, {
    chat_type: 'group',
    chat_group_id: 3,
    last_seq: 40,
    user_id: 1,
    message: 'Hello, all',
    timestamp: SENT_AT,
  }),
  example(GroupRead, { chat_type: 'group', chat_group_id: 3, last_seq: 40, last_read_seq: 38 }),
  example(ReadReceipt, { chat_room_id: 7, user_id: 2, seq: 12 }),
  example(RoomTyping, { chat_type: 'room', other_user_id: 2, user_id: 1 }),
  example(GroupTyping, { chat_type: 'group', chat_group_id: 3, user_id: 1 }),
  // Of the list that is sent.
  example(PresenceChange, { user_id: 2, is_online: false, last_seen: SENT_AT }),
  example(UserRow, { id: 2, first_name: 'Alan', last_name: 'Turing', is_online: true, last_seen: SENT_AT }),
  example(UserErased, { id: 2, deleted: true }),
  example(GroupRow, { chat_group_id: 3, name: 'Engines', owner_id: 1, is_private: false, member_count: 4 }),
  example(GroupDeleted, { chat_group_id: 3, deleted: true }),
  example(GroupUpdate, { chat_group_id: 3, is_in: true, is_member: true }),
  example(Resync, { reason: 'events_missed' }),
  example(AccessRequestUpdate, { chat_group_id: 3, user_id: 2, status: 'pending' }),
  example(ChatSettings, {
    chat_group_id: 3,
    notify: 'mentions',
    muted_until: '2026-11-23T06:00:00.000Z',
    is_favourite: true,
    is_archived: false,
  }),
  example(ReportNews, { id: 12, status: 'open', reason: 'spam', created_at: SENT_AT }),
  example(ServerUpdate, { registration: 'invite', motd: 'Away on Sunday, from 6 to 7.' }),
  example(Exception, {
    code: 'not_found',
    message: 'There is no such user.',
    request: { event: 'message', chat_type: 'room', client_id: 'a1' },
  }),
  // Acknowledgements.
  example(Bound, { ok: true, user_id: 1 }),
  example(Stored, { ok: true, chat_room_id: 7, seq: 12, timestamp: SENT_AT, client_id: 'a1' }),
  example(Entered, { ok: true, chat_group_id: 3, is_in: true }),
  example(BotStopped, { ok: true, question_seq: 1 }),
  example(Read, { ok: true, chat_room_id: 7, last_read_seq: 12, unread_count: 0 }),
  example(ReactedTo, {
    ok: true,
    chat_room_id: 7,
    seq: 12,
    change: 3,
    reactions: [{ emoji: '👍', count: 1, is_mine: true }],
  }),
  example(Accepted, { ok: true }),
  example(Refused, {
    ok: false,
    error: { code: 'rate_limited', message: 'Too many messages. Try again in 4 s.', retry_after: 4 },
  }),
]);

export function exampleOf(payload: PayloadClass): object {
  const found = EXAMPLES.get(payload);
  if (!found) throw new Error(`${payload.name} has no example: add one to event-examples.ts.`);
  return found;
}
