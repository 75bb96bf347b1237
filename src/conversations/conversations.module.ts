import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Conversation } from './conversation.entity.js';
import { History } from './history.js';
import { Member } from './member.entity.js';
import { Message } from './message.entity.js';
import { MessageLog } from './message-log.js';
import { ReadMarks } from './read-marks.js';

@Module({
  imports: [TypeOrmModule.forFeature([Conversation, Member, Message])],
  providers: [MessageLog, History, ReadMarks],
  exports: [MessageLog, History, ReadMarks],
})
export class ConversationsModule {}
