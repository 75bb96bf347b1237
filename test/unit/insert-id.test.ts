import type { EntityManager } from 'typeorm';
import { expect, it } from 'vitest';
import { insertId } from '../../src/database/insert-id.js';
import { Session } from '../../src/identity/session.entity.js';

/** A transaction on a database that gives a new row these ids. */
const inserting = (...identifiers: unknown[]): EntityManager =>
  ({
    insert: () => Promise.resolve({ identifiers }),
    connection: { getMetadata: () => ({ tableName: 'sessions' }) },
  }) as never;

it('gives the id of the new row', async () => {
  expect(await insertId(inserting({ id: 7 }), Session, { userId: 1 })).toBe(7);
});

it('says which table it was that gave no id', async () => {
  for (const identifiers of [[], [undefined], [{}]])
    await expect(insertId(inserting(...identifiers), Session, { userId: 1 })).rejects.toThrow(
      'The database gave the new row of sessions no id.',
    );
});
