import { Body, Delete, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { ApiErrors } from '../common/http/api.js';
import { IdParam } from '../common/http/id-param.js';
import { CurrentUser, type Identity } from '../common/identity.js';
import type { EditableKindName } from './chat-kind.js';
import { EditMessage } from './edit-message.dto.js';
import type { MessageEdits } from './message-edits.js';
import { MessageView } from './message.view.js';

/**
 * The routes of single messages, the same for each kind of chat: the controller of a kind extends the class that this returns, under a
 * prefix of its own.
 * @param says summaries for the documentation
 */
export function MessageRoutes(kind: EditableKindName, says: { edit: string; remove: string }) {
  abstract class Routes {
    protected abstract readonly edits: MessageEdits;

    @Put(':id/messages/:seq')
    @ApiOperation({ summary: says.edit })
    @ApiOkResponse({ type: MessageView })
    @ApiErrors(400, 403, 404, 410)
    edit(
      @CurrentUser() me: Identity,
      @IdParam('id') conversationId: number,
      @IdParam('seq') seq: number,
      @Body() { message }: EditMessage,
    ) {
      return this.edits.edit(me, { kind, conversationId, seq }, message);
    }

    @Delete(':id/messages/:seq')
    @ApiOperation({ summary: says.remove })
    @ApiOkResponse({ type: MessageView })
    @ApiErrors(400, 403, 404)
    remove(@CurrentUser() me: Identity, @IdParam('id') conversationId: number, @IdParam('seq') seq: number) {
      return this.edits.remove(me, { kind, conversationId, seq });
    }
  }
  return Routes;
}
