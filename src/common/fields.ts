import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsOptional, IsString, Matches, Max, Min, ValidateBy } from 'class-validator';
import { isPlainName, isVisible, textLength } from './text/text.js';

/** Largest id that both databases' `integer` holds. */
export const MAX_ID = 2 ** 31 - 1;

/** Longest message, in characters. */
export const MAX_MESSAGE = 4_000;

/** Longest first or last name, in characters. */
export const MAX_NAME = 80;

/** Longest `client_id`, in characters. */
export const MAX_CLIENT_ID = 64;

const optionalOr = (isOptional: boolean | undefined, required: PropertyDecorator): PropertyDecorator[] =>
  isOptional ? [IsOptional()] : [required];

interface FieldOptions {
  description: string;
  optional?: boolean;
}

/** Null means the same as a missing field. */
const documented = ({ description, optional }: FieldOptions, schema: object): PropertyDecorator =>
  optional ? ApiPropertyOptional({ description, nullable: true, ...schema }) : ApiProperty({ description, ...schema });

/** In a query string a number is text; texts that are not whole numbers are left for the validator to refuse. */
const FromQuery = () =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^-?\d{1,30}$/.test(value) ? Math.min(Number(value), Number.MAX_SAFE_INTEGER) : value,
  );

/** A whole number, 1 … 2³¹−1 unless told otherwise; text of digits is taken too, for query strings. */
export const IntegerField = (options: FieldOptions & { min?: number; max?: number }): PropertyDecorator => {
  const { min = 1, max = MAX_ID } = options;
  const range = { message: `must be a whole number from ${min} to ${max}` };
  return applyDecorators(
    documented(options, { type: 'integer', minimum: min, maximum: max }),
    ...optionalOr(options.optional, IsInt(range)),
    FromQuery(),
    IsInt(range),
    Min(min, range),
    Max(max, range),
  );
};

/** Ids that are named at once, a text with commas between: 1 to `max` of them. The field becomes a set of numbers. */
export const IdsField = ({ description, max }: { description: string; max: number }): PropertyDecorator =>
  applyDecorators(
    documented({ description, optional: true }, { type: 'string', example: '2,7,9' }),
    IsOptional(),
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && /^[1-9]\d*(,[1-9]\d*)*$/.test(value) ? new Set(value.split(',').map(Number)) : value,
    ),
    ValidateBy(
      {
        name: 'ids',
        validator: {
          validate: (ids) => ids instanceof Set && ids.size <= max && [...ids].every((id) => Number(id) <= MAX_ID),
        },
      },
      { message: `must be 1 to ${max} whole numbers from 1 to ${MAX_ID}, with commas between` },
    ),
  );

/** A list of at most `max` ids, each of them once. */
export const IdListField = (options: FieldOptions & { max: number }): PropertyDecorator => {
  const { max } = options;
  const isId = (id: unknown) => Number.isInteger(id) && Number(id) >= 1 && Number(id) <= MAX_ID;
  return applyDecorators(
    documented(options, { type: 'array', items: { type: 'integer', minimum: 1, maximum: MAX_ID }, maxItems: max }),
    ...(options.optional ? [IsOptional()] : []),
    ValidateBy(
      {
        name: 'idList',
        validator: {
          validate: (ids) =>
            Array.isArray(ids) && ids.length <= max && ids.every(isId) && new Set(ids).size === ids.length,
        },
      },
      { message: `must be a list of at most ${max} whole numbers from 1 to ${MAX_ID}, each of them once` },
    ),
  );
};

interface TextBounds {
  min: number;
  max: number;
  isSeen: boolean;
}

/** What is wrong with a text; undefined for nothing. */
function textProblem(text: unknown, { min, max, isSeen }: TextBounds): string | undefined {
  if (typeof text !== 'string') return 'must be a text';
  // JavaScript strings can hold halves of surrogate pairs, UTF-8 cannot: neither can a database or a socket.
  if (!text.isWellFormed()) return 'must not hold half of a character (a lone surrogate)';
  // White space at the ends does not count, but is kept.
  const length = text.length > max * 4 ? Infinity : textLength(text);
  if (length < min || length > max)
    return `must be a text of ${min} to ${max} characters, not counting white space at its ends`;
  return isSeen && !isVisible(text) ? 'must hold something that can be seen' : undefined;
}

/** Any text of `min` to `max` code points, counted after trimming and kept as sent; where it `isSeen`, with something visible in it. */
export const TextField = (
  options: FieldOptions & Pick<TextBounds, 'max'> & Partial<Pick<TextBounds, 'min' | 'isSeen'>>,
): PropertyDecorator => {
  const bounds: TextBounds = { min: options.min ?? 1, max: options.max, isSeen: options.isSeen ?? false };
  return applyDecorators(
    documented(options, { type: 'string', minLength: bounds.min, maxLength: bounds.max }),
    ...optionalOr(options.optional, IsString({ message: 'must be a text' })),
    ValidateBy({
      name: 'text',
      validator: {
        validate: (value) => textProblem(value, bounds) === undefined,
        defaultMessage: (given) => textProblem(given?.value, bounds) ?? '',
      },
    }),
  );
};

/** What a message says. */
export const MessageField = (description: string): PropertyDecorator =>
  TextField({ description: `${description}; holds something that can be seen`, max: MAX_MESSAGE, isSeen: true });

/**
 * A name in one line: trimmed, 1 to `max` code points, something to see, no control, line-break or bidirectional characters; or none at
 * all, where it may be `empty`.
 */
export const NameField = (options: FieldOptions & { max: number; empty?: boolean }): PropertyDecorator => {
  const { max, empty = false } = options;
  return applyDecorators(
    documented(options, { type: 'string', minLength: empty ? 0 : 1, maxLength: max }),
    ...optionalOr(options.optional, IsString({ message: 'must be a text' })),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value)),
    ValidateBy(
      {
        name: 'plainName',
        validator: {
          validate: (value) =>
            (empty && value === '') || (typeof value === 'string' && isPlainName(value) && textLength(value) <= max),
        },
      },
      {
        message: `must be a name of ${empty ? 0 : 1} to ${max} characters in one line, with something to see and without control characters`,
      },
    ),
  );
};

const CLIENT_ID = new RegExp(`^[A-Za-z0-9._:-]{1,${MAX_CLIENT_ID}}$`);

/** A name that the client gives a message, so that sending it twice stores it once. */
export const ClientIdField = (): PropertyDecorator =>
  applyDecorators(
    documented(
      { description: 'Makes a repeat harmless: unique per sender and chat', optional: true },
      { type: 'string', minLength: 1, maxLength: MAX_CLIENT_ID },
    ),
    IsOptional(),
    IsString({ message: 'must be a text' }),
    Matches(CLIENT_ID, { message: `must be 1 to ${MAX_CLIENT_ID} of the characters A-Z a-z 0-9 . _ : -` }),
  );
