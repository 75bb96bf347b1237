import type { MigrationInterface, QueryRunner } from 'typeorm';
import { integer, key, table } from './table.js';

/** Messages that were edited or deleted, and the order in which that happened. */
export class Changes1764300000000 implements MigrationInterface {
  name = 'Changes1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    // In SQL of our own: TypeORM would make the whole table anew on SQLite.
    await runner.query('ALTER TABLE conversations ADD COLUMN last_change integer NULL');
    await runner.query('ALTER TABLE messages ADD COLUMN change_seq integer NULL');
    await runner.query('ALTER TABLE messages ADD COLUMN edited_at datetime(3) NULL');
    await runner.query('ALTER TABLE messages ADD COLUMN deleted_at datetime(3) NULL');
    await runner.createTable(
      table({
        name: 'message_changes',
        withoutRowid: true,
        columns: [key('conversation_id'), key('change_seq'), integer('seq')],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('message_changes');
    for (const column of ['deleted_at', 'edited_at', 'change_seq'])
      await runner.query(`ALTER TABLE messages DROP COLUMN ${column}`);
    await runner.query('ALTER TABLE conversations DROP COLUMN last_change');
  }
}
