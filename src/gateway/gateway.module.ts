import { Module } from '@nestjs/common';
import { ChatGroupsModule } from '../chat-groups/chat-groups.module.js';
import { ChatRoomsModule } from '../chat-rooms/chat-rooms.module.js';
import { ChatGateway } from './chat.gateway.js';

@Module({ imports: [ChatRoomsModule, ChatGroupsModule], providers: [ChatGateway] })
export class GatewayModule {}
