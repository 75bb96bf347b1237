import { Module } from '@nestjs/common';
import { BotModule } from '../../bot/bot.module.js';
import { ChatGroupsModule } from '../../chat-groups/chat-groups.module.js';
import { ChatRoomsModule } from '../../chat-rooms/chat-rooms.module.js';
import { ConversationsModule } from '../../conversations/conversations.module.js';
import { NotificationsModule } from '../../notifications/notifications.module.js';
import { ChatGateway } from './chat.gateway.js';
import { SocketErrors } from './socket-errors.js';
import { SocketEvents } from './socket-events.js';

@Module({
  imports: [ConversationsModule, ChatRoomsModule, ChatGroupsModule, BotModule, NotificationsModule],
  providers: [ChatGateway, SocketEvents, SocketErrors],
})
export class GatewayModule {}
