import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BotModule } from '../bot/bot.module.js';
import { ChatGroupsModule } from '../chat-groups/chat-groups.module.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { Acts } from './acts.js';
import { AdminGroupsController } from './admin-groups.controller.js';
import { AdminGroupsService } from './admin-groups.service.js';
import { AdminInvitesController } from './admin-invites.controller.js';
import { AdminInvitesService } from './admin-invites.service.js';
import { AdminReportsController } from './admin-reports.controller.js';
import { AdminReportsService } from './admin-reports.service.js';
import { AdminSettingsController } from './admin-settings.controller.js';
import { AdminSettingsService } from './admin-settings.service.js';
import { AdminUsersController } from './admin-users.controller.js';
import { AdminUsersService } from './admin-users.service.js';
import { AuditController } from './audit.controller.js';
import { ElevationController } from './elevation.controller.js';
import { ElevationService } from './elevation.service.js';
import { StatsController } from './stats.controller.js';
import { StatsService } from './stats.service.js';
import { Suspension } from './suspension.js';

/** The operator's hand: what admins and moderators do, over HTTP and by the command line. */
@Module({
  imports: [AuthModule, BotModule, ChatGroupsModule, ConversationsModule],
  controllers: [
    ElevationController,
    AdminUsersController,
    AdminGroupsController,
    AdminReportsController,
    AdminInvitesController,
    AdminSettingsController,
    AuditController,
    StatsController,
  ],
  providers: [
    Acts,
    AdminGroupsService,
    AdminInvitesService,
    AdminReportsService,
    AdminSettingsService,
    AdminUsersService,
    ElevationService,
    StatsService,
    Suspension,
  ],
})
export class AdminModule {}
