import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { Invalid } from './errors.js';

/** Rows of a list in one answer; for more, the header `Link: <…>; rel="next"` leads on. */
export const LIST_LIMIT = 1_000;

/** A cursor: the sort keys of the last row of a page, as an opaque text. */
export class CursorQuery {
  @ApiPropertyOptional({ description: 'From the Link header of the page before' })
  @IsOptional()
  @Matches(/^[\w-]{1,400}$/, { message: 'must be taken from a Link header' })
  cursor?: string;
}

export interface Page<T> {
  rows: T[];
  /** Set where more rows follow. */
  cursor?: string;
}

/** Cuts `rows`, read one past the limit, to a page. `keyOf` gives the sort keys of a row. */
export function toPage<T>(rows: T[], keyOf: (row: T) => (string | number)[], limit = LIST_LIMIT): Page<T> {
  if (rows.length <= limit) return { rows };
  const page = rows.slice(0, limit);
  return { rows: page, cursor: Buffer.from(JSON.stringify(keyOf(page.at(-1)!))).toString('base64url') };
}

/** As `toMoment` writes it. JavaScript takes February 30th for a day in March; MySQL takes it for an error. */
function isMoment(key: string): boolean {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/.test(key)) return false;
  const iso = `${key.replace(' ', 'T')}Z`;
  const date = new Date(iso);
  return !Number.isNaN(date.getTime()) && date.toISOString() === iso;
}

/** Checks of sort keys, so that forged ones do not reach the database. */
const KEY = {
  number: (key: unknown) => Number.isSafeInteger(key),
  text: (key: unknown) => typeof key === 'string' && key.isWellFormed(),
  moment: (key: unknown) => typeof key === 'string' && isMoment(key),
};

/** Reads a cursor back: `kinds` are the types of its sort keys. @throws Invalid where it was not made by `toPage` */
export function readCursor(cursor: string | undefined, kinds: (keyof typeof KEY)[]): (string | number)[] | undefined {
  if (cursor == null) return undefined;
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(keys) && keys.length === kinds.length && kinds.every((kind, i) => KEY[kind](keys[i])))
      return keys;
  } catch {
    // Not JSON: refused below, like every cursor that we did not make.
  }
  throw new Invalid('cursor must be taken from a Link header.', { cursor: ['must be taken from a Link header'] });
}
