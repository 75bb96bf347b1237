import { Body, Controller, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { ChatSettings } from '../sockets/events/chat-settings.js';
import { ChangeChatSettings } from './chat-settings.dto.js';
import { ChatSettingsService } from './chat-settings.service.js';

@ApiTags('notifications')
@ApiToken()
@Controller('http/chat_settings')
export class ChatSettingsController {
  constructor(private readonly settings: ChatSettingsService) {}

  @Put()
  @ApiOperation({ summary: 'Sets of which messages of a chat to be told, and where to keep it' })
  @ApiOkResponse({ type: ChatSettings })
  @ApiErrors(400, 404)
  change(@CurrentUser() me: Identity, @Body() request: ChangeChatSettings) {
    return this.settings.change(me, request);
  }
}
