import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { ClientIdField, IntegerField, MessageField } from '../../common/fields.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import type { MentionsRequest } from '../../conversations/extras.js';
import { IsSilentField, MentionsField, ReplyToField } from '../../conversations/extras.fields.js';

class GroupPayload extends TokenPayload {
  @ApiProperty({ enum: ['group'] })
  @IsIn(['group'])
  chat_type!: 'group';

  @IntegerField({ description: 'Which group' })
  chat_group_id!: number;
}

/** Over the socket: a message to a group. */
export class SendGroupMessage extends GroupPayload {
  @MessageField('Stored as sent')
  message!: string;

  @ClientIdField()
  client_id?: string | null;

  @ReplyToField()
  reply_to?: number | null;

  @IsSilentField()
  is_silent?: boolean | null;

  @MentionsField('Whom it names; those who may not be named are left out, and the acknowledgement says so')
  mentions?: MentionsRequest | null;
}

/** Over the socket: enters a group, or leaves it. */
export class EnterGroupMessage extends GroupPayload {
  @ApiProperty({ description: 'true enters, false leaves' })
  @IsBoolean({ message: 'must be true or false' })
  is_enter!: boolean;
}

/** Over the socket: the caller types in a group. */
export class GroupTypingMessage extends GroupPayload {}
