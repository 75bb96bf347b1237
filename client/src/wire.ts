/*
 * What crosses the wire, as docs/protocol.md of the server says: rows of HTTP answers, and socket events. A test holds the events
 * against the server's own classes.
 */

export interface WireUser {
  id: number;
  first_name: string;
  last_name: string;
  is_online: boolean;
  last_seen?: string | null;
}

export interface WireMessage {
  seq: number;
  user_id: number;
  message: string;
  timestamp: string;
  client_id?: string;
  edited_at?: string;
  deleted?: true;
  change?: number;
}

/** Of the chat with the bot. */
export interface WireBotMessage {
  seq: number;
  is_user: boolean;
  message: string;
  timestamp: string;
  client_id?: string;
}

export interface WireRoom {
  id: number;
  other_user: WireUser;
  last_message: WireMessage | null;
  last_seq: number;
  last_change: number;
  last_read_seq: number;
  other_last_read_seq: number;
}

export interface WireGroup {
  id: number;
  name: string;
  owner_id: number;
  is_private: boolean;
  is_member: boolean;
  is_in: boolean;
  member_count: number | null;
  last_message: WireMessage | null;
  last_seq: number;
  last_change: number;
  last_read_seq: number;
  my_request?: 'pending' | 'refused' | null;
}

export interface WireMember extends WireUser {
  is_in_group: boolean;
  role: 'owner' | 'member';
  last_read_seq: number;
}

export interface WireRequest {
  chat_group_id: number;
  user_id: number;
  status: 'pending' | 'granted' | 'refused';
  created_at: string;
  requester?: WireUser;
}

interface Live {
  seq: number;
  message: string;
  timestamp: string;
  client_id?: string;
}

export interface WireRoomMessage extends Live {
  chat_type: 'room';
  user_id: number;
  other_user_id: number;
  chat_room_id: number;
}

export interface WireGroupMessage extends Live {
  chat_type: 'group';
  user_id: number;
  chat_group_id: number;
}

export interface WireNotice {
  chat_type: 'group';
  chat_group_id: number;
  message: string;
  notice: { kind: 'entered' | 'left'; user_ids: number[]; count: number };
}

export interface WireBotMessages {
  chat_type: 'bot';
  messages: WireBotMessage[];
}

interface Change {
  user_id: number;
  seq: number;
  change: number;
  message: string;
  timestamp: string;
  edited_at?: string;
  deleted?: true;
}

export interface WireRoomUpdate extends Change {
  chat_type: 'room';
  other_user_id: number;
  chat_room_id: number;
}

export interface WireGroupUpdate extends Change {
  chat_type: 'group';
  chat_group_id: number;
}

export interface WireNotification {
  chat_type: 'group';
  chat_group_id: number;
  last_seq: number;
  user_id: number;
  message: string;
  timestamp: string;
  deleted?: true;
}

export interface WireGroupRead {
  chat_type: 'group';
  chat_group_id: number;
  last_seq: number;
  last_read_seq: number;
}

export interface WireReceipt {
  chat_room_id?: number;
  chat_group_id?: number;
  user_id: number;
  seq: number;
}

export interface WireTyping {
  chat_type: 'room' | 'group';
  other_user_id?: number;
  chat_group_id?: number;
  user_id: number;
}

export interface WirePresence {
  user_id: number;
  is_online: boolean;
  last_seen: string | null;
}

export type WireUserUpdate = WireUser | { id: number; deleted: true };

export interface WireGroupRow {
  chat_group_id: number;
  name: string;
  owner_id: number;
  is_private: boolean;
  member_count: number | null;
}

export interface WireGroupStanding {
  chat_group_id: number;
  is_in: boolean;
  is_member?: boolean;
  owner_id?: number;
}

export type WireGroupNews = WireGroupRow | WireGroupStanding | { chat_group_id: number; deleted: true };

export interface WireAccess {
  chat_group_id: number;
  user_id: number;
  status: 'pending' | 'granted' | 'refused';
}

export interface WireDelta {
  question_seq: number;
  offset: number;
  text: string;
}

export interface WireException {
  code: string;
  message: string;
  retry_after?: number;
  fields?: Record<string, string[]>;
  request?: { event: string; chat_type?: string; client_id?: string };
}

export interface WireStored {
  ok: true;
  chat_room_id?: number;
  chat_group_id?: number;
  seq: number;
  timestamp: string;
  client_id?: string;
}

export interface WireRead {
  ok: true;
  last_read_seq: number;
  unread_count: number;
}

/** What the server sends, by the name of the event. */
export interface WireEvents {
  message: WireRoomMessage | WireGroupMessage | WireNotice | WireBotMessages;
  message_update: WireRoomUpdate | WireGroupUpdate;
  bot_delta: WireDelta;
  notification: WireNotification | WireGroupRead;
  read: WireReceipt;
  typing: WireTyping;
  presence: WirePresence[];
  user_update: WireUserUpdate;
  group_update: WireGroupNews;
  access_request: WireAccess;
  exception: WireException;
}
