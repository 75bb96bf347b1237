import { ApiProperty } from '@nestjs/swagger';
import { IntegerField } from '../../common/fields.js';

export class AuditQuery {
  @IntegerField({ description: 'Only rows before this one', optional: true })
  before?: number | null;
}

export class AuditEntryView {
  @ApiProperty({ type: 'integer', description: '1, 2, 3 … without a gap' })
  id!: number;

  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Who acted; null: the command line, or the configuration',
  })
  actor_id!: number | null;

  @ApiProperty({ example: 'change_user' })
  action!: string;

  @ApiProperty({ example: 'user 7' })
  target!: string;

  @ApiProperty({ type: 'object', additionalProperties: true, example: { is_suspended: [false, true] } })
  detail!: object;

  @ApiProperty({ description: 'SHA-256 of this row and of the hash before, in hex' })
  hash!: string;
}
