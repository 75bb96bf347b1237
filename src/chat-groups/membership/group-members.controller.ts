import { Body, Controller, Delete, Get, HttpCode, Post, UseInterceptors } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../../common/http/api.js';
import { Data } from '../../common/http/data.js';
import { IdParam } from '../../common/http/id-param.js';
import { CurrentUser, type Identity } from '../../common/identity.js';
import { NextLinkInterceptor } from '../../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../../common/http/read-cost.js';
import { CursorQuery } from '../../common/pages.js';
import { AddMember, GroupMemberView } from '../dto/group.dto.js';
import { GroupMembersService } from './group-members.service.js';

@ApiTags('chat groups')
@ApiToken()
@Controller('http')
export class GroupMembersController {
  constructor(private readonly groupMembers: GroupMembersService) {}

  @Get('users/group/:id')
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: "A group's members, for its members" })
  @ApiOkResponse({ type: [GroupMemberView] })
  @ApiErrors(400, 404)
  list(@CurrentUser() me: Identity, @IdParam('id') id: number, @Data() { cursor }: CursorQuery) {
    return this.groupMembers.list(me, id, cursor);
  }

  @Post('chat_groups/:id/members')
  @HttpCode(200)
  @ApiOperation({ summary: 'Adds a member; by the owner' })
  @ApiOkResponse({ type: GroupMemberView })
  @ApiErrors(400, 403, 404, 409)
  add(@CurrentUser() me: Identity, @IdParam('id') id: number, @Body() request: AddMember) {
    return this.groupMembers.add(me, id, request.user_id);
  }

  @Delete('chat_groups/:id/members/:user_id')
  @HttpCode(204)
  @ApiOperation({ summary: "Gives up the caller's own membership; or removes a member, by the owner" })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 404)
  end(@CurrentUser() me: Identity, @IdParam('id') id: number, @IdParam('user_id') userId: number) {
    return this.groupMembers.end(me, id, userId);
  }
}
