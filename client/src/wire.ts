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

/** The message that another one answers. */
export interface WireQuote {
  seq: number;
  user_id: number;
  message: string;
  deleted?: true;
  change?: number;
}

/** Whom a message names. */
export interface WireMentions {
  user_ids: number[];
  everyone?: true;
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
  reply_to?: WireQuote;
  mentions?: WireMentions;
  reactions?: WireReaction[];
}

/** How many have reacted to a message with one emoji; `is_mine` in answers, and never in events. */
export interface WireReaction {
  emoji: string;
  count: number;
  is_mine?: true;
}

/** Whose reactions a change has changed. */
export interface WireReactionChange {
  user_id: number;
  emoji: string;
  is_on: boolean;
}

/** Of the chat with the bot. */
export interface WireBotMessage {
  seq: number;
  is_user: boolean;
  message: string;
  timestamp: string;
  client_id?: string;
  reply_to?: { seq: number; is_user: boolean; message: string };
}

/** The settings of a chat in a list: what is missing is as a chat begins. */
export interface WireListedSettings {
  notify?: WireNotify | undefined;
  muted_until?: string | null | undefined;
  is_favourite?: boolean | undefined;
  is_archived?: boolean | undefined;
}

/** A chat's row in the list of notifications. */
export interface WireUnread {
  chat_room_id?: number;
  chat_group_id?: number;
  unread_mentions?: number;
}

/** A message that names the one who asks. */
export interface WireMention {
  chat_room_id?: number;
  chat_group_id?: number;
  seq: number;
  user_id: number;
  message: string;
  timestamp: string;
}

export interface WireRoom {
  id: number;
  other_user: WireUser;
  last_message: WireMessage | null;
  last_seq: number;
  last_change: number;
  last_read_seq: number;
  other_last_read_seq: number;
  unread_mentions?: number;
  notify?: WireNotify;
  muted_until?: string;
  is_favourite?: true;
  is_archived?: true;
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
  is_frozen?: true;
  unread_mentions?: number;
  notify?: WireNotify;
  muted_until?: string;
  is_favourite?: true;
  is_archived?: true;
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
  reply_to?: WireQuote;
  mentions?: WireMentions;
}

export interface WireGroupMessage extends Live {
  chat_type: 'group';
  user_id: number;
  chat_group_id: number;
  reply_to?: WireQuote;
  mentions?: WireMentions;
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

/** The whole message as it is after a change: of two, the one with the higher `change` counts. */
interface Now {
  user_id: number;
  seq: number;
  change: number;
  message: string;
  timestamp: string;
  edited_at?: string;
  reply_to?: WireQuote;
  mentions?: WireMentions;
}

interface Change extends Now {
  deleted?: true;
  reactions?: Omit<WireReaction, 'is_mine'>[];
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

interface Reacted extends Now {
  reactions: Omit<WireReaction, 'is_mine'>[];
  changed: WireReactionChange[];
}

export interface WireRoomReactions extends Reacted {
  chat_type: 'room';
  other_user_id: number;
  chat_room_id: number;
}

export interface WireGroupReactions extends Reacted {
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
  reply_to?: WireQuote;
  mentions?: number[];
  everyone?: true;
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
  is_frozen?: true;
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

export type WireNotify = 'all' | 'mentions' | 'none';

/** How one wants to be told of a chat, and where one keeps it. */
export interface WireChatSettings {
  chat_room_id?: number;
  chat_group_id?: number;
  notify: WireNotify;
  muted_until: string | null;
  is_favourite: boolean;
  is_archived: boolean;
}

export interface WireException {
  code: string;
  message: string;
  retry_after?: number;
  fields?: Record<string, string[]>;
  request?: { event: string; chat_type?: string; client_id?: string };
}

/** What a message says: the part of a packet that the client keeps until it is stored. */
export interface WireSaid {
  readonly message: string;
  readonly reply_to?: number;
  readonly is_silent?: true;
  readonly mentions?: { readonly user_ids: readonly number[]; readonly everyone?: true };
}

export interface WireStored {
  ok: true;
  chat_room_id?: number;
  chat_group_id?: number;
  seq: number;
  timestamp: string;
  client_id?: string;
  mentions_ignored?: number[];
  everyone_ignored?: 'too_large' | 'too_often' | 'not_allowed';
}

export interface WireRead {
  ok: true;
  last_read_seq: number;
  unread_count: number;
}

/** What is acknowledged to `react`, and answered over HTTP without `ok` and the id of the chat. */
export interface WireReacted {
  ok: true;
  chat_room_id?: number;
  chat_group_id?: number;
  seq: number;
  change?: number;
  reactions: WireReaction[];
}

/** Events may have been lost, though the connection is open. */
export interface WireResync {
  readonly reason: 'events_missed';
}

/** To moderators. */
export interface WireReport {
  id: number;
  status: 'open' | 'resolved' | 'dismissed';
  reason: 'spam' | 'abuse' | 'illegal' | 'other';
  created_at: string;
}

/** What `GET /http/server` says has changed: what is missing stays as it was. */
export interface WireServerUpdate {
  registration?: 'open' | 'invite' | 'domains' | 'closed';
  motd?: string | null;
}

/** What the server sends, by the name of the event. */
export interface WireEvents {
  message: WireRoomMessage | WireGroupMessage | WireNotice | WireBotMessages;
  message_update: WireRoomUpdate | WireGroupUpdate;
  message_reactions: WireRoomReactions | WireGroupReactions;
  bot_delta: WireDelta;
  notification: WireNotification | WireGroupRead;
  read: WireReceipt;
  typing: WireTyping;
  presence: WirePresence[];
  user_update: WireUserUpdate;
  group_update: WireGroupNews;
  access_request: WireAccess;
  chat_settings: WireChatSettings;
  resync: WireResync;
  report: WireReport;
  server_update: WireServerUpdate;
  exception: WireException;
}
