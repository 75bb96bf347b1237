import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { UntilField } from '../../conversations/page.dto.js';

/** Most messages of one answer. */
export const MENTIONS_PAGE = 100;

export class MentionsQuery {
  @UntilField()
  until?: string;
}

/** A message that names the caller, or answers one of theirs. */
export class MentionView {
  @ApiProperty({ enum: ['room', 'group'] })
  chat_type!: 'room' | 'group';

  @ApiPropertyOptional({ type: 'integer', description: 'Of a room' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', description: 'Of a group' })
  chat_group_id?: number;

  @ApiProperty({ type: 'integer' })
  seq!: number;

  @ApiProperty({ type: 'integer', description: 'The sender' })
  user_id!: number;

  @ApiProperty({ description: 'As it was sent, or last edited' })
  message!: string;

  @ApiProperty({ format: 'date-time' })
  timestamp!: string;
}
