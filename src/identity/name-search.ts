import type { EntityManager } from 'typeorm';
import { LIST_LIMIT, type Page, readCursor, toPage } from '../common/pages.js';

/** The last code point: everything that begins with a prefix sorts before prefix + LAST. */
export const LAST = '\u{10ffff}';

/**
 * The ids of those whose name begins with `prefix` (see `nameKey`), first name first or last name first, by that name. Two ranges of two indexes,
 * merged: as many rows are read as are shown, however many users there are.
 */
export async function searchNames(read: EntityManager, prefix: string, cursor?: string): Promise<Page<number>> {
  const [afterKey, afterId] = readCursor(cursor, ['text', 'number']) ?? ['', 0];
  const range = (column: string) =>
    `SELECT id, ${column} AS k FROM users WHERE ${column} >= ? AND ${column} < ? AND erased_at IS NULL
     AND (${column} > ? OR (${column} = ? AND id > ?))`;
  const order = `ORDER BY k, id LIMIT ${LIST_LIMIT + 1}`;
  const bounds = [prefix, prefix + LAST, afterKey, afterKey, afterId];
  const found = await read.query<{ id: number; k: string }[]>(
    // A user who is found by both ranges is shown once, where the first one has them.
    `SELECT id, k FROM (
       SELECT * FROM (${range('first_name_key')} ${order}) AS by_first
       UNION ALL
       SELECT * FROM (${range('last_name_key')} AND NOT (first_name_key >= ? AND first_name_key < ?) ${order}) AS by_last
     ) AS found ${order}`,
    [...bounds, ...bounds, prefix, prefix + LAST],
  );
  const { rows, cursor: next } = toPage(found, ({ k, id }) => [k, id]);
  const ids = rows.map(({ id }) => id);
  return next === undefined ? { rows: ids } : { rows: ids, cursor: next };
}
