import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import { PersonView } from '../../people/person.view.js';
import { IntegerField } from '../../common/fields.js';

export class AnswerAccessRequest {
  @IntegerField({ description: 'Who asked' })
  requester_id!: number;

  @ApiProperty({ description: 'true lets them in, false refuses' })
  @IsBoolean({ message: 'must be true or false' })
  access!: boolean;
}

export class AccessRequestView {
  @ApiProperty({ type: 'integer' })
  chat_group_id!: number;

  @ApiProperty({ type: 'integer', description: 'Who asks' })
  user_id!: number;

  @ApiProperty({ enum: ['pending', 'granted', 'refused'] })
  status!: 'pending' | 'granted' | 'refused';

  @ApiProperty({ format: 'date-time' })
  created_at!: string;
}

export class PendingRequestView extends AccessRequestView {
  @ApiProperty({ type: PersonView })
  requester!: PersonView;
}
