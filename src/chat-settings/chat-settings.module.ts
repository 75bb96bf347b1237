import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { ChatSettingsController } from './chat-settings.controller.js';
import { ChatSettingsService } from './chat-settings.service.js';

@Module({
  imports: [ConversationsModule],
  controllers: [ChatSettingsController],
  providers: [ChatSettingsService],
})
export class ChatSettingsModule {}
