import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EntityTarget, type FindOptionsWhere, In } from 'typeorm';
import type { UnitOfWork } from './unit-of-work.js';

/** Rows of one transaction: a millisecond or two, in which the event loop and everybody's messages wait. */
export const SLICE = 500;

/** Deletes all rows that fit, however many they are, a slice at a time: others write in between. */
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
    // What no longer fits by now stays.
    const some = { ...where, id: In(rows.map(({ id }) => id)) } as FindOptionsWhere<E>;
    await unitOfWork.run((tx) => tx.delete(entity, some));
    if (rows.length < SLICE) return;
    await nextTurn();
  }
}
