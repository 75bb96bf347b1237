import type { EntityManager, EntityTarget, QueryDeepPartialEntity } from 'typeorm';

/** Inserts one row into a table whose ids the database counts up. @returns its id */
export async function insertId<E extends { id: number }>(
  tx: EntityManager,
  entity: EntityTarget<E>,
  values: QueryDeepPartialEntity<E>,
): Promise<number> {
  const { identifiers } = await tx.insert(entity, values);
  const id: unknown = identifiers[0]?.['id'];
  if (typeof id === 'number') return id;
  throw new Error(`The database gave the new row of ${tx.connection.getMetadata(entity).tableName} no id.`);
}
