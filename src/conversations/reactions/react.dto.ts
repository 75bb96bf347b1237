import { applyDecorators } from '@nestjs/common';
import { ApiProperty, IntersectionType, PickType } from '@nestjs/swagger';
import { IsBoolean, ValidateBy } from 'class-validator';
import { IntegerField, MAX_ID } from '../../common/fields.js';
import { TokenPayload } from '../../common/http/token-payload.js';
import { canonicalEmoji } from '../../common/text/emoji.js';
import { ReactionView } from '../../sockets/events/reactions.js';

/** Exactly one emoji, in any spelling. */
const EmojiField = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ description: 'Exactly one emoji; with or without U+FE0F is the same', example: '👍' }),
    ValidateBy(
      {
        name: 'emoji',
        validator: { validate: (value) => typeof value === 'string' && canonicalEmoji(value) !== undefined },
      },
      { message: 'must be exactly one emoji' },
    ),
  );

/** Sets a reaction of the caller's, or takes it back. Twice is once. */
export class React {
  @EmojiField()
  emoji!: string;

  @ApiProperty({ description: 'true: it is to be there; false: it is not' })
  @IsBoolean({ message: 'must be true or false' })
  is_on!: boolean;
}

class MessageOfChat {
  @IntegerField({ description: 'A message of this room; or', optional: true })
  chat_room_id?: number | null;

  @IntegerField({ description: 'of this group', optional: true })
  chat_group_id?: number | null;

  @IntegerField({ description: 'Which message' })
  seq!: number;
}

/** Over the socket: the same. */
export class ReactPayload extends IntersectionType(TokenPayload, MessageOfChat, React) {}

/** Whose reactions are asked for. */
export class ReactionsQuery extends PickType(React, ['emoji']) {
  @IntegerField({ description: 'Those whose id is larger than this one', optional: true, min: 0, max: MAX_ID })
  after?: number | null;
}

/** What a message has now. */
export class ReactionsView {
  @ApiProperty({ type: 'integer', minimum: 1 })
  seq!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    required: false,
    description: "Number of the message's latest change; missing where nothing was ever changed, nor by this",
  })
  change?: number;

  @ApiProperty({ type: [ReactionView], description: 'In the order in which they came to the message' })
  reactions!: ReactionView[];
}

/** Most people of one answer. */
export const PEOPLE_LIMIT = 100;

/** Who has reacted with one emoji. */
export class ReactionPeople {
  @ApiProperty({ example: '👍' })
  emoji!: string;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'How many there are in all' })
  count!: number;

  @ApiProperty({
    type: [Number],
    maxItems: PEOPLE_LIMIT,
    description: 'In the order of their ids; where there may be more, they come with `after` the last one',
  })
  user_ids!: number[];
}
