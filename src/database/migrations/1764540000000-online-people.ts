import type { MigrationInterface, QueryRunner } from 'typeorm';
import { key, moment, table } from './table.js';

/** Who is online, and when the server was last alive: what a crash would otherwise take along. */
export class OnlinePeople1764540000000 implements MigrationInterface {
  name = 'OnlinePeople1764540000000';

  async up(runner: QueryRunner): Promise<void> {
    // No foreign key: whoever comes online would wait for whoever changes their row.
    await runner.createTable(table({ name: 'online_people', withoutRowid: true, columns: [key('user_id')] }));
    await runner.createTable(table({ name: 'server_beats', columns: [key('id'), moment('alive_at')] }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('server_beats');
    await runner.dropTable('online_people');
  }
}
