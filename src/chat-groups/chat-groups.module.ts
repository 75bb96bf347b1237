import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { ChatGroup } from './chat-group.entity.js';
import { ChatGroupsController } from './chat-groups.controller.js';
import { ChatGroupsService } from './chat-groups.service.js';
import { GroupAttendance } from './group-attendance.js';
import { GroupErasure } from './group-erasure.js';
import { GroupNotices } from './group-notices.js';
import { GroupNotifications } from './group-notifications.js';
import { GroupRules } from './group-rules.js';

@Module({
  imports: [TypeOrmModule.forFeature([ChatGroup]), ConversationsModule],
  controllers: [ChatGroupsController],
  providers: [ChatGroupsService, GroupAttendance, GroupErasure, GroupNotices, GroupNotifications, GroupRules],
  exports: [ChatGroupsService],
})
export class ChatGroupsModule {}
