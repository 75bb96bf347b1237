import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { AccessRequest } from './access-request.entity.js';
import { AccessRequestsController } from './access-requests.controller.js';
import { AccessRequestsService } from './access-requests.service.js';
import { ChatGroup } from './chat-group.entity.js';
import { ChatGroupsController } from './chat-groups.controller.js';
import { ChatGroupsService } from './chat-groups.service.js';
import { GroupAbsence } from './group-absence.js';
import { GroupAttendance } from './group-attendance.js';
import { GroupDeparture } from './group-departure.entity.js';
import { GroupEdits } from './group-edits.js';
import { GroupErasure } from './group-erasure.js';
import { GroupMembersController } from './group-members.controller.js';
import { GroupMembersService } from './group-members.service.js';
import { GroupMembership } from './group-membership.js';
import { GroupNotices } from './group-notices.js';
import { GroupNotifications } from './group-notifications.js';
import { GroupQuotas } from './group-quotas.js';
import { GroupRemoval } from './group-removal.entity.js';
import { GroupRules } from './group-rules.js';
import { GroupUpdates } from './group-updates.js';
import { MarksOfGone } from './marks-of-gone.js';
import { PersonTurns } from './person-turns.js';

@Module({
  imports: [TypeOrmModule.forFeature([ChatGroup, AccessRequest, GroupDeparture, GroupRemoval]), ConversationsModule],
  controllers: [AccessRequestsController, ChatGroupsController, GroupMembersController],
  providers: [
    AccessRequestsService,
    ChatGroupsService,
    GroupAbsence,
    GroupAttendance,
    GroupEdits,
    GroupErasure,
    GroupMembersService,
    GroupMembership,
    GroupNotices,
    GroupNotifications,
    GroupQuotas,
    GroupRules,
    GroupUpdates,
    MarksOfGone,
    PersonTurns,
  ],
  exports: [ChatGroupsService],
})
export class ChatGroupsModule {}
