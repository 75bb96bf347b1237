import { ApiProperty } from '@nestjs/swagger';
import { PASSWORD } from '../../auth/dto/login.dto.js';
import { TextField } from '../../common/fields.js';

export class ElevateRequest {
  @TextField({ description: "The caller's password", min: 0, max: PASSWORD.max })
  password!: string;
}

export class ElevationView {
  @ApiProperty({ format: 'date-time', description: 'Until then, this session may use the routes of its role' })
  elevated_until!: string;
}
