import { Body, Controller, Get, Post, Put, UseInterceptors } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../../common/http/api.js';
import { Data } from '../../common/http/data.js';
import { IdParam } from '../../common/http/id-param.js';
import { CurrentUser, type Identity } from '../../common/identity.js';
import { NextLinkInterceptor } from '../../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../../common/http/read-cost.js';
import { CursorQuery } from '../../common/pages.js';
import { AccessRequestsService } from './access-requests.service.js';
import { AccessRequestView, AnswerAccessRequest, PendingRequestView } from '../dto/access-request.dto.js';

@ApiTags('chat groups')
@ApiToken()
@Controller('http/chat_groups/access_requests')
export class AccessRequestsController {
  constructor(private readonly accessRequests: AccessRequestsService) {}

  @Post(':id')
  @ApiOperation({ summary: 'Asks for access to a private group, or to one that the caller was removed from' })
  @ApiCreatedResponse({ type: AccessRequestView })
  @ApiErrors(400, 403, 404, 409, 429)
  ask(@CurrentUser() me: Identity, @IdParam('id') id: number) {
    return this.accessRequests.ask(me, id);
  }

  @Get(':id')
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'The requests for access that wait, oldest first; for the owner' })
  @ApiOkResponse({ type: [PendingRequestView] })
  @ApiErrors(400, 403, 404)
  list(@CurrentUser() me: Identity, @IdParam('id') id: number, @Data() { cursor }: CursorQuery) {
    return this.accessRequests.list(me, id, cursor);
  }

  @Put(':id')
  @ApiOperation({ summary: 'Grants or refuses a request for access; by the owner' })
  @ApiOkResponse({ type: AccessRequestView })
  @ApiErrors(400, 403, 404, 409)
  answer(@CurrentUser() me: Identity, @IdParam('id') id: number, @Body() request: AnswerAccessRequest) {
    return this.accessRequests.answer(me, id, request);
  }
}
