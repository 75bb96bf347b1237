import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { AccessRequest } from './membership/access-request.entity.js';
import { AccessRequestsController } from './membership/access-requests.controller.js';
import { AccessRequestsService } from './membership/access-requests.service.js';
import { ChatGroup } from './chat-group.entity.js';
import { ChatGroupsController } from './chat-groups.controller.js';
import { ChatGroupsService } from './chat-groups.service.js';
import { GroupAbsence } from './attendance/group-absence.js';
import { GroupAttendance } from './attendance/group-attendance.js';
import { GroupDeparture } from './membership/group-departure.entity.js';
import { GroupDeletion } from './group-deletion.js';
import { GroupErasure } from './group-erasure.js';
import { GroupMembersController } from './membership/group-members.controller.js';
import { GroupMembersService } from './membership/group-members.service.js';
import { GroupMembership } from './membership/group-membership.js';
import { GroupNotices } from './attendance/group-notices.js';
import { GroupNotifications } from './attendance/group-notifications.js';
import { GroupPlacement } from './attendance/group-placement.js';
import { GroupQuotas } from './membership/group-quotas.js';
import { GroupRemoval } from './membership/group-removal.entity.js';
import { GroupKind } from './group-kind.js';
import { GroupUpdates } from './group-updates.js';
import { InvitedMembers } from './membership/invited-members.js';
import { MarksOfGone } from './attendance/marks-of-gone.js';
import { UserMutex } from './attendance/user-mutex.js';

@Module({
  imports: [TypeOrmModule.forFeature([ChatGroup, AccessRequest, GroupDeparture, GroupRemoval]), ConversationsModule],
  controllers: [AccessRequestsController, ChatGroupsController, GroupMembersController],
  providers: [
    AccessRequestsService,
    ChatGroupsService,
    GroupAbsence,
    GroupAttendance,
    GroupPlacement,
    GroupDeletion,
    GroupErasure,
    GroupMembersService,
    GroupMembership,
    GroupNotices,
    GroupNotifications,
    GroupQuotas,
    GroupKind,
    GroupUpdates,
    InvitedMembers,
    MarksOfGone,
    UserMutex,
  ],
  exports: [ChatGroupsService, GroupMembership, UserMutex],
})
export class ChatGroupsModule {}
