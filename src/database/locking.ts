import type { DataSource } from 'typeorm';

/** The locks that a MySQL or MariaDB server, or one that speaks as they do, knows. */
export interface Locking {
  /** Locking reads that leave out what others hold: MySQL 8, MariaDB 10.6. */
  skipsLocked: boolean;
  /** Locks that several transactions may hold on a row at once. TiDB has none. */
  shares: boolean;
  /** One statement that fails instead of waiting, and leaves its transaction as it was: MariaDB. */
  refusesToWait: boolean;
}

/** Tries it out, with the tables in place. */
export async function locksOf(source: DataSource): Promise<Locking> {
  const knows = (lock: string): Promise<boolean> =>
    source.query(`SELECT id FROM conversations WHERE id = 0 ${lock}`).then(
      () => true,
      () => false,
    );
  const [skipsLocked, shares] = [await knows('FOR UPDATE SKIP LOCKED'), await knows('LOCK IN SHARE MODE')];
  if (!skipsLocked || source.options.type !== 'mariadb') return { skipsLocked, shares, refusesToWait: false };
  // A server may be set to undo the whole transaction: what follows would then be committed statement by statement.
  const [variable] = await source.query<{ Value: string }[]>("SHOW VARIABLES LIKE 'innodb_rollback_on_timeout'");
  return { skipsLocked, shares, refusesToWait: variable?.Value === 'OFF' };
}
