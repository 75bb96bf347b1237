import { TextField } from '../../common/fields.js';
import { EmailField } from '../dto/email.field.js';
import { PASSWORD } from '../dto/login.dto.js';

export class ChangeEmail {
  @EmailField()
  email!: string;

  @TextField({ description: 'The password', min: 0, max: PASSWORD.max })
  password!: string;
}

export class EmailLinkRequest {
  @TextField({ description: 'From the link', max: 128 })
  token!: string;
}
