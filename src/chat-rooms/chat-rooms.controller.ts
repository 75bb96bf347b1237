import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/api.js';
import { Data } from '../common/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/next-link.interceptor.js';
import { CursorQuery } from '../common/pages.js';
import { IdParam } from '../common/id-param.js';
import { MessageView } from '../conversations/message.view.js';
import { PageQuery } from '../conversations/page.dto.js';
import { ChatRoomsService } from './chat-rooms.service.js';
import { ChatRoomView } from './dto/chat-room.view.js';

@ApiTags('chat rooms')
@ApiToken()
@Controller('http/chat_rooms')
export class ChatRoomsController {
  constructor(private readonly chatRooms: ChatRoomsService) {}

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ApiOperation({ summary: "The caller's rooms, most recent first" })
  @ApiOkResponse({ type: [ChatRoomView] })
  list(@CurrentUser() me: Identity, @Data() { cursor }: CursorQuery) {
    return this.chatRooms.list(me, cursor);
  }

  @Get(':id')
  @ApiOperation({ summary: "A page of a room's messages, oldest first" })
  @ApiOkResponse({ type: [MessageView] })
  @ApiErrors(400, 404)
  messages(@CurrentUser() me: Identity, @IdParam('id') id: number, @Data() page: PageQuery) {
    return this.chatRooms.messages(me, id, page);
  }
}
