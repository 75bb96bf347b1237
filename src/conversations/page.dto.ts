import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, ValidateBy } from 'class-validator';
import { IntegerField, MAX_ID } from '../common/fields.js';

/** Most messages of one page. */
export const PAGE_LIMIT = 100;

const DATE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})$/;

/** The first and the last moment that every database holds. A zone, and rounding up, lead beyond them. */
const FIRST_MOMENT = Date.parse('0000-01-01T00:00:00.000Z');
export const LAST_MOMENT = Date.parse('9999-12-31T23:59:59.999Z');

/** As `parseDate`; what lies beyond the moments that a database holds is the nearest one that it does. */
export function parseUntil(text: string): Date | undefined {
  const date = parseDate(text);
  return date && new Date(Math.min(Math.max(date.getTime(), FIRST_MOMENT), LAST_MOMENT));
}

/** Reads an ISO 8601 date with a zone; undefined where it is none. Parts of a millisecond are rounded up: "before" is exclusive. */
export function parseDate(text: string): Date | undefined {
  // In a query string a plus that was not encoded arrives as a space.
  const written = text.replace(/ (?=\d{2}:?\d{2}$)/, '+');
  const match = DATE.exec(written);
  if (!match) return undefined;
  const date = new Date(written.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  // JavaScript takes `2026-02-30` for a day in March: such dates are refused.
  if (
    Number.isNaN(date.getTime()) ||
    Number(match[3]) > new Date(Date.UTC(Number(match[1]), Number(match[2]), 0)).getUTCDate()
  )
    return undefined;
  const isBetween = /[1-9]/.test(match[7]?.slice(3) ?? '');
  return isBetween ? new Date(date.getTime() + 1) : date;
}

export const UntilField = () =>
  applyDecorators(
    ApiPropertyOptional({
      format: 'date-time',
      description: 'The messages just before this moment, exclusive; ISO 8601 with a zone',
    }),
    IsOptional(),
    IsString({ message: 'must be a text' }),
    ValidateBy(
      {
        name: 'until',
        validator: { validate: (value) => typeof value === 'string' && parseUntil(value) !== undefined },
      },
      { message: 'must be a date with a time and a zone, like 2026-11-22T06:46:35.437Z' },
    ),
  );

/** Which page of a history; without a cursor, the newest. At most one of `until`, `before`, `after` and `changes_after`. */
export class PageQuery {
  @UntilField()
  until?: string;

  @IntegerField({ description: 'The messages just before this seq', optional: true, max: MAX_ID })
  before?: number;

  @IntegerField({ description: 'The messages just after this seq', optional: true, min: 0, max: MAX_ID })
  after?: number;

  @IntegerField({
    description:
      'The messages whose latest change has a number after this one, in the order of these numbers; for clients that were away',
    optional: true,
    min: 0,
    max: MAX_ID,
  })
  changes_after?: number;

  @IntegerField({
    description: `Fewer than ${PAGE_LIMIT} messages; more than that means ${PAGE_LIMIT}`,
    optional: true,
    max: Number.MAX_SAFE_INTEGER,
  })
  limit?: number;
}

/** Whether another page than the newest one is asked for. */
export const hasCursor = ({ until, before, after, changes_after }: PageQuery): boolean =>
  [until, before, after, changes_after].some((value) => value != null);
