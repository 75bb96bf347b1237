// Statements of one transaction on SQLite that are not waited for one by one, where one of them fails.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/data-source.js';
import { insertRows } from '../../src/database/dialect.js';
import type { UnitOfWork } from '../../src/database/unit-of-work.js';
import { temporaryFolder } from '../support/app.js';
import { openDatabase, unitOfWorkOf } from '../support/nodes.js';

describe('statements on SQLite', () => {
  let database: Database;
  let unitOfWork: UnitOfWork;

  beforeEach(async () => {
    const env = { DATA_DIR: temporaryFolder() };
    database = await openDatabase(env);
    unitOfWork = unitOfWorkOf(database, env);
    await database.query('CREATE TABLE said (id INT PRIMARY KEY, body TEXT)');
    await database.query("INSERT INTO said VALUES (1, 'before')");
  });
  afterEach(() => database.destroy());

  const limitPages = async (more: number): Promise<void> => {
    const [row] = await database.query<{ page_count: number }[]>('PRAGMA page_count');
    await database.query(`PRAGMA max_page_count = ${row.page_count + more}`);
  };

  it('are not committed one by one where SQLite has rolled the transaction back by itself', async () => {
    await limitPages(0);
    const failed = unitOfWork.run(async (tx) => {
      const all = await Promise.allSettled([
        tx.query('UPDATE said SET body = ? WHERE id = 1', ['after']),
        insertRows(tx, 'said', 'id, body', [[2, 'x'.repeat(100_000)]]),
        tx.query('UPDATE said SET body = ? WHERE id = 1', ['alone']),
        insertRows(tx, 'said', 'id, body', [[3, 'alone']]),
      ]);
      expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
      await Promise.all(all.map((one) => (one.status === 'rejected' ? Promise.reject(one.reason) : one.value)));
    });
    await expect(failed).rejects.toMatchObject({ code: 'SQLITE_FULL' });
    const stored = (): Promise<unknown> => database.query('SELECT id, body FROM said ORDER BY id');
    expect(await stored()).toEqual([{ id: 1, body: 'before' }]);

    // Neither the next transaction nor a statement without one is held up.
    await limitPages(1_000);
    await database.query("UPDATE said SET body = 'alone'");
    await unitOfWork.run((tx) => insertRows(tx, 'said', 'id, body', [[2, 'x'.repeat(100_000)]]));
    expect(await stored()).toHaveLength(2);
  });
});
