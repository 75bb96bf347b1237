import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** The message that another one answers, as it was when it was read: what was deleted or edited since is gone from it. */
export class Quote {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Its number, in the same chat' })
  seq!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Who sent it' })
  user_id!: number;

  @ApiProperty({ maxLength: 200, description: 'Its first 200 characters; empty where it was deleted' })
  message!: string;

  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'It was deleted' })
  deleted?: true;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'Number of its latest change: whoever knows a later one shows that',
  })
  change?: number;
}

/** The same in a chat with the bot. */
export class BotQuote {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'Its number' })
  seq!: number;

  @ApiProperty({ description: 'Written by the user; otherwise by the bot' })
  is_user!: boolean;

  @ApiProperty({ maxLength: 200, description: 'Its first 200 characters' })
  message!: string;
}

/** Whom a message names. */
export class MentionedPeople {
  @ApiProperty({
    type: 'array',
    items: { type: 'integer', minimum: 1 },
    maxItems: 20,
    description: 'Members of the chat, in the order of their ids',
  })
  user_ids!: number[];

  @ApiPropertyOptional({ type: 'boolean', enum: [true], description: 'All members' })
  everyone?: true;
}

/** The fields that messages of all kinds of chats have. */
class StoredMessage {
  @ApiProperty({ type: 'integer', minimum: 1, description: '1, 2, 3 … without a gap within the chat' })
  seq!: number;

  @ApiProperty({ description: 'As it was sent' })
  message!: string;

  @ApiProperty({
    format: 'date-time',
    description: 'ISO 8601, UTC, milliseconds; later than that of the message before',
  })
  timestamp!: string;

  @ApiPropertyOptional({ minLength: 1, maxLength: 64, description: 'The id that the sender has given it' })
  client_id?: string;
}

/** A direct message, on each socket of both users. */
export class RoomMessage extends StoredMessage {
  @ApiProperty({ enum: ['room'] })
  chat_type!: 'room';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The sender' })
  user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The one it was sent to' })
  other_user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The room of these two users' })
  chat_room_id!: number;

  @ApiPropertyOptional({ type: Quote, description: 'The message that it answers' })
  reply_to?: Quote;

  @ApiPropertyOptional({ type: MentionedPeople, description: 'Whom it names' })
  mentions?: MentionedPeople;
}

/** A message to a group, on every socket of everybody who is in it. */
export class GroupMessage extends StoredMessage {
  @ApiProperty({ enum: ['group'] })
  chat_type!: 'group';

  @ApiProperty({ type: 'integer', minimum: 1, description: 'The sender' })
  user_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Which group' })
  chat_group_id!: number;

  @ApiPropertyOptional({ type: Quote, description: 'The message that it answers' })
  reply_to?: Quote;

  @ApiPropertyOptional({ type: MentionedPeople, description: 'Whom it names' })
  mentions?: MentionedPeople;
}

/** A message in a chat with the bot. */
export class BotMessage extends StoredMessage {
  @ApiProperty({ description: 'Written by the user; otherwise by the bot' })
  is_user!: boolean;

  @ApiPropertyOptional({ type: BotQuote, description: 'The message that it answers' })
  reply_to?: BotQuote;
}

/** A question and its answer, on each socket of the user who asked; the question alone where the bot failed, or was stopped before a word. */
export class BotMessages {
  @ApiProperty({ enum: ['bot'] })
  chat_type!: 'bot';

  @ApiProperty({ type: [BotMessage], minItems: 1, description: 'The question, then its answer, if there is one' })
  messages!: BotMessage[];
}

/**
 * The next part of an answer that forms: `shown = shown.slice(0, offset) + text`. The message with the whole answer follows, and replaces
 * what was shown.
 */
export class BotDelta {
  @ApiProperty({ type: 'integer', minimum: 1, description: 'The `seq` of the question that is being answered' })
  question_seq!: number;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    description: 'How much of the answer came before, in UTF-16 units; 0 begins the answer, also anew',
  })
  offset!: number;

  @ApiProperty({ minLength: 1, description: 'Never ends within a character' })
  text!: string;
}
