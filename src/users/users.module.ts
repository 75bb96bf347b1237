import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { AccountErasureService } from '../auth/account-erasure.service.js';
import { BlockingService } from './blocking.service.js';
import { OwnPassword } from '../auth/own-password.js';
import { ProfileService } from '../auth/profile.service.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [ConversationsModule],
  controllers: [UsersController],
  providers: [UsersService, ProfileService, OwnPassword, AccountErasureService, BlockingService],
})
export class UsersModule {}
