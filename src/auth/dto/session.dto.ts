import { ApiProperty } from '@nestjs/swagger';

export class SessionView {
  @ApiProperty({ type: 'integer' })
  id!: number;

  @ApiProperty({ description: 'The beginning of the User-Agent header at login' })
  device!: string;

  @ApiProperty({ format: 'date-time', description: 'When the session began' })
  created_at!: string;

  @ApiProperty({ format: 'date-time', description: 'When it ends by itself' })
  expires_at!: string;

  @ApiProperty({ description: 'Whether it is the session that asks' })
  current!: boolean;
}
