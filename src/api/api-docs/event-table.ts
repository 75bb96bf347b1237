import { AskBot, StopBot } from '../../bot/dto/bot.dto.js';
import { EnterGroupMessage, GroupTypingMessage, SendGroupMessage } from '../../chat-groups/dto/group-message.dto.js';
import { RoomTypingMessage, SendRoomMessage } from '../../chat-rooms/dto/room-message.dto.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import { ReadPayload } from '../../notifications/dto/notifications.dto.js';
import type { Acknowledge, ClientEvents, ServerEvents } from '../../sockets/events.js';
import { Accepted, BotStopped, Bound, Entered, Exception, Read, Stored } from '../../sockets/events/answers.js';
import {
  AccessRequestUpdate,
  GroupDeleted,
  GroupNotice,
  GroupNotification,
  GroupRead,
  GroupRow,
  GroupUpdate,
} from '../../sockets/events/groups.js';
import { GroupMessageUpdate, RoomMessageUpdate } from '../../sockets/events/message-updates.js';
import { BotDelta, BotMessages, GroupMessage, RoomMessage } from '../../sockets/events/messages.js';
import {
  GroupTyping,
  PresenceChange,
  ReadReceipt,
  RoomTyping,
  UserErased,
  UserRow,
} from '../../sockets/events/people.js';

/*
 * What the maps of src/sockets/events.ts say to the compiler, said to people and programs: the documents of the events are made
 * from this table. An event, a kind of payload or an acknowledgement that is in one of the two and not in the other does not compile.
 */

export type PayloadClass<T = object> = new () => T;

/** The class of a payload; in brackets where the payload is a list of them. */
type Described<T> = T extends readonly (infer One)[] ? readonly [PayloadClass<One>] : PayloadClass<T>;

type Handler = (...args: never[]) => void;
type Payload<Event extends Handler> = Parameters<Event>[0];
type Answer<Event extends Handler> =
  Parameters<Event> extends [unknown, (infer Callback)?] ? (Callback extends Acknowledge<infer T> ? T : never) : never;

interface Told<T> {
  payload: Described<T>;
  /** One sentence: what it means, and whose sockets get it. */
  says: string;
}

interface Asked<T, A> extends Told<T> {
  /** What it is acknowledged with where it was not refused; left out where a client need not ask. */
  answer?: PayloadClass<A>;
}

type ServerTable = { [Name in keyof ServerEvents]: readonly Told<Payload<ServerEvents[Name]>>[] };
type ClientTable = {
  [Name in keyof ClientEvents]: readonly Asked<Payload<ClientEvents[Name]>, Answer<ClientEvents[Name]>>[];
};

type InstanceOf<C> = C extends readonly [PayloadClass<infer T>] ? T[] : C extends PayloadClass<infer T> ? T : never;
type Listed<Rows> = Rows extends readonly { payload: infer C }[] ? InstanceOf<C> : never;
type Answered<Rows> = Rows extends readonly (infer Row)[]
  ? Row extends { answer: PayloadClass<infer T> }
    ? T
    : never
  : never;

/** What a map knows and its table has not. */
type Missing<Events extends Record<keyof Events, Handler>, Table extends Record<keyof Events, unknown>> = {
  [Name in keyof Events]:
    Exclude<Payload<Events[Name]>, Listed<Table[Name]>> | Exclude<Answer<Events[Name]>, Answered<Table[Name]>>;
}[keyof Events];

