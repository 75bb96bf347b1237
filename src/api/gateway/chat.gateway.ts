import {
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
  WebSocketGateway,
} from '@nestjs/websockets';
import { SocketSessions } from '../../identity/socket-sessions.js';
import { BotService } from '../../bot/bot.service.js';
import { AskBot, StopBot } from '../../bot/dto/bot.dto.js';
import { ChatGroupsService } from '../../chat-groups/chat-groups.service.js';
import { EnterGroupMessage, SendGroupMessage } from '../../chat-groups/dto/group-message.dto.js';
import { ChatRoomsService } from '../../chat-rooms/chat-rooms.service.js';
import { RoomTypingMessage, SendRoomMessage } from '../../chat-rooms/dto/room-message.dto.js';
import type { Identity } from '../../common/identity.js';
import { ReactPayload } from '../../conversations/reactions/react.dto.js';
import { Reactions } from '../../conversations/reactions/reactions.js';
import { ReadPayload } from '../../notifications/dto/notifications.dto.js';
import { NotificationsService } from '../../notifications/notifications.service.js';
import type {
  Accepted,
  BotStopped,
  Bound,
  Entered,
  ParleyServer,
  ParleySocket,
  ReactedTo,
  Read,
  Stored,
} from '../../sockets/events.js';
import { Publisher } from '../../sockets/publisher.js';
import { OnEvent } from './on-event.js';
import { type ClientMessage, type ClientTyping, parseMessage, parseTyping, payloadOf } from './payloads.js';
import { SocketEvents } from './socket-events.js';

/** Receives all socket events. The guard has taken the token; the returned value is the acknowledgement. */
@WebSocketGateway()
export class ChatGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  constructor(
    private readonly chatRooms: ChatRoomsService,
    private readonly chatGroups: ChatGroupsService,
    private readonly bot: BotService,
    private readonly notifications: NotificationsService,
    private readonly reactions: Reactions,
    private readonly sockets: SocketSessions,
    private readonly publisher: Publisher,
    private readonly socketEvents: SocketEvents,
  ) {}

  afterInit(server: ParleyServer): void {
    this.publisher.attach(server);
    this.sockets.attach(server);
    this.socketEvents.attach(this);
  }

  handleConnection(socket: ParleySocket): void {
    this.sockets.connected(socket);
    this.socketEvents.listen(socket);
  }

  handleDisconnect(socket: ParleySocket): void {
    this.sockets.disconnected(socket);
  }

  @OnEvent('message', parseMessage)
  async message(me: Identity, message: ClientMessage): Promise<Bound | Stored | Entered> {
    if (message instanceof SendRoomMessage) return this.chatRooms.send(me, message);
    if (message instanceof SendGroupMessage) return this.chatGroups.send(me, message);
    if (message instanceof EnterGroupMessage)
      return this.chatGroups.attend(me, message.chat_group_id, message.is_enter);
    if (message instanceof AskBot) return this.bot.ask(me, message);
    return { ok: true, user_id: me.userId };
  }

  @OnEvent('bot_stop', payloadOf(StopBot))
  botStop(me: Identity, stop: StopBot): Promise<BotStopped> {
    return this.bot.stop(me, stop);
  }

  @OnEvent('read', payloadOf(ReadPayload))
  async read(me: Identity, request: ReadPayload): Promise<Read> {
    return { ok: true, ...(await this.notifications.read(me, request)) };
  }

  @OnEvent('react', payloadOf(ReactPayload))
  react(me: Identity, payload: ReactPayload): Promise<ReactedTo> {
    return this.reactions.react(me, payload);
  }

  @OnEvent('typing', parseTyping)
  async typing(me: Identity, typing: ClientTyping): Promise<Accepted> {
    if (typing instanceof RoomTypingMessage) return this.chatRooms.typing(me, typing);
    return this.chatGroups.typing(me, typing);
  }
}
