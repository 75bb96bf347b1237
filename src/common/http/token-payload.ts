import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';

/** Whatever a client sends over the socket may carry its token; the guard has read it before the rest is looked at. */
export class TokenPayload {
  @ApiPropertyOptional({ type: String, nullable: true, description: 'Needed once per socket' })
  @IsOptional()
  @IsString({ message: 'must be a text' })
  token?: string | null;
}
