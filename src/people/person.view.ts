import { ApiProperty } from '@nestjs/swagger';

/** A user as others see them: never with an e-mail address. */
export class PersonView {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty()
  first_name!: string;

  @ApiProperty()
  last_name!: string;

  @ApiProperty()
  is_online!: boolean;
}
