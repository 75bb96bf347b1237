import type { ResultSetHeader } from 'mysql2';
import type { EntityManager } from 'typeorm';

/** How long a lease is held after it was taken or renewed. A node that dies keeps it for as long. */
export const LEASE_MS = 10_000;
/** How often it is renewed meanwhile: two in a row may be lost. */
export const RENEW_EVERY_MS = 3_000;
/** The first word of the names in which transactions leave their marks: see `CommitMarks`. Nobody holds them. */
export const MARK = 'commit';

/*
 * The statements of table `leases`, for MySQL and MariaDB: on SQLite there is one process. Time is that of the database, as it was when the
 * statement began: the clocks of the nodes may differ by any time, and one that had to wait for the row gets less, not more.
 */

/** The name of the lease that a node has for itself: while it is held, so are the rows that the node has claimed. */
export const leaseOfNode = (nodeId: number): string => `node ${nodeId}`;

/** Deletes the leases of nodes that ended an hour ago, and the marks of their transactions: each start makes new ones. */
export async function forgetNodes(tx: EntityManager): Promise<void> {
  await tx.query(
    `DELETE FROM leases WHERE (name LIKE 'node %' OR name LIKE 'start %' OR name LIKE '${MARK} %')
     AND until < UTC_TIMESTAMP(3) - INTERVAL 1 HOUR`,
  );
}

/** Takes the lease where it is free, or renews it. @returns whether it is this holder's now */
export async function takeLease(tx: EntityManager, name: string, holder: number, forMs = LEASE_MS): Promise<boolean> {
  const renewed = await tx.query<ResultSetHeader>(
    `UPDATE leases SET holder = ?, until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND
     WHERE name = ? AND (holder = ? OR until <= UTC_TIMESTAMP(3))`,
    [holder, forMs * 1_000, name, holder],
  );
  if (renewed.affectedRows === 1) return true;
  const known = await tx.query<object[]>('SELECT 1 FROM leases WHERE name = ?', [name]);
  if (known.length > 0) return false;
  // Of two that make it at once, one finds it there.
  const made = await tx.query<ResultSetHeader>(
    'INSERT IGNORE INTO leases (name, holder, until) VALUES (?, ?, UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)',
    [name, holder, forMs * 1_000],
  );
  return made.affectedRows === 1;
}

/** Gives the lease up, where it is this holder's: after `restMs`, anybody may take it. */
export async function restLease(tx: EntityManager, name: string, holder: number, restMs = 0): Promise<void> {
  await tx.query(
    'UPDATE leases SET holder = 0, until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND WHERE name = ? AND holder = ?',
    [restMs * 1_000, name, holder],
  );
}

/**
 * Whether it is this holder's now. The row is renewed, and so locked until the transaction ends: nobody else takes the lease before. A lock
 * alone would count on one server of a cluster only; of two transactions that write a row, one fails.
 */
export async function isLeaseHeld(tx: EntityManager, name: string, holder: number): Promise<boolean> {
  const { affectedRows } = await tx.query<ResultSetHeader>(
    `UPDATE leases SET until = GREATEST(UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND, until + INTERVAL 1000 MICROSECOND)
     WHERE name = ? AND holder = ? AND until > UTC_TIMESTAMP(3)`,
    [LEASE_MS * 1_000, name, holder],
  );
  return affectedRows > 0;
}

/** A condition on rows with a column `claimed_by`: no node that lives has claimed them. */
export const CLAIMED_BY_NOBODY = `(claimed_by IS NULL OR claimed_by NOT IN
  (SELECT holder FROM leases WHERE name LIKE 'node %' AND until > UTC_TIMESTAMP(3)))`;
