import { Body, Controller, Delete, Get, HttpCode, Post, Put, UseInterceptors } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { EditMessage } from '../conversations/edit-message.dto.js';
import { MessageView } from '../conversations/message.view.js';
import { PageQuery } from '../conversations/page.dto.js';
import { ChatGroupsService } from './chat-groups.service.js';
import { ChangeGroup, ChatGroupView, CreateGroup, EnterRequest, UpdateGroup } from './dto/group.dto.js';
import { Entered } from '../sockets/events/answers.js';
import { GroupEdits } from './group-edits.js';

@ApiTags('chat groups')
@ApiToken()
@Controller('http')
export class ChatGroupsController {
  constructor(
    private readonly chatGroups: ChatGroupsService,
    private readonly edits: GroupEdits,
  ) {}

  @Get('chat_groups')
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'All groups' })
  @ApiOkResponse({ type: [ChatGroupView] })
  @ApiErrors(400)
  list(@CurrentUser() me: Identity, @Data() { cursor }: CursorQuery) {
    return this.chatGroups.list(me, cursor);
  }

  @Post('chat_groups')
  @ApiOperation({ summary: 'Creates a group; its author is owner and member' })
  @ApiCreatedResponse({ type: ChatGroupView })
  @ApiErrors(400, 403, 409)
  create(@CurrentUser() me: Identity, @Body() request: CreateGroup) {
    return this.chatGroups.create(me, request);
  }

  @Put('chat_groups')
  @ApiOperation({ summary: 'Renames a group, or hands it over; by the owner' })
  @ApiOkResponse({ type: ChatGroupView })
  @ApiErrors(400, 403, 404, 409)
  updateNamed(@CurrentUser() me: Identity, @Body() request: UpdateGroup) {
    return this.chatGroups.update(me, request.chat_group_id, request);
  }

  @Put('chat_groups/:id')
  @ApiOperation({ summary: 'Renames a group, or hands it over; by the owner' })
  @ApiOkResponse({ type: ChatGroupView })
  @ApiErrors(400, 403, 404, 409)
  update(@CurrentUser() me: Identity, @IdParam('id') id: number, @Body() request: ChangeGroup) {
    return this.chatGroups.update(me, id, request);
  }

  @Get('chat_groups/:id')
  @ApiOperation({ summary: 'A page of messages, oldest first; the newest page (no cursor) enters the group' })
  @ApiOkResponse({ type: [MessageView] })
  @ApiErrors(400, 404, 409)
  messages(@CurrentUser() me: Identity, @IdParam('id') id: number, @Data() page: PageQuery) {
    return this.chatGroups.messages(me, id, page);
  }

  @Put('chat_groups/:id/messages/:seq')
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

  @Delete('chat_groups/:id/messages/:seq')
  @ApiOperation({ summary: "Deletes a message, by its sender or the group's owner: its number stays, its text goes" })
  @ApiOkResponse({ type: MessageView })
  @ApiErrors(400, 403, 404)
  remove(@CurrentUser() me: Identity, @IdParam('id') id: number, @IdParam('seq') seq: number) {
    return this.edits.remove(me, id, seq);
  }

  @Post('chat_groups/:id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enters or leaves a group' })
  @ApiOkResponse({ type: Entered })
  @ApiErrors(400, 404, 409)
  attend(@CurrentUser() me: Identity, @IdParam('id') id: number, @Body() request: EnterRequest) {
    return this.chatGroups.attend(me, id, request.is_enter);
  }
}
