import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ErrorBody } from '../../common/http/error-body.js';
import { ReactionView } from './reactions.js';

/** Acknowledged: the socket is bound to this user's session. */
export class Bound {
  @ApiProperty({ type: 'boolean', enum: [true] })
  ok!: true;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who is logged in on this socket' })
  user_id!: number;
}

/** Acknowledged: the message is on disk, under this number in its chat: a room, a group, or the chat with the bot. */
export class Stored {
  @ApiProperty({ type: 'boolean', enum: [true] })
  ok!: true;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a direct message' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a message to a group' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: '1, 2, 3 … without a gap within the chat' })
  seq!: number;

  @ApiProperty({ format: 'date-time', description: 'ISO 8601, UTC, milliseconds' })
  timestamp!: string;

  @ApiPropertyOptional({ minLength: 1, maxLength: 64, description: 'As the client named the message' })
  client_id?: string;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'integer', minimum: 1 },
    maxItems: 20,
    description: 'Those of `mentions.user_ids` who are no members: the message does not name them',
  })
  mentions_ignored?: number[];

  @ApiPropertyOptional({
    enum: ['too_large', 'too_often', 'not_allowed'],
    description:
      'Why the message does not name everyone: too many members, another such message within five minutes, or not in this chat',
  })
  everyone_ignored?: 'too_large' | 'too_often' | 'not_allowed';
}

/** Acknowledged: the user is in the group now, or is not. */
export class Entered {
  @ApiProperty({ type: 'boolean', enum: [true] })
  ok!: true;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiProperty({ description: 'true: entered; false: left' })
  is_in!: boolean;
}

/** Acknowledged: the answer to this question has ended, and what there was of it is stored. */
export class BotStopped {
  @ApiProperty({ type: 'boolean', enum: [true] })
  ok!: true;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Of the question' })
  question_seq!: number;
}

/** Acknowledged: the chat is read, up to here. */
export class Read {
  @ApiProperty({ type: 'boolean', enum: [true] })
  ok!: true;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a room' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a group' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'The user has read up to here' })
  last_read_seq!: number;

  @ApiProperty({ type: 'integer', minimum: 0 })
  unread_count!: number;
}

/** Acknowledged: the reaction is on disk, or is taken back there. */
export class ReactedTo {
  @ApiProperty({ type: 'boolean', enum: [true] })
  ok!: true;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a room' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a group' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which message' })
  seq!: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'Number of its latest change; missing where nothing was ever changed, nor by this',
  })
  change?: number;

  @ApiProperty({ type: [ReactionView], description: 'All that the message has now' })
  reactions!: ReactionView[];
}

/** Acknowledged: it was understood. */
export class Accepted {
  @ApiProperty({ type: 'boolean', enum: [true] })
  ok!: true;
}

/** Acknowledged: nothing was done. */
export class Refused {
  @ApiProperty({ type: 'boolean', enum: [false] })
  ok!: false;

  @ApiProperty({ type: ErrorBody })
  error!: ErrorBody;
}

/** Enough for a client to know which of its messages it was, without secrets. */
class RefusedRequest {
  @ApiProperty({ description: "The event's name", example: 'message' })
  event!: string;

  @ApiPropertyOptional({ maxLength: 16, description: 'As it was sent, cut at 16 characters' })
  chat_type?: string;

  @ApiPropertyOptional({ maxLength: 64, description: 'As it was sent, cut at 64 characters' })
  client_id?: string;
}

/** Something that the client sent was refused, or failed later; or the socket is about to be closed. */
export class Exception extends ErrorBody {
  @ApiPropertyOptional({ type: RefusedRequest, description: 'The request that was refused, where it is one message' })
  request?: RefusedRequest;
}
