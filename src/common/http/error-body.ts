import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { ErrorCode } from '../error-codes.js';

/** What a client is told about an error, on a socket as it is and over HTTP beside `statusCode` and `error`. */
export class ErrorBody {
  @ApiProperty({ type: String, description: 'A stable word for programs', example: 'not_found' })
  code!: ErrorCode;

  @ApiProperty({ description: 'A sentence for people: what to do about it', example: 'There is no such chat room.' })
  message!: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'array', items: { type: 'string' } },
    description: 'Offending inputs by name, each with what is wrong with it',
  })
  fields?: Record<string, string[]>;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'Seconds until the same request may work; over HTTP also in Retry-After',
  })
  retry_after?: number;
}
