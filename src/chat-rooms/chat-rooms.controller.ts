import { Body, Controller, Delete, Get, Put, UseInterceptors } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { IdParam } from '../common/http/id-param.js';
import { EditMessage } from '../conversations/edit-message.dto.js';
import { MessageView } from '../conversations/message.view.js';
import { PageQuery } from '../conversations/page.dto.js';
import { ChatRoomsService } from './chat-rooms.service.js';
import { ChatRoomView } from './dto/chat-room.view.js';
import { RoomEdits } from './room-edits.js';

@ApiTags('chat rooms')
@ApiToken()
@Controller('http/chat_rooms')
export class ChatRoomsController {
  constructor(
    private readonly chatRooms: ChatRoomsService,
    private readonly edits: RoomEdits,
  ) {}

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

  @Put(':id/messages/:seq')
  @ApiOperation({ summary: "Edits a message of the caller's own" })
  @ApiOkResponse({ type: MessageView })
  @ApiErrors(400, 403, 404, 410)
  edit(
    @CurrentUser() me: Identity,
    @IdParam('id') id: number,
    @IdParam('seq') seq: number,
    @Body() { message }: EditMessage,
  ) {
    return this.edits.edit(me, id, seq, message);
  }

  @Delete(':id/messages/:seq')
  @ApiOperation({ summary: "Deletes a message of the caller's own: its number stays, its text goes" })
  @ApiOkResponse({ type: MessageView })
  @ApiErrors(400, 403, 404)
  remove(@CurrentUser() me: Identity, @IdParam('id') id: number, @IdParam('seq') seq: number) {
    return this.edits.remove(me, id, seq);
  }
}
