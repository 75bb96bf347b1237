import { Module } from '@nestjs/common';
import { ProfileService } from './profile.service.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({ controllers: [UsersController], providers: [UsersService, ProfileService] })
export class UsersModule {}
