import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { Invalid } from '../errors.js';

const Id = createParamDecorator((name: string, context: ExecutionContext): number => {
  const text = context.switchToHttp().getRequest<{ params: Record<string, string> }>().params[name] ?? '';
  if (!/^[1-9]\d*$/.test(text)) {
    throw new Invalid('The id in the path must be a whole number.', { [name]: ['must be a whole number'] });
  }
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
});

/**
 * An id in the path: a whole number, without leading zeros or a fraction. One that is larger than any id does not exist.
 * Not a pipe: the global one would have turned `01` and `1.0` into numbers before it.
 */
export const IdParam =
  (name: string): ParameterDecorator =>
  (controller, method, index) => {
    Id(name)(controller, method, index);
    // Swagger knows only Nest's own `@Param()`.
    ApiParam({ name, schema: { type: 'integer', minimum: 1 } })(
      controller,
      method!,
      Object.getOwnPropertyDescriptor(controller, method!)!,
    );
  };
