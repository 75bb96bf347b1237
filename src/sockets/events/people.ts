import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** How far a user has read a chat. At most one a second for each chat and user; the last one always comes. */
export class ReadReceipt {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a room' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a group' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who has read' })
  user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Up to here; never less than before' })
  seq!: number;
}

/** A user types in the direct room with the receiver. */
export class RoomTyping {
  @ApiProperty({ enum: ['room'] })
  chat_type!: 'room';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The receiver' })
  other_user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who types' })
  user_id!: number;
}

/** A user types in a group that the receiver is in. */
export class GroupTyping {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who types' })
  user_id!: number;
}

/** A user came online or went offline. */
export class PresenceChange {
  @ApiProperty({ type: 'integer', minimum: 1 })
  user_id!: number;

  @ApiProperty()
  is_online!: boolean;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When they last went offline; null: never yet',
  })
  last_seen!: string | null;
}

/** A user's row in the list of users, new or changed. */
export class UserRow {
  @ApiProperty({ type: 'integer', minimum: 1 })
  id!: number;

  @ApiProperty()
  first_name!: string;

  @ApiProperty()
  last_name!: string;

  @ApiProperty()
  is_online!: boolean;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When they last went offline; null: never yet',
  })
  last_seen!: string | null;
}

/** A user has erased their account. */
export class UserErased {
  @ApiProperty({ type: 'integer', minimum: 1 })
  id!: number;

  @ApiProperty({ type: 'boolean', enum: [true] })
  deleted!: true;
}
