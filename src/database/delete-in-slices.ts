import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EntityTarget, type FindOptionsWhere, In } from 'typeorm';
import type { UnitOfWork } from './unit-of-work.js';

/** Rows of one transaction: one or two milliseconds, for which the event loop and all messages wait. */
export const SLICE = 500;

/** Deletes all rows that match, however many, a slice at a time: other transactions run in between. */
export async function deleteInSlices<E extends { id: number }>(
  unitOfWork: UnitOfWork,
  entity: EntityTarget<E>,
  where: FindOptionsWhere<E>,
): Promise<void> {
  for (;;) {
    const rows = await unitOfWork.read
      .createQueryBuilder(entity, 'row')
      .select('row.id', 'id')
      .where(where)
      .take(SLICE)
      .getRawMany<{ id: number }>();
    if (rows.length === 0) return;
    // Rows that do not match any more by now stay.
    const some = { ...where, id: In(rows.map(({ id }) => id)) } as FindOptionsWhere<E>;
    await unitOfWork.run((tx) => tx.delete(entity, some));
    if (rows.length < SLICE) return;
    await nextTurn();
  }
}
