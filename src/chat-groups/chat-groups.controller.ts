import { Body, Controller, Delete, Get, HttpCode, Post, Put, UseInterceptors } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiErrors, ApiToken } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import { NextLinkInterceptor } from '../common/http/next-link.interceptor.js';
import { LIST_COST, ReadCost } from '../common/http/read-cost.js';
import { CursorQuery } from '../common/pages.js';
import { MessageEdits } from '../conversations/message-edits.js';
import { MessageRoutes } from '../conversations/message-routes.js';
import { Reactions } from '../conversations/reactions/reactions.js';
import { MessageView } from '../conversations/message.view.js';
import { PageQuery } from '../conversations/page.dto.js';
import { ChatGroupsService } from './chat-groups.service.js';
import { ChangeGroup, ChatGroupView, CreateGroup, EnterRequest, UpdateGroup } from './dto/group.dto.js';
import { GroupDeletion } from './group-deletion.js';
import { Entered } from '../sockets/events/answers.js';

@ApiTags('chat groups')
@ApiToken()
@Controller('http/chat_groups')
export class ChatGroupsController extends MessageRoutes('group', {
  edit: "Edits a message of the caller's own",
  remove: "Deletes a message, by its sender or the group's owner: its number stays, its text goes",
}) {
  constructor(
    private readonly chatGroups: ChatGroupsService,
    private readonly deletion: GroupDeletion,
    protected readonly edits: MessageEdits,
    protected readonly reactions: Reactions,
  ) {
    super();
  }

  @Get()
  @UseInterceptors(NextLinkInterceptor)
  @ReadCost(LIST_COST)
  @ApiOperation({ summary: 'All groups' })
  @ApiOkResponse({ type: [ChatGroupView] })
  @ApiErrors(400)
  list(@CurrentUser() me: Identity, @Data() { cursor }: CursorQuery) {
    return this.chatGroups.list(me, cursor);
  }

  @Post()
  @ApiOperation({ summary: 'Creates a group; its author is owner and member' })
  @ApiCreatedResponse({ type: ChatGroupView })
  @ApiErrors(400, 403, 409)
  create(@CurrentUser() me: Identity, @Body() request: CreateGroup) {
    return this.chatGroups.create(me, request);
  }

  @Put()
  @ApiOperation({ summary: 'Renames a group, or hands it over; by the owner' })
  @ApiOkResponse({ type: ChatGroupView })
  @ApiErrors(400, 403, 404, 409)
  updateNamed(@CurrentUser() me: Identity, @Body() request: UpdateGroup) {
    return this.chatGroups.update(me, request.chat_group_id, request);
  }

  @Put(':id')
  @ApiOperation({ summary: 'Renames a group, or hands it over; by the owner' })
  @ApiOkResponse({ type: ChatGroupView })
  @ApiErrors(400, 403, 404, 409)
  update(@CurrentUser() me: Identity, @IdParam('id') id: number, @Body() request: ChangeGroup) {
    return this.chatGroups.update(me, id, request);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Deletes a group, with all that is in it; by the owner' })
  @ApiNoContentResponse()
  @ApiErrors(400, 403, 404)
  delete(@CurrentUser() me: Identity, @IdParam('id') id: number) {
    return this.deletion.delete(me, id);
  }

  @Get(':id')
  @ApiOperation({ summary: 'A page of messages, oldest first; the newest page (no cursor) enters the group' })
  @ApiOkResponse({ type: [MessageView] })
  @ApiErrors(400, 404, 409)
  messages(@CurrentUser() me: Identity, @IdParam('id') id: number, @Data() page: PageQuery) {
    return this.chatGroups.messages(me, id, page);
  }

  @Post(':id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enters or leaves a group' })
  @ApiOkResponse({ type: Entered })
  @ApiErrors(400, 404, 409)
  attend(@CurrentUser() me: Identity, @IdParam('id') id: number, @Body() request: EnterRequest) {
    return this.chatGroups.attend(me, id, request.is_enter);
  }
}
