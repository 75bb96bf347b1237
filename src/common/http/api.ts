import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiResponse, ApiSecurity } from '@nestjs/swagger';
import { ErrorBody } from './error-body.js';

/** The body of every answer that refuses. */
export class ErrorAnswer extends ErrorBody {
  @ApiProperty({ type: 'integer', example: 404 })
  statusCode!: number;

  @ApiProperty({ example: 'Not Found' })
  error!: string;
}

/** Documents the refusals of a route. */
export const ApiErrors = (...statuses: number[]) =>
  applyDecorators(...statuses.map((status) => ApiResponse({ status, type: ErrorAnswer })));

/** Documents that a route needs a token, in either header; whoever has one is counted. */
export const ApiToken = () =>
  applyDecorators(ApiSecurity('authentication'), ApiSecurity('bearer'), ApiErrors(401, 429));
