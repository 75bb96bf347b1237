import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { ErrorCode } from '../error-codes.js';

/** The fields of an error for clients: on sockets as they are, over HTTP together with `statusCode` and `error`. */
export class ErrorBody {
  @ApiProperty({ type: String, description: 'The error code: a stable word for programs', example: 'not_found' })
  code!: ErrorCode;

  @ApiProperty({ description: 'A sentence for people: what to do about it', example: 'There is no such chat room.' })
  message!: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'array', items: { type: 'string' } },
    description: 'Wrong inputs by name, each with what is wrong with it',
  })
  fields?: Record<string, string[]>;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'Seconds until the same request may work; over HTTP also in Retry-After',
  })
  retry_after?: number;
}
