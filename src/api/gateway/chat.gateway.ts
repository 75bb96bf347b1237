import { UseFilters } from '@nestjs/common';
import {
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { SocketSessions } from '../../identity/socket-sessions.js';
import { BotService } from '../../bot/bot.service.js';
import { AskBot, StopBot } from '../../bot/dto/bot.dto.js';
import { ChatGroupsService } from '../../chat-groups/chat-groups.service.js';
import { EnterGroupMessage, SendGroupMessage } from '../../chat-groups/dto/group-message.dto.js';
import { ChatRoomsService } from '../../chat-rooms/chat-rooms.service.js';
import { RoomTypingMessage, SendRoomMessage } from '../../chat-rooms/dto/room-message.dto.js';
import { CurrentUser, type Identity } from '../../common/identity.js';
import { ReadPayload } from '../../notifications/dto/notifications.dto.js';
import { NotificationsService } from '../../notifications/notifications.service.js';
import type {
  Accepted,
  BotStopped,
  Bound,
  Entered,
  ParleyServer,
  ParleySocket,
  Read,
  Stored,
} from '../../sockets/events.js';
import { Publisher } from '../../sockets/publisher.js';
import { type ClientMessage, ClientMessagePipe, type ClientTyping, TypingPipe } from './client-message.pipe.js';
import { PayloadPipe } from './payload.pipe.js';
import { SocketErrorFilter } from './socket-error.filter.js';

/** Receives all socket events. The guard has checked the token; the returned value is the acknowledgement. */
@WebSocketGateway()
@UseFilters(SocketErrorFilter)
export class ChatGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  constructor(
    private readonly chatRooms: ChatRoomsService,
    private readonly chatGroups: ChatGroupsService,
    private readonly bot: BotService,
    private readonly notifications: NotificationsService,
    private readonly sockets: SocketSessions,
    private readonly publisher: Publisher,
  ) {}

  afterInit(server: ParleyServer): void {
    this.publisher.attach(server);
    this.sockets.attach(server);
  }

  handleConnection(socket: ParleySocket): void {
    this.sockets.connected(socket);
  }

  handleDisconnect(socket: ParleySocket): void {
    this.sockets.disconnected(socket);
  }

  @SubscribeMessage('message')
  async message(
    @CurrentUser() me: Identity,
    @MessageBody(ClientMessagePipe) message: ClientMessage,
  ): Promise<Bound | Stored | Entered> {
    if (message instanceof SendRoomMessage) return this.chatRooms.send(me, message);
    if (message instanceof SendGroupMessage) return this.chatGroups.send(me, message);
    if (message instanceof EnterGroupMessage)
      return this.chatGroups.attend(me, message.chat_group_id, message.is_enter);
    if (message instanceof AskBot) return this.bot.ask(me, message);
    return { ok: true, user_id: me.userId };
  }

  @SubscribeMessage('bot_stop')
  botStop(@CurrentUser() me: Identity, @MessageBody(new PayloadPipe(StopBot)) stop: StopBot): Promise<BotStopped> {
    return this.bot.stop(me, stop);
  }

  @SubscribeMessage('read')
  async read(
    @CurrentUser() me: Identity,
    @MessageBody(new PayloadPipe(ReadPayload)) request: ReadPayload,
  ): Promise<Read> {
    return { ok: true, ...(await this.notifications.read(me, request)) };
  }

  @SubscribeMessage('typing')
  async typing(@CurrentUser() me: Identity, @MessageBody(TypingPipe) typing: ClientTyping): Promise<Accepted> {
    if (typing instanceof RoomTypingMessage) return this.chatRooms.typing(me, typing);
    return this.chatGroups.typing(me, typing);
  }
}
