import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { MAX_EMAIL } from '../../auth/dto/email.field.js';
import { SessionView } from '../../auth/dto/session.dto.js';
import { TextField } from '../../common/fields.js';
import { CursorQuery } from '../../common/pages.js';
import { ROLES, type Role } from '../../identity/roles.js';

/** Longest reason that is kept with an act, in characters. */
export const MAX_REASON = 500;

export const STATES = ['active', 'suspended'] as const;
export const STAFF = ['moderator', 'admin'] as const;

/** A word out of a few; null is the same as a missing field. */
export const WordField = (description: string, words: readonly string[]): PropertyDecorator => {
  const described = ApiPropertyOptional({ enum: words, nullable: true, description });
  const isOneOf = IsIn(words, { message: `must be one of ${words.join(', ')}` });
  return (target, name) => [described, IsOptional(), isOneOf].forEach((decorate) => decorate(target, name));
};

export class AdminUsersQuery extends CursorQuery {
  @TextField({
    description: 'Beginning of a name, or, with an @, of an e-mail address. Excludes the others',
    optional: true,
    min: 0,
    max: MAX_EMAIL,
  })
  query?: string | null;

  @WordField(
    'Only those who are suspended, in the order in which they were, or who are not. Excludes the others',
    STATES,
  )
  state?: (typeof STATES)[number] | null;

  @WordField('Only those with this role. Excludes the others', STAFF)
  role?: (typeof STAFF)[number] | null;
}

/** Fields that are missing or null stay as they are; one of the first two is needed. */
export class ChangeUser {
  @WordField('What they may do from now on', ROLES)
  role?: Role | null;

  @ApiPropertyOptional({
    type: Boolean,
    nullable: true,
    description: 'true ends their sessions, and lets them open none',
  })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  is_suspended?: boolean | null;

  @TextField({ description: 'Why; kept in the audit log', max: MAX_REASON, optional: true })
  reason?: string | null;
}

/** Why somebody does what takes no other words. */
export class ReasonRequest {
  @TextField({ description: 'Why; kept in the audit log', max: MAX_REASON, optional: true })
  reason?: string | null;
}

export class AdminUserView {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty({ example: 'ada@example.com' })
  email!: string;

  @ApiProperty()
  first_name!: string;

  @ApiProperty()
  last_name!: string;

  @ApiProperty({ enum: ROLES })
  role!: Role;

  @ApiProperty()
  is_suspended!: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'Since when; null: they are not' })
  suspended_at!: string | null;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty()
  is_online!: boolean;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'null: never yet' })
  last_seen!: string | null;
}

export class AdminUserDetails extends AdminUserView {
  @ApiProperty({ type: 'integer', description: 'Their sessions that live' })
  sessions!: number;

  @ApiProperty({ type: 'integer', description: 'Groups that they are a member of' })
  groups!: number;

  @ApiProperty({ type: 'integer', description: 'Groups that they own' })
  groups_owned!: number;

  @ApiProperty({ type: 'integer', description: 'Their invitations that can be used now' })
  invites!: number;
}

export class AdminSessionView extends OmitType(SessionView, ['current']) {}
