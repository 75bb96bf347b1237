import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { IdParam } from '../common/http/id-param.js';
import { MessageEdits } from '../conversations/message-edits.js';
import { MessageRoutes } from '../conversations/message-routes.js';
import { Reactions } from '../conversations/reactions/reactions.js';
import { MessageView } from '../conversations/message.view.js';
import { PageQuery } from '../conversations/page.dto.js';
import { ChatRoomsService } from './chat-rooms.service.js';
import { ChatRoomView } from './dto/chat-room.view.js';

@ApiTags('chat rooms')
@ApiToken()
@Controller('http/chat_rooms')
export class ChatRoomsController extends MessageRoutes('room', {
  edit: "Edits a message of the caller's own",
  remove: "Deletes a message of the caller's own: its number stays, its text goes",
}) {
  constructor(
    private readonly chatRooms: ChatRoomsService,
    protected readonly edits: MessageEdits,
    protected readonly reactions: Reactions,
  ) {
    super();
  }

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: "The caller's rooms, most recent first" })
  @ApiOkResponse({ type: [ChatRoomView] })
  @ApiErrors(400)
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
