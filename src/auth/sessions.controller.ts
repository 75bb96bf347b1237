import { Controller, Delete, Get, HttpCode, UseInterceptors } from '@nestjs/common';
import { ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { CursorQuery } from '../common/pages.js';
import { SessionView } from './dto/session.dto.js';
import { OwnSessionsService } from './own-sessions.service.js';

@ApiTags('account')
@ApiToken()
@Controller('http/sessions')
export class SessionsController {
  constructor(private readonly sessions: OwnSessionsService) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ApiOperation({ summary: "The caller's sessions that live, newest first" })
  @ApiOkResponse({ type: [SessionView] })
  @ApiErrors(400)
  list(@CurrentUser() me: Identity, @Data() { cursor }: CursorQuery) {
    return this.sessions.list(me, cursor);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Ends all sessions but the one that asks' })
  @ApiNoContentResponse()
  endOthers(@CurrentUser() me: Identity) {
    return this.sessions.endOthers(me);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Ends one session' })
  @ApiNoContentResponse()
  @ApiErrors(400, 404)
  end(@CurrentUser() me: Identity, @IdParam('id') id: number) {
    return this.sessions.end(me, id);
  }
}
