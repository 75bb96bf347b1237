import { Body, Controller, Delete, Get, HttpCode, Patch, Post, UseInterceptors } from '@nestjs/common';
import { ApiAcceptedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { MailAnswer } from '../auth/dto/recovery.dto.js';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { type Actor, CurrentActor, NeedsRole } from '../identity/roles.js';
import { AdminUsersService } from './admin-users.service.js';
import {
  AdminSessionView,
  AdminUserDetails,
  AdminUsersQuery,
  AdminUserView,
  ChangeUser,
  ReasonRequest,
} from './dto/admin-users.dto.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('admin')
@Controller('http/admin/users')
export class AdminUsersController {
  constructor(private readonly users: AdminUsersService) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'All people, or some of them, with their addresses' })
  @ApiOkResponse({ type: [AdminUserView] })
  @ApiErrors(400, 403)
  list(@Data() query: AdminUsersQuery) {
    return this.users.list(query);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One person' })
  @ApiOkResponse({ type: AdminUserDetails })
  @ApiErrors(400, 403, 404)
  get(@IdParam('id') id: number) {
    return this.users.get(id);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Gives a role, suspends or resumes' })
  @ApiOkResponse({ type: AdminUserDetails })
  @ApiErrors(400, 403, 404, 409)
  change(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() change: ChangeUser) {
    return this.users.change(actor, id, change);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Erases an account, as its owner could' })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 404, 409)
  erase(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() { reason }: ReasonRequest) {
    return this.users.erase(actor, id, reason);
  }

  @Post(':id/reset')
  @HttpCode(204)
  @ApiOperation({ summary: 'Ends all sessions and the password of a person, and sends them a link to a new one' })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 404, 503)
  reset(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() { reason }: ReasonRequest) {
    return this.users.resetPassword(actor, id, reason);
  }

  @Post(':id/export')
  @HttpCode(202)
  @ApiOperation({ summary: "Has an export made of what is a person's own, and sends the link to them alone" })
  @ApiAcceptedResponse({ type: MailAnswer })
  @ApiErrors(400, 403, 404, 503)
  async export(
    @CurrentActor() actor: Actor,
    @IdParam('id') id: number,
    @Body() { reason }: ReasonRequest,
  ): Promise<MailAnswer> {
    await this.users.export(actor, id, reason);
    return { message: 'Once the export is ready, a mail with a link to it is on its way to their address.' };
  }

  @Get(':id/sessions')
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'The sessions of a person that live, newest first' })
  @ApiOkResponse({ type: [AdminSessionView] })
  @ApiErrors(400, 403, 404)
  sessions(@IdParam('id') id: number, @Data() { cursor }: CursorQuery) {
    return this.users.sessions(id, cursor);
  }

  @Delete(':id/sessions')
  @HttpCode(204)
  @ApiOperation({ summary: 'Ends all sessions of a person' })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 404)
  endSessions(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() { reason }: ReasonRequest) {
    return this.users.endSessions(actor, id, reason);
  }
}
