import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { ChatRoom } from './chat-room.entity.js';
import { ChatRoomsController } from './chat-rooms.controller.js';
import { ChatRoomsService } from './chat-rooms.service.js';
import { RoomEdits } from './room-edits.js';
import { RoomRules } from './room-rules.js';

@Module({
  imports: [TypeOrmModule.forFeature([ChatRoom]), ConversationsModule],
  controllers: [ChatRoomsController],
  providers: [ChatRoomsService, RoomEdits, RoomRules],
  exports: [ChatRoomsService],
})
export class ChatRoomsModule {}
