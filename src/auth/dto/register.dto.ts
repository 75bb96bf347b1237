import { ApiProperty } from '@nestjs/swagger';
import { MAX_NAME, NameField, TextField } from '../../common/fields.js';
import { EmailField } from './email.field.js';
import { PASSWORD } from './login.dto.js';

export class RegisterRequest {
  @EmailField()
  email!: string;

  @TextField({ description: 'Chosen by the user', ...PASSWORD })
  password!: string;

  @NameField({ description: 'First name', max: MAX_NAME })
  first_name!: string;

  @NameField({ description: 'Last name; empty for people with one name', max: MAX_NAME, empty: true })
  last_name!: string;

  @TextField({
    description: 'The token of an invitation: it lets register, whatever `registration` says',
    max: 128,
    optional: true,
  })
  invite?: string | null;
}

export class RegisteredAnswer {
  @ApiProperty({ example: true })
  ok!: true;

  @ApiProperty({ example: 'ada@example.com' })
  email!: string;
}
