import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { PageQuery } from '../conversations/page.dto.js';
import { BotService } from './bot.service.js';
import { BotMessage } from '../sockets/events/messages.js';

// The protocol spells it in two ways, and both work.
@ApiTags('bot')
@ApiToken()
@Controller(['http/chat_bot', 'http/chat-bot'])
export class BotController {
  constructor(private readonly bot: BotService) {}

  @Get()
  @ApiOperation({ summary: "A page of the caller's chat with the bot, oldest first" })
  @ApiOkResponse({ type: [BotMessage] })
  @ApiErrors(400)
  messages(@CurrentUser() me: Identity, @Data() page: PageQuery) {
    return this.bot.messages(me, page);
  }
}
