import { type EntityManager, In } from 'typeorm';
import { Export } from './export.entity.js';

/** Inside the caller's transaction: from its commit on, nobody gets an export of this user. `ExportRemoval` deletes the bytes. */
export async function endExports(tx: EntityManager, userId: number): Promise<void> {
  await tx.update(Export, { userId, state: In(['waiting', 'ready']) }, { state: 'ended', tokenHash: null });
}
