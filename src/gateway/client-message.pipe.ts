import { Injectable, type PipeTransform } from '@nestjs/common';
import { AskBot } from '../bot/dto/bot.dto.js';
import { EnterGroupMessage, SendGroupMessage } from '../chat-groups/dto/group-message.dto.js';
import { SendRoomMessage } from '../chat-rooms/dto/room-message.dto.js';
import { Invalid } from '../common/errors.js';
import { TokenPayload } from '../common/token-payload.js';
import { parsePayload } from '../common/validation.js';

export type ClientMessage = TokenPayload | SendRoomMessage | SendGroupMessage | EnterGroupMessage | AskBot;

/** What `chat_type` makes of a `message`. Without one, it only brings a token. */
const KINDS: Record<string, (payload: object) => new () => ClientMessage> = {
  room: () => SendRoomMessage,
  bot: () => AskBot,
  group: (payload) => ('is_enter' in payload ? EnterGroupMessage : SendGroupMessage),
};

/**
 * Parses what a client sent as `message`. Synchronous on purpose: two messages that one socket sends to one chat must reach its
 * queue in the order in which they arrived, so nothing on their way may wait for one of them and not for the other.
 */
@Injectable()
export class ClientMessagePipe implements PipeTransform<unknown, ClientMessage> {
  transform(payload: unknown): ClientMessage {
    const chatType = (payload as { chat_type?: unknown } | null | undefined)?.chat_type;
    if (chatType === undefined) return parsePayload(TokenPayload, payload);
    if (typeof chatType !== 'string' || !Object.hasOwn(KINDS, chatType)) {
      const sentence = `must be one of ${Object.keys(KINDS).join(', ')}`;
      throw new Invalid(`chat_type ${sentence}.`, { chat_type: [sentence] });
    }
    return parsePayload(KINDS[chatType](payload as object), payload);
  }
}
