import { ApiProperty } from '@nestjs/swagger';
import { NameField, TextField } from '../../common/fields.js';
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
