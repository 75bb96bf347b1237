import type { DataSource } from 'typeorm';
import { isDeadlock, isLockTimeout, isServerError } from '../common/lost-connection.js';

/** The locks that a MySQL or MariaDB server, or one that speaks as they do, knows. */
export interface Locking {
  /** Locking reads that skip rows which other transactions hold: MySQL 8, MariaDB 10.6. */
  skipsLocked: boolean;
  /** Locks that several transactions may hold on a row at once. TiDB has none. */
  shares: boolean;
  /** A statement that fails instead of waiting for a lock, and leaves its transaction as it was: MariaDB. */
  refusesToWait: boolean;
}

/** Tries each of these, once the tables are there. */
export async function locksOf(source: DataSource): Promise<Locking> {
  const knows = (lock: string): Promise<boolean> =>
    source.query(`SELECT id FROM conversations WHERE id = 0 ${lock}`).then(
      () => true,
      (error: unknown) => {
        // Where the server is away, or its cluster changes, it is not known.
        if (!isServerError(error) || isLockTimeout(error) || isDeadlock(error)) throw error;
        return false;
      },
    );
  const [skipsLocked, shares] = [await knows('FOR UPDATE SKIP LOCKED'), await knows('LOCK IN SHARE MODE')];
  if (!skipsLocked || source.options.type !== 'mariadb') return { skipsLocked, shares, refusesToWait: false };
  // A server may be set to roll back the whole transaction: the following statements would then be committed one by one.
  const [variable] = await source.query<{ Value: string }[]>("SHOW VARIABLES LIKE 'innodb_rollback_on_timeout'");
  return { skipsLocked, shares, refusesToWait: variable?.Value === 'OFF' };
}
