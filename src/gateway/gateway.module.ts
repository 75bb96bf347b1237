import { Module } from '@nestjs/common';
import { ChatRoomsModule } from '../chat-rooms/chat-rooms.module.js';
import { ChatGateway } from './chat.gateway.js';

@Module({ imports: [ChatRoomsModule], providers: [ChatGateway] })
export class GatewayModule {}
