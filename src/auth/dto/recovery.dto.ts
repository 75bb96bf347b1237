import { ApiProperty } from '@nestjs/swagger';
import { TextField } from '../../common/fields.js';
import { EmailField } from './email.field.js';
import { PASSWORD } from './login.dto.js';

/** Asks for a mail. */
export class MailRequest {
  @EmailField()
  email!: string;
}

export class MailAnswer {
  @ApiProperty({ example: 'If the address has an account, a mail with a link is on its way to it.' })
  message!: string;
}

export class ResetPasswordRequest {
  @TextField({ description: 'From the link', max: 128 })
  token!: string;

  @TextField({ description: 'The new one', ...PASSWORD })
  password!: string;
}
