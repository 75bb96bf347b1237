import { ValidationPipe } from '@nestjs/common';
import { validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import { Invalid } from '../errors.js';
import { acceptsOf } from './compiled-rules.js';

/** Fields that a DTO does not have are refused, so that a typo is an error and not ignored. */
const STRICT: ValidatorOptions = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
};

const UNKNOWN = 'is not a field of this request';

function invalidFrom(errors: ValidationError[]): Invalid {
  const fields = Object.fromEntries(
    errors.map(({ property, constraints }) => {
      const isUnknown = constraints?.['whitelistValidation'] !== undefined;
      return [printable(property), isUnknown ? [UNKNOWN] : Object.values(constraints ?? { nested: 'is not valid' })];
    }),
  );
  const sentence = Object.entries(fields)
    .map(([field, wrong]) => `${field} ${wrong.join(', ')}`)
    .join('; ');
  return new Invalid(`Check the request: ${sentence}.`, fields);
}

/** The name of a field as the client sent it, shortened for the answer. */
const printable = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}…` : name);

/** Parses bodies, queries and bodies of GET requests into their DTO classes. */
export const httpValidationPipe = (): ValidationPipe =>
  new ValidationPipe({ ...STRICT, transform: true, validateCustomDecorators: true, exceptionFactory: invalidFrom });

/** More fields than any request has: the answer would name each one that is too many. */
const MAX_FIELDS = 32;
/** Deeper than any request is: recursive functions must not run out of stack. */
const MAX_DEPTH = 4;

/** Refuses bodies that no valid request has, before their fields are validated. @throws Invalid */
export function assertWithinComplexityLimits(value: unknown, depth = 1): void {
  if (typeof value !== 'object' || value === null) return;
  const names = Object.keys(value);
  if (names.length > MAX_FIELDS) throw new Invalid(`Send at most ${MAX_FIELDS} fields.`);
  // `constructor`, `__proto__`, `toString` and so on: the DTO's class would look them up on itself.
  const inherited = names.find((name) => name in Object.prototype);
  if (inherited !== undefined)
    throw new Invalid(`Check the request: ${inherited} ${UNKNOWN}.`, Object.fromEntries([[inherited, [UNKNOWN]]]));
  if (depth > MAX_DEPTH) throw new Invalid(`Nest at most ${MAX_DEPTH} levels.`);
  for (const name of names) assertWithinComplexityLimits((value as Record<string, unknown>)[name], depth + 1);
}

/** Parses a socket's payload into its DTO class. @throws Invalid naming each offending field */
export function parsePayload<T extends object>(dto: new () => T, payload: unknown): T {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload) || Buffer.isBuffer(payload)) {
    throw new Invalid('Send one JSON object.');
  }
  assertWithinComplexityLimits(payload);
  const parsed = new dto();
  // No name is one of an object's own, `__proto__` say, which would replace the class that has the rules: that was refused above.
  Object.assign(parsed, payload);
  if (acceptsOf(dto)(parsed)) return parsed;
  const errors = validateSync(parsed, STRICT);
  if (errors.length > 0) throw invalidFrom(errors);
  return parsed;
}
