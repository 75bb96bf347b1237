import { Body, Delete, Get, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ApiErrors } from '../common/http/api.js';
import { Data } from '../common/http/data.js';
import { IdParam } from '../common/http/id-param.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import type { EditableKindName } from './chat-kind.js';
import { EditMessage } from './edit-message.dto.js';
import type { MessageEdits } from './message-edits.js';
import { MessageView } from './message.view.js';
import { React, ReactionPeople, ReactionsQuery, ReactionsView } from './reactions/react.dto.js';
import type { Reactions } from './reactions/reactions.js';

/**
 * The routes of single messages, the same for each kind of chat: the controller of a kind extends the class that this returns, under a
 * prefix of its own.
 * @param says summaries for the documentation
 */
export function MessageRoutes(kind: EditableKindName, says: { edit: string; remove: string }) {
  abstract class Routes {
    protected abstract readonly edits: MessageEdits;
    protected abstract readonly reactions: Reactions;

    @Put(':id/messages/:seq')
    @ApiOperation({ summary: says.edit })
    @ApiOkResponse({ type: MessageView })
    @ApiErrors(400, 403, 404, 410)
    edit(
      @CurrentUser() me: Identity,
      @IdParam('id') conversationId: number,
      @IdParam('seq') seq: number,
      @Body() edit: EditMessage,
    ) {
      return this.edits.edit(me, { kind, conversationId, seq }, edit);
    }

    @Delete(':id/messages/:seq')
    @ApiOperation({ summary: says.remove })
    @ApiOkResponse({ type: MessageView })
    @ApiErrors(400, 403, 404)
    remove(@CurrentUser() me: Identity, @IdParam('id') conversationId: number, @IdParam('seq') seq: number) {
      return this.edits.remove(me, { kind, conversationId, seq });
    }

    @Put(':id/messages/:seq/reactions')
    @ApiOperation({ summary: 'Reacts to a message with one emoji, or takes that back; twice is once' })
    @ApiOkResponse({ type: ReactionsView })
    @ApiErrors(400, 403, 404, 409, 410)
    react(
      @CurrentUser() me: Identity,
      @IdParam('id') conversationId: number,
      @IdParam('seq') seq: number,
      @Body() { emoji, is_on }: React,
    ) {
      return this.reactions.set(me, { kind, conversationId, seq }, emoji, is_on);
    }

    @Get(':id/messages/:seq/reactions')
    @ApiOperation({ summary: 'Who has reacted to a message with one emoji' })
    @ApiOkResponse({ type: ReactionPeople })
    @ApiErrors(400, 404, 410)
    whoReacted(
      @CurrentUser() me: Identity,
      @IdParam('id') conversationId: number,
      @IdParam('seq') seq: number,
      @Data() query: ReactionsQuery,
    ) {
      return this.reactions.people(me, { kind, conversationId, seq }, query);
    }
  }
  return Routes;
}
