import { ApiProperty, ApiPropertyOptional, IntersectionType } from '@nestjs/swagger';
import { IntegerField } from '../../common/fields.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import { Quote } from '../../sockets/events/messages.js';
import { UnreadMentionsField } from '../../conversations/extras.fields.js';

export class NotificationView {
  @ApiProperty({ enum: ['room', 'group'] })
  chat_type!: 'room' | 'group';

  @ApiPropertyOptional({ type: 'integer', description: 'Of a room' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'Of a group' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer', description: 'Who wrote the newest message' })
  user_id!: number;

  @ApiProperty({ type: 'integer' })
  unread_count!: number;

  @UnreadMentionsField()
  unread_mentions?: number;

  @ApiProperty()
  is_read!: boolean;

  @ApiProperty({ type: 'integer' })
  last_seq!: number;

  @ApiProperty({ type: 'integer' })
  last_read_seq!: number;

  @ApiProperty({ description: 'The newest message; empty where it was deleted' })
  message!: string;

  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'The newest message was deleted' })
  deleted?: true;

  @ApiProperty({ format: 'date-time' })
  timestamp!: string;

  @ApiPropertyOptional({ type: Quote, description: 'The message that the newest one answers' })
  reply_to?: Quote;
}

export class ReadRequest {
  @IntegerField({ description: 'The room that was read; or', optional: true })
  chat_room_id?: number | null;

  @IntegerField({ description: 'the group that was read', optional: true })
  chat_group_id?: number | null;

  @IntegerField({ description: 'Read up to here; without it, up to the newest', optional: true })
  seq?: number | null;
}

/** Over the socket: the same. */
export class ReadPayload extends IntersectionType(TokenPayload, ReadRequest) {}

export class ReadAnswer {
  @ApiPropertyOptional({ type: 'integer' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer' })
  last_read_seq!: number;

  @ApiProperty({ type: 'integer' })
  unread_count!: number;
}
