import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, table } from './table.js';

/** Who is online is stored for each node, and a row of `server_beats` is that of a node. */
export class Nodes1764580000000 implements MigrationInterface {
  name = 'Nodes1764580000000';

  async up(runner: QueryRunner): Promise<void> {
    // The only node there was is number 1. One statement on MySQL, where a migration that breaks off is not undone.
    if (runner.connection.options.type !== 'better-sqlite3') {
      await runner.query(
        'ALTER TABLE online_people ADD COLUMN node int NOT NULL DEFAULT 1, DROP PRIMARY KEY, ADD PRIMARY KEY (user_id, node)',
      );
      return;
    }
    await runner.query('ALTER TABLE online_people RENAME TO online_people_before');
    const columns = [key('user_id'), { ...key('node'), default: 1 }];
    await runner.createTable(table({ name: 'online_people', withoutRowid: true, columns }));
    await runner.query('INSERT INTO online_people (user_id, node) SELECT user_id, 1 FROM online_people_before');
    await runner.query('DROP TABLE online_people_before');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DELETE FROM online_people WHERE node <> 1');
    await runner.query('DELETE FROM server_beats WHERE id <> 1');
    if (runner.connection.options.type !== 'better-sqlite3') {
      await runner.query('ALTER TABLE online_people DROP PRIMARY KEY, DROP COLUMN node, ADD PRIMARY KEY (user_id)');
      return;
    }
    await runner.query('ALTER TABLE online_people RENAME TO online_people_after');
    await runner.createTable(table({ name: 'online_people', withoutRowid: true, columns: [key('user_id')] }));
    await runner.query('INSERT INTO online_people (user_id) SELECT user_id FROM online_people_after');
    await runner.query('DROP TABLE online_people_after');
  }
}
