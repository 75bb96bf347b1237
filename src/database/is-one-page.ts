import type { EntityManager } from 'typeorm';
import { LIST_LIMIT } from '../common/pages.js';

/**
 * Whether a list fits on one page.
 * @param rows the SQL behind FROM, with an ORDER BY of the list's key: otherwise the database may read more than a page
 */
export async function isOnePage(read: EntityManager, rows: string): Promise<boolean> {
  const next = await read.query<unknown[]>(`SELECT 1 FROM ${rows} LIMIT 1 OFFSET ${LIST_LIMIT}`);
  return next.length === 0;
}
