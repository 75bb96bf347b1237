import { TextField } from '../../common/fields.js';
import { CursorQuery } from '../../common/pages.js';

export class UsersQuery extends CursorQuery {
  @TextField({
    description: 'Beginning of a name, of either part of it or of both; without regard to case and accents',
    optional: true,
    min: 0,
    max: 161,
  })
  query?: string;
}
