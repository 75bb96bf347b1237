import { Body, Controller, Delete, Get, HttpCode, Post, UseInterceptors } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { type Actor, CurrentActor, NeedsRole } from '../identity/roles.js';
import { AdminInvitesService } from './admin-invites.service.js';
import { CreatedInvite, CreateInvite, InviteView } from './dto/admin-invites.dto.js';
import { ReasonRequest } from './dto/admin-users.dto.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('admin')
@Controller('http/admin/invites')
export class AdminInvitesController {
  constructor(private readonly invites: AdminInvitesService) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'Invitations, newest first, without their tokens; those that have ended stay for 90 days' })
  @ApiOkResponse({ type: [InviteView] })
  @ApiErrors(400, 403)
  list(@Data() { cursor }: CursorQuery) {
    return this.invites.list(cursor);
  }

  @Post()
  @ApiOperation({ summary: 'Makes an invitation: whoever shows it may register, whatever the mode' })
  @ApiCreatedResponse({ type: CreatedInvite })
  @ApiErrors(400, 403, 409)
  create(@CurrentActor() actor: Actor, @Body() request: CreateInvite) {
    return this.invites.create(actor, request);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revokes an invitation' })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 404)
  revoke(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() { reason }: ReasonRequest) {
    return this.invites.revoke(actor, id, reason);
  }
}
