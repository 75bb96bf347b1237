import { Body, Controller, Get, Put, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { NotificationView, ReadAnswer, ReadRequest } from './dto/notifications.dto.js';
import { NotificationsService } from './notifications.service.js';

@ApiTags('notifications')
@ApiToken()
@Controller('http/notifications')
export class NotificationsController {
  constructor(private readonly notifications: NotificationsService) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'Each chat with a message, unread ones first' })
  @ApiOkResponse({ type: [NotificationView] })
  @ApiErrors(400)
  list(@CurrentUser() me: Identity, @Data() { cursor }: CursorQuery) {
    return this.notifications.list(me, cursor);
  }

  @Put()
  @ApiOperation({ summary: 'Marks a chat as read' })
  @ApiOkResponse({ type: ReadAnswer })
  @ApiErrors(400, 404)
  read(@CurrentUser() me: Identity, @Body() request: ReadRequest) {
    return this.notifications.read(me, request);
  }
}
