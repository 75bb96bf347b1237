import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

class ComingAndGoing {
  @ApiProperty({ enum: ['entered', 'left'] })
  kind!: 'entered' | 'left';

  @ApiProperty({
    type: 'array',
    items: { type: 'integer', minimum: 1 },
    maxItems: 100,
    description: 'Those it is about; of more than 100, the first 100',
  })
  user_ids!: number[];

  @ApiProperty({ type: 'integer', minimum: 1, description: 'How many it is about' })
  count!: number;
}

/** Who came and went, to those who are in the group: a sentence, not a message. It has no number and is not stored. */
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

/** There is something new in a group that one is a member of, and not in. At most one a second and group. */
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

  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'It was deleted before this was told' })
  deleted?: true;
}

/** On one device a person has read a group: so have the others, and what they show as unread goes. */
export class GroupRead {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'seq of the newest message; 0 where there is none yet' })
  last_seq!: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'The person has read up to here' })
  last_read_seq!: number;
}

/** A person's place in a group changed, on another device or by another's hand: on each of their sockets. */
export class GroupUpdate {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ description: 'Its messages come from now on; false: they do not' })
  is_in!: boolean;

  @ApiPropertyOptional({ description: 'Where that changed otherwise than by entering: let in, removed, or given up' })
  is_member?: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'The new owner, where the group was handed over to this person or by them, or has come down to them',
  })
  owner_id?: number;
}

/** Somebody asks to be let into a group, or has been answered: on each socket of theirs and of the group's owner. */
export class AccessRequestUpdate {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who asks' })
  user_id!: number;

  @ApiProperty({ enum: ['pending', 'granted', 'refused'] })
  status!: 'pending' | 'granted' | 'refused';
}

/** A group is new, or what its row in the list of groups shows to everybody has changed. At most one a second and group. */
export class GroupRow {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: 'integer', minimum: 1 })
  owner_id!: number;

  @ApiProperty({ description: 'Nobody becomes a member by entering' })
  is_private!: boolean;

  @ApiProperty({ type: 'integer', nullable: true, description: 'null for those outside a private group' })
  member_count!: number | null;
}

/** A group is no more. */
export class GroupDeleted {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ type: 'boolean', enum: [true] })
  deleted!: true;
}
