import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { ChatRoom } from './chat-room.entity.js';
import { ChatRoomsController } from './chat-rooms.controller.js';
import { ChatRoomsService } from './chat-rooms.service.js';
import { RoomKind } from './room-kind.js';

@Module({
  imports: [TypeOrmModule.forFeature([ChatRoom]), ConversationsModule],
  controllers: [ChatRoomsController],
  providers: [ChatRoomsService, RoomKind],
  exports: [ChatRoomsService],
})
export class ChatRoomsModule {}
