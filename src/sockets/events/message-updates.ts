import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** A message after an edit or a deletion: `edited_at` or `deleted` says which. */
export class MessageChanged {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who sent it; in a group its owner may have deleted it' })
  user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Its number, as before' })
  seq!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: '1, 2, 3 … within the chat: one for each edit or delete' })
  change!: number;

  @ApiProperty({ description: 'The text now; empty where it was deleted' })
  message!: string;

  @ApiProperty({ format: 'date-time', description: 'When it was sent, as before; ISO 8601, UTC, milliseconds' })
  timestamp!: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'When it was edited; ISO 8601, UTC, milliseconds' })
  edited_at?: string;

  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'It was deleted, and its text is gone' })
  deleted?: true;
}

/** A direct message was edited or deleted: on each socket of both users, in the order of `change`. */
export class RoomMessageUpdate extends MessageChanged {
  @ApiProperty({ enum: ['room'] })
  chat_type!: 'room';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The one it was sent to' })
  other_user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The room of these two users' })
  chat_room_id!: number;
}

/** A message to a group was edited or deleted: on every socket of everybody who is in it, in the order of `change`. */
export class GroupMessageUpdate extends MessageChanged {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;
}
