import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Quote } from './messages.js';

class ComingAndGoing {
  @ApiProperty({ enum: ['entered', 'left'] })
  kind!: 'entered' | 'left';

  @ApiProperty({
    type: 'array',
    items: { type: 'integer', minimum: 1 },
    maxItems: 100,
    description: 'The users who entered or left; of more than 100, the first 100',
  })
  user_ids!: number[];

  @ApiProperty({ type: 'integer', minimum: 1, description: 'How many users entered or left' })
  count!: number;
}

/** Who entered and who left, to those who are in the group. Not a message: it has no number and is not stored. */
export class GroupNotice {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ description: 'For people to read', example: 'Ada Lovelace entered the group' })
  message!: string;

  @ApiProperty({ type: ComingAndGoing, description: 'The same for programs' })
  notice!: ComingAndGoing;
}

/** New messages in a group that the user is a member of, and not in. At most one a second for each group. */
export class GroupNotification {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'seq of the newest message' })
  last_seq!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who wrote the newest message' })
  user_id!: number;

  @ApiProperty({ description: 'The newest message; empty where it was deleted' })
  message!: string;

  @ApiProperty({ format: 'date-time', description: "The newest message's; ISO 8601, UTC, milliseconds" })
  timestamp!: string;

  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'It was deleted before this was sent' })
  deleted?: true;

  @ApiPropertyOptional({ type: Quote, description: 'The message that the newest one answers' })
  reply_to?: Quote;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'integer', minimum: 1 },
    maxItems: 100,
    description:
      'Who was named, or answered, in any of the messages since the last of these; of more than 100, the first',
  })
  mentions?: number[];

  @ApiPropertyOptional({
    type: 'boolean',
    enum: [true],
    description: 'All members were named in one of these messages',
  })
  everyone?: true;
}

/** The user has read a group on one device: the others show it as read, too. */
export class GroupRead {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'seq of the newest message; 0 where there is none yet' })
  last_seq!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'The user has read up to here' })
  last_read_seq!: number;
}

/** The user's place in a group changed, by another device or by another user: on each of their sockets. */
export class GroupUpdate {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ description: 'Its messages come from now on; false: they do not' })
  is_in!: boolean;

  @ApiPropertyOptional({
    description: 'Where membership began or ended otherwise than by entering: added, removed, or given up',
  })
  is_member?: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description:
      'The new owner, where the group was handed over by this user or to them, or where they have inherited it',
  })
  owner_id?: number;
}

/** A request for access to a group was made or answered: on each socket of the requester and of the group's owner. */
export class AccessRequestUpdate {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who asks' })
  user_id!: number;

  @ApiProperty({ enum: ['pending', 'granted', 'refused'] })
  status!: 'pending' | 'granted' | 'refused';
}

/** A group is new, or its row in the list of groups has changed. At most one a second for each group. */
export class GroupRow {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: 'integer', minimum: 1 })
  owner_id!: number;

  @ApiProperty({ description: 'Entering does not make members' })
  is_private!: boolean;

  @ApiProperty({ type: 'integer', nullable: true, description: 'null for those outside a private group' })
  member_count!: number | null;

  @ApiPropertyOptional({
    type: 'boolean',
    enum: [true],
    description: 'Admins have frozen it; missing where it is not, and for those outside a private group',
  })
  is_frozen?: true;
}

/** A group was deleted. */
export class GroupDeleted {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'boolean', enum: [true] })
  deleted!: true;
}
