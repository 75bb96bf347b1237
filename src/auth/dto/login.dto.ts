import { ApiProperty } from '@nestjs/swagger';
import { TextField } from '../../common/fields.js';
import { EmailField } from './email.field.js';

/** Bounds of a password, in characters. */
export const PASSWORD = { min: 8, max: 128 };

export class LoginRequest {
  @EmailField()
  email!: string;

  // No lower bound: a short one is simply wrong.
  @TextField({ description: 'The password', min: 0, max: PASSWORD.max })
  password!: string;
}

export class LoginAnswer {
  @ApiProperty({ description: 'Send it in the header `authentication`, and as `token` on the socket' })
  token!: string;
}

export class Done {
  @ApiProperty({ example: true })
  ok!: true;
}
