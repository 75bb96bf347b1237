import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ClientIdField, IntegerField, MessageField } from '../../common/fields.js';
import { TokenPayload } from '../../common/http/token-payload.js';

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
}
