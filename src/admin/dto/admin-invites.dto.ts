import { ApiProperty } from '@nestjs/swagger';
import { MAX_NOTE, MOST_GROUPS } from '../../auth/invite.entity.js';
import { IdListField, IntegerField, NameField } from '../../common/fields.js';

export const INVITE_STATES = ['live', 'used_up', 'expired', 'revoked'] as const;
export type InviteState = (typeof INVITE_STATES)[number];

/** Most accounts that one invitation makes. */
const MOST_USES = 10_000;
const YEAR_IN_HOURS = 365 * 24;
export const WEEK_IN_HOURS = 7 * 24;

export class CreateInvite {
  @IntegerField({ description: 'Accounts that it makes at most; left out: 1', max: MOST_USES, optional: true })
  max_uses?: number | null;

  @IntegerField({
    description: `Hours until it expires; left out: ${WEEK_IN_HOURS}, a week`,
    max: YEAR_IN_HOURS,
    optional: true,
  })
  expires_in_hours?: number | null;

  @NameField({ description: 'Whom it is for; admins alone see it', max: MAX_NOTE, optional: true })
  note?: string | null;

  @IdListField({
    description:
      'Who registers by it becomes a member of these groups: open ones, and private ones that the caller owns',
    max: MOST_GROUPS,
    optional: true,
  })
  group_ids?: number[] | null;
}

export class InviteView {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty({ enum: INVITE_STATES, description: 'live: it can be used now' })
  state!: InviteState;

  @ApiProperty({ type: 'integer', description: 'Accounts that it makes at most' })
  max_uses!: number;

  @ApiProperty({ type: 'integer', description: 'Accounts that it has made' })
  uses!: number;

  @ApiProperty({ type: String, nullable: true })
  note!: string | null;

  @ApiProperty({
    type: 'array',
    items: { type: 'integer' },
    description: 'Groups that it leads into, also those that are gone by now',
  })
  group_ids!: number[];

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Who has made it; null: the command line, or somebody whose account is erased',
  })
  created_by!: number | null;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty({ format: 'date-time' })
  expires_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'null: it was not' })
  revoked_at!: string | null;
}

export class CreatedInvite extends InviteView {
  @ApiProperty({ description: 'What `POST /http/register` takes as `invite`; it is shown this once' })
  token!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'https://chat.example.com/register#invite=h4Ng0nTh3wA11',
    description: 'Opens the page for registering with the invitation; null where people are led to no such page',
  })
  url!: string | null;
}
