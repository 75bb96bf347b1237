import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, ValidateBy } from 'class-validator';
import { IntegerField } from '../common/fields.js';
import { LAST_MOMENT, parseDate } from '../conversations/page.dto.js';
import { NOTIFY_LEVELS, type NotifyLevel } from '../sockets/events/chat-settings.js';

const isMoment = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 64 && (parseDate(value)?.getTime() ?? Infinity) <= LAST_MOMENT;

const YesOrNo = (description: string): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ type: Boolean, nullable: true, description }),
    IsOptional(),
    IsBoolean({ message: 'must be true or false' }),
  );

/** One chat, and what changes about it: what is left out stays. */
export class ChangeChatSettings {
  @IntegerField({ description: 'The room; or', optional: true })
  chat_room_id?: number | null;

  @IntegerField({ description: 'the group', optional: true })
  chat_group_id?: number | null;

  @ApiPropertyOptional({ enum: NOTIFY_LEVELS, nullable: true, description: 'Of which messages to be told' })
  @IsOptional()
  @IsIn(NOTIFY_LEVELS, { message: `must be one of ${NOTIFY_LEVELS.join(', ')}` })
  notify?: NotifyLevel | null;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Muted until then: ISO 8601 with a zone. null, or a moment that has passed: not muted',
  })
  @IsOptional()
  @ValidateBy(
    { name: 'moment', validator: { validate: isMoment } },
    { message: 'must be null, or a date with a time and a zone, like 2026-11-22T06:46:35.437Z' },
  )
  muted_until?: string | null;

  @YesOrNo('Shown before other chats')
  is_favourite?: boolean | null;

  @YesOrNo('Shown apart from other chats')
  is_archived?: boolean | null;
}
