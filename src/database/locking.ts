import type { DataSource } from 'typeorm';

/** What a MySQL or MariaDB server can do instead of waiting for a lock. */
export interface Locking {
  /** Locking reads that leave out what others hold: MySQL 8, MariaDB 10.6. */
  skipsLocked: boolean;
  /** One statement that fails instead of waiting, and leaves its transaction as it was: MariaDB. */
  refusesToWait: boolean;
}

/** Tries it out, with the tables in place. */
export async function locksOf(source: DataSource): Promise<Locking> {
  const skipsLocked = await source
    .query('SELECT id FROM conversations WHERE id = 0 FOR UPDATE SKIP LOCKED')
    .then(() => true)
    .catch(() => false);
  if (!skipsLocked || source.options.type !== 'mariadb') return { skipsLocked, refusesToWait: false };
  // A server may be set to undo the whole transaction: what follows would then be committed statement by statement.
  const [variable] = await source.query<{ Value: string }[]>("SHOW VARIABLES LIKE 'innodb_rollback_on_timeout'");
  return { skipsLocked, refusesToWait: variable?.Value === 'OFF' };
}
