import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Invalid } from '../errors.js';

/**
 * An id in the path: a whole number, written plainly. One that is larger than any id simply does not exist.
 * Not a pipe: the global one would have turned `01` and `1.0` into numbers before it.
 */
export const IdParam = createParamDecorator((name: string, context: ExecutionContext): number => {
  const text = context.switchToHttp().getRequest<{ params: Record<string, string> }>().params[name] ?? '';
  if (!/^[1-9]\d*$/.test(text)) {
    throw new Invalid('The id in the path must be a whole number.', { [name]: ['must be a whole number'] });
  }
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
});
