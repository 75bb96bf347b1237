import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ClientIdField, IntegerField, MessageField } from '../../common/fields.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import type { MentionsRequest } from '../../conversations/extras.js';
import { IsSilentField, MentionsField, ReplyToField } from '../../conversations/extras.fields.js';

class RoomPayload extends TokenPayload {
  @ApiProperty({ enum: ['room'] })
  @IsIn(['room'])
  chat_type!: 'room';

  @IntegerField({ description: 'The receiver' })
  other_user_id!: number;
}

/** Over the socket: the caller types to one other person. */
export class RoomTypingMessage extends RoomPayload {}

/** Over the socket: a message to one other person. */
export class SendRoomMessage extends RoomPayload {
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
