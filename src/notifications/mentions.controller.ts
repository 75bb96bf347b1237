import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { MentionsQuery, MentionView } from './dto/mentions.dto.js';
import { MentionsService } from './mentions.service.js';

@ApiTags('notifications')
@ApiToken()
@Controller('http/mentions')
export class MentionsController {
  constructor(private readonly mentions: MentionsService) {}

  @Get()
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'The newest messages that name the caller, in all of their chats' })
  @ApiOkResponse({ type: [MentionView] })
  @ApiErrors(400)
  list(@CurrentUser() me: Identity, @Data() { until }: MentionsQuery) {
    return this.mentions.list(me, until);
  }
}
