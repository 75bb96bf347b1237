import type { EntityManager } from 'typeorm';
import { StartError } from '../../common/start-error.js';

/**
 * A row among the floors of the schema, which says that the tables are being filled. It is there before the first of them, and goes when all
 * is copied and compared. No program is new enough for it, so that those before this one refuse such a database, too.
 */
export const UNFINISHED = { migration: 'a copy that is not finished', oldestProgram: '999999.0.0' } as const;

/** The tables are those of a copy that broke off, or still runs: nothing may use them. */
export class UnfinishedCopy extends StartError {
  constructor() {
    super(
      'The database holds a part of a copy, which broke off or still runs. Run `parley move` or `parley restore` again: it begins anew. Or empty the database.',
    );
  }
}

export async function markUnfinished(tx: EntityManager): Promise<void> {
  await tx.query('INSERT INTO schema_floors (migration, oldest_program) VALUES (?, ?)', [
    UNFINISHED.migration,
    UNFINISHED.oldestProgram,
  ]);
}

export async function markFinished(tx: EntityManager): Promise<void> {
  await tx.query('DELETE FROM schema_floors WHERE migration = ?', [UNFINISHED.migration]);
}
