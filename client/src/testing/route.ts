import { type Fields, parse, type Parsed } from './fields.js';
import type { House, Identity, Refusable } from './house.js';
import { LIST_COST } from './logins.js';

/** What a route is asked with. */
export interface Asked<F extends Fields> {
  readonly house: House;
  /** Who asks; `user_id` 0 for a route that anybody may ask. */
  readonly me: Identity;
  /** The number in a path, by its name. @throws Refusal */
  readonly id: (name?: 'id' | 'seq' | 'user_id') => number;
  /** The text in a path. */
  readonly word: string;
  readonly given: Parsed<F>;
  readonly device: string;
}

export interface Route {
  readonly method: string;
  readonly path: readonly string[];
  readonly status: number;
  /** Anybody may ask. */
  readonly isPublic: boolean;
  /** Rows, of which an answer has at most a thousand. */
  readonly isList: boolean;
  /** How much it counts among the reads, by its query. */
  readonly cost: (query: URLSearchParams) => number;
  readonly refusable: Refusable | undefined;
  /** Of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly run: (asked: Omit<Asked<Fields>, 'given'> & { readonly given: unknown }) => unknown;
}

/** What is not as it is of most routes. */
export interface More {
  status?: number;
  isPublic?: boolean;
  isList?: boolean;
  refusable?: Refusable;
  headers?: Route['headers'];
}

/** @param line method and path, as in `GET /http/users/:id` */
export function route<F extends Fields>(
  line: string,
  fields: F,
  run: (asked: Asked<F>) => unknown,
  more: More = {},
): Route {
  const [method = '', path = ''] = line.split(' ');
  const { status = 200, isPublic = false, isList = false, refusable, headers = {} } = more;
  return {
    method,
    path: path.split('/').slice(1),
    status,
    isPublic,
    isList,
    // A hundred people by their keys are no more than a page of messages.
    cost: (query) => (isList && !query.has('ids') ? LIST_COST : 1),
    refusable,
    headers,
    // What stands in the path is looked at before what was sent along.
    run: (asked) => {
      for (const name of path.match(/(?<=:)(id|seq|user_id)\b/g) ?? []) asked.id(name as 'id');
      return run({ ...asked, given: parse(fields, asked.given, 'http') });
    },
  };
}

/** A route whose answer is rows. */
export const list = <F extends Fields>(line: string, fields: F, run: (asked: Asked<F>) => unknown): Route =>
  route(line, fields, run, { isList: true, refusable: 'lists' });

export const open: More = { isPublic: true };
