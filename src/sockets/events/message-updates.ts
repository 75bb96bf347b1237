import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MentionedPeople, Quote } from './messages.js';
import { ReactionCount } from './reactions.js';

/** A message as it is after a change: of two, the one with the higher `change` counts, whichever of the events it came by. */
class MessageNow {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who sent it' })
  user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Its number, as before' })
  seq!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: '1, 2, 3 … within the chat: one for each change' })
  change!: number;

  @ApiProperty({ description: 'The text now; empty where it was deleted' })
  message!: string;

  @ApiProperty({ format: 'date-time', description: 'When it was sent, as before; ISO 8601, UTC, milliseconds' })
  timestamp!: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'When it was edited; ISO 8601, UTC, milliseconds' })
  edited_at?: string;

  @ApiPropertyOptional({ type: Quote, description: 'The message that it answers; missing where it was deleted' })
  reply_to?: Quote;

  @ApiPropertyOptional({ type: MentionedPeople, description: 'Whom it names; an edit may take some back' })
  mentions?: MentionedPeople;
}

/** A message after an edit or a deletion: `edited_at` or `deleted` says which. In a group, its owner may have deleted it. */
export class MessageChanged extends MessageNow {
  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'It was deleted, and its text is gone' })
  deleted?: true;

  @ApiPropertyOptional({
    type: [ReactionCount],
    minItems: 1,
    description: 'As in histories; missing where it has none',
  })
  reactions?: ReactionCount[];
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

/** A user has reacted, or has taken a reaction back. */
export class ReactionChange {
  @ApiProperty({ type: 'integer', minimum: 1 })
  user_id!: number;

  @ApiProperty({ example: '👍' })
  emoji!: string;

  @ApiProperty({ description: 'true: given; false: taken back' })
  is_on!: boolean;
}

/** Most entries of `changed` in one event; more come in further events with the same `change`. */
export const MOST_CHANGED = 50;

/** A message after users have reacted to it. */
export class ReactionsChanged extends MessageNow {
  @ApiProperty({ type: [ReactionCount], description: 'All that it has now, in the order in which they came to it' })
  reactions!: ReactionCount[];

  @ApiProperty({
    type: [ReactionChange],
    minItems: 1,
    maxItems: MOST_CHANGED,
    description: 'Whose reactions have changed; more come in further events with the same `change`',
  })
  changed!: ReactionChange[];
}

/** Reactions to a direct message: on each socket of both users. */
export class RoomReactions extends ReactionsChanged {
  @ApiProperty({ enum: ['room'] })
  chat_type!: 'room';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The one the message was sent to' })
  other_user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The room of these two users' })
  chat_room_id!: number;
}

/** Reactions to a message in a group: on every socket of everybody who is in it. */
export class GroupReactions extends ReactionsChanged {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;
}