/** Server to client. */
export const SERVER_EVENTS = {
  message: [
    {
      payload: RoomMessage,
      says: "A direct message, on each socket of both people, the sender's own included.",
    },
    {
      payload: GroupMessage,
      says: 'A message to a group, on each socket of everybody who is in it.',
    },
    {
      payload: GroupNotice,
      says: 'Who entered or left a group, to those who are in it: a sentence, not a message; it has no number and is not stored.',
    },
    {
      payload: BotMessages,
      says: 'A question to the bot and its answer, on each socket of the person who asked.',
    },
  ],
  message_update: [
    {
      payload: RoomMessageUpdate,
      says: 'A direct message was edited or deleted: on each socket of both people, in the order of `change`.',
    },
    {
      payload: GroupMessageUpdate,
      says: 'A message to a group was edited or deleted: on each socket of everybody who is in it, in the order of `change`.',
    },
  ],
  bot_delta: [
    {
      payload: BotDelta,
      says: "The next part of the bot's answer while it forms, on each socket of the person who asked; the message with the whole answer follows.",
    },
  ],
  notification: [
    {
      payload: GroupNotification,
      says: 'Something new in a group, to its members who are online and not in it: at most one a second and group.',
    },
    {
      payload: GroupRead,
      says: 'How far a person has read a group, on each of their own sockets.',
    },
  ],
  read: [
    {
      payload: ReadReceipt,
      says: "How far somebody has read: to a room's two people, to those who are in a group of at most 100 members, and to the reader's own sockets.",
    },
  ],
  typing: [
    {
      payload: RoomTyping,
      says: 'Somebody types to the person; at most one in three seconds and typist.',
    },
    {
      payload: GroupTyping,
      says: 'Somebody types in a group, to the others who are in it; at most one in three seconds and typist.',
    },
  ],
  presence: [
    {
      payload: [PresenceChange],
      says: 'Who came online and who went, once a second: to those who have a room with them, or are in a group with them where at most 100 are in.',
    },
  ],
  user_update: [
    {
      payload: UserRow,
      says: 'Somebody is new, or has another name: to everybody while there are at most 1,000 users, and then to those who hear of their presence; never to whoever has blocked them.',
    },
    {
      payload: UserErased,
      says: 'Somebody is gone; to the same people, and to whoever has blocked them.',
    },
  ],
  group_update: [
    {
      payload: GroupRow,
      says: 'A group is new or changed: to everybody while there are at most 1,000 groups, and then to its members.',
    },
    {
      payload: GroupDeleted,
      says: 'A group is gone; to the same people.',
    },
    {
      payload: GroupUpdate,
      says: "A person's place in a group changed, on another device or by another's hand; on each of their sockets.",
    },
  ],
  access_request: [
    {
      payload: AccessRequestUpdate,
      says: "Somebody asks to be let into a group, or was answered; on each socket of theirs and of the group's owner.",
    },
  ],
  exception: [
    {
      payload: Exception,
      says: 'Something that the client sent was refused, or failed later; or the socket is about to be closed.',
    },
  ],
} as const satisfies ServerTable;

/** Client to server. */
export const CLIENT_EVENTS = {
  message: [
    {
      payload: TokenPayload,
      answer: Bound,
      says: 'Opens the live channel. A first message of any other kind opens it as well, where it brings a token.',
    },
    {
      payload: SendRoomMessage,
      answer: Stored,
      says: 'Writes to one other person. The acknowledgement comes when the message is on disk.',
    },
    {
      payload: SendGroupMessage,
      answer: Stored,
      says: 'Writes to a group that the caller is a member of. The acknowledgement comes when the message is on disk.',
    },
    {
      payload: EnterGroupMessage,
      answer: Entered,
      says: 'Enters a group, or leaves it.',
    },
    {
      payload: AskBot,
      answer: Stored,
      says: 'Asks the bot. The acknowledgement comes when the question is on disk; the answer follows as an event.',
    },
  ],
  bot_stop: [
    {
      payload: StopBot,
      answer: BotStopped,
      says: "Ends the bot's answer on all devices. The acknowledgement comes when what was said is stored.",
    },
  ],
  read: [
    {
      payload: ReadPayload,
      answer: Read,
      says: 'Has read one room or one group; the same as PUT /http/notifications.',
    },
  ],
  typing: [
    {
      payload: RoomTypingMessage,
      answer: Accepted,
      says: 'Types to somebody; passed on where the two have a room.',
    },
    {
      payload: GroupTypingMessage,
      answer: Accepted,
      says: 'Types in a group that the person is in.',
    },
  ],
} as const satisfies ClientTable;

type Nothing<T extends never> = T;

/** Do not compile where a kind of payload or an acknowledgement is missing above, and then name it. */
export type ServerTableIsComplete = Nothing<Missing<ServerEvents, typeof SERVER_EVENTS>>;
export type ClientTableIsComplete = Nothing<Missing<ClientEvents, typeof CLIENT_EVENTS>>;
