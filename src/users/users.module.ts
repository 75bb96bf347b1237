import { Module } from '@nestjs/common';
import { AccountErasureService } from './account-erasure.service.js';
import { OwnPassword } from './own-password.js';
import { ProfileService } from './profile.service.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({
  controllers: [UsersController],
  providers: [UsersService, ProfileService, OwnPassword, AccountErasureService],
})
export class UsersModule {}
