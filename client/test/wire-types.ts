// What client/src/wire.ts says crosses the wire, held against the server's own classes by the compiler: `npm run check` compiles this
// file, and nothing runs it. Where the two differ on purpose, the line says how.
import type { AccessRequestView, PendingRequestView } from '../../src/chat-groups/dto/access-request.dto.js';
import type { ChatGroupView, GroupMemberView } from '../../src/chat-groups/dto/group.dto.js';
import type { ChatRoomView } from '../../src/chat-rooms/dto/chat-room.view.js';
import type { ErrorCode } from '../../src/common/error-codes.js';
import type { MessageView } from '../../src/conversations/message.view.js';
import type { ProfileView } from '../../src/auth/dto/profile.dto.js';
import type { SessionView } from '../../src/auth/dto/session.dto.js';
import type { ServerInfo as ServersInfo } from '../../src/api/server-info/server-info.dto.js';
import type { MentionView } from '../../src/notifications/dto/mentions.dto.js';
import type { NotificationView } from '../../src/notifications/dto/notifications.dto.js';
import type { PersonView } from '../../src/people/person.view.js';
import type { UserView } from '../../src/people/user.view.js';
import type { BotMessage, ReactedTo, Read, ServerEvents, Stored } from '../../src/sockets/events.js';
import type { ServerErrorCode } from '../src/errors.js';
import type { Me, Session } from '../src/data.js';
import type { ServerInfo } from '../src/types.js';
import type {
  WireBotMessage,
  WireEvents,
  WireGroup,
  WireMember,
  WireMention,
  WireMessage,
  WireReacted,
  WireRead,
  WireRequest,
  WireRoom,
  WireStored,
  WireUnread,
  WireUser,
} from '../src/wire.js';

/** Without names of classes and interfaces, and whether it may be written to: what is left is what JSON says. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<T[Key]> }
    : T;

/** `true` where each field is there in both, of the same type, and may be missing in both or in neither; otherwise both. */
// oxlint-disable typescript/no-unnecessary-type-parameters -- the way to ask the compiler whether two types are one
type Same<Client, Server> =
  (<T>() => T extends Plain<Client> ? 1 : 2) extends <T>() => T extends Plain<Server> ? 1 : 2
    ? true
    : { client: Plain<Client>; server: Plain<Server> };
// oxlint-enable typescript/no-unnecessary-type-parameters

/** `true` where what the server sends is what the client takes, and the client reads nothing that is never sent. */
type Taken<Client, Server> =
  Plain<Server> extends Plain<Client>
    ? Exclude<KeysOf<Client>, KeysOf<Server>> extends never
      ? true
      : { never_sent: Exclude<KeysOf<Client>, KeysOf<Server>> }
    : { client: Plain<Client>; server: Plain<Server> };

type KeysOf<T> = T extends object ? keyof T : never;

type Sent<Name extends keyof ServerEvents> = Parameters<ServerEvents[Name]>[0];

export const names: Same<keyof WireEvents, keyof ServerEvents> = true;

export const events: { [Name in keyof WireEvents]: Same<WireEvents[Name], Sent<Name>> | Looser<Name> } = {
  message: true,
  message_update: true,
  message_reactions: true,
  bot_delta: true,
  notification: true,
  read: true,
  typing: 'looser',
  presence: true,
  user_update: 'looser',
  group_update: true,
  access_request: true,
  chat_settings: true,
  resync: true,
  report: true,
  server_update: true,
  exception: 'looser',
};

/**
 * One type for both kinds of `typing`; one for people with and without `last_seen`; codes of a newer server in `exception`. What the
 * server sends is taken all the same.
 */
type Looser<Name extends keyof WireEvents> = Name extends 'typing' | 'user_update' | 'exception'
  ? Taken<WireEvents[Name], Sent<Name>> extends true
    ? 'looser'
    : never
  : never;

export const answers: {
  stored: Same<WireStored, Stored>;
  read: Taken<WireRead, Read>;
  reacted: Same<WireReacted, ReactedTo>;
} = { stored: true, read: true, reacted: true };

/** Of HTTP. Rows hold more than the client reads. */
export const rows: {
  user: Taken<WireUser, UserView>;
  person: Taken<Omit<WireUser, 'last_seen'>, PersonView>;
  message: Taken<WireMessage, MessageView>;
  bot_message: Same<WireBotMessage, BotMessage>;
  room: Taken<WireRoom, ChatRoomView>;
  group: Taken<Omit<WireGroup, 'my_request'>, ChatGroupView>;
  member: Taken<Omit<WireMember, 'last_seen'>, GroupMemberView>;
  request: Taken<Omit<WireRequest, 'requester'>, AccessRequestView>;
  pending_request: Taken<WireRequest, PendingRequestView>;
  mention: Taken<WireMention, MentionView>;
  unread: Taken<WireUnread, NotificationView>;
  me: Same<Me, ProfileView>;
  session: Same<Session, SessionView>;
  server: Taken<ServerInfo, ServersInfo>;
} = {
  user: true,
  person: true,
  message: true,
  bot_message: true,
  room: true,
  group: true,
  member: true,
  request: true,
  pending_request: true,
  mention: true,
  unread: true,
  me: true,
  session: true,
  server: true,
};

export const codes: Same<ServerErrorCode, ErrorCode> = true;
