import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export const NOTIFY_LEVELS = ['all', 'mentions', 'none'] as const;

export type NotifyLevel = (typeof NOTIFY_LEVELS)[number];

/** How a user wants to be told of a chat, and where they keep it: on each of their sockets, where it was changed on one of their devices. */
export class ChatSettings {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a room' })
  chat_room_id?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'Where it is a group' })
  chat_group_id?: number;

  @ApiProperty({ enum: NOTIFY_LEVELS, description: 'Of which messages the user wants to be told' })
  notify!: NotifyLevel;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Until then, silent for everything but a mention by name; null: not muted',
  })
  muted_until!: string | null;

  @ApiProperty()
  is_favourite!: boolean;

  @ApiProperty()
  is_archived!: boolean;
}
