import type { DefaultEventsMap, Server, Socket } from 'socket.io';
import type { Identity } from '../common/identity.js';
import type {
  Accepted,
  BotStopped,
  Bound,
  Entered,
  Exception,
  ReactedTo,
  Read,
  Refused,
  Stored,
} from './events/answers.js';
import type { ChatSettings } from './events/chat-settings.js';
import type {
  AccessRequestUpdate,
  GroupDeleted,
  GroupNotice,
  GroupNotification,
  GroupRead,
  GroupRow,
  GroupUpdate,
} from './events/groups.js';
import type { GroupMessageUpdate, GroupReactions, RoomMessageUpdate, RoomReactions } from './events/message-updates.js';
import type { BotDelta, BotMessages, GroupMessage, RoomMessage } from './events/messages.js';
import type { ReportNews } from './events/reports.js';
import type { ServerUpdate } from './events/server.js';
import type { GroupTyping, PresenceChange, ReadReceipt, RoomTyping, UserErased, UserRow } from './events/people.js';
import type { Resync } from './events/resync.js';

/*
 * Every event that crosses a socket, in both directions. The server, its tests and clients in TypeScript share this file, with
 * `import type`: it has only types. The payloads are the documented classes in events/, which this file exports, too: a client needs no
 * other file. Names are those of the wire: snake_case.
 */
export type * from './events/answers.js';
export type * from './events/chat-settings.js';
export type * from './events/groups.js';
export type * from './events/message-updates.js';
export type * from './events/messages.js';
export type * from './events/people.js';
export type * from './events/reactions.js';
export type * from './events/resync.js';
export type * from './events/reports.js';
export type * from './events/server.js';

export interface ServerEvents {
  message: (event: RoomMessage | GroupMessage | GroupNotice | BotMessages) => void;
  message_update: (event: RoomMessageUpdate | GroupMessageUpdate) => void;
  message_reactions: (event: RoomReactions | GroupReactions) => void;
  bot_delta: (event: BotDelta) => void;
  notification: (event: GroupNotification | GroupRead) => void;
  read: (event: ReadReceipt) => void;
  typing: (event: RoomTyping | GroupTyping) => void;
  presence: (event: PresenceChange[]) => void;
  user_update: (event: UserRow | UserErased) => void;
  group_update: (event: GroupUpdate | GroupRow | GroupDeleted) => void;
  access_request: (event: AccessRequestUpdate) => void;
  chat_settings: (event: ChatSettings) => void;
  resync: (event: Resync) => void;
  report: (event: ReportNews) => void;
  server_update: (event: ServerUpdate) => void;
  exception: (event: Exception) => void;
}

export interface ClientEvents {
  message: (payload: ClientMessage, acknowledge?: Acknowledge<Bound | Stored | Entered>) => void;
  bot_stop: (payload: ClientBotStop, acknowledge?: Acknowledge<BotStopped>) => void;
  read: (payload: ClientRead, acknowledge?: Acknowledge<Read>) => void;
  react: (payload: ClientReact, acknowledge?: Acknowledge<ReactedTo>) => void;
  typing: (payload: ClientTyping, acknowledge?: Acknowledge<Accepted>) => void;
}

export type Acknowledge<T> = (answer: T | Refused) => void;

/** What a client may send as `message`. The token is needed once per socket; later payloads may leave it out. */
export interface ClientMessage {
  token?: string | null;
  chat_type?: 'room' | 'group' | 'bot';
  other_user_id?: number;
  chat_group_id?: number;
  is_enter?: boolean;
  message?: string;
  client_id?: string | null;
  reply_to?: number | null;
  is_silent?: boolean | null;
  mentions?: { user_ids?: readonly number[] | null; everyone?: boolean | null } | null;
}

/** What a client may send as `bot_stop`. */
export interface ClientBotStop {
  token?: string | null;
  question_seq: number;
}

/** What a client may send as `read`: one of the two chats, and up to where; without `seq`, up to the newest message. */
export interface ClientRead {
  token?: string | null;
  chat_room_id?: number | null;
  chat_group_id?: number | null;
  seq?: number | null;
}

/** What a client may send as `react`: one of the two chats, a message in it, one emoji, and whether it is to be there. */
export interface ClientReact {
  token?: string | null;
  chat_room_id?: number | null;
  chat_group_id?: number | null;
  seq: number;
  emoji: string;
  is_on: boolean;
}

/** What a client may send as `typing`, every three seconds while its user types: to another user, or in a group. */
export type ClientTyping =
  | { token?: string | null; chat_type: 'room'; other_user_id: number }
  | { token?: string | null; chat_type: 'group'; chat_group_id: number };

/** What the server stores with a socket. */
export interface SocketData {
  /** The user and session, once the token was checked. */
  identity?: Identity | undefined;
  token?: string;
  /** When its session ends, in milliseconds since 1970. */
  expiresAt?: number;
  /** The check of its first token, while it lasts, or where it has failed for good: events behind that one wait for it. */
  binding?: Promise<void> | undefined;
  /** It has passed. */
  isBound?: boolean;
  /** Number of messages that came before any token. */
  withoutToken?: number;
  /** Closes the socket where no token comes. */
  deadline?: NodeJS.Timeout | undefined;
}

export type ParleyServer = Server<ClientEvents, ServerEvents, DefaultEventsMap, SocketData>;
export type ParleySocket = Socket<ClientEvents, ServerEvents, DefaultEventsMap, SocketData>;
