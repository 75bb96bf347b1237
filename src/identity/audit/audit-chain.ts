import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fromMoment } from '../../database/dialect.js';

/** What `verify` found: that the chain holds, up to its newest hash; or the first row where it does not. */
export type AuditVerdict =
  { isWhole: true; rows: number; hash: string } | { isWhole: false; rows: number; brokenAt: number; problem: string };

interface Row {
  id: number;
  at: string | Date;
  actor_id: number | null;
  action: string;
  target: string;
  detail: string;
  hash: string;
}

/** The row of `audit_heads`. */
export interface Head {
  last_id: number;
  hash: string;
}

/** Before the first act. */
export const NOTHING: Head = { last_id: 0, hash: '' };

/** Rows of one statement. */
const AT_ONCE = 1_000;

/** Over the hash before, and all columns as they are stored. */
export const hashOf = (before: string, { id, at, actor_id, action, target, detail }: Omit<Row, 'hash'>): string =>
  createHash('sha256')
    .update(JSON.stringify([before, id, fromMoment(at).toISOString(), actor_id, action, target, detail]))
    .digest('hex');

/**
 * Calculates the chain of the audit log anew, up to where it ends now. Whoever keeps the newest hash elsewhere sees whether the log was written
 * anew as a whole.
 */
export async function verifyChain(ask: <T>(sql: string, values: number[]) => Promise<T[]>): Promise<AuditVerdict> {
  const [found] = await ask<Head>('SELECT last_id, hash FROM audit_heads WHERE id = 1', []);
  const head = found ?? NOTHING;
  if (!found && (await ask('SELECT id FROM audit_log LIMIT 1', [])).length > 0)
    return { isWhole: false, rows: 0, brokenAt: 0, problem: 'audit_heads has lost its row' };
  let [hash, rows] = ['', 0];
  while (rows < head.last_id) {
    const some = await ask<Row>(
      `SELECT id, at, actor_id, action, target, detail, hash FROM audit_log
       WHERE id > ? AND id <= ? ORDER BY id LIMIT ${AT_ONCE}`,
      [rows, head.last_id],
    );
    for (const row of some) {
      const wrong = (problem: string): AuditVerdict => ({ isWhole: false, rows, brokenAt: rows + 1, problem });
      if (row.id !== rows + 1) return wrong('the row is missing');
      if (row.hash !== hashOf(hash, row)) return wrong('the row is not what its hash says');
      [hash, rows] = [row.hash, row.id];
    }
    if (some.length === 0) return { isWhole: false, rows, brokenAt: rows + 1, problem: 'the row is missing' };
    await nextTurn();
  }
  if (hash !== head.hash)
    return { isWhole: false, rows, brokenAt: rows, problem: 'the chain does not end where audit_heads says' };
  return { isWhole: true, rows, hash };
}
