// What has been answered is garbage, and a young one: it must not become old, where it costs a full collection.
import { getHeapSpaceStatistics } from 'node:v8';
import { expect, it } from 'vitest';
import { insertRows } from '../../src/database/dialect.js';
import { emptyDatabase, onServers } from '../support/app.js';
import { nodeEnvironment, openDatabase, unitOfWorkOf } from '../support/nodes.js';

const OLD = new Set(['old_space', 'large_object_space']);
const oldBytes = (): number =>
  getHeapSpaceStatistics()
    .filter(({ space_name }) => OLD.has(space_name))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0);

onServers('statements that are answered', (kind) => {
  it('leave nothing behind that only a full collection would find', async () => {
    const made = await emptyDatabase(kind);
    const env = nodeEnvironment(made.url);
    const database = await openDatabase(env);
    const unitOfWork = unitOfWorkOf(database, env);
    await database.query('CREATE TABLE said (body VARCHAR(200)) ENGINE=MEMORY');
    const write = (i: number): Promise<void> =>
      unitOfWork.run(
        async (tx) => {
          const rows = Array.from({ length: 400 }, (_, row) => [`${'x'.repeat(90)} ${i} ${row}`]);
          await insertRows(tx, 'said', 'body', rows);
          await tx.query('DELETE FROM said');
        },
        { isAhead: true, settles: true },
      );
    for (let i = 0; i < 100; i++) await write(i);
    // Upwards alone: a full collection in between makes it smaller.
    let [grown, before] = [0, oldBytes()];
    const STATEMENTS = 600;
    for (let i = 0; i < STATEMENTS; i++) {
      await write(i);
      const now = oldBytes();
      grown += Math.max(0, now - before);
      before = now;
    }
    // Each has some 40 kB of text, and objects of twice as much. It was 40 kB for each once.
    expect(grown / STATEMENTS).toBeLessThan(10_000);
    await database.destroy();
    await made.drop();
  });
});
