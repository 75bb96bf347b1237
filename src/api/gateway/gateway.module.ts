import { Module } from '@nestjs/common';
import { BotModule } from '../../bot/bot.module.js';
import { ChatGroupsModule } from '../../chat-groups/chat-groups.module.js';
import { ChatRoomsModule } from '../../chat-rooms/chat-rooms.module.js';
import { NotificationsModule } from '../../notifications/notifications.module.js';
import { ChatGateway } from './chat.gateway.js';

@Module({ imports: [ChatRoomsModule, ChatGroupsModule, BotModule, NotificationsModule], providers: [ChatGateway] })
export class GatewayModule {}
