import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiResponse, ApiSecurity } from '@nestjs/swagger';

/** The body of every answer that refuses. */
export class ErrorAnswer {
  @ApiProperty({ example: 404 })
  statusCode!: number;

  @ApiProperty({ example: 'Not Found' })
  error!: string;

  @ApiProperty({ description: 'A stable word for programs', example: 'not_found' })
  code!: string;

  @ApiProperty({ description: 'What to do about it', example: 'There is no such chat room.' })
  message!: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'array', items: { type: 'string' } },
    description: 'Every offending input',
  })
  fields?: Record<string, string[]>;

  @ApiPropertyOptional({ type: 'integer', description: 'Seconds until the same request may work; also in Retry-After' })
  retry_after?: number;
}

/** Documents the refusals of a route. */
export const ApiErrors = (...statuses: number[]) =>
  applyDecorators(...statuses.map((status) => ApiResponse({ status, type: ErrorAnswer })));

/** Documents that a route needs a token, in either header. */
export const ApiToken = () => applyDecorators(ApiSecurity('authentication'), ApiSecurity('bearer'), ApiErrors(401));
