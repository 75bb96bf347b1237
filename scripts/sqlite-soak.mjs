// Prepares and drops statements of the embedded database by the thousand while the garbage collector runs, through the program's own
// reader and writer: a driver that does not get on with this Node ends the process with an abort. Run after `npm run build`:
//   node --expose-gc scripts/sqlite-soak.mjs [seconds]
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Database } from '../dist/database/data-source.js';
import { sqliteOptions } from '../dist/database/data-source-options.js';
import { inIds, inTuples } from '../dist/database/dialect.js';
import { sqliteDriver } from '../dist/database/sqlite/sqlite-driver.js';

const seconds = Number(process.argv[2] ?? 120);
const dataDir = mkdtempSync(join(tmpdir(), 'parley-soak-'));
const config = { dataDir, databaseUrl: undefined, migrateAtStart: true };
const database = await Database.open(config, sqliteOptions(config));
const plain = new (sqliteDriver())(':memory:');

const numbersTo = (length) => Array.from({ length }, (_, i) => i + 1);
let statements = 0;
let rounds = 0;
for (const end = Date.now() + seconds * 1_000; Date.now() < end; rounds++) {
  // What the driver alone prepares, and nobody keeps.
  for (let i = 0; i < 2_000; i++) plain.prepare(`SELECT ${statements++}`);
  // IN lists of all lengths, read and written, outside transactions and in them.
  const length = 1 + (rounds % 500);
  const { sql, values } = inIds('id', numbersTo(length));
  await database.reader.query(`SELECT id FROM users WHERE ${sql} AND ${rounds} = ${rounds}`, values);
  await database.query(`SELECT id FROM users WHERE id IN (${numbersTo(length).fill('?').join()})`, numbersTo(length));
  const runner = database.createQueryRunner();
  await runner.startTransaction();
  const pairs = inTuples(
    runner.manager,
    'conversation_id, seq',
    numbersTo(length).map((n) => [n, n]),
  );
  await runner.query(`DELETE FROM messages WHERE ${pairs.sql}`, pairs.values);
  await (rounds % 2 ? runner.commitTransaction() : runner.rollbackTransaction());
  await runner.release();
  statements += 3;
  if (rounds % 10 === 0) globalThis.gc?.();
  await turn();
}
plain.close();
await database.destroy();
rmSync(dataDir, { recursive: true, force: true });
process.stdout.write(
  `sqlite-soak: ${statements} statements in ${rounds} rounds on Node ${process.version}, without a fault\n`,
);
