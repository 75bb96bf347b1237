import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn } from 'class-validator';
import { ClientIdField, IntegerField, MessageField } from '../../common/fields.js';
import { TokenPayload } from '../../common/http/token-payload.js';

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
}

/** Over the socket: enters a group, or leaves it. */
export class EnterGroupMessage extends GroupPayload {
  @ApiProperty({ description: 'true enters, false leaves' })
  @IsBoolean({ message: 'must be true or false' })
  is_enter!: boolean;
}

/** Over the socket: the caller types in a group. */
export class GroupTypingMessage extends GroupPayload {}
