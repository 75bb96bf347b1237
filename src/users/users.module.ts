import { Module } from '@nestjs/common';
import { BlockingService } from './blocking.service.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({ controllers: [UsersController], providers: [UsersService, BlockingService] })
export class UsersModule {}
