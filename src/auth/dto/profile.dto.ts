import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MAX_NAME, NameField, TextField } from '../../common/fields.js';
import { PASSWORD } from './login.dto.js';

export class ProfileView {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty({ example: 'ada@example.com' })
  email!: string;

  @ApiProperty()
  first_name!: string;

  @ApiProperty()
  last_name!: string;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiPropertyOptional({ enum: ['moderator', 'admin'], description: 'Missing for most people, who have none' })
  role?: 'moderator' | 'admin';
}

/** Fields that are missing or null stay as they are. */
export class UpdateProfile {
  @NameField({ description: 'First name', max: MAX_NAME, optional: true })
  first_name?: string | null;

  @NameField({ description: 'Last name; empty for people with one name', max: MAX_NAME, empty: true, optional: true })
  last_name?: string | null;

  @TextField({ description: 'A new password; ends all other sessions', ...PASSWORD, optional: true })
  password?: string | null;

  @TextField({
    description: 'The current password; checked where it is sent',
    min: 0,
    max: PASSWORD.max,
    optional: true,
  })
  current_password?: string | null;
}

export class EraseProfile {
  @TextField({ description: "The caller's password", min: 0, max: PASSWORD.max })
  password!: string;
}
