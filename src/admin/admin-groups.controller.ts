import { Body, Controller, Delete, Get, HttpCode, Patch, UseInterceptors } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { type Actor, CurrentActor, NeedsRole } from '../identity/roles.js';
import { AdminGroupsService } from './admin-groups.service.js';
import { AdminChangeGroup, AdminGroupView } from './dto/admin-groups.dto.js';
import { ReasonRequest } from './dto/admin-users.dto.js';

@ApiTags('admin')
@ApiToken()
@NeedsRole('admin')
@Controller('http/admin/groups')
export class AdminGroupsController {
  constructor(private readonly groups: AdminGroupsService) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'All groups, with names and counts' })
  @ApiOkResponse({ type: [AdminGroupView] })
  @ApiErrors(400, 403)
  list(@Data() { cursor }: CursorQuery) {
    return this.groups.list(cursor);
  }

  @Patch(':id')
  @ApiOperation({ summary: 'Hands a group over, freezes it or ends that' })
  @ApiOkResponse({ type: AdminGroupView })
  @ApiErrors(400, 403, 404, 409)
  change(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() change: AdminChangeGroup) {
    return this.groups.change(actor, id, change);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Deletes a group, with all that is in it' })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 404)
  delete(@CurrentActor() actor: Actor, @IdParam('id') id: number, @Body() { reason }: ReasonRequest) {
    return this.groups.delete(actor, id, reason);
  }
}
