import { ApiProperty } from '@nestjs/swagger';
import { NameField, TextField } from '../../common/fields.js';
import { CursorQuery } from '../../common/pages.js';
import { PASSWORD } from '../../auth/dto/login.dto.js';

export class UsersQuery extends CursorQuery {
  @TextField({
    description: 'Beginning of a name, of either part of it or of both; without regard to case and accents',
    optional: true,
    min: 0,
    max: 161,
  })
  query?: string;
}

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
}

/** What is left out, or null, stays as it is. */
export class UpdateProfile {
  @NameField({ description: 'First name', max: 80, optional: true })
  first_name?: string | null;

  @NameField({ description: 'Last name; empty for people with one name', max: 80, empty: true, optional: true })
  last_name?: string | null;

  @TextField({ description: 'A new password; ends all other sessions', ...PASSWORD, optional: true })
  password?: string | null;

  @TextField({
    description: 'The password until now; checked where it is sent',
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
