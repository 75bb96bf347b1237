import { AskBot, StopBot } from '../bot/dto/bot.dto.js';
import { EnterGroupMessage, SendGroupMessage } from '../chat-groups/dto/group-message.dto.js';
import { SendRoomMessage } from '../chat-rooms/dto/room-message.dto.js';
import { TokenPayload } from '../common/token-payload.js';
import type { Acknowledge, ClientEvents, ServerEvents } from '../realtime/events.js';
import { BotStopped, Bound, Entered, Exception, Stored } from '../realtime/events/answers.js';
import { AccessRequestUpdate, GroupNotice, GroupNotification, GroupUpdate } from '../realtime/events/groups.js';
import { GroupMessageUpdate, RoomMessageUpdate } from '../realtime/events/message-updates.js';
import { BotDelta, BotMessages, GroupMessage, RoomMessage } from '../realtime/events/messages.js';

/*
 * What the maps of src/realtime/events.ts say to the compiler, said to people and programs: the documents of the events are made
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
  ],
  group_update: [
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
} as const satisfies ClientTable;

type Nothing<T extends never> = T;

/** Do not compile where a kind of payload or an acknowledgement is missing above, and then name it. */
export type ServerTableIsComplete = Nothing<Missing<ServerEvents, typeof SERVER_EVENTS>>;
export type ClientTableIsComplete = Nothing<Missing<ClientEvents, typeof CLIENT_EVENTS>>;
