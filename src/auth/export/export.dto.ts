import { TextField } from '../../common/fields.js';
import { PASSWORD } from '../dto/login.dto.js';

export class ExportRequest {
  @TextField({ description: "The caller's password", min: 0, max: PASSWORD.max })
  password!: string;
}
