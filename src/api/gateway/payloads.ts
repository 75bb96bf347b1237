import { AskBot } from '../../bot/dto/bot.dto.js';
import { EnterGroupMessage, GroupTypingMessage, SendGroupMessage } from '../../chat-groups/dto/group-message.dto.js';
import { RoomTypingMessage, SendRoomMessage } from '../../chat-rooms/dto/room-message.dto.js';
import { Invalid } from '../../common/errors.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import { parsePayload } from '../../common/http/validation.js';

export type ClientMessage = TokenPayload | SendRoomMessage | SendGroupMessage | EnterGroupMessage | AskBot;

export type ClientTyping = RoomTypingMessage | GroupTypingMessage;

type Kinds<T> = Record<string, (payload: object) => new () => T>;

/** The class of a `message` by its `chat_type`. Without one, it only brings a token. */
const MESSAGES: Kinds<ClientMessage> = {
  room: () => SendRoomMessage,
  bot: () => AskBot,
  group: (payload) => ('is_enter' in payload ? EnterGroupMessage : SendGroupMessage),
};

/** The class of `typing` by its `chat_type`. */
const TYPINGS: Kinds<ClientTyping> = { room: () => RoomTypingMessage, group: () => GroupTypingMessage };

const chatTypeOf = (payload: unknown): unknown => (payload as { chat_type?: unknown } | null | undefined)?.chat_type;

function parseKind<T extends object>(kinds: Kinds<T>, payload: unknown): T {
  const chatType = chatTypeOf(payload);
  const classOf = typeof chatType === 'string' && Object.hasOwn(kinds, chatType) ? kinds[chatType] : undefined;
  if (!classOf) {
    const sentence = `must be one of ${Object.keys(kinds).join(', ')}`;
    throw new Invalid(`chat_type ${sentence}.`, { chat_type: [sentence] });
  }
  return parsePayload(classOf(payload as object), payload);
}

/** Parses the payload of an event that has one class. @throws Invalid */
export const payloadOf =
  <T extends object>(dto: new () => T) =>
  (payload: unknown): T =>
    parsePayload(dto, payload);

/** Parses the payload of `message`. @throws Invalid */
export const parseMessage = (payload: unknown): ClientMessage =>
  chatTypeOf(payload) === undefined ? parsePayload(TokenPayload, payload) : parseKind(MESSAGES, payload);

/** Parses the payload of `typing`. @throws Invalid */
export const parseTyping = (payload: unknown): ClientTyping => parseKind(TYPINGS, payload);
