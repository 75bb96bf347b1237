import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { Invalid } from '../errors.js';
import { assertWithinComplexityLimits } from './validation.js';

/** Swagger knows only Nest's own `@Query()`. */
const describe: ParameterDecorator = (controller, method, index) => {
  const types = Reflect.getMetadata('design:paramtypes', controller, method!) as (new () => unknown)[];
  ApiQuery({ type: types[index]! })(controller, method!, Object.getOwnPropertyDescriptor(controller, method!)!);
};

const read = (_: unknown, context: ExecutionContext): Record<string, unknown> => {
  const { query, body } = context.switchToHttp().getRequest<{ query: object; body: unknown }>();
  assertWithinComplexityLimits(query);
  if (body === undefined || body === null) return { ...query };
  if (typeof body !== 'object' || Array.isArray(body)) throw new Invalid('The body must be a JSON object.');
  const twice = Object.keys(body).filter((name) => name in query);
  if (twice.length > 0)
    throw new Invalid(
      `Send ${twice.join(', ')} in the query or in the body, not in both.`,
      Object.fromEntries(twice.map((name) => [name, ['is in the query and in the body']])),
    );
  return { ...query, ...body };
};

/**
 * The `data` of a GET request: its query parameters, and the fields of a JSON body where a client sends one
 * (the protocol's original text writes it so). A field in both is refused rather than guessed at.
 */
export const Data = createParamDecorator(read, [describe]);
