import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';

/** Every payload over the socket may carry a token, which the guard reads before the rest is validated. */
export class TokenPayload {
  @ApiPropertyOptional({ type: String, nullable: true, description: 'Needed once per socket' })
  @IsOptional()
  @IsString({ message: 'must be a text' })
  token?: string | null;
}
