import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional, ValidateBy } from 'class-validator';
import { IntegerField, MAX_ID } from '../common/fields.js';
import { MOST_UNREAD_MENTIONS } from './mentions.js';

/** Which message of the chat a message answers. */
export const ReplyToField = (): PropertyDecorator =>
  IntegerField({ description: 'The `seq` of the message in this chat that it answers', optional: true });

/** Whether the author of the answered message is left in peace. */
export const IsSilentField = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      type: Boolean,
      nullable: true,
      description: 'With `reply_to`: the author of that message is not notified as if they were named',
    }),
    IsOptional(),
    IsBoolean({ message: 'must be true or false' }),
  );

/** In answers: the unread messages of a chat that name the caller. */
export const UnreadMentionsField = (): PropertyDecorator =>
  ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MOST_UNREAD_MENTIONS,
    description: `How many of the unread messages name the caller; ${MOST_UNREAD_MENTIONS} for more, missing for none`,
  });

/** Most people that one message names. */
export const MAX_MENTIONS = 20;

/** What is wrong with `mentions`; undefined for nothing. Null is the same as a missing field. */
function mentionsProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'must be an object';
  const unknown = Object.keys(value).find((name) => name !== 'user_ids' && name !== 'everyone');
  if (unknown !== undefined) return 'may hold user_ids and everyone, and nothing else';
  const { user_ids: ids = null, everyone = null } = value as { user_ids?: unknown; everyone?: unknown };
  if (everyone !== null && typeof everyone !== 'boolean') return 'must hold true or false as everyone';
  const isId = (id: unknown) => Number.isInteger(id) && Number(id) >= 1 && Number(id) <= MAX_ID;
  if (ids === null || (Array.isArray(ids) && ids.length <= MAX_MENTIONS && ids.every(isId))) return undefined;
  return `must hold at most ${MAX_MENTIONS} whole numbers from 1 to ${MAX_ID} as user_ids`;
}

/** Whom a message names. */
export const MentionsField = (description: string): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'object',
      nullable: true,
      description,
      properties: {
        user_ids: {
          type: 'array',
          nullable: true,
          items: { type: 'integer', minimum: 1, maximum: MAX_ID },
          maxItems: MAX_MENTIONS,
          description: 'Members of the chat',
        },
        everyone: { type: 'boolean', nullable: true, description: 'All members' },
      },
      additionalProperties: false,
    }),
    IsOptional(),
    ValidateBy({
      name: 'mentions',
      validator: {
        validate: (value) => mentionsProblem(value) === undefined,
        defaultMessage: (given) => mentionsProblem(given?.value) ?? '',
      },
    }),
  );
