import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { MentionsController } from './mentions.controller.js';
import { MentionsService } from './mentions.service.js';
import { NotificationsController } from './notifications.controller.js';
import { NotificationsService } from './notifications.service.js';

@Module({
  imports: [ConversationsModule],
  controllers: [NotificationsController, MentionsController],
  providers: [NotificationsService, MentionsService],
  exports: [NotificationsService],
})
export class NotificationsModule {}
