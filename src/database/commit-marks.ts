import { randomInt } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { MAX_ID } from '../common/fields.js';
import { MARK } from './lease-rows.js';

/**
 * What makes it certain what became of a COMMIT that was not answered, on a Galera cluster. Locks there are local to a server: while the
 * server that was asked to commit is still at it, another one would find the rows unchanged, and would not wait. So a transaction whose
 * COMMIT may have to be settled writes a row of its own as the last thing, its mark, and whoever settles it writes the same row first. Of two
 * transactions that write one row, the cluster commits one and rolls the other back: once the one that settles is committed, the lost one
 * can be seen, or will never be. Local to a process: the names that no transaction under way uses.
 */
export class CommitMarks {
  private readonly owner = randomInt(1, MAX_ID);
  private readonly free: string[] = [];
  private made = 0;

  /** One that no other transaction writes before it is given back. */
  take(): string {
    return this.free.pop() ?? `${MARK} ${this.owner} ${++this.made}`;
  }

  /** The transaction has ended. One of which that is never known keeps its mark. */
  giveBack(mark: string): void {
    this.free.push(mark);
  }
}

/** Each time the row changes: what changes nothing is not replicated. */
export async function writeMark(tx: EntityManager, mark: string): Promise<void> {
  await tx.query(
    `INSERT INTO leases (name, holder, until) VALUES (?, 0, UTC_TIMESTAMP(3))
     ON DUPLICATE KEY UPDATE until = GREATEST(VALUES(until), until + INTERVAL 1000 MICROSECOND)`,
    [mark],
  );
}
