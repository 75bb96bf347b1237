import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { IntegerField } from '../../common/fields.js';
import { ReasonRequest } from './admin-users.dto.js';

/** Fields that are missing or null stay as they are; one of the first two is needed. */
export class AdminChangeGroup extends ReasonRequest {
  @IntegerField({ description: 'The member who owns it from now on', optional: true })
  owner_id?: number | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true, description: 'true: it can only be read from now on' })
  @IsOptional()
  @IsBoolean({ message: 'must be true or false' })
  is_frozen?: boolean | null;
}

export class AdminGroupView {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty()
  name!: string;

  @ApiProperty({ type: 'integer' })
  owner_id!: number;

  @ApiProperty()
  is_private!: boolean;

  @ApiProperty()
  is_frozen!: boolean;

  @ApiProperty({ type: 'integer' })
  member_count!: number;

  @ApiProperty({ type: 'integer', description: 'Deleted ones count' })
  message_count!: number;

  @ApiProperty({ format: 'date-time' })
  created_at!: string;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'null: none yet' })
  last_message_at!: string | null;
}
