import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, moment, table } from './table.js';

/** Who is online, and when the server was last alive, to be read after a crash. */
export class OnlinePeople1764540000000 implements MigrationInterface {
  name = 'OnlinePeople1764540000000';

  async up(runner: QueryRunner): Promise<void> {
    // No foreign key: the insert would wait for transactions that change the user's row.
    await runner.createTable(table({ name: 'online_people', withoutRowid: true, columns: [key('user_id')] }));
    await runner.createTable(table({ name: 'server_beats', columns: [key('id'), moment('alive_at')] }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('server_beats');
    await runner.dropTable('online_people');
  }
}
