import { IdsField, MAX_NAME, TextField } from '../../common/fields.js';
import { CursorQuery } from '../../common/pages.js';

/** Longest beginning of a name that is looked for, in characters: two names and the blank between. */
export const MAX_QUERY = 2 * MAX_NAME + 1;

/** People of one question by their ids. */
export const MAX_IDS = 100;

export class UsersQuery extends CursorQuery {
  @TextField({
    description: 'Beginning of a name, of either part of it or of both; without regard to case and accents',
    optional: true,
    min: 0,
    max: MAX_QUERY,
  })
  query?: string;

  @IdsField({
    description:
      'These people alone, in the order of their ids; also those whose account is erased. Who does not exist is left out. Excludes the others',
    max: MAX_IDS,
  })
  ids?: ReadonlySet<number> | null;
}
