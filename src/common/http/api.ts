import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiResponse, ApiSecurity } from '@nestjs/swagger';
import { ErrorBody } from './error-body.js';

/** The body of every error answer. */
export class ErrorAnswer extends ErrorBody {
  @ApiProperty({ type: 'integer', example: 404 })
  statusCode!: number;

  @ApiProperty({ example: 'Not Found' })
  error!: string;
}

/** Documents the errors of a route. */
export const ApiErrors = (...statuses: number[]) =>
  applyDecorators(...statuses.map((status) => ApiResponse({ status, type: ErrorAnswer })));

/** Documents that a route needs a token, in either header, and that its requests are counted. */
export const ApiToken = () =>
  applyDecorators(ApiSecurity('authentication'), ApiSecurity('bearer'), ApiErrors(401, 429));
