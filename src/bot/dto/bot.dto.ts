import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { ClientIdField, IntegerField, TextField } from '../../common/fields.js';
import { TokenPayload } from '../../common/token-payload.js';
import { MAX_MESSAGE } from '../../conversations/draft.js';

/** Over the socket: a question to the bot. */
export class AskBot extends TokenPayload {
  @ApiProperty({ enum: ['bot'] })
  @IsIn(['bot'])
  chat_type!: 'bot';

  @TextField({ description: 'The question', max: MAX_MESSAGE })
  message!: string;

  @ClientIdField()
  client_id?: string | null;
}

/** Over the socket: enough of an answer. */
export class StopBot extends TokenPayload {
  @IntegerField({ description: "The question's `seq`" })
  question_seq!: number;
}
