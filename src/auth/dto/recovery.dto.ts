import { ApiProperty } from '@nestjs/swagger';
import { TextField } from '../../common/fields.js';
import { EmailField } from './email.field.js';
import { PASSWORD } from './login.dto.js';

/** Asks for a mail. */
export class MailRequest {
  @EmailField()
  email!: string;
}

/** Either a token, or an address with or without the password that was chosen for it. */
export class ResendRequest {
  @EmailField({ optional: true })
  email?: string | null;

  @TextField({
    description: 'The password that was registered with the address',
    min: 0,
    max: PASSWORD.max,
    optional: true,
  })
  password?: string | null;

  @TextField({ description: 'From a link that was sent before', max: 128, optional: true })
  token?: string | null;
}

export class MailAnswer {
  @ApiProperty({ example: 'If the address has an account, a mail with a link is on its way to it.' })
  message!: string;
}

export class ResetPasswordRequest {
  @TextField({ description: 'From the link', max: 128 })
  token!: string;

  @TextField({ description: 'The new password', ...PASSWORD })
  password!: string;
}

export class RestorePasswordRequest {
  @TextField({ description: 'From the link', max: 128 })
  token!: string;
}
