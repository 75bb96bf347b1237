import { Controller, Delete, Get, HttpCode, Put, UseInterceptors } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { UserView } from '../people/user.view.js';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { BlockingService } from './blocking.service.js';
import { UsersQuery } from './dto/users.dto.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@ApiToken()
@Controller('http/users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly blocking: BlockingService,
  ) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  // A hundred people by their keys are no more than a page of messages.
  @ReadCost(({ ids }) => (ids == null ? LIST_COST : 1))
  @ApiOperation({ summary: 'All users, online or offline; at most 1,000 in one answer, the header Link leads to more' })
  @ApiOkResponse({ type: [UserView] })
  @ApiErrors(400)
  list(@CurrentUser() me: Identity, @Data() query: UsersQuery) {
    return this.users.list(me, query);
  }

  @Get('blocked')
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'The users whom the caller has blocked' })
  @ApiOkResponse({ type: [UserView] })
  @ApiErrors(400)
  blocked(@CurrentUser() me: Identity, @Data() { cursor }: CursorQuery) {
    return this.users.blocked(me, cursor);
  }

  @Put(':id/block')
  @HttpCode(204)
  @ApiOperation({
    summary:
      "Blocks a user: no direct messages between the two, and the blocked user does not see the caller's presence",
  })
  @ApiNoContentResponse()
  @ApiErrors(400, 404)
  block(@CurrentUser() me: Identity, @IdParam('id') id: number) {
    return this.blocking.block(me, id);
  }

  @Delete(':id/block')
  @HttpCode(204)
  @ApiOperation({ summary: 'Takes a block back' })
  @ApiNoContentResponse()
  @ApiErrors(400, 404)
  unblock(@CurrentUser() me: Identity, @IdParam('id') id: number) {
    return this.blocking.unblock(me, id);
  }
}
