import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ClientIdField, IntegerField, MessageField } from '../../common/fields.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import { ReplyToField } from '../../conversations/extras.fields.js';

/** Over the socket: a question to the bot. */
export class AskBot extends TokenPayload {
  @ApiProperty({ enum: ['bot'] })
  @IsIn(['bot'])
  chat_type!: 'bot';

  @MessageField('The question')
  message!: string;

  @ClientIdField()
  client_id?: string | null;

  @ReplyToField()
  reply_to?: number | null;
}

/** Over the socket: stops an answer. */
export class StopBot extends TokenPayload {
  @IntegerField({ description: "The question's `seq`" })
  question_seq!: number;
}
