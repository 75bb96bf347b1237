import { ApiProperty } from '@nestjs/swagger';
import { IntegerField } from '../../common/fields.js';

export class NotificationView {
  @ApiProperty({ enum: ['room'] })
  chat_type!: 'room';

  @ApiProperty({ type: 'integer' })
  chat_room_id!: number;

  @ApiProperty({ type: 'integer', description: 'Who wrote the newest message' })
  user_id!: number;

  @ApiProperty({ type: 'integer' })
  unread_count!: number;

  @ApiProperty()
  is_read!: boolean;

  @ApiProperty({ type: 'integer' })
  last_seq!: number;

  @ApiProperty({ type: 'integer' })
  last_read_seq!: number;

  @ApiProperty({ description: 'The newest message' })
  message!: string;

  @ApiProperty({ format: 'date-time' })
  timestamp!: string;
}

export class ReadRequest {
  @IntegerField({ description: 'The room that was read' })
  chat_room_id!: number;

  @IntegerField({ description: 'Read up to here; without it, up to the newest', optional: true })
  seq?: number;
}

export class ReadAnswer {
  @ApiProperty({ type: 'integer' })
  chat_room_id!: number;

  @ApiProperty({ type: 'integer' })
  last_read_seq!: number;

  @ApiProperty({ type: 'integer' })
  unread_count!: number;
}
