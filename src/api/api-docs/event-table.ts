import { AskBot, StopBot } from '../../bot/dto/bot.dto.js';
import { EnterGroupMessage, GroupTypingMessage, SendGroupMessage } from '../../chat-groups/dto/group-message.dto.js';
import { RoomTypingMessage, SendRoomMessage } from '../../chat-rooms/dto/room-message.dto.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import { ReactPayload } from '../../conversations/reactions/react.dto.js';
import { ReadPayload } from '../../notifications/dto/notifications.dto.js';
import type { Acknowledge, ClientEvents, ServerEvents } from '../../sockets/events.js';
import {
  Accepted,
  BotStopped,
  Bound,
  Entered,
  Exception,
  ReactedTo,
  Read,
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

/*
 * The events of src/sockets/events.ts as a table, from which their documents are made. An event, a kind of payload or an acknowledgement that
 * is only in one of the two does not compile.
 */

export type PayloadClass<T = object> = new () => T;

/** The class of a payload; in brackets where the payload is a list of them. */
type Described<T> = T extends readonly (infer One)[] ? readonly [PayloadClass<One>] : PayloadClass<T>;

type Handler = (...args: never[]) => void;
type Payload<Event extends Handler> = Parameters<Event>[0];
type Answer<Event extends Handler> =
  Parameters<Event> extends [unknown, (infer Callback)?] ? (Callback extends Acknowledge<infer T> ? T : never) : never;

interface Sent<T> {
  payload: Described<T>;
  /** A few words that no other row of the table has: events of one name differ by it. */
  called: string;
  /** One sentence: what it means, and whose sockets get it. */
  says: string;
}

interface Received<T, A> extends Sent<T> {
  /** The acknowledgement where it was not refused; missing where a client need not ask for one. */
  answer?: PayloadClass<A>;
}

type ServerTable = { [Name in keyof ServerEvents]: readonly Sent<Payload<ServerEvents[Name]>>[] };
type ClientTable = {
  [Name in keyof ClientEvents]: readonly Received<Payload<ClientEvents[Name]>, Answer<ClientEvents[Name]>>[];
};

type InstanceOf<C> = C extends readonly [PayloadClass<infer T>] ? T[] : C extends PayloadClass<infer T> ? T : never;
type Listed<Rows> = Rows extends readonly { payload: infer C }[] ? InstanceOf<C> : never;
type Answered<Rows> = Rows extends readonly (infer Row)[]
  ? Row extends { answer: PayloadClass<infer T> }
    ? T
    : never
  : never;

/** Entries of a map that its table does not have. */
type Missing<Events extends Record<keyof Events, Handler>, Table extends Record<keyof Events, unknown>> = {
  [Name in keyof Events]:
    Exclude<Payload<Events[Name]>, Listed<Table[Name]>> | Exclude<Answer<Events[Name]>, Answered<Table[Name]>>;
}[keyof Events];

/** Server to client. */
export const SERVER_EVENTS = {
  message: [
    {
      payload: RoomMessage,
      called: 'A direct message',
      says: "A direct message, on each socket of both users, the sender's own included.",
    },
    {
      payload: GroupMessage,
      called: 'A message in a group',
      says: 'A message to a group, on each socket of everybody who is in it.',
    },
    {
      payload: GroupNotice,
      called: 'Who came and went',
      says: 'Who entered or left a group, to those who are in it. Not a message: it has no number and is not stored.',
    },
    {
      payload: BotMessages,
      called: 'A question to the bot, and its answer',
      says: 'A question to the bot and its answer, on each socket of the user who asked.',
    },
  ],
  message_update: [
    {
      payload: RoomMessageUpdate,
      called: 'A direct message was changed',
      says: 'A direct message was edited or deleted: on each socket of both users, in the order of `change`.',
    },
    {
      payload: GroupMessageUpdate,
      called: 'A message in a group was changed',
      says: 'A message to a group was edited or deleted: on each socket of everybody who is in it, in the order of `change`.',
    },
  ],
  message_reactions: [
    {
      payload: RoomReactions,
      called: 'Reactions to a direct message',
      says: 'Somebody has reacted to a direct message, or has taken that back: on each socket of both users. It carries the whole message, as `message_update` does: of the two, the one with the higher `change` counts.',
    },
    {
      payload: GroupReactions,
      called: 'Reactions to a message in a group',
      says: 'People have reacted to a message in a group, or have taken that back: on each socket of everybody who is in it, with one `change` for all who did so at once.',
    },
  ],
  bot_delta: [
    {
      payload: BotDelta,
      called: "A part of the bot's answer",
      says: "The next part of the bot's answer while it forms, on each socket of the user who asked; the message with the whole answer follows.",
    },
  ],
  notification: [
    {
      payload: GroupNotification,
      called: 'News from a group',
      says: 'A new message in a group, to its members who are online and not in it: at most one a second for each group.',
    },
    {
      payload: GroupRead,
      called: 'A group was read',
      says: 'How far a user has read a group, on each of their own sockets.',
    },
  ],
  read: [
    {
      payload: ReadReceipt,
      called: 'Somebody has read',
      says: "How far a user has read: to the two users of a room, to those who are in a group of at most 100 members, and to the user's own sockets.",
    },
  ],
  typing: [
    {
      payload: RoomTyping,
      called: 'Somebody types to you',
      says: 'A user types in the direct room with the receiver; at most one in three seconds.',
    },
    {
      payload: GroupTyping,
      called: 'Somebody types in a group',
      says: 'A user types in a group, to the others who are in it; at most one in three seconds for each user.',
    },
  ],
  presence: [
    {
      payload: [PresenceChange],
      called: 'Who is online',
      says: 'Who came online and who went offline, once a second: to those who have a room with them, or are in a group with them where at most 100 are in.',
    },
  ],
  user_update: [
    {
      payload: UserRow,
      called: 'A user is new or renamed',
      says: 'A user is new, or has another name: to everybody while there are at most 1,000 users, and then to those who get their presence; never to users who have blocked them.',
    },
    {
      payload: UserErased,
      called: 'A user has gone',
      says: 'A user has erased their account; to the same users, and to those who have blocked them.',
    },
  ],
  group_update: [
    {
      payload: GroupRow,
      called: 'A group is new or changed',
      says: 'A group is new or changed: to everybody while there are at most 1,000 groups, and then to its members.',
    },
    {
      payload: GroupDeleted,
      called: 'A group has gone',
      says: 'A group was deleted; to the same users.',
    },
    {
      payload: GroupUpdate,
      called: 'Your place in a group',
      says: "The user's place in a group changed, by another device or by another user; on each of their sockets.",
    },
  ],
  access_request: [
    {
      payload: AccessRequestUpdate,
      called: 'A request for access',
      says: "A request for access to a group was made or answered; on each socket of the requester and of the group's owner.",
    },
  ],
  chat_settings: [
    {
      payload: ChatSettings,
      called: 'Your settings of a chat',
      says: 'How the user wants to be told of a chat, and where they keep it, changed on one of their devices; on each of their sockets.',
    },
  ],
  resync: [
    {
      payload: Resync,
      called: 'Look again',
      says: 'Events may have been lost between nodes, though this socket stayed open: its client does what it does after a reconnect.',
    },
  ],
  report: [
    {
      payload: ReportNews,
      called: 'A report',
      says: 'A message was reported, or a report was settled; on each socket of the moderators and admins. It says nothing of what was reported.',
    },
  ],
  server_update: [
    {
      payload: ServerUpdate,
      called: 'The server says something else of itself',
      says: 'An admin has changed what `GET /http/server` says: the fields that are another now.',
    },
  ],
  exception: [
    {
      payload: Exception,
      called: 'Something was refused',
      says: 'Something that the client sent was refused, or failed later; or the socket is about to be closed.',
    },
  ],
} as const satisfies ServerTable;

/** Client to server. */
export const CLIENT_EVENTS = {
  message: [
    {
      payload: TokenPayload,
      called: 'Open the live channel',
      answer: Bound,
      says: 'Opens the live channel. A first message of any other kind opens it as well, where it brings a token.',
    },
    {
      payload: SendRoomMessage,
      called: 'Send a direct message',
      answer: Stored,
      says: 'Writes to one other user. The acknowledgement comes when the message is on disk.',
    },
    {
      payload: SendGroupMessage,
      called: 'Send to a group',
      answer: Stored,
      says: 'Writes to a group that the caller is a member of. The acknowledgement comes when the message is on disk.',
    },
    {
      payload: EnterGroupMessage,
      called: 'Enter or leave a group',
      answer: Entered,
      says: 'Enters a group, or leaves it.',
    },
    {
      payload: AskBot,
      called: 'Ask the bot',
      answer: Stored,
      says: 'Asks the bot. The acknowledgement comes when the question is on disk; the answer follows as an event.',
    },
  ],
  bot_stop: [
    {
      payload: StopBot,
      called: 'Stop the bot',
      answer: BotStopped,
      says: "Ends the bot's answer on all devices. The acknowledgement comes when the text so far is stored.",
    },
  ],
  read: [
    {
      payload: ReadPayload,
      called: 'Mark as read',
      answer: Read,
      says: 'Marks one room or one group as read; the same as PUT /http/notifications.',
    },
  ],
  react: [
    {
      payload: ReactPayload,
      called: 'React to a message',
      answer: ReactedTo,
      says: 'Reacts to a message with one emoji, or takes that back: it sets, and never toggles. The acknowledgement comes when it is on disk.',
    },
  ],
  typing: [
    {
      payload: RoomTypingMessage,
      called: 'Type to somebody',
      answer: Accepted,
      says: 'The user types to another one; passed on where the two have a room.',
    },
    {
      payload: GroupTypingMessage,
      called: 'Type in a group',
      answer: Accepted,
      says: 'The user types in a group that they are in.',
    },
  ],
} as const satisfies ClientTable;

type Nothing<T extends never> = T;

/** These do not compile where a kind of payload or an acknowledgement is missing above: the error names it. */
export type ServerTableIsComplete = Nothing<Missing<ServerEvents, typeof SERVER_EVENTS>>;
export type ClientTableIsComplete = Nothing<Missing<ClientEvents, typeof CLIENT_EVENTS>>;
